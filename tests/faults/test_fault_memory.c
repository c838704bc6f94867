/*
 * test_fault_memory.c - allocation n fails, for every n, once and for good: opening a
 * model (precisions, shards, tokenizers), sessions, classifying; training by three
 * methods.  The answer is OFR_NOMEM, nothing leaks, and afterwards the same call gives
 * the same bits; a training run goes on where its last checkpoint was made.
 *
 * Counted is every allocation of our own code, through base/mem or not, and jansson's.
 */
#include "method/toy.h"

#include <math.h>
#include <offramp.h>

#include "faults/faults.h"
#include "io/safetensors.h"
#include "io/table.h"
#include "model/weights.h"

/* ---- a call that may fail ------------------------------------------------------- */

typedef struct attempt {
    ofr_status (*run)(void *self, double *digest, ofr_error *err);
    void *self;
} attempt;

static ofr_status run_attempt(const attempt *a, double *digest, ofr_error *err)
{
    *digest = 0;
    *err = (ofr_error){OFR_OK, ""};
    return a->run(a->self, digest, err);
}

/* Every allocation; every `often`-th time the call is made again in peace. */
static size_t each_allocation(const attempt *a, bool for_good, size_t often)
{
    const size_t live = ofr_mem_live();
    double want, got;
    ofr_error err;
    size_t n = 1;

    faults_off();
    assert_ok(run_attempt(a, &want, &err), err);
    for (;; n++) {
        faults_fail(FAULT_MEMORY, n, for_good);
        const ofr_status status = run_attempt(a, &got, &err);
        const bool hit = faults_hit();
        faults_off();
        assert_int_equal(ofr_mem_live(), live);
        if (status == OFR_OK) {
            assert_true(got == want);
        } else {
            if (status != OFR_NOMEM)
                fail_msg("allocation %zu: %s: %s", n, ofr_status_text(status), err.text);
            assert_true(hit && err.text[0] && !strchr(err.text, '\n'));
            if (n % often == 0) {
                assert_ok(run_attempt(a, &got, &err), err);
                assert_true(got == want);
            }
        }
        if (!hit) return n - 1;
    }
}

static void each_way(const attempt *a, size_t least)
{
    assert_true(each_allocation(a, false, 16) >= least);
    assert_true(each_allocation(a, true, 16) >= least);
}

/* ---- tables ----------------------------------------------------------------------- */

static ofr_status read_table(void *self, double *digest, ofr_error *err)
{
    const ofr_table_options skip_bad = {OFR_TABLE_JSONL, true, true};
    ofr_table table;

    OFR_TRY(ofr_table_open(&table, self, skip_bad, err));
    *digest = table.n_rows + 100 * table.n_bad;
    ofr_table_close(&table);
    return OFR_OK;
}

/* A row that there is no memory for is none that is bad. */
static void test_rows(void **state)
{
    char path[OFR_PATH_MAX];

    (void)state;
    strcpy(path, support_write("rows.jsonl", "{\"a\": \"x\", \"b\": [1, {\"c\": 2}]}\n"
                                             "no row\n{\"a\": \"y\", \"b\": 0.5}\n"));
    each_way(&(const attempt){read_table, path}, 20);
}

/* ---- models ----------------------------------------------------------------------- */

static void in_dir(char path[OFR_PATH_MAX], const char *dir, const char *name)
{
    ofr_error err;

    assert_ok(ofr_file_join(path, dir, name, &err), err);
}

static void write_wordpiece(const char *dir)
{
    static const char vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwa\nwb\nwc\n##a\n";
    char path[OFR_PATH_MAX];
    ofr_error err;

    in_dir(path, dir, "vocab.txt");
    assert_ok(ofr_file_write(path, vocab, sizeof vocab - 1, &err), err);
}

