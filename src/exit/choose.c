/* choose.c - which rule a model follows, and whether it can. */
#include "exit/choose.h"

#include <math.h>
#include <string.h>

#include "base/file.h"

/* What was said of a value, as said of the file that stores it. */
static ofr_status wrong_config(const char *key, ofr_error *err)
{
    if (!err) return OFR_FORMAT;
    return ofr_fail(err, OFR_FORMAT, "\"%s\": %s; correct the file", key, err->text);
}

const char *ofr_rule_stored(const ofr_config *config)
{
    return config->rule[0] ? config->rule : ofr_rule_never.name;
}

ofr_status ofr_rule_choose(const ofr_rule **rule, double *threshold,
                           const ofr_config *config, const char *name, double wanted,
                           ofr_error *err)
{
    const char *stored = ofr_rule_stored(config);
    bool as_stored = !name || strcmp(name, stored) == 0;
    bool own = isnan(wanted) && as_stored && config->rule[0];
    const ofr_rule *found;
    ofr_status status = ofr_rule_find(&found, name ? name : stored, err);
    if (status != OFR_OK)
        return name ? status : wrong_config("offramp.rule", err);
    if (isnan(wanted))
        wanted = own ? config->threshold : ofr_rule_default(found, config->K);
    status = ofr_rule_check(found, wanted, config->L, err);
    if (status != OFR_OK)
        return own ? wrong_config("offramp.threshold", err) : status;
    *rule = found;
    *threshold = wanted;
    return OFR_OK;
}

ofr_status ofr_rule_serves(const ofr_rule *rule, const ofr_encoder *encoder,
                           ofr_error *err)
{
    unsigned found = encoder->found;
    if (rule == &ofr_rule_never) return OFR_OK;
    OFR_TRY(ofr_rule_fits(rule, &encoder->config, err));
    if (rule->needs_policy && !(found & OFR_GROUP_POLICIES))
        return ofr_fail(err, OFR_INVALID,
                        "rule '%s' needs policy networks, which this model does not "
                        "have; choose another rule, or train it with --method "
                        "consistentee", rule->name);
    if (!rule->by_token && !(found & OFR_GROUP_HEADS))
        return ofr_fail(err, OFR_INVALID,
                        "rule '%s' needs internal classifiers, which this model does not "
                        "have; choose the rule never, or train it first", rule->name);
    return OFR_OK;
}

ofr_status ofr_rule_of_model(const ofr_rule **rule, double *threshold,
                             const ofr_encoder *encoder, const char *dir,
                             const char *name, double wanted, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    ofr_status status =
        ofr_rule_choose(rule, threshold, &encoder->config, name, wanted, err);
    if (status == OFR_OK) {
        status = ofr_rule_serves(*rule, encoder, err);
        if (status != OFR_OK && !name) status = wrong_config("offramp.rule", err);
    }
    if (status != OFR_FORMAT || ofr_file_join(path, dir, "config.json", NULL) != OFR_OK)
        return status;
    return ofr_fail_prefix(err, status, path);
}
