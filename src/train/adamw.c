/* adamw.c - spans of moved parameters, and the update on each. */
#include "train/adamw.h"

#include <string.h>

#include "base/mem.h"

ofr_status ofr_adamw_open(ofr_adamw *adamw, const ofr_params *params, ofr_dev *dev,
                          double beta1, double beta2, double eps, double weight_decay,
                          ofr_error *err)
{
    const size_t bytes = params->total * sizeof(ofr_real);

    *adamw = (ofr_adamw){.params = params, .dev = dev, .beta1 = beta1, .beta2 = beta2,
                         .eps = eps, .weight_decay = weight_decay};
    adamw->m = ofr_mem_zalloc(bytes);
    adamw->v = ofr_mem_zalloc(bytes);
    adamw->spans = ofr_mem_array((size_t)params->n, sizeof *adamw->spans);
    if (adamw->m && adamw->v && adamw->spans) return OFR_OK;
    ofr_adamw_close(adamw);
    return ofr_fail_nomem(err, 2 * bytes, "the optimizer's moments");
}

void ofr_adamw_close(ofr_adamw *adamw)
{
    ofr_mem_free(adamw->m);
    ofr_mem_free(adamw->v);
    ofr_mem_free(adamw->spans);
    *adamw = (ofr_adamw){0};
}

static bool is_moved(const ofr_params *params, const ofr_param *row, unsigned groups)
{
    if ((groups & OFR_GROUP_NOT_LAST) && row->layer == params->L) return false;
    return (row->group & groups) != 0;
}

void ofr_adamw_begin(ofr_adamw *adamw, unsigned groups)
{
    const ofr_params *params = adamw->params;

    adamw->n_spans = 0;
    adamw->t = 0;
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        ofr_span *last = adamw->n_spans ? &adamw->spans[adamw->n_spans - 1] : NULL;
        const int decay = row->decay && adamw->weight_decay != 0;

        if (!is_moved(params, row, groups)) continue;
        /* Tensors begin at multiples of 16 reals; the reals between two of them
         * are zero, have no gradient, and stay zero. */
        if (last && last->decay == decay && row->offset >= last->at + last->count &&
            row->offset - (last->at + last->count) < 16) {
            last->count = row->offset + row->count - last->at;
            continue;
        }
        adamw->spans[adamw->n_spans++] = (ofr_span){row->offset, row->count, decay};
    }
    for (int s = 0; s < adamw->n_spans; s++) {
        const ofr_span *span = &adamw->spans[s];

        memset(adamw->m + span->at, 0, span->count * sizeof(ofr_real));
        memset(adamw->v + span->at, 0, span->count * sizeof(ofr_real));
    }
}

void ofr_adamw_clear(const ofr_adamw *adamw, ofr_real *grads)
{
    for (int s = 0; s < adamw->n_spans; s++)
        memset(grads + adamw->spans[s].at, 0, adamw->spans[s].count * sizeof(ofr_real));
}

double ofr_adamw_norm(const ofr_adamw *adamw, const ofr_real *grads)
{
    double sum = 0;

    for (int s = 0; s < adamw->n_spans; s++)
        sum += adamw->dev->ops.sum_squares(adamw->dev, grads + adamw->spans[s].at,
                                           adamw->spans[s].count);
    return sqrt(sum);
}

void ofr_adamw_update(ofr_adamw *adamw, ofr_real *w, const ofr_real *grads, double lr,
                      double grad_scale)
{
    adamw->t++;
    for (int s = 0; s < adamw->n_spans; s++) {
        const ofr_span *span = &adamw->spans[s];
        const ofr_adamw_step step = {
            .lr = lr,
            .beta1 = adamw->beta1,
            .beta2 = adamw->beta2,
            .eps = adamw->eps,
            .decay = span->decay ? adamw->weight_decay : 0,
            .correct1 = 1 - pow(adamw->beta1, (double)adamw->t),
            .correct2 = 1 - pow(adamw->beta2, (double)adamw->t),
            .grad_scale = grad_scale,
        };

        adamw->dev->ops.adamw(adamw->dev, w + span->at, grads + span->at,
                              adamw->m + span->at, adamw->v + span->at, span->count,
                              step);
    }
}
