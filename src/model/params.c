/*
 * params.c - the table of parameters of one model.
 *
 * The walk below is the only list of what a model has.  It asks the family's
 * table for names, and the configuration for shapes.  File names are:
 *   the family's own for the backbone, for the pooler of layer L (or the shared
 *   one) and for the classifier of layer L;
 *   offramp.exits.{l}.pooler, .classifier, .policy.dense and .policy.out with l
 *   from 1, and offramp.lte, for everything else, which other tools skip.
 */
#include "model/params.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "model/family.h"
#include "tensor/quant.h"

#define ROOM 16 /* reals; rows begin on multiples of it */

typedef struct table {
    ofr_params *params;
    const ofr_config *config;
    const ofr_family_info *info;
    size_t end;     /* of the last row */
    bool measuring; /* count rows only */
    bool rest;      /* no room for matrices of backbone and poolers */
} table;

/* ---- rows --------------------------------------------------------------- */

/* What a tensor belongs to: where its names begin, and how it is trained. */
typedef struct place {
    char name[48];      /* prefix of our name        */
    char file_name[96]; /* prefix of the file's name */
    unsigned group;
    int layer;
    bool whole;
} place;

/* Is this row one of those that ofr_params_open_rest() leaves out? */
static bool is_packed(const ofr_param *row)
{
    return row->rank == 2 && !row->whole &&
           (row->group & (OFR_GROUP_BACKBONE | OFR_GROUP_POOLER));
}

ofr_precision ofr_param_precision(const ofr_param *row, ofr_precision precision)
{
    if (!is_packed(row)) return OFR_PRECISION_F32;
    bool answers = row->group == OFR_GROUP_POOLER; /* few, and they answer alone */
    return answers && precision == OFR_PRECISION_INT8 ? OFR_PRECISION_F16 : precision;
}

int ofr_param_top(const ofr_param *row)
{
    bool looked_up = strcmp(row->name, "embed.word.weight") == 0;
    return looked_up ? OFR_INT8_TABLE : OFR_INT8_WEIGHT;
}

static size_t add(table *t, const place *at, const char *name, const char *file_name,
                  const char *kind, int rank, int rows, int columns)
{
    size_t offset = (t->end + ROOM - 1) / ROOM * ROOM;
    size_t count = (size_t)rows * (size_t)columns;
    ofr_param described = {.group = at->group, .rank = rank, .whole = at->whole};
    bool packed = t->rest && is_packed(&described);
    if (packed) offset = OFR_PARAM_NONE;
    if (!t->measuring) {
        ofr_param *row = &t->params->rows[t->params->n];
        (void)snprintf(row->name, sizeof row->name, "%s%s.%s", at->name, name, kind);
        (void)snprintf(row->file_name, sizeof row->file_name, "%s%s.%s", at->file_name,
                       file_name, kind);
        row->group = at->group;
        row->whole = at->whole;
        row->decay = rank == 2;
        row->layer = at->layer;
        row->rank = rank;
        row->shape[0] = rows;
        row->shape[1] = columns;
        row->offset = offset;
        row->count = count;
    }
    t->params->n++;
    if (!packed) t->end = offset + count;
    return offset;
}

static size_t add_matrix(table *t, const place *at, const char *name,
                         const char *file_name, int rows, int columns)
{
    return add(t, at, name, file_name, "weight", 2, rows, columns);
}

static size_t add_vector(table *t, const place *at, const char *name,
                         const char *file_name, const char *kind, int n)
{
    return add(t, at, name, file_name, kind, 1, n, 1);
}

/* Weight and bias of one product. */
static void add_linear(table *t, size_t *w, size_t *b, const place *at, const char *name,
                       const char *file_name, int out, int in)
{
    *w = add_matrix(t, at, name, file_name, out, in);
    *b = add_vector(t, at, name, file_name, "bias", out);
}

static void add_norm(table *t, size_t *g, size_t *b, const place *at, const char *name,
                     const char *file_name, int n)
{
    *g = add_vector(t, at, name, file_name, "weight", n);
    *b = add_vector(t, at, name, file_name, "bias", n);
}

/* Q, K and V without gaps: rows two and three may begin anywhere. */
static size_t add_three(table *t, const place *at, const char *const names[3],
                        const char *const file_names[3], const char *kind, int rank,
                        int rows, int columns)
{
    size_t first = 0, count = (size_t)rows * (size_t)columns;
    for (int i = 0; i < 3; i++) {
        size_t offset = add(t, at, names[i], file_names[i], kind, rank, rows, columns);
        if (i == 0) first = offset;
        if (first == OFR_PARAM_NONE) continue;
        t->end = first + (size_t)(i + 1) * count;
        if (!t->measuring) {
            t->params->rows[t->params->n - 1].offset = first + (size_t)i * count;
        }
    }
    return first;
}

/* ---- the walk ----------------------------------------------------------- */

