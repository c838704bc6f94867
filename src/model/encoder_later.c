/*
 * encoder_later.c - matrices that are packed when they turn out to be needed.
 *
 * Packing all matrices of a large model takes several times as long as its first
 * answer, and most of that is the system's work of finding fresh memory.  So they
 * may stay in the mapped file while the first pass of a model reads them there, to
 * the same bits (ops.h: packed or not); from the second pass on, whoever meets a
 * matrix that waits packs it.  One packs at a time and nobody waits for him:
 * another session goes on reading the file.  Layers that no text reaches are never
 * packed.
 */
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kernels/dev.h"
#include "model/encoder_inner.h"

typedef struct waiting {
    const ofr_real *w[OFR_PIECES_MAX]; /* in the file; pieces of the same size */
    int pieces;                        /* 0: this matrix never waited          */
    int O, I;                          /* of all pieces, one below the other   */
    atomic_bool packed;
} waiting;

struct ofr_later {
    atomic_bool begun;    /* the first pass has   */
    atomic_int packer;    /* the process in which somebody packs, 0: nobody does */
    waiting *matrices;    /* [n] as encoder->packed */
    size_t n;
    size_t left;          /* that are not packed; whoever packs has this and stage */
    ofr_real *stage;      /* pieces on their way; NULL when nothing is left */
};

ofr_status ofr_later_open(ofr_later **out, size_t n, size_t stage_reals, ofr_error *err)
{
    ofr_later *later = ofr_mem_zalloc(sizeof *later);
    if (!later) return ofr_fail_nomem(err, sizeof *later, "matrices that wait");
    later->n = n;
    later->matrices = ofr_mem_array(n, sizeof *later->matrices);
    later->stage = ofr_mem_alloc(stage_reals * sizeof *later->stage);
    if (!later->matrices || !later->stage) {
        ofr_later_close(later);
        return ofr_fail_nomem(err, stage_reals * sizeof *later->stage,
                              "matrices that wait");
    }
    for (size_t i = 0; i < n; i++) atomic_init(&later->matrices[i].packed, true);
    atomic_init(&later->begun, false);
    atomic_init(&later->packer, 0);
    *out = later;
    return OFR_OK;
}

void ofr_later_close(ofr_later *later)
{
    if (!later) return;
    ofr_mem_free(later->matrices);
    ofr_mem_free(later->stage);
    ofr_mem_free(later);
}

void ofr_later_add(ofr_later *later, size_t at, const ofr_real *const *w, int pieces,
                   int O, int I)
{
    waiting *m = &later->matrices[at];
    OFR_ASSERT(at < later->n && pieces <= OFR_PIECES_MAX && !m->pieces);
    memcpy(m->w, w, (size_t)pieces * sizeof *w);
    m->pieces = pieces;
    m->O = O;
    m->I = I;
    atomic_store(&m->packed, false);
    later->left++;
}

bool ofr_later_waits(const ofr_later *later)
{
    return later && later->left > 0;
}

bool ofr_later_begin(ofr_later *later)
{
    return later && !atomic_exchange(&later->begun, true);
}

/* Whoever packed when fork() made this process is not in it: his turn is over. */
static bool take_turn(ofr_later *later)
{
    const int mine = (int)getpid();
    int before = atomic_load(&later->packer);
    return before != mine &&
           atomic_compare_exchange_strong(&later->packer, &before, mine);
}

/* `m` into the place that was kept for it. */
static void pack(ofr_later *later, waiting *m, ofr_dev *dev, const ofr_packed *packed)
{
    size_t piece = (size_t)(m->O / m->pieces) * (size_t)m->I;
    const ofr_real *w = m->w[0];
    if (m->pieces > 1) {
        for (int i = 0; i < m->pieces; i++)
            memcpy(later->stage + (size_t)i * piece, m->w[i], piece * sizeof *w);
        w = later->stage;
    }
    /* The place is part of the encoder's own storage; a borrower may not write. */
    dev->ops.pack(dev, (void *)(uintptr_t)packed->data, packed->precision, w, m->O, m->I);
    for (int i = 0; i < m->pieces; i++) ofr_file_forget(m->w[i], piece * sizeof *w);
    atomic_store(&m->packed, true);
    if (--later->left > 0) return;
    ofr_mem_free(later->stage);
    later->stage = NULL;
}

const ofr_real *const *ofr_later_pieces(ofr_later *later, size_t at, ofr_dev *dev,
                                        const ofr_packed *packed, bool first_pass)
{
    waiting *m = later ? &later->matrices[at] : NULL;
    if (!m || atomic_load(&m->packed)) return NULL;
    if (!first_pass && take_turn(later)) {
        if (!atomic_load(&m->packed)) pack(later, m, dev, packed);
        atomic_store(&later->packer, 0);
    }
    return atomic_load(&m->packed) ? NULL : m->w;
}