/* Bytes as GPT-2 writes them, and one merge. */
static void write_bpe(const char *dir)
{
    static const char merges[] = "#version: 0.2\nw a\n";
    static const char *const special[] = {"wa",    "<s>",   "</s>",
                                          "<unk>", "<pad>", "<mask>"};
    char path[OFR_PATH_MAX];
    ofr_buf json;
    ofr_error err;

    ofr_buf_init(&json);
    for (int b = 0; b < 256; b++) {
        const int c = b <= 32               ? 256 + b
                      : b >= 127 && b <= 160 ? 256 + 33 + b - 127
                      : b == 173             ? 256 + 67
                                             : b;
        char text[3] = {(char)c, 0, 0};

        if (c >= 128) {
            text[0] = (char)(0xc0 | c >> 6);
            text[1] = (char)(0x80 | (c & 63));
        }
        ofr_buf_adds(&json, b ? "," : "{");
        ofr_buf_add_json(&json, text, strlen(text));
        ofr_buf_addf(&json, ":%d", b);
    }
    for (int i = 0; i < 6; i++)
        ofr_buf_addf(&json, ",\"%s\":%d", special[i], 256 + i);
    ofr_buf_adds(&json, "}");
    in_dir(path, dir, "vocab.json");
    assert_ok(ofr_file_write(path, json.p, json.n, &err), err);
    in_dir(path, dir, "merges.txt");
    assert_ok(ofr_file_write(path, merges, sizeof merges - 1, &err), err);
    ofr_buf_free(&json);
}

/* Pieces of one letter; its normalizer takes ligatures apart. */
static void write_unigram(const char *dir)
{
    static const char json[] =
        "{\"normalizer\": {\"type\": \"Precompiled\"}, \"pre_tokenizer\": {\"type\": "
        "\"Sequence\", \"pretokenizers\": [{\"type\": \"WhitespaceSplit\"}, {\"type\": "
        "\"Metaspace\"}]}, \"post_processor\": {\"type\": \"BertProcessing\", \"cls\": "
        "[\"\", 2], \"sep\": [\"\", 3]}, \"model\": {\"type\": \"Unigram\", "
        "\"unk_id\": 1, \"vocab\": [[\"<pad>\", 0], [\"<unk>\", 0], "
        "[\"[CLS]\", 0], [\"[SEP]\", 0], "
        "[\"\xe2\x96\x81\", -3], [\"w\", -2], [\"a\", -2], [\"b\", -2]]}}";
    char path[OFR_PATH_MAX];
    ofr_error err;

    in_dir(path, dir, "tokenizer.json");
    assert_ok(ofr_file_write(path, json, sizeof json - 1, &err), err);
}

static void write_model(const char *dir, ofr_family family, ofr_precision precision)
{
    ofr_config config;
    ofr_encoder encoder;
    ofr_error err;
    char path[OFR_PATH_MAX];

    assert_ok(ofr_file_make_dirs(dir, &err), err);
    assert_ok(ofr_config_shape(&config, family, "tiny", 262, &err), err);
    config.L = 2;
    config.C = config.E = 16;
    config.H = 2;
    config.F = 32;
    config.n_positions = 102;
    config.policy_hidden = 4;
    config.initializer_range = 0.3;
    assert_ok(ofr_config_set_labels(&config, 2, NULL, false, &err), err);
    assert_ok(ofr_encoder_new(&encoder, &config, 4, &err), err);
    encoder.config.precision = precision;
    in_dir(path, dir, "model.safetensors");
    assert_ok(precision == OFR_PRECISION_F32
                  ? ofr_weights_save(&encoder.params, &encoder.config, path, encoder.w,
                                     OFR_F32, &err)
                  : ofr_weights_quantise(&encoder.params, &encoder.config, true, path,
                                         encoder.w, &err),
              err);
    in_dir(path, dir, "config.json");
    assert_ok(ofr_config_save(&encoder.config, path, &err), err);
    ofr_encoder_close(&encoder);
    ofr_config_free(&config);
    if (family == OFR_FAMILY_ROBERTA)
        write_bpe(dir);
    else if (family == OFR_FAMILY_ALBERT)
        write_unigram(dir);
    else
        write_wordpiece(dir);
}