static void add_embeddings(table *t)
{
    ofr_params *p = t->params;
    const ofr_config *c = t->config;
    const ofr_family_names *n = &t->info->names;
    place at = {.name = "embed.", .group = OFR_GROUP_BACKBONE};
    (void)snprintf(at.file_name, sizeof at.file_name, "%s", n->prefix);
    p->word = add_matrix(t, &at, "word", n->word, c->V, c->E);
    at.whole = true;
    p->position = add_matrix(t, &at, "position", n->position, c->n_positions, c->E);
    p->type = OFR_PARAM_NONE;
    if (c->n_types > 0) p->type = add_matrix(t, &at, "type", n->type, c->n_types, c->E);
    at.whole = false;
    add_norm(t, &p->embed_ln_g, &p->embed_ln_b, &at, "ln", n->embed_ln, c->E);
    p->project_w = p->project_b = OFR_PARAM_NONE;
    if (ofr_config_projects(c)) {
        add_linear(t, &p->project_w, &p->project_b, &at, "project", n->project, c->C,
                   c->E);
    }
}

static void add_layer(table *t, ofr_layer_at *l, int layer)
{
    const ofr_config *c = t->config;
    const ofr_family_names *n = &t->info->names;
    place at = {.group = OFR_GROUP_BACKBONE, .layer = layer};
    int used = snprintf(at.file_name, sizeof at.file_name, "%s", n->prefix);
    char *rest = at.file_name + used;
    size_t room = sizeof at.file_name - (size_t)used;
    if (c->shared_layers) {
        (void)snprintf(at.name, sizeof at.name, "layer.shared.");
        (void)snprintf(rest, room, "%s", n->layer);
        at.layer = 0;
    } else {
        const char *number = strstr(n->layer, "%d");
        (void)snprintf(at.name, sizeof at.name, "layer.%d.", layer);
        (void)snprintf(rest, room, "%.*s%d%s", (int)(number - n->layer), n->layer,
                       layer - 1, number + 2);
    }
    static const char *const ours[3] = {"attn.qkv.q", "attn.qkv.k", "attn.qkv.v"};
    const char *const qkv[3] = {n->q, n->k, n->v};
    l->qkv_w = add_three(t, &at, ours, qkv, "weight", 2, c->C, c->C);
    l->qkv_b = add_three(t, &at, ours, qkv, "bias", 1, c->C, 1);
    add_linear(t, &l->out_w, &l->out_b, &at, "attn.out", n->out, c->C, c->C);
    add_norm(t, &l->ln1_g, &l->ln1_b, &at, "ln1", n->ln1, c->C);
    add_linear(t, &l->up_w, &l->up_b, &at, "mlp.up", n->up, c->F, c->C);
    add_linear(t, &l->down_w, &l->down_b, &at, "mlp.down", n->down, c->C, c->F);
    add_norm(t, &l->ln2_g, &l->ln2_b, &at, "ln2", n->ln2, c->C);
}

static void add_layers(table *t)
{
    int L = t->config->L;
    ofr_layer_at *layers = t->params->layers, spare;
    for (int l = 1; l <= L; l++) {
        ofr_layer_at *at = t->measuring ? &spare : &layers[l - 1];
        if (l > 1 && t->config->shared_layers) {
            if (!t->measuring) *at = layers[0];
        } else {
            add_layer(t, at, l);
        }
    }
}

/* Where the pooler or classifier of a layer stands in files. */
static place exit_place(const table *t, int layer, unsigned group, bool own)
{
    place at = {.group = group, .layer = layer};
    (void)snprintf(at.name, sizeof at.name, "exit.%d.", layer);
    if (own) {
        (void)snprintf(at.file_name, sizeof at.file_name, "offramp.exits.%d.", layer);
    } else if (group == OFR_GROUP_POOLER && t->info->names.pooler_inside) {
        (void)snprintf(at.file_name, sizeof at.file_name, "%s", t->info->names.prefix);
    }
    return at;
}

static void add_poolers(table *t)
{
    const ofr_config *c = t->config;
    ofr_exit_at spare, *exits = t->params->exits;
    for (int l = 1; l <= c->L; l++) {
        ofr_exit_at *at = t->measuring ? &spare : &exits[l - 1];
        if (c->pooler == OFR_POOLER_SHARED && l > 1) {
            if (!t->measuring) {
                at->pool_w = exits[0].pool_w;
                at->pool_b = exits[0].pool_b;
            }
            continue;
        }
        bool own = c->pooler == OFR_POOLER_PER_LAYER && l < c->L;
        place where = exit_place(t, l, OFR_GROUP_POOLER, own);
        if (c->pooler == OFR_POOLER_SHARED) {
            (void)snprintf(where.name, sizeof where.name, "exit.shared.");
            where.layer = 0;
        }
        add_linear(t, &at->pool_w, &at->pool_b, &where, "pooler",
                   own ? "pooler" : t->info->names.pooler, c->C, c->C);
    }
}

