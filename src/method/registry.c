/* registry.c - the list of methods, and their options' defaults. */
#include <stddef.h>
#include <string.h>

#include "method/method.h"

const ofr_method *const ofr_methods[] = {
    &ofr_method_consistentee,
    &ofr_method_finetune,
    NULL,
};

ofr_status ofr_method_find(const ofr_method **out, const char *name, ofr_error *err)
{
    char known[200] = "";

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
