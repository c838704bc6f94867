/* ref_attn.c - attention and its gradient, from the definitions in double. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kernels/ref/ref.h"

/* One text and head. */
struct head {
    int T, D;
    size_t ld;               /* row stride of q, k, v: 3C */
    const ofr_real *q, *k, *v;
    size_t first, p_at;      /* row of the text; start of its probabilities */
    size_t channel;          /* of this head within C */
};

static struct head head_of(const ofr_real *qkv, const ofr_attn_shape *s, int b, int i)
{
    size_t C = (size_t)s->H * (size_t)s->D;
    struct head h = {.T = s->offsets[b + 1] - s->offsets[b], .D = s->D, .ld = 3 * C};
    h.first = (size_t)s->offsets[b];
    h.channel = (size_t)i * (size_t)s->D;
    h.q = qkv + h.first * h.ld + h.channel;
    h.k = h.q + C;
    h.v = h.k + C;
    if (s->p_offsets)
        h.p_at = s->p_offsets[b] + (size_t)i * (size_t)h.T * (size_t)h.T;
    return h;
}

static double dot(const ofr_real *a, const ofr_real *b, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* p[T] = softmax of query i against all keys. */
static void probabilities(double *p, const struct head *h, int i)
{
    double top = -INFINITY, sum = 0;
    for (int j = 0; j < h->T; j++) {
        p[j] = dot(h->q + i * h->ld, h->k + j * h->ld, h->D) / sqrt((double)h->D);
        if (p[j] > top) top = p[j];
    }
    for (int j = 0; j < h->T; j++)
        sum += p[j] = exp(p[j] - top);
    for (int j = 0; j < h->T; j++)
        p[j] /= sum;
}

void ofr_ref_attention(ofr_dev *dev, ofr_real *o, ofr_real *p_out, const ofr_real *qkv,
                       ofr_attn_shape shape, ofr_drop drop)
{
    (void)dev;
    size_t C = (size_t)shape.H * (size_t)shape.D;
    for (int pair = 0; pair < shape.B * shape.H; pair++) {
        struct head h = head_of(qkv, &shape, pair / shape.H, pair % shape.H);
        double *p = ofr_mem_array((size_t)h.T, sizeof *p);
        if (!p) abort();
        int asking = shape.queries ? shape.queries[pair / shape.H] : h.T;
        for (int i = 0; i < asking; i++) {
            size_t at = h.p_at + (size_t)i * (size_t)h.T;
            probabilities(p, &h, i);
            for (int j = 0; j < h.T; j++) {
                if (p_out) p_out[at + j] = (ofr_real)p[j];
                p[j] = ofr_ref_drop(p[j], at + j, drop);
            }
            for (int c = 0; c < h.D; c++) {
                double sum = 0;
                for (int j = 0; j < h.T; j++)
                    sum += p[j] * (double)h.v[j * h.ld + c];
                o[(h.first + i) * C + h.channel + c] = (ofr_real)sum;
            }
        }
        ofr_mem_free(p);
    }
}

/* sums[T][3D]: dq, dk, dv of one head, given p. */
static void head_bwd(double *sums, double *ds, const struct head *h, const ofr_real *d_o,
                     size_t C, const ofr_real *p, ofr_drop drop)
{
    int T = h->T, D = h->D;
    memset(sums, 0, (size_t)T * 3 * (size_t)D * sizeof *sums);
    for (int i = 0; i < T; i++) {
        const ofr_real *row = p + (size_t)i * (size_t)T;
        const ofr_real *g = d_o + (h->first + i) * C + h->channel;
        double total = 0;
        for (int j = 0; j < T; j++) {
            size_t index = h->p_at + (size_t)i * (size_t)T + (size_t)j;
            double dropped = ofr_ref_drop((double)row[j], index, drop);
            ds[j] = ofr_ref_drop(dot(g, h->v + j * h->ld, D), index, drop);
            total += ds[j] * (double)row[j];
            for (int c = 0; c < D; c++)
                sums[(j * 3 + 2) * D + c] += dropped * (double)g[c];
        }
        for (int j = 0; j < T; j++) {
            double d = (double)row[j] * (ds[j] - total) / sqrt((double)D);
            for (int c = 0; c < D; c++) {
                sums[(i * 3 + 0) * D + c] += d * (double)h->k[j * h->ld + c];
                sums[(j * 3 + 1) * D + c] += d * (double)h->q[i * h->ld + c];
            }
        }
    }
}

void ofr_ref_attention_bwd(ofr_dev *dev, ofr_real *dqkv, const ofr_real *d_o,
                           const ofr_real *qkv, const ofr_real *p, ofr_attn_shape shape,
                           ofr_drop drop)
{
    (void)dev;
    size_t C = (size_t)shape.H * (size_t)shape.D;
    for (int pair = 0; pair < shape.B * shape.H; pair++) {
        struct head h = head_of(qkv, &shape, pair / shape.H, pair % shape.H);
        size_t D = (size_t)h.D, T = (size_t)h.T;
        double *sums = ofr_mem_array(T * 3 * D + T, sizeof *sums);
        if (!sums) abort();
        head_bwd(sums, sums + T * 3 * D, &h, d_o, C, p + h.p_at, drop);
        for (size_t i = 0; i < T * 3 * D; i++) {
            size_t row = i / (3 * D), part = i / D % 3, c = i % D;
            dqkv[(h.first + row) * h.ld + part * C + h.channel + c] = (ofr_real)sums[i];
        }
        ofr_mem_free(sums);
    }
}
