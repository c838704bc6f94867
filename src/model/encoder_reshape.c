/*
 * encoder_reshape.c - fewer layers, other gates and classifiers.
 *
 * The new model is made as if from nothing and then takes over, by name, whatever
 * the old one has in the same size.
 */
#include <string.h>

#include "model/encoder.h"

static const ofr_param *row_of(const ofr_params *params, const ofr_param *like)
{
    for (int i = 0; i < params->n; i++) {
        const ofr_param *row = &params->rows[i];
        if (row->count == like->count && strcmp(row->name, like->name) == 0) return row;
    }
    return NULL;
}

/* Groups of which nothing was lost: of the heads, that of layer L stands where
 * another tool would look for its classifier. */
static unsigned still_found(const ofr_encoder *made, const ofr_encoder *old)
{
    unsigned found = old->found;
    if (made->config.gate != old->config.gate) found &= ~(unsigned)OFR_GROUP_POLICIES;
    if (made->config.heads != old->config.heads) found &= ~(unsigned)OFR_GROUP_HEADS;
    if (!made->config.token_exits) found &= ~(unsigned)OFR_GROUP_TOKENS;
    return found;
}

ofr_status ofr_encoder_reshape(ofr_encoder *encoder, const ofr_encoder_parts *parts,
                               uint64_t seed, ofr_error *err)
{
    ofr_encoder made;
    ofr_config config = encoder->config; /* borrows; copied by ofr_encoder_new() */
    if (parts->layers < 1 || parts->layers > config.L)
        return ofr_fail(err, OFR_INVALID, "%d layers wanted, the model has %d",
                        parts->layers, config.L);
    config.L = parts->layers;
    config.gate = parts->gate;
    config.heads = parts->heads;
    config.token_exits = parts->token_exits;
    OFR_TRY(ofr_encoder_new(&made, &config, seed, err));
    for (int i = 0; i < made.params.n; i++) {
        const ofr_param *row = &made.params.rows[i];
        const ofr_param *old = row_of(&encoder->params, row);
        if (old != NULL)
            memcpy(made.w + row->offset, encoder->w + old->offset,
                   row->count * sizeof *made.w);
    }
    made.found = still_found(&made, encoder);
    made.config.has_exits = config.has_exits;
    made.config.has_policies = config.has_policies;
    ofr_encoder_close(encoder);
    *encoder = made;
    return OFR_OK;
}
