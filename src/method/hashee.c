/*
 * hashee.c - HashEE (arXiv 2203.01670): a token's layer is a function of the token.
 *
 *   train   backbone, pooler, last head   CE_L, every token leaving where the table says
 *
 * The table: tokens of the training texts from the most to the least frequent, cut
 * into --hash-buckets buckets that hold equally many occurrences; the first bucket
 * leaves after layer --hash-first, the last one (and what training never saw) after
 * layer L, the others evenly between.  The first token of a text is left out: it is
 * read by the classifier and stays to the end whatever the table says.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "method/exits.h"

typedef struct frequency {
    long long count;
    int id;
} frequency;

/* The most frequent first; the lower id where two are equal. */
static int more_frequent(const void *a, const void *b)
{
    const frequency *x = a, *y = b;

    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return x->id - y->id;
}

static long long count_tokens(frequency *tokens, const ofr_dataset *data)
{
    long long total = 0;

    for (int i = 0; i < data->n; i++)
        for (int at = data->offsets[i] + 1; at < data->offsets[i + 1]; at++) {
            tokens[data->ids[at]].count++;
            total++;
        }
    return total;
}

/* The layer of bucket i of n, to the nearest. */
static int layer_of(int i, int n, int first, int L)
{
    if (n == 1) return L;
    return first + (2 * i * (L - first) + n - 1) / (2 * (n - 1));
}

static ofr_status fill_table(ofr_encoder *encoder, const ofr_dataset *data,
                             const ofr_method_options *o, ofr_error *err)
{
    const int L = encoder->config.L, V = encoder->config.V;
    const int first = o->hash_first ? o->hash_first : L > 2 ? (L + 2) / 4 : 1;
    const int n = o->hash_buckets ? o->hash_buckets : L - first + 1;
    ofr_real *table = encoder->w + encoder->params.token_exits;
    frequency *tokens;
    long long total, before = 0;

    tokens = ofr_mem_array((size_t)V, sizeof *tokens);
    if (!tokens) return ofr_fail_nomem(err, (size_t)V * sizeof *tokens, "token counts");
    for (int v = 0; v < V; v++)
        tokens[v] = (frequency){0, v};
    total = count_tokens(tokens, data);
    qsort(tokens, (size_t)V, sizeof *tokens, more_frequent);
    for (int v = 0; v < V; v++) {
        /* By the middle of its occurrences, so that a token that fills several buckets
         * goes into the middle one of them. */
        const long long middle = 2 * before + tokens[v].count;
        const int bucket = tokens[v].count ? (int)(middle * n / (2 * total)) : n - 1;

        table[tokens[v].id] = (ofr_real)layer_of(bucket, n, first, L);
        before += tokens[v].count;
    }
    ofr_mem_free(tokens);
    return OFR_OK;
}

static const ofr_phase phases[] = {
    {"train", ofr_exits_plan, NULL, ofr_exits_step_last, ofr_exits_look, NULL},
    {NULL, NULL, NULL, NULL, NULL, NULL},
};

static ofr_status open_hashee(ofr_recipe *recipe, const ofr_method *method,
                              ofr_trainer *trainer, const ofr_method_data *data,
                              const ofr_method_options *options, ofr_error *err)
{
    OFR_TRY(fill_table(trainer->encoder, data->train, options, err));
    return ofr_exits_open(recipe, method, trainer, data, options, err);
}

static ofr_status check(const ofr_method_options *o, int L, bool regression,
                        ofr_error *err)
{
    (void)regression;
    if (o->hash_first <= L) return OFR_OK;
    return ofr_fail(err, OFR_INVALID, "--hash-first %d: the model has only %d layers",
                    o->hash_first, L);
}

const ofr_method ofr_method_hashee = {
    .name = "hashee",
    .source = "Sun et al. 2022, arXiv 2203.01670",
    .summary = "the last exit alone, on tokens that leave one by one: the more frequent "
               "in training, the earlier",
    .rule = &ofr_rule_hash,
    .token_exits = true,
    .options = "joint-epochs hash-buckets hash-first",
    .check = check,
    .open = open_hashee,
    .result = ofr_exits_result,
    .close = ofr_exits_close,
    .phases = phases,
};
