/*
 * test_precision.c - encoders at each precision: opened from files or packed from
 * the flat block, quantised on disk or while opening - the same bits; near f32;
 * matrices are in memory once, those that wait in the file included.
 */
#include "support/support.h"

#include <math.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "model/encoder_inner.h"
#include "model/weights.h"
#include "tensor/quant.h"

enum { V = 150, T = 19, B = 3 };

static const int offsets[B + 1] = {0, T, T + 5, 2 * T};

/* A directory with a model of `family` and both halves of it. */
static void make_dir(const char *dir, ofr_encoder *encoder, ofr_family family)
{
    ofr_error err;
    ofr_config config;
    char path[OFR_PATH_MAX];
    bool narrow = family == OFR_FAMILY_ELECTRA || family == OFR_FAMILY_ALBERT;
    assert_ok(ofr_config_shape(&config, family, "tiny", V, &err), err);
    config.L = 3;
    if (narrow) config.E = 44;
    config.pooler = family == OFR_FAMILY_ROBERTA ? OFR_POOLER_PER_LAYER
                                                 : OFR_POOLER_SHARED;
    assert_ok(ofr_config_set_labels(&config, 3, NULL, false, &err), err);
    assert_ok(ofr_encoder_new(encoder, &config, 5, &err), err);
    ofr_config_free(&config);
    for (int l = 0; l < encoder->config.L; l++) { /* which begin as zeros */
        ofr_real *b = encoder->w + encoder->params.layers[l].qkv_b;
        for (int i = 0; i < 3 * encoder->config.C; i++)
            b[i] = (ofr_real)(i % 11 - 5) / 50;
    }
    assert_ok(ofr_file_make_dirs(dir, &err), err);
    assert_ok(ofr_file_join(path, dir, "model.safetensors", &err), err);
    assert_ok(ofr_weights_save(&encoder->params, &encoder->config, path, encoder->w,
                               OFR_F32, &err), err);
    assert_ok(ofr_file_join(path, dir, "config.json", &err), err);
    assert_ok(ofr_config_save(&encoder->config, path, &err), err);
}

/* dir's model at `precision` as a directory of its own. */
static void quantise(const char *dir, ofr_encoder *encoder, ofr_precision precision)
{
    ofr_error err;
    char path[OFR_PATH_MAX];
    encoder->config.precision = precision;
    assert_ok(ofr_file_make_dirs(dir, &err), err);
    assert_ok(ofr_file_join(path, dir, "model.safetensors", &err), err);
    assert_ok(ofr_weights_quantise(&encoder->params, &encoder->config, true, path,
                                   encoder->w, &err), err);
    assert_ok(ofr_file_join(path, dir, "config.json", &err), err);
    assert_ok(ofr_config_save(&encoder->config, path, &err), err);
    encoder->config.precision = OFR_PRECISION_F32;
}

typedef enum manner { WHOLE, HALVES, ONE_LAYER } manner;

/* Hidden states after the last layer, [2 * T, C]; or after one. */
static ofr_real *run_as(const ofr_encoder *encoder, ofr_dev *dev, manner how)
{
    ofr_error err;
    ofr_walk walk;
    int ids[2 * T];
    size_t n = 2 * T * (size_t)encoder->config.C;
    ofr_real *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < 2 * T; i++)
        ids[i] = 3 + i * 37 % (V - 3);
    ofr_tokens tokens = {B, offsets, ids, NULL};
    assert_ok(ofr_walk_open(&walk, encoder, dev, B, 2 * T, &err), err);
    ofr_mem_forbid(true);
    ofr_walk_begin(&walk, &tokens);
    for (int l = 0; l < (how == ONE_LAYER ? 1 : encoder->config.L); l++) {
        if (how != HALVES) {
            ofr_walk_layer(&walk);
            continue;
        }
        ofr_walk_class_half(&walk);
        ofr_walk_other_half(&walk);
    }
    ofr_mem_forbid(false);
    memcpy(x, walk.x, n * sizeof *x);
    ofr_walk_close(&walk);
    return x;
}

static ofr_real *run(const ofr_encoder *encoder, ofr_dev *dev)
{
    return run_as(encoder, dev, WHOLE);
}

