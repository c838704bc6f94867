/*
 * cost.h - layers, FLOPs and time saved: one definition for all reports.
 *
 * FLOPs, 2 per multiply-add: a layer on T tokens 2T(4C^2 + 2CF) + 4T^2 C; a head
 * with its pooler 2(C^2 + CK); a policy 2(PC + P), LTE 2C.  Every head and policy
 * that ran is counted (METHOD, evaluation).
 */
#ifndef OFR_EXIT_COST_H
#define OFR_EXIT_COST_H

#include "exit/rule.h"
#include "model/config.h"

double ofr_cost_layer(const ofr_config *config, int T);
/* What of it a text saves that left when only its class row had gone through:
 * queries, keys and values of all rows were there, the other rows' attention and
 * what follows it were not. */
double ofr_cost_other_half(const ofr_config *config, int T);
double ofr_cost_head(const ofr_config *config);       /* pooler and classifier */
double ofr_cost_student(const ofr_config *config, int T);
double ofr_cost_policy(const ofr_config *config);
/* FLOPs of a text of T tokens that left at exit_layer under `rule`. */
double ofr_cost_text(const ofr_config *config, const ofr_rule *rule, int T,
                     int exit_layer);
/* A text whose tokens left one by one, token t of T after exits[t] layers: in every
 * layer all give keys and values (and queries, by the same product), 6C^2, and those
 * that take part attend, 4TC, and pass the rest, 2(C^2 + 2CF); one head at the end. */
double ofr_cost_by_token(const ofr_config *config, const int *exits, int T);
/* The same text run to layer L with one head at the end. */
double ofr_cost_full(const ofr_config *config, int T);

/* Mean exit layer; saved layers = 1 - mean / L. */
double ofr_cost_mean_layer(const int *exit_layer, int n);
double ofr_cost_saved_layers(double mean_layer, int L);

#endif
