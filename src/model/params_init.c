/*
 * params_init.c - initial values, a function of the seed and the parameter's name.
 *
 * Names, not positions, choose the random stream: a model with another number of
 * classes or layers begins with the same backbone.
 */
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "model/params.h"

static uint64_t hash_name(const char *name)
{
    return ofr_hash_fnv(OFR_HASH_FNV, name, strlen(name));
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

static void fill(ofr_real *w, size_t n, ofr_real value)
{
    for (size_t i = 0; i < n; i++) w[i] = value;
}

static void fill_uniform(ofr_real *w, size_t n, double bound, uint64_t seed,
                         uint64_t stream)
{
    for (size_t i = 0; i < n; i++)
        w[i] = (ofr_real)(bound * (2 * ofr_rng_uniform(seed, stream, i) - 1));
}

/* Uniform in (-1/sqrt(I), 1/sqrt(I)), as torch.nn.Linear begins. */
static void init_policy(const ofr_param *row, const ofr_config *config, ofr_real *w,
                        uint64_t seed, uint64_t stream, double policy_start)
{
    if (ends_with(row->name, "policy.out.bias")) {
        fill(w, row->count, (ofr_real)log(policy_start / (1 - policy_start)));
        return;
    }
    bool out = strstr(row->name, "policy.out.") != NULL;
    double bound = 1 / sqrt(out ? config->policy_hidden : config->C);
    fill_uniform(w, row->count, bound, seed, stream);
}

static void init_row(const ofr_param *row, const ofr_config *config, ofr_real *w,
                     uint64_t seed, double policy_start)
{
    uint64_t stream = ofr_rng_stream(OFR_RNG_INIT, hash_name(row->name), 0);
    if (row->group == OFR_GROUP_POLICIES) {
        init_policy(row, config, w, seed, stream, policy_start);
    } else if (row->group == OFR_GROUP_TOKENS) {
        fill(w, row->count, (ofr_real)config->L);
    } else if (row->rank == 2 && strstr(row->name, "student.")) {
        fill_uniform(w, row->count, 1 / sqrt((double)row->shape[1]), seed, stream);
    } else if (row->rank == 1) {
        fill(w, row->count, ends_with(row->name, ".bias") ? 0 : 1);
    } else {
        for (size_t i = 0; i < row->count; i++) {
            w[i] = (ofr_real)(config->initializer_range *
                              ofr_rng_normal(seed, stream, i));
        }
        if (strcmp(row->name, "embed.word.weight") == 0) {
            fill(w + (size_t)config->pad_id * config->E, (size_t)config->E, 0);
        }
    }
}

void ofr_params_init(const ofr_params *params, const ofr_config *config, ofr_real *w,
                     unsigned groups, uint64_t seed, double policy_start)
{
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        if ((row->group & groups) && row->offset != OFR_PARAM_NONE) {
            init_row(row, config, w + row->offset, seed, policy_start);
        }
    }
}
