/*
 * encoder_pack.c - the matrices of an encoder in the form that products read.
 *
 * Two sources: the flat block of a model that is being trained, and the files
 * of one that is only run.  In the second case a matrix goes from the mapped
 * file into its packed form, now or when encoder_later.c finds it needed, and the
 * file's pages are given back, so that its numbers are in memory once; embeddings
 * that the file holds in the right type stay where they are.  Poolers are few and
 * answer alone: INT8 keeps them F16.
 */
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "model/encoder_inner.h"
#include "model/weights.h"
#include "tensor/quant.h"

typedef struct packing {
    ofr_encoder *encoder;
    ofr_dev *dev;
    const ofr_params *params; /* whole: its offsets say which matrix is meant */
    const ofr_weights *files; /* NULL: the flat block of the encoder          */
    ofr_precision precision;
    bool later;               /* matrices of layers wait in the file          */
    unsigned char *base;      /* NULL: measure only                           */
    size_t used;
    ofr_real *stage;          /* [stage_reals] a matrix on its way            */
    size_t stage_reals;       /* of the largest matrix, found when measuring  */
} packing;

static unsigned char *take(packing *p, size_t bytes)
{
    unsigned char *at = p->base ? p->base + p->used : NULL;
    p->used += (bytes + OFR_ALIGN - 1) / OFR_ALIGN * OFR_ALIGN;
    return at;
}

/* ---- from the source to reals --------------------------------------------- */

/* The row that begins at `offset`. */
static int row_at(const ofr_params *params, size_t offset)
{
    int row = 0;
    while (params->rows[row].offset != offset) row++;
    return row;
}

typedef struct conversion {
    const packing *p;
    ofr_real *to;
    int row;
    size_t rows, columns;
} conversion;

static void convert_part(void *arg, int t, int n_parts)
{
    const conversion *c = arg;
    size_t begin = c->rows * (size_t)t / (size_t)n_parts * c->columns;
    size_t end = c->rows * ((size_t)t + 1) / (size_t)n_parts * c->columns;
    ofr_weights_read(c->p->files, c->p->params, c->to + begin, c->row, begin,
                     end - begin);
}

static bool is_real(const ofr_tensor *tensor)
{
    const ofr_dtype own = sizeof(ofr_real) == sizeof(float) ? OFR_F32 : OFR_F64;
    return tensor->dtype == own && (uintptr_t)tensor->data % sizeof(ofr_real) == 0;
}

/* The matrices of rows `row` to row + pieces - 1, one below the other; in place
 * where that is possible. */
static const ofr_real *reals_of(const packing *p, int row, int pieces)
{
    const ofr_param *first = &p->params->rows[row];
    if (!p->files) return p->encoder->w + first->offset;
    const ofr_tensor *only = p->files->tensors[row];
    if (pieces == 1 && is_real(only)) return only->data;
    for (int i = 0; i < pieces; i++) {
        conversion c = {p, p->stage + (size_t)i * first->count, row + i,
                        (size_t)first->shape[0], (size_t)first->shape[1]};
        ofr_dev_run(p->dev, p->dev->n_threads, convert_part, &c);
    }
    return p->stage;
}

typedef struct finding {
    const packing *p;
    int row;
    size_t begin, rows, columns;
    unsigned char wild[OFR_THREADS_MAX];
} finding;

static void look_part(void *arg, int t, int n_parts)
{
    finding *f = arg;
    const packing *p = f->p;
    size_t from = f->rows * (size_t)t / (size_t)n_parts * f->columns;
    size_t to = f->rows * ((size_t)t + 1) / (size_t)n_parts * f->columns;
    f->wild[t] = ofr_weights_check(p->files, p->params, f->row, f->begin + from,
                                   to - from, NULL) != OFR_OK;
}

/* Are numbers begin .. begin + n - 1 of each piece, whole rows, finite in the file? */
static ofr_status check_finite(const packing *p, int row, int pieces, size_t begin,
                               size_t n, ofr_error *err)
{
    for (int i = 0; i < pieces && p->files; i++) {
        const size_t columns = (size_t)p->params->rows[row + i].shape[1];
        finding f = {.p = p, .row = row + i, .begin = begin, .rows = n / columns,
                     .columns = columns};
        ofr_dev_run(p->dev, p->dev->n_threads, look_part, &f);
        for (int t = 0; t < OFR_THREADS_MAX; t++)
            if (f.wild[t])
                return ofr_weights_check(p->files, p->params, row + i, begin, n, err);
    }
    return OFR_OK;
}

