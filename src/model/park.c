/* park.c - texts set aside between two layers: rows in, rows out, no gaps. */
#include "model/park.h"

#include <string.h>

static void layout(ofr_slots *slots, void *owner)
{
    ofr_park *park = owner;
    size_t B = (size_t)park->max_B, N = (size_t)park->max_N;
    park->layer = ofr_slots_take(slots, B, sizeof(int));
    park->text = ofr_slots_take(slots, B, sizeof(int));
    park->offsets = ofr_slots_take(slots, B + 1, sizeof(int));
    park->x = ofr_slots_take(slots, N * (size_t)park->C, sizeof(ofr_real));
}

ofr_status ofr_park_open(ofr_park *park, const ofr_encoder *encoder, int max_B, int max_N,
                         ofr_error *err)
{
    ofr_park made = {.C = encoder->config.C, .max_B = max_B, .max_N = max_N};
    OFR_TRY(ofr_slots_open(&made.slots, layout, &made, "texts that wait", err));
    *park = made;
    return OFR_OK;
}

void ofr_park_close(ofr_park *park)
{
    if (!park) return;
    ofr_slots_close(&park->slots);
    *park = (ofr_park){0};
}

static void copy_rows(ofr_real *to, int to_row, const ofr_real *from, int from_row,
                      int n, int C)
{
    memmove(to + (size_t)to_row * (size_t)C, from + (size_t)from_row * (size_t)C,
            (size_t)n * (size_t)C * sizeof *to);
}

bool ofr_park_put(ofr_park *park, ofr_walk *walk)
{
    if (walk->B > park->max_B - park->B || walk->N > park->max_N - park->N) return false;
    copy_rows(park->x, park->N, walk->x, 0, walk->N, park->C);
    for (int b = 0; b < walk->B; b++) {
        park->layer[park->B] = walk->layer;
        park->text[park->B] = walk->text[b];
        park->offsets[++park->B] = park->N + walk->offsets[b + 1];
    }
    park->N += walk->N;
    walk->B = walk->N = 0;
    return true;
}

int ofr_park_rows(const ofr_park *park, int layer)
{
    int rows = 0;
    for (int b = 0; b < park->B; b++)
        if (park->layer[b] == layer) rows += park->offsets[b + 1] - park->offsets[b];
    return rows;
}

void ofr_park_take(ofr_park *park, ofr_walk *walk)
{
    int kept = 0, rows = 0, first = 0;
    walk->offsets[walk->B] = walk->N;
    for (int b = 0; b < park->B; b++) {
        int end = park->offsets[b + 1], T = end - first;
        if (park->layer[b] == walk->layer && walk->B < walk->max_B &&
            T <= walk->max_N - walk->N) {
            copy_rows(walk->x, walk->N, park->x, first, T, park->C);
            walk->text[walk->B] = park->text[b];
            walk->N += T;
            walk->offsets[++walk->B] = walk->N;
        } else {
            if (rows != first) copy_rows(park->x, rows, park->x, first, T, park->C);
            park->layer[kept] = park->layer[b];
            park->text[kept++] = park->text[b];
            rows += T;
            park->offsets[kept] = rows;
        }
        first = end;
    }
    park->B = kept;
    park->N = rows;
}