/* The same model in two files and an index. */
static void split_model(const char *from, const char *dir)
{
    char path[OFR_PATH_MAX];
    ofr_safetensors all;
    ofr_buf index;
    ofr_error err;

    write_model(dir, OFR_FAMILY_BERT, OFR_PRECISION_F32);
    in_dir(path, dir, "model.safetensors");
    assert_ok(ofr_file_remove(path, &err), err);
    in_dir(path, from, "model.safetensors");
    assert_ok(ofr_safetensors_open(&all, path, &err), err);
    const int half = all.n_tensors / 2;
    in_dir(path, dir, "one.safetensors");
    assert_ok(ofr_safetensors_write(path, all.tensors, half, NULL, 0, &err), err);
    in_dir(path, dir, "two.safetensors");
    assert_ok(ofr_safetensors_write(path, all.tensors + half, all.n_tensors - half, NULL,
                                    0, &err),
              err);
    ofr_buf_init(&index);
    for (int i = 0; i < all.n_tensors; i++)
        ofr_buf_addf(&index, "%s\"%s\": \"%s.safetensors\"",
                     i ? ", " : "{\"weight_map\": {", all.tensors[i].name,
                     i < half ? "one" : "two");
    ofr_buf_adds(&index, "}}");
    in_dir(path, dir, "model.safetensors.index.json");
    assert_ok(ofr_file_write(path, index.p, index.n, &err), err);
    ofr_buf_free(&index);
    ofr_safetensors_close(&all);
}

typedef struct opening {
    const char *dir, *precision;
} opening;

/* Open, a session, texts of one and of many tokens, close; the digest is of answers. */
static ofr_status open_and_classify(void *self, double *digest, ofr_error *err)
{
    static const char *const texts[] = {"wa wb", "", "wc waa wa xyz wb wb wb wb wb wb",
                                        "caf\xc3\xa9 wa's 12 wb"};
    const opening *o = self;
    const ofr_model_options how = {.precision = o->precision, .n_threads = 1};
    const ofr_session_options sizes = {.max_batch = 2, .n_threads = 1};
    ofr_model *model = NULL;
    ofr_session *session = NULL;
    ofr_status status = ofr_model_open_as(&model, o->dir, &how, err);

    if (!status) status = ofr_session_open(&session, model, &sizes, err);
    for (int i = 0; !status && i < 4; i++) {
        const ofr_text text = {texts[i], strlen(texts[i]), NULL, 0};
        ofr_result result = {0};

        status = ofr_classify(session, &result, &text, 1, err);
        if (!status) *digest = 3 * *digest + result.exit_layer + (double)result.probs[0];
    }
    ofr_session_close(session);
    ofr_model_close(model);
    return status;
}

static void test_precisions(void **state)
{
    static const char *const names[] = {NULL, "f16", "bf16", "int8"};
    char dir[OFR_PATH_MAX];

    (void)state;
    strcpy(dir, support_path("bert"));
    write_model(dir, OFR_FAMILY_BERT, OFR_PRECISION_F32);
    for (int i = 0; i < 4; i++) {
        opening o = {dir, names[i]};
        const attempt a = {open_and_classify, &o};

        each_way(&a, 200);
    }
}

static void test_files(void **state)
{
    char dir[OFR_PATH_MAX], other[OFR_PATH_MAX];
    opening o = {other, NULL};
    const attempt a = {open_and_classify, &o};

    (void)state;
    strcpy(dir, support_path("bert"));
    write_model(dir, OFR_FAMILY_BERT, OFR_PRECISION_F32);
    strcpy(other, support_path("shards"));
    split_model(dir, other);
    each_way(&a, 200);
    strcpy(other, support_path("int8"));
    write_model(other, OFR_FAMILY_BERT, OFR_PRECISION_INT8);
    each_way(&a, 200);
    strcpy(other, support_path("roberta"));
    write_model(other, OFR_FAMILY_ROBERTA, OFR_PRECISION_F32);
    each_way(&a, 400);
}

enum { LONG_TOKENS = 100, LONG_BYTES = 8 * LONG_TOKENS };

/* 0: one word; 1: with a byte that is not UTF-8; 2 and 3: short words nearly up to the
 * limit, then a word of a piece per byte, of as many as WordPiece cuts or to the end;
 * 4 to 6: signs that stand for words of six and seven characters, and for four words. */