static void check_family(ofr_family family, ofr_dev *dev)
{
    static const double limits[] = {0, 2e-3, 2e-2, 0.15}; /* hidden states are ~1 */
    ofr_error err;
    ofr_encoder whole, opened;
    const char *dir = support_path("model");
    make_dir(dir, &whole, family);
    size_t n = 2 * T * (size_t)whole.config.C;
    ofr_real *f32 = NULL;
    for (int p = 0; p < OFR_PRECISION_COUNT; p++) {
        ofr_precision precision = (ofr_precision)p;
        assert_ok(ofr_encoder_pack(&whole, dev, precision, &err), err);
        ofr_real *want = run(&whole, dev);
        if (p == 0) f32 = want;
        for (size_t i = 0; i < n; i++)
            assert_true(fabs((double)want[i] - (double)f32[i]) <= limits[p]);
        const char *low = support_path(ofr_precision_name(precision));
        if (p > 0) quantise(low, &whole, precision);
        for (int stored = 0; stored < (p > 0 ? 2 : 1); stored++) {
            int as = stored ? OFR_AS_STORED : p;
            const char *from = stored ? low : dir;
            assert_ok(ofr_encoder_open_packed(&opened, from, &dev->ops, 2, as, false,
                                              &err), err);
            assert_int_equal(opened.precision, precision);
            assert_true(opened.params.total < whole.params.total / 3);
            assert_true(ofr_encoder_weight_bytes(&opened) ==
                        ofr_encoder_weight_bytes(&whole));
            ofr_real *x = run(&opened, dev);
            assert_memory_equal(x, want, n * sizeof *x);
            free(x);
            ofr_encoder_close(&opened);
        }
        if (p > 0) free(want);
    }
    free(f32);
    ofr_encoder_close(&whole);
}

static void test_same_bits(void **state)
{
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_dev *dev;
    ofr_error err;
    (void)state;
    assert_ok(ofr_dev_open(&dev, &ops, 2, T, &err), err);
    for (int f = 0; f < OFR_FAMILY_COUNT; f++)
        check_family((ofr_family)f, dev);
    ofr_dev_close(dev);
}

/* How many matrices of layers wait in the file. */
static int waiting(const ofr_encoder *encoder, ofr_dev *dev)
{
    int n = 0;
    for (int i = 0; i < encoder->config.L * OFR_PACKED_LAYER; i++)
        n += ofr_later_pieces(encoder->later, (size_t)i, dev, NULL, true) != NULL;
    return n;
}

/* Opens `dir` so that matrices wait, and runs it as hows[passes]; after pass i,
 * left[i] of them wait still.  Every pass over all layers gives want. */
static void check_later(const char *dir, ofr_dev *dev, const ofr_real *want, int passes,
                        const manner *hows, const int *left)
{
    ofr_error err;
    ofr_encoder opened;
    assert_ok(ofr_encoder_open_packed(&opened, dir, &dev->ops, 2, OFR_AS_STORED, true,
                                      &err), err);
    size_t n = 2 * T * (size_t)opened.config.C;
    for (int i = 0; i < passes; i++) {
        ofr_real *x = run_as(&opened, dev, hows[i]);
        if (hows[i] != ONE_LAYER) assert_memory_equal(x, want, n * sizeof *x);
        assert_int_equal(waiting(&opened, dev), left[i]);
        free(x);
    }
    ofr_encoder_close(&opened);
}

/* The first pass reads matrices in the file and packs none, in halves or not; later
 * ones pack what they meet, and never what they do not; the bits are the same. */
static void test_later(void **state)
{
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_dev *dev;
    ofr_error err;
    (void)state;
    assert_ok(ofr_dev_open(&dev, &ops, 2, T, &err), err);
    for (int f = 0; f < OFR_FAMILY_COUNT; f++) {
        ofr_encoder whole;
        char name[32];
        (void)snprintf(name, sizeof name, "later-%d", f);
        const char *dir = support_path(name);
        make_dir(dir, &whole, (ofr_family)f);
        assert_ok(ofr_encoder_pack(&whole, dev, OFR_PRECISION_F32, &err), err);
        ofr_real *want = run(&whole, dev);
        const bool shares = whole.config.shared_layers; /* nothing waits */
        const int all = shares ? 0 : 3 * OFR_PACKED_LAYER;
        const int rest = shares ? 0 : 2 * OFR_PACKED_LAYER;
        check_later(dir, dev, want, 3, (const manner[]){WHOLE, WHOLE, WHOLE},
                    (const int[]){all, 0, 0});
        check_later(dir, dev, want, 3, (const manner[]){HALVES, HALVES, WHOLE},
                    (const int[]){all, 0, 0});
        check_later(dir, dev, want, 4,
                    (const manner[]){ONE_LAYER, ONE_LAYER, ONE_LAYER, WHOLE},
                    (const int[]){all, rest, rest, 0});
        free(want);
        ofr_encoder_close(&whole);
    }
    ofr_dev_close(dev);
}