static void add_student(table *t, ofr_exit_at *exit, const place *where)
{
    ofr_student_at *student = &exit->student;
    static const char *const qkv[3] = {"student.query", "student.key", "student.value"};
    int C = t->config->C, S = t->config->student_width;
    add_linear(t, &student->in_w, &student->in_b, where, "student.in", "student.in", S,
               C);
    student->qkv_w = add_three(t, where, qkv, qkv, "weight", 2, S, S);
    student->qkv_b = add_three(t, where, qkv, qkv, "bias", 1, S, 1);
    add_linear(t, &student->out_w, &student->out_b, where, "student.out", "student.out",
               S, S);
    add_linear(t, &student->top_w, &student->top_b, where, "student.top", "student.top",
               S, S);
    add_linear(t, &exit->head_w, &exit->head_b, where, "student.classifier",
               "student.classifier", t->config->K, S);
}

static void add_heads(table *t)
{
    const ofr_config *c = t->config;
    ofr_exit_at spare;
    for (int l = 1; l <= c->L; l++) {
        ofr_exit_at *at = t->measuring ? &spare : &t->params->exits[l - 1];
        at->head_w = at->head_b = OFR_PARAM_NONE;
        if (c->K == 0) continue;
        bool own = l < c->L;
        place where = exit_place(t, l, OFR_GROUP_HEADS, own);
        if (own && c->heads == OFR_HEAD_STUDENT) {
            add_student(t, at, &where);
            continue;
        }
        add_linear(t, &at->head_w, &at->head_b, &where, "classifier",
                   own ? "classifier" : t->info->names.head, c->K, c->C);
    }
}

/* LTE: one linear unit for all layers. */
static void add_lte(table *t)
{
    size_t w, b;
    place at = {.name = "exit.shared.", .file_name = "offramp.",
                .group = OFR_GROUP_POLICIES};
    add_linear(t, &w, &b, &at, "lte", "lte", 1, t->config->C);
    for (int l = 1; l < t->config->L && !t->measuring; l++) {
        t->params->exits[l - 1].policy_w2 = w;
        t->params->exits[l - 1].policy_b2 = b;
    }
}

static void add_policies(table *t)
{
    const ofr_config *c = t->config;
    ofr_exit_at spare;
    for (int l = 1; l <= c->L; l++) {
        ofr_exit_at *at = t->measuring ? &spare : &t->params->exits[l - 1];
        at->policy_w1 = at->policy_b1 = at->policy_w2 = at->policy_b2 = OFR_PARAM_NONE;
        if (c->K == 0 || l == c->L || c->gate == OFR_GATE_LTE) continue;
        place where = exit_place(t, l, OFR_GROUP_POLICIES, true);
        add_linear(t, &at->policy_w1, &at->policy_b1, &where, "policy.dense",
                   "policy.dense", c->policy_hidden, c->C);
        add_linear(t, &at->policy_w2, &at->policy_b2, &where, "policy.out", "policy.out",
                   1, c->policy_hidden);
    }
    if (c->K > 0 && c->L > 1 && c->gate == OFR_GATE_LTE) add_lte(t);
}

static void add_token_exits(table *t)
{
    place where = {.name = "exit.", .file_name = "offramp.", .group = OFR_GROUP_TOKENS};
    t->params->token_exits = OFR_PARAM_NONE;
    if (!t->config->token_exits || t->config->K == 0) return;
    t->params->token_exits =
        add_vector(t, &where, "tokens", "tokens", "exit_layer", t->config->V);
}

static void walk(table *t)
{
    t->params->n = 0;
    t->end = 0;
    add_embeddings(t);
    add_layers(t);
    add_poolers(t);
    add_heads(t);
    add_policies(t);
    add_token_exits(t);
    t->params->total = (t->end + ROOM - 1) / ROOM * ROOM;
}

static ofr_status open_table(ofr_params *params, const ofr_config *config, bool rest,
                             ofr_error *err)
{
    ofr_params made = {0};
    table t = {&made, config, ofr_family_of(config->family), 0, true, rest};
    walk(&t);
    made.rows = ofr_mem_array((size_t)made.n, sizeof *made.rows);
    made.layers = ofr_mem_array((size_t)config->L, sizeof *made.layers);
    made.exits = ofr_mem_array((size_t)config->L, sizeof *made.exits);
    if (!made.rows || !made.layers || !made.exits) {
        size_t bytes = (size_t)made.n * sizeof *made.rows;
        ofr_params_close(&made);
        return ofr_fail_nomem(err, bytes, "the table of parameters");
    }
    t.measuring = false;
    walk(&t);
    made.L = config->L;
    *params = made;
    return OFR_OK;
}

ofr_status ofr_params_open(ofr_params *params, const ofr_config *config, ofr_error *err)
{
    return open_table(params, config, false, err);
}

ofr_status ofr_params_open_rest(ofr_params *params, const ofr_config *config,
                                ofr_error *err)
{
    return open_table(params, config, true, err);
}

void ofr_params_close(ofr_params *params)
{
    if (!params) return;
    ofr_mem_free(params->rows);
    ofr_mem_free(params->layers);
    ofr_mem_free(params->exits);
    *params = (ofr_params){0};
}
