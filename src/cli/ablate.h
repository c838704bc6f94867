/*
 * ablate.h - what the files of `offramp ablate` share.
 *
 *   cmd_ablate.c          options and the table of questions
 *   ablate_unit.c         one training run
 *   ablate_file.c         and what it leaves behind
 *   ablate_table.c        figures over seeds, tables, judgements, the result's files
 *   ablate_reward.c       does the hardness factor pay, and for which texts?
 *   ablate_hardness.c     does the measure of hardness matter?
 *   ablate_gradient.c     closed form against samples
 *   ablate_iterations.c   how many task phases?
 *   ablate_consistency.c  are the exits better at the texts that leave there?
 *
 * A question trains units: `train` runs in OUT/QUESTION/NAME-sSEED that differ in
 * one option.  Each leaves unit.json when it is done, so that a call that was cut
 * short goes on where it stopped.  Units with the same joint phase fork from one
 * run in OUT/joint-sSEED, which has the bits of their own.
 */
#ifndef OFR_CLI_ABLATE_H
#define OFR_CLI_ABLATE_H

#include "base/arena.h"
#include "base/file.h"
#include "cli/data_hash.h"
#include "cli/train_data.h"
#include "eval/evaluate.h"
#include "eval/stats.h"

enum { OFR_ABLATE_SEEDS = 32, OFR_ABLATE_PRICES = 16, OFR_ABLATE_VARIANTS = 8 };

typedef struct ofr_ablate_values {
    ofr_train_values train; /* first: its rows are shared, and the common options */
    const char *seeds, *prices;
} ofr_ablate_values;

/* What a finished unit leaves; in the arena of the ablation. */
typedef struct ofr_ablate_unit {
    char folder[OFR_PATH_MAX];
    int n, L; /* dev texts, layers */
    double score, score_full, mean_exit;
    int *exit;            /* [n] 1..L */
    int *memorized;       /* [n] first layer from which all exits are right, or L */
    unsigned char *right; /* [n,L] */
} ofr_ablate_unit;

typedef struct ofr_ablation {
    const ofr_ablate_values *o;
    ofr_train_source source; /* of all units */
    ofr_data_hash data;
    const char *name; /* of the question */
    int n_seeds, n_prices;
    double seeds[OFR_ABLATE_SEEDS], prices[OFR_ABLATE_PRICES];
    ofr_ablate_unit *joint[OFR_ABLATE_SEEDS]; /* the shared phase; NULL: not yet */
    ofr_arena arena;
    int n, L;     /* texts and layers of every unit; 0: none yet */
    int done;     /* units, for remarks */
    ofr_buf text; /* the result as Markdown */
    json_t *json; /* and as JSON */
    json_t *rows; /* borrowed: "rows" of the table that is being made */
} ofr_ablation;

typedef struct ofr_ablate_question {
    const char *name, *title;
    const char *const *fixed; /* options that it sets itself, or has no use for */
    ofr_status (*run)(ofr_ablation *a, ofr_error *err);
} ofr_ablate_question;

extern const ofr_ablate_question ofr_ablate_reward, ofr_ablate_hardness,
    ofr_ablate_gradient, ofr_ablate_iterations, ofr_ablate_consistency;

/* ---- cmd_ablate.c -------------------------------------------------------------- */

/* The lists of a->o.  OFR_INVALID. */
ofr_status ofr_ablate_parse(ofr_ablation *a, ofr_error *err);

/* ---- ablate_file.c ------------------------------------------------------------- */

/* What makes a unit the one that is asked for. */
typedef struct ofr_ablate_origin {
    const char *command;
    const ofr_data_hash *data;
} ofr_ablate_origin;

/* unit.json at `path`. */
ofr_status ofr_ablate_unit_write(const char *path, const ofr_ablate_origin *origin,
                                 const ofr_eval *eval, ofr_error *err);
/* All but the folder of `unit`, its arrays in `arena`.  OFR_FORMAT: damaged;
 * OFR_INVALID: of another origin. */
ofr_status ofr_ablate_unit_read(ofr_arena *arena, ofr_ablate_unit *unit, const char *path,
                                const ofr_ablate_origin *origin, ofr_error *err);
/* How hard each training text is, from the checkpoint at `path` of a run that went no
 * further than its first policy phase.  *n: how many there must be, or 0: as many as
 * there are.  Caller frees *out (base/mem), also after an error.  OFR_FORMAT. */
ofr_status ofr_ablate_hardness_read(double **out, int *n, const char *path,
                                    ofr_error *err);

/* ---- ablate_unit.c ------------------------------------------------------------ */

/* The options that units start from: those of the call, with this seed. */
ofr_train_values ofr_ablate_base(const ofr_ablation *a, int seed);
/* Train `values` as NAME, or read what an earlier call left.  fork: its joint phase
 * is the shared one.  OFR_INVALID: NAME was made with other options. */
ofr_status ofr_ablate_train(ofr_ablation *a, ofr_ablate_unit **out, const char *name,
                            const ofr_train_values *values, int seed, bool fork,
                            ofr_error *err);
/* One unit for each of variants x prices x seeds, in units[v][p][s] flat;
 * set(values, v) makes the variant.  NAME is "VARIANT-PRICE". */
typedef void (*ofr_ablate_set)(ofr_train_values *values, int variant);
ofr_status ofr_ablate_grid(ofr_ablation *a, ofr_ablate_unit **units,
                           const char *const *names, int n_variants, ofr_ablate_set set,
                           ofr_error *err);

/* Shares over the texts that member[n] marks (NULL: all): right where they left, and
 * their mean exit layer.  NaN without any. */
double ofr_ablate_right(const ofr_ablate_unit *unit, const unsigned char *member);
double ofr_ablate_depth(const ofr_ablate_unit *unit, const unsigned char *member);

/* Mean over the exits that both curves reach of (a - b), where a[i] and b[i] are
 * units at the n prices and a curve is right against depth; NaN when none. */
double ofr_ablate_gap(ofr_ablate_unit *const *a, ofr_ablate_unit *const *b, int n,
                      int stride, const unsigned char *member);

/* ---- ablate_table.c ----------------------------------------------------------- */

typedef struct ofr_ablate_cell {
    double mean, std; /* std NaN: one value */
    int digits;
} ofr_ablate_cell;

/* Over x[n], NaN left out. */
ofr_ablate_cell ofr_ablate_cell_of(const double *x, int n, int digits);
ofr_ablate_cell ofr_ablate_number(double x, int digits);

/* A table: title, then rows.  columns[n]; the first is that of the labels. */
ofr_status ofr_ablate_table(ofr_ablation *a, const char *title,
                            const char *const *columns, int n, ofr_error *err);
ofr_status ofr_ablate_row(ofr_ablation *a, const char *const *columns, const char *label,
                          const ofr_ablate_cell *cells, int n, ofr_error *err);

/* +1, -1: the differences x[n] (one per seed, NaN left out) are more than `least`
 * away from 0 on average, and their interval of 95 % confidence (Student's t) does
 * not hold 0; 0: not shown.  One seed never shows anything. */
int ofr_ablate_judge(const double *x, int n, double least);

/* A sentence of the conclusion, printf-like; and its end. */
void ofr_ablate_say(ofr_ablation *a, const char *fmt, ...) OFR_PRINTF(2, 3);
/* OUT/NAME.md and OUT/NAME.json, and what the call prints. */
ofr_status ofr_ablate_finish(ofr_ablation *a, ofr_error *err);

#endif
