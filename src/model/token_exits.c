/*
 * token_exits.c - rows that leave the network one by one, in the order of a table.
 *
 * Attention asks for the rows in question to be the first of their text, so a walk
 * sorts each text's rows once, at the start; positions are in the rows already, and
 * nothing in a layer depends on the order.
 */
#include <string.h>

#include "model/encoder_inner.h"

void ofr_encoder_token_exits(const ofr_encoder *encoder, int *exits,
                             const ofr_tokens *tokens, int shift)
{
    const ofr_real *table = encoder->w + encoder->params.token_exits;
    int L = encoder->config.L;
    OFR_ASSERT(encoder->params.token_exits != OFR_PARAM_NONE);
    for (int b = 0; b < tokens->B; b++) {
        int first = tokens->offsets[b];
        for (int n = first; n < tokens->offsets[b + 1]; n++) {
            int exit = (int)table[tokens->ids[n]] + shift;
            exits[n] = n == first || exit > L ? L : exit < 1 ? 1 : exit;
        }
    }
}

/* place[n] = where row n of the text [first, end) goes; a stable sort. */
static void sort_text(int *place, const int *exits, int first, int end, int L)
{
    int next = first;
    for (int layer = L; layer >= 1; layer--)
        for (int n = first; n < end; n++)
            if (exits[n] == layer) place[n] = next++;
    OFR_ASSERT(next == end && place[first] == first);
}

void ofr_walk_leave_by_token(ofr_walk *walk, const int *exits)
{
    size_t C = (size_t)walk->encoder->config.C;
    OFR_ASSERT(walk->rows && walk->layer == 0);
    for (int b = 0; b < walk->B; b++)
        sort_text(walk->place, exits, walk->offsets[b], walk->offsets[b + 1],
                  walk->encoder->config.L);
    memcpy(walk->rows, walk->x, (size_t)walk->N * C * sizeof *walk->x);
    for (int n = 0; n < walk->N; n++) {
        size_t to = (size_t)walk->place[n];
        walk->exits[to] = exits[n];
        memcpy(walk->x + to * C, walk->rows + (size_t)n * C, C * sizeof *walk->x);
    }
    walk->by_token = true;
}

/* walk->live for the next layer. */
void ofr_walk_count_live(ofr_walk *walk)
{
    for (int b = 0; b < walk->B; b++) {
        int n = walk->offsets[b];
        while (n < walk->offsets[b + 1] && walk->exits[n] > walk->layer)
            n++;
        walk->live[b] = n - walk->offsets[b];
    }
}

/* The live rows of x, side by side in `out` (may be x); returns how many. */
int ofr_walk_gather_live(const ofr_walk *walk, ofr_real *out, const ofr_real *x)
{
    size_t C = (size_t)walk->encoder->config.C, n = 0;
    for (int b = 0; b < walk->B; b++) {
        size_t rows = (size_t)walk->live[b];
        memmove(out + n * C, x + (size_t)walk->offsets[b] * C, rows * C * sizeof *out);
        n += rows;
    }
    return (int)n;
}

void ofr_walk_spread_live(const ofr_walk *walk, ofr_real *x, const ofr_real *rows)
{
    size_t C = (size_t)walk->encoder->config.C, n = 0;
    for (int b = 0; b < walk->B; b++) {
        size_t live = (size_t)walk->live[b];
        memcpy(x + (size_t)walk->offsets[b] * C, rows + n * C, live * C * sizeof *x);
        n += live;
    }
}

/* ---- training ------------------------------------------------------------- */

void ofr_trace_hold(const ofr_trace *trace, ofr_real *y, const ofr_real *x, int layer,
                    int N)
{
    size_t C = (size_t)trace->encoder->config.C;
    if (!trace->exits) return;
    for (int n = 0; n < N; n++)
        if (trace->exits[n] < layer)
            memcpy(y + (size_t)n * C, x + (size_t)n * C, C * sizeof *y);
}

void ofr_trace_hold_bwd(ofr_trace *trace, int layer, int N)
{
    size_t C = (size_t)trace->encoder->config.C;
    if (!trace->exits) return;
    for (int n = 0; n < N; n++) {
        ofr_real *dx = trace->dx + (size_t)n * C, *kept = trace->kept + (size_t)n * C;
        if (trace->exits[n] >= layer) continue;
        memcpy(kept, dx, C * sizeof *dx);
        memset(dx, 0, C * sizeof *dx);
    }
}

void ofr_trace_pass_bwd(ofr_trace *trace, int layer, int N)
{
    size_t C = (size_t)trace->encoder->config.C;
    if (!trace->exits) return;
    for (int n = 0; n < N; n++)
        if (trace->exits[n] < layer)
            trace->dev->ops.add(trace->dev, trace->dx + (size_t)n * C,
                                trace->kept + (size_t)n * C, C);
}
