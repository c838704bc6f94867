/*
 * doctor_check.c - a product small enough to redo with plain loops.
 *
 * Its numbers are whole and small, so that no precision rounds: f16 and bf16 hold
 * them, sums stay below 2^24, and for int8 every row of x reaches from -128 to 127 and
 * every row of w to 63, which makes all scales 1.  Right then means equal.
 */
#include "base/mem.h"
#include "cli/doctor.h"
#include "tensor/quant.h"

enum { R = 7, I = 131, O = 37 };

typedef struct product {
    ofr_real x[R * I], w[O * I], b[O], y[R * O], want[R * O];
} product;

/* Whole numbers from low to high that look random, both ends among them. */
static void fill(ofr_real *row, int n, int low, int high, unsigned *seed)
{
    for (int i = 0; i < n; i++) {
        *seed = *seed * 1664525u + 1013904223u;
        row[i] = (ofr_real)(low + (int)((*seed >> 16) % (unsigned)(high - low + 1)));
    }
    row[n / 3] = (ofr_real)low;
    row[n / 2] = (ofr_real)high;
}

static void make(product *p)
{
    unsigned seed = 1;
    for (int r = 0; r < R; r++)
        fill(p->x + r * I, I, -128, 127, &seed);
    for (int o = 0; o < O; o++)
        fill(p->w + o * I, I, -OFR_INT8_WEIGHT, OFR_INT8_WEIGHT, &seed);
    fill(p->b, O, -1000, 1000, &seed);
    for (int r = 0; r < R; r++)
        for (int o = 0; o < O; o++) {
            double sum = (double)p->b[o];
            for (int i = 0; i < I; i++)
                sum += (double)p->x[r * I + i] * (double)p->w[o * I + i];
            p->want[r * O + o] = (ofr_real)sum;
        }
}

static bool equal(product *p, ofr_dev *dev, ofr_precision precision, void *block)
{
    ofr_packed packed = {precision, block};
    dev->ops.pack(dev, block, precision, p->w, O, I);
    for (int i = 0; i < R * O; i++)
        p->y[i] = (ofr_real)NAN;
    dev->ops.linear(dev, p->y, NULL, p->x, NULL, &packed, p->b, R, I, O, OFR_ACT_NONE);
    for (int i = 0; i < R * O; i++)
        if (!(p->y[i] == p->want[i])) return false;
    return true;
}

ofr_status ofr_doctor_check(bool *right, const ofr_ops *ops, ofr_error *err)
{
    product *p = ofr_mem_alloc(sizeof *p);
    ofr_status status = OFR_OK;
    ofr_dev *dev = NULL;
    if (!p) return ofr_fail_nomem(err, sizeof *p, "a product");
    make(p);
    *right = true;
    status = ofr_dev_open(&dev, ops, 1, 64, err);
    for (int i = 0; i < OFR_PRECISION_COUNT && !status; i++) {
        size_t bytes = ops->pack_size((ofr_precision)i, O, I);
        void *block = ofr_mem_alloc(bytes);
        if (!block)
            status = ofr_fail_nomem(err, bytes, "a packed matrix");
        else if (!equal(p, dev, (ofr_precision)i, block))
            *right = false;
        ofr_mem_free(block);
    }
    ofr_dev_close(dev);
    ofr_mem_free(p);
    return status;
}
