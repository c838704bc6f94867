/* registry.c - the list of methods, and their options' defaults. */
#include <stddef.h>
#include <string.h>

#include "method/method.h"

#define ROW(name) &ofr_method_##name,
const ofr_method *const ofr_methods[] = {OFR_METHOD_LIST(ROW) NULL};

ofr_status ofr_method_find(const ofr_method **out, const char *name, ofr_error *err)
{
    char known[300] = "";

    for (int i = 0; ofr_methods[i]; i++) {
        if (strcmp(ofr_methods[i]->name, name) == 0) {
            *out = ofr_methods[i];
            return OFR_OK;
        }
        if (i) strncat(known, ", ", sizeof known - strlen(known) - 1);
        strncat(known, ofr_methods[i]->name, sizeof known - strlen(known) - 1);
    }
    return ofr_fail(err, OFR_INVALID, "unknown method '%s'; known: %s", name, known);
}

/* Is `word` among the words of `list`? */
static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);

    for (const char *p = list; p && *p; p += strcspn(p, " "), p += *p == ' ')
        if (strncmp(p, word, n) == 0 && (p[n] == ' ' || p[n] == 0)) return true;
    return false;
}

bool ofr_method_reads(const ofr_method *method, const char *option)
{
    if (has_word(method->options, option)) return true;
    for (int i = 0; ofr_methods[i]; i++)
        if (has_word(ofr_methods[i]->options, option)) return false;
    return true;
}

bool ofr_method_trains_exits(const ofr_method *method, const ofr_method_options *options)
{
    return method->all_exits ||
           (options->all_exits && ofr_method_reads(method, "all-exits"));
}

ofr_status ofr_method_fits(const ofr_method *method, bool regression, ofr_error *err)
{
    char others[200] = "";

    if (!regression || !method->rule->classes_only) return OFR_OK;
    for (int i = 0; ofr_methods[i]; i++) {
        if (ofr_methods[i]->rule->classes_only) continue;
        if (others[0]) strncat(others, ", ", sizeof others - strlen(others) - 1);
        strncat(others, ofr_methods[i]->name, sizeof others - strlen(others) - 1);
    }
    return ofr_fail(err, OFR_INVALID,
                    "method %s looks at the probabilities of classes, and this task is a "
                    "regression; methods for it: %s", method->name, others);
}

ofr_status ofr_method_check(const ofr_method *method, const ofr_method_options *options,
                            int L, bool regression, ofr_error *err)
{
    const int kept = options->layers ? options->layers : L;

    OFR_TRY(ofr_method_fits(method, regression, err));
    if (kept > L)
        return ofr_fail(err, OFR_INVALID, "--layers %d: the model has only %d", kept, L);
    if (method->all_exits && kept < 2)
        return ofr_fail(err, OFR_INVALID,
                        "%s needs a model with at least 2 layers, not %d", method->name,
                        kept);
    return method->check ? method->check(options, kept, regression, err) : OFR_OK;
}

#define AT(member) offsetof(ofr_method_options, member)

static const ofr_opt rows[] = {
    OFR_METHOD_ROWS(AT),
    {.name = NULL},
};

void ofr_method_options_init(ofr_method_options *options)
{
    *options = (ofr_method_options){0};
    ofr_opt_defaults(rows, options);
}
