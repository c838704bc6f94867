/*
 * choose.h - the exit rule of a model: what was asked for and what its config.json
 * stores, checked against what its files hold.
 */
#ifndef OFR_EXIT_CHOOSE_H
#define OFR_EXIT_CHOOSE_H

#include "exit/rule.h"
#include "model/encoder.h"

/* name NULL: the stored rule, else never; wanted NaN: the stored threshold with that
 * rule, else the rule's default.  OFR_INVALID: what was asked for is wrong; OFR_FORMAT:
 * what is stored, and the line begins with its key. */
ofr_status ofr_rule_choose(const ofr_rule **rule, double *threshold,
                           const ofr_config *config, const char *name, double wanted,
                           ofr_error *err);

/* Name of the stored rule, "never" without one; borrowed from `config`. */
const char *ofr_rule_stored(const ofr_config *config);

/* Do the model's files hold what the rule looks at?  OFR_INVALID says what is missing
 * and what to do. */
ofr_status ofr_rule_serves(const ofr_rule *rule, const ofr_encoder *encoder,
                           ofr_error *err);

/* Both, for the model that was opened from `dir`: what is wrong with the stored rule is
 * said of dir/config.json. */
ofr_status ofr_rule_of_model(const ofr_rule **rule, double *threshold,
                             const ofr_encoder *encoder, const char *dir,
                             const char *name, double wanted, ofr_error *err);

#endif
