/*
 * c_locale.h - numbers in texts as the C locale has them ("0.5"), whatever locale the
 * program that uses the library has chosen, and other threads of it.
 */
#ifndef OFR_BASE_C_LOCALE_H
#define OFR_BASE_C_LOCALE_H

#include <locale.h>

typedef struct ofr_c_locale {
    locale_t own, before;
} ofr_c_locale;

/* For the calling thread, until ofr_c_locale_leave().  The C libraries have this locale
 * ready; one that had no memory for it would leave things as they are. */
static inline void ofr_c_locale_enter(ofr_c_locale *c)
{
    c->own = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    c->before = c->own != (locale_t)0 ? uselocale(c->own) : (locale_t)0;
}

static inline void ofr_c_locale_leave(const ofr_c_locale *c)
{
    if (c->before != (locale_t)0) uselocale(c->before);
    if (c->own != (locale_t)0) freelocale(c->own);
}

#endif