static void long_text(char text[LONG_BYTES], int which)
{
    static const char *const signs[] = {"\xe3\x8c\x96", "\xe3\x88\x9d", "\xef\xb7\xba"};
    if (which >= 4) {
        memset(text, ' ', LONG_BYTES);
        for (int i = 0; i + 3 <= LONG_BYTES; i += 3)
            memcpy(text + i, signs[which - 4], 3);
        return;
    }
    memset(text, 'w', LONG_BYTES);
    if (which == 1) text[70] = (char)0xff;
    if (which < 2) return;
    for (int i = 0; i < LONG_TOKENS - 4; i++)
        memcpy(text + 3 * i, "wb ", 3);
    memset(text + 3 * (LONG_TOKENS - 4) + 1, 'a', LONG_BYTES - 3 * (LONG_TOKENS - 4) - 1);
    if (which == 2) memset(text + 3 * (LONG_TOKENS - 4) + 100, ' ', 100);
}

/* Texts and pairs of 8 bytes per token find room in an open session. */
static void test_long_word(void **state)
{
    static const ofr_family families[] = {OFR_FAMILY_BERT, OFR_FAMILY_ROBERTA,
                                          OFR_FAMILY_ALBERT};
    static const char *const dirs[] = {"long-bert", "long-roberta", "long-albert"};
    const ofr_session_options sizes = {.max_batch = 2, .max_tokens = LONG_TOKENS,
                                       .n_threads = 1};
    char word[LONG_BYTES];

    (void)state;
    for (int f = 0; f < 3; f++) {
        const char *dir = support_path(dirs[f]);
        ofr_model *model;
        ofr_session *session;
        ofr_result result;
        ofr_error err;

        write_model(dir, families[f], OFR_PRECISION_F32);
        assert_ok(ofr_model_open(&model, dir, &err), err);
        assert_ok(ofr_session_open(&session, model, &sizes, &err), err);
        const size_t violations = ofr_mem_violations();
        for (int which = 0; which < 7; which++) {
            const ofr_text text = {word, sizeof word, word, sizeof word};
            long_text(word, which);
            ofr_mem_forbid(true);
            assert_ok(ofr_classify(session, &result, &text, 1, &err), err);
            ofr_mem_forbid(false);
        }
        assert_int_equal(ofr_mem_violations(), violations);
        ofr_session_close(session);
        ofr_model_close(model);
    }
}

/* ---- training --------------------------------------------------------------------- */

typedef struct training {
    toy t;
    const ofr_method *method;
    ofr_method_options options;
    char out[OFR_PATH_MAX];
    bool resume;
} training;

static ofr_status train(void *self, double *digest, ofr_error *err)
{
    training *run = self;
    const ofr_method_job job = {.out = run->out, .resume = run->resume,
                                .resume_command = "again"};
    ofr_method_result result;
    ofr_encoder encoder;
    ofr_status status = ofr_encoder_new(&encoder, &run->t.config, 5, err);

    if (status) return status;
    status = ofr_encoder_set_task(&encoder, run->t.train.K, run->t.train.label_names,
                                  run->t.train.targets != NULL,
                                  (ofr_pooler_kind)run->options.pooler,
                                  run->options.policy_hidden, 5, err);
    if (!status)
        status = ofr_method_train(run->method, &encoder, run->t.dev, &run->t.data,
                                  &run->options, &job, &result, err);
    for (size_t i = 0; !status && i < encoder.params.total; i++)
        *digest = 0.999 * *digest + (double)encoder.w[i];
    ofr_encoder_close(&encoder);
    return status;
}

/* Which allocations of training fail: number `first` and every `step`th behind it.  The
 * long tier (tests/long/faults.sh) chooses part FIRST/STEP of all, and hears of it. */
typedef struct choice {
    size_t first, step;
    bool aloud;
} choice;