/* Numbers begin .. begin + n - 1 of each piece are not needed again: give the
 * file's pages back. */
static void forget(const packing *p, int row, int pieces, size_t begin, size_t n)
{
    for (int i = 0; i < pieces && p->files; i++) {
        const ofr_tensor *tensor = p->files->tensors[row + i];
        size_t width = ofr_dtype_bytes(tensor->dtype);
        ofr_file_forget((const unsigned char *)tensor->data + begin * width, n * width);
    }
}

static void need_stage(packing *p, size_t reals)
{
    if (reals > p->stage_reals) p->stage_reals = reals;
}

/* ---- matrices --------------------------------------------------------------- */

/* Whole numbers as the file holds them; false: it holds others. */
static bool pack_stored(packing *p, void *packed, int row, int pieces, int O, int I)
{
    if (!p->files) return false;
    float *scale = (float *)(void *)p->stage;
    int8_t *q = (int8_t *)(scale + (O + OFR_ALIGN - 1) / OFR_ALIGN * OFR_ALIGN);
    const size_t rows = (size_t)O / (size_t)pieces;
    for (int i = 0; i < pieces; i++) {
        const ofr_tensor *tensor = p->files->tensors[row + i];
        const ofr_tensor *scales = p->files->scales[row + i];
        if (!scales) return false;
        memcpy(scale + (size_t)i * rows, scales->data, rows * sizeof *scale);
        memcpy(q + (size_t)i * rows * (size_t)I, tensor->data, rows * (size_t)I);
    }
    p->dev->ops.pack_int8(p->dev, packed, q, scale, O, I);
    return true;
}

/* w[n] are numbers of row `row`. */
static ofr_status check_range(const packing *p, ofr_precision precision, int row,
                              const ofr_real *w, size_t n, ofr_error *err)
{
    const bool f16 = precision == OFR_PRECISION_F16;
    if (!f16 && precision != OFR_PRECISION_BF16) return OFR_OK;
    float highest = ofr_quant_highest(w, n);
    if (!(highest >= (f16 ? OFR_F16_END : OFR_BF16_END))) return OFR_OK;
    const ofr_weights *files = p->files;
    return ofr_fail(err, OFR_INVALID, "%s%stensor \"%s\" holds %g, %s; use precision %s",
                    files ? ofr_safetensors_file(&files->files, files->tensors[row]) : "",
                    files ? ": " : "", p->params->rows[row].file_name, (double)highest,
                    f16 ? "f16 ends at 65504" : "bf16 at 3.3895e38",
                    f16 ? "bf16" : "f32");
}

/* A matrix of a layer that can be read where it is in the file waits there, if
 * matrices are to wait. */
static bool wait_in_file(packing *p, const ofr_packed *out, int row, int pieces, int O,
                         int I)
{
    const size_t at = (size_t)(out - p->encoder->packed);
    const ofr_real *w[OFR_PIECES_MAX];
    if (!p->encoder->later || at >= (size_t)p->encoder->config.L * OFR_PACKED_LAYER)
        return false;
    for (int i = 0; i < pieces; i++) {
        const ofr_tensor *tensor = p->files->tensors[row + i];
        if (!is_real(tensor)) return false;
        w[i] = tensor->data;
    }
    ofr_later_add(p->encoder->later, at, w, pieces, O, I);
    return true;
}

