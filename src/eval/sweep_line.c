/* sweep_line.c - from points to a curve. */
#include "eval/sweep_line.h"

#include <math.h>

#include "base/mem.h"
#include "eval/curve.h"

const double ofr_line_saved_at[OFR_LINE_AT] = {0.25, 0.5, 0.75};
const double ofr_line_points_lost[OFR_LINE_AT] = {0, 1, 3};

/* All points of the curves with their tuning figures; work for n of them. */
typedef struct pool {
    int n;
    const ofr_sweep_curve **curves;
    const ofr_sweep_point **points;
    double *saved, *score, *reported;
    unsigned char *keep;
    int *order;
    ofr_slots slots;
} pool;

static void layout(ofr_slots *slots, void *owner)
{
    pool *p = owner;
    const size_t n = (size_t)p->n;

    p->curves = ofr_slots_take(slots, n, sizeof *p->curves);
    p->points = ofr_slots_take(slots, n, sizeof *p->points);
    p->saved = ofr_slots_take(slots, n, sizeof *p->saved);
    p->score = ofr_slots_take(slots, n, sizeof *p->score);
    p->reported = ofr_slots_take(slots, n, sizeof *p->reported);
    p->keep = ofr_slots_take(slots, n, 1);
    p->order = ofr_slots_take(slots, n, sizeof *p->order);
}

static ofr_status pool_open(pool *p, const ofr_sweep *sweep, int first, int end,
                            ofr_error *err)
{
    int at = 0;

    *p = (pool){0};
    for (int c = first; c < end; c++)
        p->n += sweep->curves[c].n;
    OFR_TRY(ofr_slots_open(&p->slots, layout, p, "points", err));
    for (int c = first; c < end; c++)
        for (int i = 0; i < sweep->curves[c].n; i++, at++) {
            const ofr_sweep_point *point = &sweep->curves[c].points[i];

            p->curves[at] = &sweep->curves[c];
            p->points[at] = point;
            p->saved[at] = point->tune.saved_layers;
            p->score[at] = point->tune.score;
            p->reported[at] = point->report.saved_layers;
        }
    return OFR_OK;
}

/* Losses are counted from the full model on the tuning texts, a point of every
 * curve. */
static void choose(ofr_sweep_line *line, const pool *p, double full)
{
    for (int k = 0; k < OFR_LINE_AT; k++) {
        const double least = full - ofr_line_points_lost[k] / 100;
        const int i = ofr_curve_fastest(p->saved, p->score, p->n, least);

        if (i < 0) continue;
        line->at_lost[k] = p->points[i];
        line->at_lost_curve[k] = p->curves[i];
    }
}

static ofr_status take(ofr_sweep_line *line, const pool *p, ofr_error *err)
{
    const size_t n = (size_t)line->n;
    const size_t bytes = n * (2 * sizeof(void *) + 3 * sizeof(double));

    line->saved = ofr_mem_alloc(bytes);
    if (!line->saved) return ofr_fail_nomem(err, bytes, "a curve");
    line->score = line->saved + n;
    line->random = line->score + n;
    line->points = (const ofr_sweep_point **)(void *)(line->random + n);
    line->curves = (const ofr_sweep_curve **)(void *)(line->points + n);
    for (size_t i = 0; i < n; i++) {
        const ofr_sweep_point *point = p->points[p->order[i]];

        line->points[i] = point;
        line->curves[i] = p->curves[p->order[i]];
        line->saved[i] = point->report.saved_layers;
        line->score[i] = point->report.score;
        line->random[i] = point->random_score;
    }
    return OFR_OK;
}

ofr_status ofr_sweep_line_open(ofr_sweep_line *line, const ofr_sweep *sweep,
                               const char *name, int first, int end, ofr_error *err)
{
    pool p;
    ofr_status status;

    *line = (ofr_sweep_line){.name = name, .alpha = (double)NAN};
    OFR_TRY(pool_open(&p, sweep, first, end, err));
    if (end == first + 1) line->alpha = sweep->curves[first].alpha;
    line->n_points = p.n;
    ofr_curve_front(p.keep, p.saved, p.score, p.n);
    line->n = ofr_curve_order(p.order, p.keep, p.reported, p.n);
    choose(line, &p, sweep->tune->score_full);
    status = take(line, &p, err);
    ofr_slots_close(&p.slots);
    return status;
}

void ofr_sweep_line_close(ofr_sweep_line *line)
{
    ofr_mem_free(line->saved);
    *line = (ofr_sweep_line){0};
}

double ofr_sweep_line_reach(const ofr_sweep_line *line)
{
    return line->n ? line->saved[line->n - 1] : (double)NAN;
}