static choice chosen(size_t step)
{
    const char *part = getenv("OFFRAMP_LONG");
    choice c = {1, step, false};

    if (part && *part) {
        assert_int_equal(sscanf(part, "%zu/%zu", &c.first, &c.step), 2);
        assert_true(c.first > 0 && c.step > 0);
        c.aloud = true;
    }
    return c;
}

/* The run with one failure, continued: the weights and the journal of the whole run. */
static bool fail_and_resume(training *run, size_t n, bool for_good, double want,
                            const char *journal)
{
    const attempt a = {train, run};
    const size_t live = ofr_mem_live();
    double got;
    ofr_error err;
    bool hit;

    run->resume = false;
    faults_fail(FAULT_MEMORY, n, for_good);
    ofr_status status = run_attempt(&a, &got, &err);
    hit = faults_hit();
    faults_off();
    assert_int_equal(ofr_mem_live(), live);
    if (status) {
        if (!hit || status != OFR_NOMEM)
            fail_msg("allocation %zu: %s: %s", n, ofr_status_text(status), err.text);
        run->resume = true;
        assert_ok(run_attempt(&a, &got, &err), err);
    }
    assert_true(got == want);
    char path[OFR_PATH_MAX];
    in_dir(path, run->out, "journal.jsonl");
    assert_string_equal(support_read(path), journal);
    return hit;
}

static void each_training(const ofr_method *method, toy_task task,
                          const ofr_method_options *o, size_t step)
{
    training run = {.method = method, .options = *o};
    const attempt a = {train, &run};
    const choice c = chosen(step);
    char path[OFR_PATH_MAX];
    double want;
    ofr_error err;
    size_t n = c.first, k = 0;

    toy_open_task(&run.t, task, 24, 2, 1);
    strcpy(run.out, support_path("training"));
    faults_fail(FAULT_MEMORY, SIZE_MAX, false);
    assert_ok(run_attempt(&a, &want, &err), err);
    const size_t total = faults_count(FAULT_MEMORY);
    faults_off();
    in_dir(path, run.out, "journal.jsonl");
    const char *text = support_read(path);
    char *journal = test_malloc(strlen(text) + 1);
    strcpy(journal, text);
    for (; fail_and_resume(&run, n, k % 2 == 1, want, journal); n += c.step, k++)
        if (c.aloud && k % 100 == 0)
            print_message("%s: allocation %zu of %zu\n", method->name, n, total);
    assert_true(total > 60 && n > total);
    test_free(journal);
    toy_close(&run.t);
}

static ofr_method_options short_options(void)
{
    ofr_method_options o;

    ofr_method_options_init(&o);
    o.joint_epochs = o.policy_epochs = o.task_epochs = o.iterations = o.exit_epochs = 1;
    o.batch = o.policy_batch = 12;
    o.policy_hidden = 4;
    o.lr = 3e-3;
    o.dropout = o.attention_dropout = o.head_dropout = 0.1;
    return o;
}

static void test_consistentee(void **state)
{
    ofr_method_options o = short_options();

    (void)state;
    o.gradient = OFR_GRADIENT_REINFORCE;
    o.hardness = OFR_HARDNESS_FORGETTING;
    o.alphas = "0.01,0.1";
    o.policy_holdout = 0.3;
    each_training(&ofr_method_consistentee, TOY_WORD, &o, 7);
}

static void test_other_methods(void **state)
{
    const ofr_method_options o = short_options();

    (void)state;
    each_training(&ofr_method_fastbert, TOY_WORD, &o, 7);
    each_training(&ofr_method_deebert, TOY_WORD, &o, 7);
}

/* Its score is a correlation, which needs room of its own. */
static void test_regression(void **state)
{
    const ofr_method_options o = short_options();

    (void)state;
    each_training(&ofr_method_finetune, TOY_VALUE, &o, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_precisions),   cmocka_unit_test(test_files),
        cmocka_unit_test(test_long_word),    cmocka_unit_test(test_rows),
        cmocka_unit_test(test_consistentee), cmocka_unit_test(test_other_methods),
        cmocka_unit_test(test_regression),
    };

    faults_route_libraries();
    return cmocka_run_group_tests_name("fault_memory", tests, NULL, NULL);
}