/* w[O,I] at `offset`, made of `pieces` rows of the table. */
static ofr_status pack_one(packing *p, ofr_packed *out, size_t offset, int pieces, int O,
                           int I, ofr_error *err)
{
    const ofr_ops *ops = &p->dev->ops;
    size_t n = (size_t)O * (size_t)I;
    int row = row_at(p->params, offset);
    ofr_precision precision = ofr_param_precision(&p->params->rows[row], p->precision);
    unsigned char *packed = take(p, ops->pack_size(precision, O, I));
    need_stage(p, n + (size_t)O + OFR_ALIGN); /* or whole numbers and scales */
    if (!packed) return OFR_OK;
    *out = (ofr_packed){precision, packed};
    if (p->files && !p->files->tensors[row]) { /* a pooler that no answer needs */
        memset(packed, 0, ops->pack_size(precision, O, I));
        return OFR_OK;
    }
    OFR_TRY(check_finite(p, row, pieces, 0, n / (size_t)pieces, err));
    if (wait_in_file(p, out, row, pieces, O, I)) return OFR_OK;
    if (precision == OFR_PRECISION_INT8 && pack_stored(p, packed, row, pieces, O, I)) {
        forget(p, row, pieces, 0, n / (size_t)pieces);
        return OFR_OK;
    }
    const ofr_real *w = reals_of(p, row, pieces);
    for (int i = 0; i < pieces; i++)
        OFR_TRY(check_range(p, precision, row + i, w + n / (size_t)pieces * (size_t)i,
                            n / (size_t)pieces, err));
    ops->pack(p->dev, packed, precision, w, O, I);
    forget(p, row, pieces, 0, n / (size_t)pieces);
    return OFR_OK;
}

/* ---- word embeddings ---------------------------------------------------------- */

typedef struct table_rows {
    const packing *p;
    int row;             /* of the table of parameters           */
    void *to;
    float *scale;
    const ofr_real *w;   /* the whole table, or NULL and         */
    size_t first, n;     /* these of its rows, in p->stage       */
} table_rows;

/* Converts, then rounds some rows of the table. */
static void table_part(void *arg, int t, int n_parts)
{
    const table_rows *s = arg;
    const packing *p = s->p;
    size_t begin = s->first + s->n * (size_t)t / (size_t)n_parts;
    size_t end = s->first + s->n * ((size_t)t + 1) / (size_t)n_parts;
    size_t C = (size_t)p->encoder->config.E, n = (end - begin) * C;
    const ofr_real *x = s->w ? s->w + begin * C : p->stage + (begin - s->first) * C;
    if (!s->w)
        ofr_weights_read(p->files, p->params, p->stage + (begin - s->first) * C, s->row,
                         begin * C, n);
    if (p->precision == OFR_PRECISION_INT8)
        ofr_quant_rows((int8_t *)s->to + begin * C, s->scale + begin, x,
                       (int)(end - begin), (int)C,
                       ofr_param_top(&p->params->rows[s->row]));
    else if (p->precision == OFR_PRECISION_F16)
        ofr_f16_of_reals((uint16_t *)s->to + begin * C, x, n);
    else if (p->precision == OFR_PRECISION_BF16)
        ofr_bf16_of_reals((uint16_t *)s->to + begin * C, x, n);
    else
        memcpy((ofr_real *)s->to + begin * C, x, n * sizeof *x);
}

static ofr_dtype dtype_of(ofr_precision precision)
{
    static const ofr_dtype dtypes[OFR_PRECISION_COUNT] = {
        [OFR_PRECISION_F32] = sizeof(ofr_real) == sizeof(float) ? OFR_F32 : OFR_F64,
        [OFR_PRECISION_F16] = OFR_F16,
        [OFR_PRECISION_BF16] = OFR_BF16,
        [OFR_PRECISION_INT8] = OFR_I8};
    return dtypes[precision];
}

/* Does the table stay in the file?  Then *table says where. */
static bool mapped_table(const packing *p, ofr_lookup *table, int row)
{
    if (!p->files) return false;
    const ofr_tensor *tensor = p->files->tensors[row], *scale = p->files->scales[row];
    size_t width = ofr_dtype_bytes(dtype_of(p->precision));
    if (tensor->dtype != dtype_of(p->precision)) return false;
    if ((uintptr_t)tensor->data % width != 0) return false;
    if (scale && (uintptr_t)scale->data % sizeof(float) != 0) return false;
    *table = (ofr_lookup){p->precision, tensor->data, scale ? scale->data : NULL};
    return true;
}