static struct {
    const ofr_encoder *encoder;
    void (*pack)(ofr_dev *, void *, ofr_precision, const ofr_real *, int, int);
    pid_t child;
    int packed_here; /* matrices that another session met meanwhile, and packed */
} meanwhile;

/* While the first matrix is packed: fork(), and another session meets the second. */
static void pack_and_fork(ofr_dev *dev, void *packed, ofr_precision precision,
                          const ofr_real *w, int O, int I)
{
    const ofr_encoder *e = meanwhile.encoder;
    dev->ops.pack = meanwhile.pack;
    dev->ops.pack(dev, packed, precision, w, O, I);
    meanwhile.child = fork();
    if (meanwhile.child == 0) (void)alarm(60);
    meanwhile.packed_here =
        ofr_later_pieces(e->later, 1, dev, &e->packed[1], false) == NULL;
    if (meanwhile.child == 0) _exit(meanwhile.packed_here ? 0 : 1);
}

/* In the process that packs nobody else does; in its child nobody does any more. */
static void test_fork(void **state)
{
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_dev *dev;
    ofr_error err;
    ofr_encoder whole, opened;
    int how;
    (void)state;
    assert_ok(ofr_dev_open(&dev, &ops, 1, T, &err), err);
    make_dir(support_path("fork"), &whole, OFR_FAMILY_BERT);
    assert_ok(ofr_encoder_open_packed(&opened, support_path("fork"), &ops, 1,
                                      OFR_AS_STORED, true, &err), err);
    meanwhile.encoder = &opened;
    meanwhile.pack = ops.pack;
    dev->ops.pack = pack_and_fork;
    assert_null(ofr_later_pieces(opened.later, 0, dev, &opened.packed[0], false));
    assert_true(meanwhile.child > 0);
    assert_int_equal(meanwhile.packed_here, 0);
    assert_int_equal(waitpid(meanwhile.child, &how, 0), meanwhile.child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_null(ofr_later_pieces(opened.later, 1, dev, &opened.packed[1], false));
    ofr_encoder_close(&opened);
    ofr_encoder_close(&whole);
    ofr_dev_close(dev);
}

/* A quantised directory read as reals: scale times whole number; and again. */
static void test_back(void **state)
{
    ofr_error err;
    ofr_encoder whole, back;
    const char *dir = support_path("back");
    (void)state;
    make_dir(support_path("whole"), &whole, OFR_FAMILY_BERT);
    quantise(dir, &whole, OFR_PRECISION_INT8);
    assert_ok(ofr_encoder_open(&back, dir, 0, &err), err);
    assert_int_equal(back.config.precision, OFR_PRECISION_INT8);
    for (int i = 0; i < whole.params.n; i++) {
        const ofr_param *row = &whole.params.rows[i];
        bool rounds = ofr_param_precision(row, OFR_PRECISION_INT8) == OFR_PRECISION_INT8;
        size_t C = rounds ? (size_t)row->shape[1] : 1;
        for (size_t r = 0; r < row->count / C && rounds; r++) {
            const ofr_real *w = whole.w + row->offset + r * C;
            const ofr_real *v = back.w + row->offset + r * C;
            double most = 0;
            for (size_t c = 0; c < C; c++)
                most = fmax(most, fabs((double)w[c]));
            for (size_t c = 0; c < C; c++)
                assert_true(fabs((double)(w[c] - v[c])) <=
                            most / ofr_param_top(row) * 0.50001);
        }
    }
    ofr_encoder_close(&back);
    ofr_encoder_close(&whole);
}

static void test_refused(void **state)
{
    ofr_error err;
    ofr_encoder whole, opened = {0};
    ofr_ops ops = ofr_ops_scalar;
    ofr_dev *dev;
    char path[OFR_PATH_MAX];
    (void)state;
    make_dir(support_path("large"), &whole, OFR_FAMILY_BERT);
    whole.w[whole.params.layers[1].up_w + 7] = 65520;
    assert_ok(ofr_dev_open(&dev, &ops, 1, T, &err), err);
    assert_int_equal(ofr_encoder_pack(&whole, dev, OFR_PRECISION_F16, &err), OFR_INVALID);
    assert_non_null(strstr(err.text, "layer.1.intermediate"));
    assert_non_null(strstr(err.text, "65504"));
    assert_ok(ofr_encoder_pack(&whole, dev, OFR_PRECISION_BF16, &err), err);
    whole.w[whole.params.layers[1].up_w + 7] = 3.4e38f;
    assert_fails(ofr_encoder_pack(&whole, dev, OFR_PRECISION_BF16, &err), OFR_INVALID,
                 err, "holds 3.4e+38, bf16 at 3.3895e38; use precision f32");
    /* Of files, the file is named, and of three matrices below each other the one. */
    whole.w[whole.params.layers[1].up_w + 7] = 0;
    const size_t C = (size_t)whole.config.C;
    whole.w[whole.params.layers[0].qkv_w + 3 * C * C - 2] = -70000;
    strcpy(path, support_path("large/model.safetensors"));
    assert_ok(ofr_weights_save(&whole.params, &whole.config, path, whole.w, OFR_F32,
                               &err), err);
    assert_ok(ofr_config_save(&whole.config, support_path("large/config.json"), &err),
              err);
    assert_fails(ofr_encoder_open_packed(&opened, support_path("large"), &ops, 1,
                                         OFR_PRECISION_F16, false, &err),
                 OFR_INVALID, err,
                 "large/model.safetensors: tensor \"bert.encoder.layer.0.attention.self."
                 "value.weight\" holds 70000, f16 ends at 65504; use precision bf16");
    whole.w[whole.params.layers[1].up_w + 7] = 3.4e38f;
    whole.config.precision = OFR_PRECISION_BF16;
    assert_fails(ofr_weights_quantise(&whole.params, &whole.config, true,
                                      support_path("none"), whole.w, &err),
                 OFR_INVALID, err, "bf16 at 3.3895e38; use int8");
    assert_int_equal(ofr_encoder_open_packed(&opened, support_path("none"), &ops, 1, 0,
                                             false, &err), OFR_NOT_FOUND);
    ofr_dev_close(dev);
    ofr_encoder_close(&whole);
}

/* The file at `from`/model.safetensors with `byte` at place 7 of a tensor, at `to`. */
static void bend(const char *from, const char *to, const char *name, int8_t byte)
{
    char path[OFR_PATH_MAX], other[OFR_PATH_MAX];
    ofr_error err;
    ofr_safetensors all;
    assert_ok(ofr_file_join(path, from, "model.safetensors", &err), err);
    assert_ok(ofr_file_join(other, to, "model.safetensors", &err), err);
    assert_ok(ofr_safetensors_open(&all, path, &err), err);
    int8_t *bytes = NULL;
    for (int i = 0; i < all.n_tensors; i++) {
        ofr_tensor *tensor = &all.tensors[i];
        if (!strstr(tensor->name, name) || tensor->dtype != OFR_I8) continue;
        bytes = malloc(tensor->bytes);
        assert_non_null(bytes);
        memcpy(bytes, tensor->data, tensor->bytes);
        bytes[7] = byte;
        tensor->data = bytes;
        break;
    }
    assert_non_null(bytes);
    assert_ok(ofr_safetensors_write(other, all.tensors, all.n_tensors, NULL, 0, &err),
              err);
    ofr_safetensors_close(&all);
    free(bytes);
}

/* Whole numbers that our kernels cannot sum exactly are refused, those of a table that
 * is looked up are not. */
static void test_bent(void **state)
{
    static const char *const wide[] = {"layer.1.attention.self.key", "layer.2.output"};
    static const int bytes[] = {64, -64};
    ofr_error err;
    ofr_encoder whole, opened;
    ofr_ops ops = ofr_ops_scalar;
    char from[OFR_PATH_MAX], to[OFR_PATH_MAX], says[80];
    (void)state;
    strcpy(from, support_path("straight"));
    strcpy(to, support_path("bent"));
    make_dir(from, &whole, OFR_FAMILY_BERT);
    make_dir(to, &opened, OFR_FAMILY_BERT);
    ofr_encoder_close(&opened);
    quantise(from, &whole, OFR_PRECISION_INT8);
    for (int i = 0; i < 2; i++) {
        bend(from, to, wide[i], (int8_t)bytes[i]);
        (void)snprintf(says, sizeof says, "holds %d at place 7, expected whole numbers "
                       "from -63 to 63; restore", bytes[i]);
        assert_fails(ofr_encoder_open_packed(&opened, to, &ops, 1, OFR_PRECISION_INT8,
                                             false, &err), OFR_FORMAT, err, says);
    }
    assert_ok(ofr_weights_quantise(&whole.params, &whole.config, false,
                                   support_path("no-pooler"), whole.w, &err), err);
    ofr_safetensors file;
    assert_ok(ofr_safetensors_open(&file, support_path("no-pooler"), &err), err);
    for (int i = 0; i < file.n_tensors; i++)
        assert_null(strstr(file.tensors[i].name, "pooler"));
    ofr_safetensors_close(&file);
    bend(from, to, "word_embeddings", -128);
    assert_ok(ofr_encoder_open_packed(&opened, to, &ops, 1, OFR_PRECISION_INT8, false,
                                      &err), err);
    ofr_encoder_close(&opened);
    ofr_encoder_close(&whole);
}

/* By hand: top 4, scale 0.5; halves to even; zeros; what is not finite. */
static void test_quant(void **state)
{
    const ofr_real x[] = {2, -2, 0.25f, 0.75f, -0.25f, 1.25f, 0, 0.26f};
    const int8_t want[] = {4, -4, 0, 2, 0, 2, 0, 1};
    int8_t q[8];
    (void)state;
    assert_true(ofr_quant_scale(x, 8, 4) == 0.5f);
    ofr_quant_row(q, x, 8, 0.5f, 4);
    assert_memory_equal(q, want, 8);
    ofr_quant_row(q, x, 8, 0.25f, 4); /* never beyond the top */
    assert_int_equal(q[0], 4);
    assert_int_equal(q[1], -4);
    const ofr_real zero[] = {0, -0.0f}, tiny[] = {1e-40f, 0}, bad[] = {1, NAN},
                   far[] = {1, -INFINITY};
    assert_true(ofr_quant_scale(zero, 2, 63) == 0);
    assert_true(ofr_quant_scale(tiny, 2, 63) == 0);
    assert_true(isnan(ofr_quant_scale(bad, 2, 63)));
    assert_true(isnan(ofr_quant_scale(far, 2, 63)));
    ofr_quant_row(q, bad, 2, NAN, 63);
    assert_int_equal(q[0], 0);
}

static void test_names(void **state)
{
    (void)state;
    for (int p = 0; p < OFR_PRECISION_COUNT; p++)
        assert_int_equal(ofr_precision_parse(ofr_precision_name((ofr_precision)p)), p);
    assert_int_equal(ofr_precision_parse("int4"), -1);
    assert_int_equal(ofr_precision_parse(""), -1);
}

/* Each allocation of opening fails once: an error, and nothing is left behind. */
static void check_nomem(int precision, bool later)
{
    ofr_error err;
    ofr_encoder whole, opened;
    ofr_ops ops = ofr_ops_scalar;
    const char *dir = support_path("nomem");
    ofr_status status = OFR_NOMEM;
    make_dir(dir, &whole, OFR_FAMILY_BERT);
    ofr_encoder_close(&whole);
    size_t live = ofr_mem_live();
    for (size_t n = 1; status != OFR_OK; n++) {
        ofr_mem_fail_at(n, false);
        status = ofr_encoder_open_packed(&opened, dir, &ops, 2, precision, later, &err);
        ofr_mem_fail_at(0, false);
        if (status == OFR_OK) ofr_encoder_close(&opened);
        assert_true(status == OFR_OK || status == OFR_NOMEM);
        assert_int_equal(ofr_mem_live(), live);
    }
}

static void test_nomem(void **state)
{
    (void)state;
    check_nomem(OFR_PRECISION_INT8, false);
    check_nomem(OFR_PRECISION_F32, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_quant),
        cmocka_unit_test(test_same_bits), cmocka_unit_test(test_later),
        cmocka_unit_test(test_back),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nomem),     cmocka_unit_test(test_fork),
        cmocka_unit_test(test_bent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
