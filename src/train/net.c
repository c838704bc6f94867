/* net.c - gathers a batch, runs trace and heads, and back. */
#include "train/net.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "nn/loss.h"

/* Tokens of the max_B longest texts: no batch can have more. */
static ofr_status most_tokens(int *out, const ofr_dataset *data, int max_B,
                              ofr_error *err)
{
    const size_t n = (size_t)data->max_T + 1;
    int *count = ofr_mem_array(n, sizeof *count);
    long long N = 0;
    int left = max_B;

    if (!count) return ofr_fail_nomem(err, n * sizeof *count, "text lengths");
    for (int i = 0; i < data->n; i++)
        count[data->offsets[i + 1] - data->offsets[i]]++;
    for (int T = data->max_T; T > 0 && left > 0; T--) {
        const int take = count[T] < left ? count[T] : left;

        N += (long long)take * T;
        left -= take;
    }
    ofr_mem_free(count);
    if (N > INT_MAX / 4)
        return ofr_fail(err, OFR_INVALID, "a batch of %d texts would have %lld tokens",
                        max_B, N);
    *out = (int)N;
    return OFR_OK;
}

static void layout(ofr_slots *slots, void *owner)
{
    ofr_net *net = owner;
    const ofr_config *config = &net->encoder->config;
    const size_t rows = (size_t)config->L * (size_t)net->max_B;

    net->offsets = ofr_slots_take(slots, (size_t)net->max_B + 1, sizeof(int));
    net->ids = ofr_slots_take(slots, (size_t)net->max_N, sizeof(int));
    net->types = ofr_slots_take(slots, (size_t)net->max_N, sizeof(int));
    net->cls = ofr_slots_take(slots, rows * (size_t)config->C, sizeof(ofr_real));
    net->dcls = ofr_slots_take(slots, rows * (size_t)config->C, sizeof(ofr_real));
    net->dz = ofr_slots_take(slots, rows * (size_t)config->K, sizeof(ofr_real));
}

ofr_status ofr_net_open(ofr_net *net, ofr_encoder *encoder, ofr_dev *dev,
                        const ofr_dataset *data, int max_B, ofr_error *err)
{
    ofr_status status;

    *net = (ofr_net){.data = data, .encoder = encoder};
    net->max_B = max_B < data->n ? max_B : data->n;
    OFR_TRY(most_tokens(&net->max_N, data, net->max_B, err));
    status = ofr_slots_open(&net->slots, layout, net, "a training batch", err);
    if (!status)
        status = ofr_trace_open(&net->trace, encoder, dev, net->max_B, data->max_T,
                                net->max_N, err);
    if (!status) status = ofr_heads_open(&net->heads, encoder, dev, net->max_B, err);
    if (status) ofr_net_close(net);
    return status;
}

void ofr_net_close(ofr_net *net)
{
    ofr_heads_close(&net->heads);
    ofr_trace_close(&net->trace);
    ofr_slots_close(&net->slots);
    *net = (ofr_net){0};
}

/* What other ranks have of the batch before this one's part. */
static void skip(ofr_net *net, const int *batch, int n)
{
    const int *offsets = net->data->offsets;

    net->trace.rows_before = net->trace.p_before = 0;
    net->heads.texts_before = (size_t)n;
    for (int i = 0; i < n; i++) {
        const int T = offsets[batch[i] + 1] - offsets[batch[i]];

        net->trace.rows_before += (size_t)T;
        net->trace.p_before += ofr_trace_probabilities(&net->trace, T);
    }
}

void ofr_net_forward(ofr_net *net, const int *batch, int first, int B, uint64_t seed,
                     uint64_t step)
{
    const uint64_t stream = ofr_rng_stream(OFR_RNG_DROPOUT, step, 0);
    const int *items = batch + first;

    OFR_ASSERT(B >= 1 && B <= net->max_B);
    skip(net, batch, first);
    ofr_dataset_gather(net->data, items, B, net->offsets, net->ids, net->types);
    net->items = items;
    net->B = B;
    net->tokens = (ofr_tokens){B, net->offsets, net->ids, net->types};
    ofr_trace_forward(&net->trace, &net->tokens, net->cls, !net->frozen,
                      (uint32_t)ofr_rng_u64(seed, stream, 0));
    ofr_heads_forward(&net->heads, net->cls, B, true,
                      (uint32_t)ofr_rng_u64(seed, stream, 1));
    ofr_net_clear(net);
}

void ofr_net_clear(ofr_net *net)
{
    const ofr_config *config = &net->encoder->config;

    memset(net->dz, 0,
           (size_t)config->L * (size_t)net->B * (size_t)config->K * sizeof(ofr_real));
}

static size_t logits_at(const ofr_net *net, int l, int b)
{
    return ((size_t)(l - 1) * (size_t)net->B + (size_t)b) *
           (size_t)net->encoder->config.K;
}

const ofr_real *ofr_net_logits(const ofr_net *net, int l, int b)
{
    return net->heads.z + logits_at(net, l, b);
}

double ofr_net_loss(const ofr_net *net, int l, int b)
{
    const ofr_real *z = ofr_net_logits(net, l, b);
    const int item = net->items[b];

    if (net->data->targets) return ofr_loss_mse(z[0], (double)net->data->targets[item]);
    return ofr_loss_ce(z, net->encoder->config.K, net->data->labels[item]);
}

void ofr_net_loss_bwd(ofr_net *net, int l, int b, double weight)
{
    const size_t at = logits_at(net, l, b);
    const int item = net->items[b];

    if (net->data->targets)
        ofr_loss_mse_bwd(net->dz + at, net->heads.z[at], (double)net->data->targets[item],
                         weight);
    else
        ofr_loss_ce_bwd(net->dz + at, net->heads.z + at, net->encoder->config.K,
                        net->data->labels[item], weight);
}

void ofr_net_backward(ofr_net *net, ofr_real *grads)
{
    const int top = ofr_heads_backward(&net->heads, grads, net->dcls, net->dz);

    if (top > 0 && !net->frozen) ofr_trace_backward(&net->trace, grads, net->dcls, top);
}