static ofr_status pack_table(packing *p, ofr_error *err)
{
    const ofr_config *c = &p->encoder->config;
    ofr_lookup *table = &p->encoder->word;
    int row = row_at(p->params, p->params->word);
    size_t n = (size_t)c->V * (size_t)c->E;
    if (mapped_table(p, table, row)) {
        /* Scales are few.  A table of reals is not read before its words are met: it
         * may be most of the file. */
        bool looks = p->base && table->scale;
        return looks ? check_finite(p, row, 1, 0, n, err) : OFR_OK;
    }
    if (!p->files && p->precision == OFR_PRECISION_F32) {
        *table = (ofr_lookup){p->precision, p->encoder->w + p->params->word, NULL};
        return OFR_OK;
    }
    enum { STEP = 1024 }; /* rows that are in memory twice */
    bool scaled = p->precision == OFR_PRECISION_INT8;
    float *scale = (float *)(void *)take(p, scaled ? (size_t)c->V * sizeof *scale : 0);
    unsigned char *to = take(p, n * ofr_dtype_bytes(dtype_of(p->precision)));
    need_stage(p, STEP * (size_t)c->E);
    if (!to) return OFR_OK;
    const ofr_real *w = p->files ? NULL : p->encoder->w + p->params->word;
    table_rows s = {.p = p, .row = row, .to = to, .scale = scale, .w = w};
    for (size_t V = (size_t)c->V; s.first < V; s.first += STEP) {
        s.n = V - s.first < STEP ? V - s.first : STEP;
        OFR_TRY(check_finite(p, row, 1, s.first * (size_t)c->E, s.n * (size_t)c->E, err));
        ofr_dev_run(p->dev, p->dev->n_threads, table_part, &s);
        const ofr_real *x = w ? w + s.first * (size_t)c->E : p->stage;
        OFR_TRY(check_range(p, p->precision, row, x, s.n * (size_t)c->E, err));
        forget(p, row, 1, s.first * (size_t)c->E, s.n * (size_t)c->E);
    }
    *table = (ofr_lookup){p->precision, to, scaled ? scale : NULL};
    return OFR_OK;
}

/* ---- everything ------------------------------------------------------------------ */

static ofr_status pack_layer(packing *p, ofr_packed *out, int l, ofr_error *err)
{
    const ofr_config *c = &p->encoder->config;
    const ofr_layer_at *at = &p->params->layers[l];
    OFR_TRY(pack_one(p, &out[OFR_PACKED_QKV], at->qkv_w, 3, 3 * c->C, c->C, err));
    OFR_TRY(pack_one(p, &out[OFR_PACKED_OUT], at->out_w, 1, c->C, c->C, err));
    OFR_TRY(pack_one(p, &out[OFR_PACKED_UP], at->up_w, 1, c->F, c->C, err));
    return pack_one(p, &out[OFR_PACKED_DOWN], at->down_w, 1, c->C, c->F, err);
}

static ofr_status pack_all(packing *p, ofr_error *err)
{
    const ofr_config *c = &p->encoder->config;
    ofr_packed *all = p->encoder->packed;
    ofr_packed *poolers = all + (size_t)c->L * OFR_PACKED_LAYER;
    p->used = 0;
    for (int l = 0; l < c->L; l++) {
        ofr_packed *mine = all + (size_t)l * OFR_PACKED_LAYER;
        if (l > 0 && c->shared_layers)
            memcpy(mine, all, OFR_PACKED_LAYER * sizeof *all);
        else
            OFR_TRY(pack_layer(p, mine, l, err));
    }
    for (int l = 0; l < c->L; l++) {
        if (l > 0 && c->pooler == OFR_POOLER_SHARED)
            poolers[l] = poolers[0];
        else
            OFR_TRY(pack_one(p, &poolers[l], p->params->exits[l].pool_w, 1, c->C, c->C,
                             err));
    }
    if (ofr_config_projects(c)) {
        OFR_TRY(pack_one(p, &poolers[c->L], p->params->project_w, 1, c->C, c->E, err));
    }
    return pack_table(p, err);
}

static ofr_status check_depth(const ofr_config *c, ofr_precision precision,
                              ofr_error *err)
{
    int deepest = ofr_larger(c->F, ofr_larger(c->C, c->E));
    if (precision != OFR_PRECISION_INT8 || deepest <= OFR_INT8_DEPTH) return OFR_OK;
    return ofr_fail(err, OFR_INVALID,
                    "precision int8 adds at most %d products, this model %d; use f16",
                    OFR_INT8_DEPTH, deepest);
}

/* Layers that share their matrices meet them more than once in the first pass. */
static ofr_status open_later(const packing *p, ofr_error *err)
{
    const ofr_config *c = &p->encoder->config;
    size_t C = (size_t)c->C;
    if (!p->later || p->precision != OFR_PRECISION_F32 || c->shared_layers) return OFR_OK;
    return ofr_later_open(&p->encoder->later, (size_t)c->L * OFR_PACKED_LAYER, 3 * C * C,
                          err);
}

/* Measure, allocate, pack. */
static ofr_status run(packing *p, ofr_error *err)
{
    ofr_encoder *encoder = p->encoder;
    size_t n = (size_t)encoder->config.L * (OFR_PACKED_LAYER + 1) + 1;
    OFR_TRY(check_depth(&encoder->config, p->precision, err));
    if (!encoder->packed) encoder->packed = ofr_mem_array(n, sizeof *encoder->packed);
    if (!encoder->packed) return ofr_fail_nomem(err, n, "packed weights");
    OFR_TRY(pack_all(p, err));
    if (!encoder->storage || encoder->storage_bytes != p->used) {
        ofr_mem_free(encoder->storage);
        encoder->storage_bytes = p->used;
        encoder->storage = ofr_mem_alloc(p->used);
        if (!encoder->storage) return ofr_fail_nomem(err, p->used, "packed weights");
    }
    p->base = encoder->storage;
    OFR_TRY(open_later(p, err));
    if (p->files) {
        size_t bytes = p->stage_reals * sizeof *p->stage;
        p->stage = ofr_mem_alloc(bytes);
        if (!p->stage) return ofr_fail_nomem(err, bytes, "a matrix");
    }
    ofr_status status = pack_all(p, err);
    ofr_mem_free(p->stage);
    if (status == OFR_OK) encoder->precision = p->precision;
    if (!ofr_later_waits(encoder->later)) { /* files in another type than this */
        ofr_later_close(encoder->later);
        encoder->later = NULL;
    }
    return status;
}

ofr_status ofr_encoder_pack(ofr_encoder *encoder, ofr_dev *dev, ofr_precision precision,
                            ofr_error *err)
{
    packing p = {.encoder = encoder, .dev = dev, .params = &encoder->params,
                 .precision = precision};
    OFR_ASSERT(!encoder->files); /* its flat block is not whole */
    return run(&p, err);
}

ofr_status ofr_encoder_pack_files(ofr_encoder *encoder, ofr_dev *dev,
                                  const ofr_params *params, const ofr_weights *files,
                                  ofr_precision precision, bool later, ofr_error *err)
{
    packing p = {.encoder = encoder, .dev = dev, .params = params, .files = files,
                 .precision = precision, .later = later};
    return run(&p, err);
}

double ofr_encoder_weight_bytes(const ofr_encoder *encoder)
{
    double bytes = 0;
    for (int i = 0; i < encoder->params.n; i++) {
        const ofr_param *row = &encoder->params.rows[i];
        ofr_precision precision = ofr_param_precision(row, encoder->precision);
        bytes += (double)row->count * (double)ofr_dtype_bytes(dtype_of(precision));
    }
    return bytes;
}

/* ---- for the walks ----------------------------------------------------------------- */

const ofr_packed *ofr_encoder_packed(const ofr_encoder *encoder, int l, int which)
{
    return &encoder->packed[l * OFR_PACKED_LAYER + which];
}

const ofr_packed *ofr_encoder_packed_pooler(const ofr_encoder *encoder, int layer)
{
    if (!encoder->packed) return NULL;
    return &encoder->packed[encoder->config.L * OFR_PACKED_LAYER + layer - 1];
}

const ofr_packed *ofr_encoder_packed_project(const ofr_encoder *encoder)
{
    int L = encoder->config.L;
    return &encoder->packed[L * OFR_PACKED_LAYER + L];
}
