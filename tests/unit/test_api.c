/*
 * test_api.c - the public API on a small random model made here: results, batch
 * invariance, exits, every status, every failing allocation.
 */
#include "support/support.h"

#include <math.h>
#include <offramp.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/rng.h"
#include "io/json.h"
#include "model/encoder.h"
#include "model/weights.h"
#include "support/tiny_model.h"

#define K TINY_CLASSES

/* ---- tests ------------------------------------------------------------ */

static void test_model(void **state)
{
    (void)state;
    ofr_error err;
    ofr_model *model = NULL;
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    assert_int_equal(ofr_model_n_layers(model), 4);
    assert_int_equal(ofr_model_n_classes(model), K);
    assert_string_equal(ofr_model_label(model, 0), "red");
    assert_string_equal(ofr_model_label(model, 2), "blue");
    assert_null(ofr_model_label(model, 3));
    assert_null(ofr_model_label(model, -1));
    ofr_model_close(model);
    ofr_model_close(NULL);
    ofr_session_close(NULL);
}

/* The same text at every precision: an answer whose probabilities are near. */
static void test_model_options(void **state)
{
    static const char *const names[] = {"f32", "f16", "bf16", "int8", NULL};
    static const double limits[] = {0, 5e-3, 5e-2, 0.25, 0};
    const ofr_text text = {.text = "waa wab wac wad", .text_len = 15};
    const ofr_session_options never = {.exit = {.rule = "never"}};
    float exact[K] = {0};
    ofr_error err;
    (void)state;
    for (int i = 0; i < 5; i++) {
        ofr_model_options options = {.precision = names[i], .n_threads = i % 3};
        ofr_model *model;
        ofr_session *session;
        ofr_result result;
        assert_ok(ofr_model_open_as(&model, support_tiny_dir(), &options, &err), err);
        assert_string_equal(ofr_model_precision(model), names[i] ? names[i] : "f32");
        assert_string_equal(ofr_model_rule(model), "policy");
        assert_ok(ofr_session_open(&session, model, &never, &err), err);
        assert_ok(ofr_classify(session, &result, &text, 1, &err), err);
        if (i == 0) memcpy(exact, result.probs, sizeof exact);
        for (int k = 0; k < K; k++)
            assert_true(fabs((double)result.probs[k] - (double)exact[k]) <= limits[i]);
        ofr_session_close(session);
        ofr_model_close(model);
    }
    ofr_model *none = NULL;
    ofr_model_options wrong = {.precision = "int4"}, many = {.n_threads = 65};
    assert_fails(ofr_model_open_as(&none, support_tiny_dir(), &wrong, &err), OFR_INVALID,
                 err, "int4");
    assert_fails(ofr_model_open_as(&none, support_tiny_dir(), &many, &err), OFR_INVALID,
                 err, "65");
    assert_null(none);
}

static void check_result(const ofr_result *r)
{
    double sum = 0;
    int best = 0;
    for (int k = 0; k < K; k++) {
        assert_true(r->probs[k] >= 0 && r->probs[k] <= 1);
        sum += (double)r->probs[k];
        if (r->probs[k] > r->probs[best]) best = k;
    }
    support_close_one("sum of probabilities", sum, 1, 1e-5);
    assert_int_equal(r->label, best);
    assert_in_range(r->exit_layer, 1, 4);
}

#define N_TEXTS 200

/* Alone, in any batch, in any order, in several passes: the same bits. */
static void test_batches(void **state)
{
    (void)state;
    static char storage[N_TEXTS][128];
    static ofr_result alone[N_TEXTS];
    static float probs[N_TEXTS][K];
    ofr_error err;
    ofr_model *model;
    ofr_session *one, *many;
    ofr_session_options options = {.max_batch = 1, .n_threads = 1};
    if (!support_same_bits("batches")) return;
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    assert_ok(ofr_session_open(&one, model, &options, &err), err);
    options.max_batch = N_TEXTS; /* more rows than one pass holds */
    options.max_tokens = 64;
    options.n_threads = 2;
    assert_ok(ofr_session_open(&many, model, &options, &err), err);
    int exits[5] = {0};
    ofr_text texts[N_TEXTS];
    for (int i = 0; i < N_TEXTS; i++) {
        texts[i] = (ofr_text){support_tiny_text(storage[i], (uint64_t)i), 0, NULL, 0};
        texts[i].text_len = strlen(texts[i].text);
        assert_ok(ofr_classify(one, &alone[i], &texts[i], 1, &err), err);
        check_result(&alone[i]);
        memcpy(probs[i], alone[i].probs, sizeof(probs[i]));
        assert_int_equal(alone[i].n_tokens, i % 12 + 2);
        assert_int_equal(alone[i].truncated, 0);
        exits[alone[i].exit_layer]++;
    }
    for (int l = 1; l <= 4; l++) /* a test with a point */
        assert_true(exits[l] > 10);
    int order[N_TEXTS];
    for (uint64_t round = 0; round < 5; round++) {
        ofr_text shuffled[N_TEXTS];
        ofr_result results[N_TEXTS];
        ofr_rng_permutation(order, N_TEXTS, 3, round);
        int n = round == 0 ? N_TEXTS : 1 + (int)ofr_rng_below(4, 0, round, N_TEXTS);
        for (int i = 0; i < n; i++)
            shuffled[i] = texts[order[i]];
        assert_ok(ofr_classify(many, results, shuffled, n, &err), err);
        for (int i = 0; i < n; i++) {
            const ofr_result *want = &alone[order[i]];
            assert_int_equal(results[i].label, want->label);
            assert_int_equal(results[i].exit_layer, want->exit_layer);
            assert_int_equal(results[i].n_tokens, want->n_tokens);
            assert_memory_equal(results[i].probs, probs[order[i]], sizeof(probs[0]));
        }
    }
    ofr_session_close(many);
    ofr_session_close(one);
    ofr_model_close(model);
}

/* Long texts are cut, counted, and still fit the passes. */
static void test_truncation(void **state)
{
    (void)state;
    ofr_error err;
    ofr_model *model;
    ofr_session *session;
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    size_t n = 300000;
    char *text = malloc(n);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++)
        text[i] = "waa "[i % 4];
    ofr_text texts[100];
    ofr_result results[100];
    for (int i = 0; i < 100; i++) {
        texts[i] = (ofr_text){text, i % 2 ? n : 12, NULL, 0};
        if (i % 5 == 1) texts[i].pair = text, texts[i].pair_len = n;
    }
    ofr_session_options options = {.max_batch = 100, .max_tokens = 64};
    assert_ok(ofr_session_open(&session, model, &options, &err), err);
    assert_ok(ofr_classify(session, results, texts, 100, &err), err);
    for (int i = 0; i < 100; i++) {
        bool longer = i % 2 || i % 5 == 1;
        assert_int_equal(results[i].truncated, longer);
        assert_int_equal(results[i].n_tokens, longer ? 64 : 5);
        check_result(&results[i]);
    }
    ofr_session_close(session);
    assert_ok(ofr_session_open(&session, model, NULL, &err), err);
    assert_ok(ofr_classify(session, results, texts + 1, 1, &err), err);
    assert_int_equal(results[0].n_tokens, 16); /* as the model was trained */
    ofr_session_close(session);
    ofr_model_close(model);
    free(text);
}

/* The rule comes from the options, else from the model. */
static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        double threshold;
        int layer; /* 0: as the stored rule */
    } rows[] = {
        {"fixed", 2, 2},       {"fixed", 4, 4},      {"never", 0, 4},
        {"policy", 0, 1},      {"policy", 1, 4},     {"entropy", 20, 1},
        {"entropy", 0, 4},     {"confidence", 1, 4}, {"patience", 3, 4},
        {"policy", 0.5, 0},    {NULL, 0, 0},         {NULL, (double)NAN, 0},
        {"policy", (double)NAN, 0}, {NULL, 1, 4},
    };
    ofr_error err;
    ofr_model *model;
    ofr_session *stored, *session;
    char text[128];
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    assert_ok(ofr_session_open(&stored, model, NULL, &err), err);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        ofr_session_options options = {
            .exit = {.rule = rows[r].rule, .threshold = rows[r].threshold}};
        assert_ok(ofr_session_open(&session, model, &options, &err), err);
        for (uint64_t i = 0; i < 30; i++) {
            ofr_result want, got;
            ofr_text t = {support_tiny_text(text, i), 0, NULL, 0};
            t.text_len = strlen(text);
            assert_ok(ofr_classify(stored, &want, &t, 1, &err), err);
            assert_ok(ofr_classify(session, &got, &t, 1, &err), err);
            int layer = rows[r].layer > 0 ? rows[r].layer : want.exit_layer;
            if (got.exit_layer != layer)
                fail_msg("row %zu, text %d: layer %d, want %d", r, (int)i, got.exit_layer,
                         layer);
        }
        ofr_session_close(session);
    }
    ofr_session_close(stored);
    ofr_model_close(model);
}

static void test_odd_texts(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "", " ", "\t\r\n", "\xf0\x9f\x98\x80", "\xff\xfe", "\xc3", "[SEP] [CLS] [PAD]",
        "\xe4\xb8\xad\xe6\x96\x87", "waawab", "\xcc\x81\xcc\x81", "\xef\xbf\xbd",
    };
    ofr_error err;
    ofr_model *model;
    ofr_session *session;
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    assert_ok(ofr_session_open(&session, model, NULL, &err), err);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        ofr_result result;
        ofr_text t = {odd[i], strlen(odd[i]), i % 2 ? odd[i] : NULL, 0};
        if (t.pair != NULL) t.pair_len = strlen(t.pair);
        assert_ok(ofr_classify(session, &result, &t, 1, &err), err);
        check_result(&result);
    }
    ofr_result result;
    ofr_text zeros = {"a\0b\0\0waa", 8, NULL, 0};
    assert_ok(ofr_classify(session, &result, &zeros, 1, &err), err);
    ofr_text nothing = {NULL, 0, NULL, 0};
    assert_ok(ofr_classify(session, &result, &nothing, 1, &err), err);
    assert_int_equal(result.n_tokens, 2);
    assert_ok(ofr_classify(session, NULL, NULL, 0, &err), err);
    ofr_session_close(session);
    ofr_model_close(model);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    ofr_error err;
    ofr_model *model = NULL, *other = NULL;
    ofr_session *session = NULL;
    assert_fails(ofr_model_open(NULL, support_tiny_dir(), &err), OFR_INVALID, err,
                 "NULL");
    assert_fails(ofr_model_open(&other, NULL, &err), OFR_INVALID, err, "NULL");
    assert_fails(ofr_model_open(&other, support_path("nothing"), &err), OFR_NOT_FOUND,
                 err, "nothing");
    assert_fails(ofr_model_open(&other, support_write("file", "x"), &err), OFR_INVALID,
                 err, "is a file");
    assert_null(other);
    assert_int_equal(ofr_model_open(&other, support_path("nothing"), NULL),
                     OFR_NOT_FOUND);
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    static const struct {
        ofr_session_options options;
        const char *part;
    } rows[] = {
        {{.max_batch = -1}, "max_batch is -1"},
        {{.max_batch = 1 << 20}, "max_batch is 1048576"},
        {{.max_tokens = 65}, "max_tokens is 65, expected 0 or 4 to 64"},
        {{.max_tokens = 3}, "max_tokens is 3"},
        {{.n_threads = -2}, "n_threads is -2"},
        {{.exit = {.rule = "sometimes"}}, "sometimes"},
        {{.exit = {.rule = "policy", .threshold = 7}}, "7"},
        {{.exit = {.rule = "fixed", .threshold = 5}}, "5"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_fails(ofr_session_open(&session, model, &rows[i].options, &err),
                     OFR_INVALID, err, rows[i].part);
    assert_null(session);
    assert_fails(ofr_session_open(NULL, model, NULL, &err), OFR_INVALID, err, "NULL");
    assert_fails(ofr_session_open(&session, NULL, NULL, &err), OFR_INVALID, err, "NULL");
    assert_ok(ofr_session_open(&session, model, NULL, &err), err);
    ofr_result results[40] = {{.label = -7}};
    ofr_text texts[40] = {{"waa", 3, NULL, 0}};
    assert_fails(ofr_classify(session, results, texts, 33, &err), OFR_INVALID, err,
                 "33 texts in one call, this session takes 0 to 32");
    assert_fails(ofr_classify(session, results, texts, -1, &err), OFR_INVALID, err, "-1");
    assert_fails(ofr_classify(NULL, results, texts, 1, &err), OFR_INVALID, err, "NULL");
    assert_fails(ofr_classify(session, NULL, texts, 1, &err), OFR_INVALID, err, "NULL");
    texts[1] = (ofr_text){NULL, 5, NULL, 0};
    assert_fails(ofr_classify(session, results, texts, 2, &err), OFR_INVALID, err,
                 "text 1 of the call");
    assert_int_equal(results[0].label, -7);
    ofr_session_close(session);
    ofr_model_close(model);
}

/* A word whose embedding is no number: opening does not look at it, its text says so,
 * and others are answered before and after. */
static void test_wild_word(void **state)
{
    const ofr_text texts[] = {{"wab wac", 7, NULL, 0}, {"wab waa", 7, NULL, 0}};
    ofr_result results[2];
    ofr_encoder encoder;
    ofr_session *session;
    ofr_model *model;
    ofr_error err;
    const size_t waa = 5; /* its entry */
    char dir[OFR_PATH_MAX], path[OFR_PATH_MAX];
    (void)state;
    strcpy(dir, support_path("wild"));
    support_tiny_plain(dir);
    assert_ok(ofr_encoder_open(&encoder, dir, 0, &err), err);
    encoder.w[encoder.params.word + waa * (size_t)encoder.config.E + 3] = (ofr_real)NAN;
    assert_ok(ofr_file_join(path, dir, "model.safetensors", &err), err);
    assert_ok(ofr_weights_save(&encoder.params, &encoder.config, path, encoder.w, OFR_F32,
                               &err), err);
    assert_ok(ofr_file_join(path, dir, "config.json", &err), err);
    assert_ok(ofr_config_save(&encoder.config, path, &err), err);
    ofr_encoder_close(&encoder);

    assert_ok(ofr_model_open(&model, dir, &err), err);
    assert_ok(ofr_session_open(&session, model, NULL, &err), err);
    assert_ok(ofr_classify(session, results, texts, 1, &err), err);
    assert_fails(ofr_classify(session, results, texts, 2, &err), OFR_FORMAT, err,
                 "wild/model.safetensors: tensor \"bert.embeddings.word_embeddings.");
    assert_ok(ofr_classify(session, results, texts, 1, &err), err);
    ofr_session_close(session);
    ofr_model_close(model);
}

/* dir/config.json says "offramp": {..., "rule": rule}. */
static void store_rule(const char *dir, const char *rule)
{
    char path[OFR_PATH_MAX];
    ofr_error err;
    json_t *json;
    assert_ok(ofr_file_join(path, dir, "config.json", &err), err);
    assert_ok(ofr_json_load(&json, path, &err), err);
    assert_int_equal(json_object_set_new(json_object_get(json, "offramp"), "rule",
                                         json_string(rule)), 0);
    assert_ok(ofr_json_save(json, path, &err), err);
    json_decref(json);
}

/* A stored rule that is none, or none of this model's, is the file's fault. */
static void test_stored_rule(void **state)
{
    static const struct {
        const char *rule, *part;
    } rows[] = {
        {"luck", "stored/config.json: \"offramp.rule\": unknown exit rule 'luck'"},
        {"policy", "stored/config.json: \"offramp.rule\": rule 'policy' needs policy"},
        {"fixed", "stored/config.json: \"offramp.threshold\": threshold 0 of"},
    };
    const ofr_session_options never = {.exit = {.rule = "never"}};
    const ofr_exit_options stored = {.threshold = NAN};
    ofr_session *session;
    ofr_model *model;
    ofr_error err;
    char dir[OFR_PATH_MAX];
    (void)state;
    strcpy(dir, support_path("stored"));
    support_tiny_plain(dir);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        store_rule(dir, rows[i].rule);
        assert_ok(ofr_model_open(&model, dir, &err), err);
        assert_fails(ofr_session_open(&session, model, NULL, &err), OFR_FORMAT, err,
                     rows[i].part);
        assert_ok(ofr_session_open(&session, model, &never, &err), err);
        assert_fails(ofr_session_set_exit(session, &stored, &err), OFR_FORMAT, err,
                     rows[i].part);
        ofr_session_close(session);
        ofr_model_close(model);
    }
}

/* A directory without policies cannot follow the policy rule, and says so. */
static void test_missing_parts(void **state)
{
    (void)state;
    ofr_error err;
    ofr_model *model;
    ofr_session *session = NULL;
    char dir[OFR_PATH_MAX], path[OFR_PATH_MAX];
    strcpy(dir, support_path("plain"));
    support_tiny_plain(dir);
    assert_ok(ofr_model_open(&model, dir, &err), err);
    ofr_session_options options = {.exit = {.rule = "policy", .threshold = 0.5}};
    assert_fails(ofr_session_open(&session, model, &options, &err), OFR_INVALID, err,
                 "policy");
    options.exit.rule = "entropy";
    assert_fails(ofr_session_open(&session, model, &options, &err), OFR_INVALID, err,
                 "internal classifiers");
    assert_ok(ofr_session_open(&session, model, NULL, &err), err);
    ofr_result result;
    ofr_text text = {"waa wab", 7, NULL, 0};
    assert_ok(ofr_classify(session, &result, &text, 1, &err), err);
    assert_int_equal(result.exit_layer, 4);
    ofr_session_close(session);
    ofr_model_close(model);
    assert_ok(ofr_file_join(path, dir, "vocab.txt", &err), err);
    assert_ok(ofr_file_remove(path, &err), err);
    assert_int_not_equal(ofr_model_open(&model, dir, &err), OFR_OK);
    char text_of_vocab[8192];
    size_t n = (size_t)snprintf(text_of_vocab, sizeof(text_of_vocab), "%s",
                                support_read(support_path("model/vocab.txt")));
    n += (size_t)snprintf(text_of_vocab + n, sizeof(text_of_vocab) - n, "more\n");
    assert_ok(ofr_file_write(path, text_of_vocab, n, &err), err);
    assert_fails(ofr_model_open(&model, dir, &err), OFR_FORMAT, err,
                 "46 entries, the model only 45 embeddings");
}

#define N_SHARED 60

typedef struct caller {
    const ofr_model *model;
    bool ok;
    ofr_result results[N_SHARED];
} caller;

/* What a thread does: a session of its own on the shared model. */
static void *call(void *arg)
{
    caller *c = arg;
    ofr_session *session;
    ofr_session_options options = {.n_threads = 1};
    c->ok = ofr_session_open(&session, c->model, &options, NULL) == OFR_OK;
    if (!c->ok) return NULL;
    for (uint64_t i = 0; i < N_SHARED && c->ok; i++) {
        char text[128];
        ofr_text t = {support_tiny_text(text, i), 0, NULL, 0};
        t.text_len = strlen(text);
        c->ok = ofr_classify(session, &c->results[i], &t, 1, NULL) == OFR_OK;
    }
    ofr_session_close(session);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    ofr_error err;
    ofr_model *model;
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    static caller callers[3];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) {
        callers[i].model = model;
        assert_int_equal(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 3; i++) {
        assert_true(callers[i].ok);
        for (int t = 0; t < N_SHARED; t++) {
            assert_int_equal(callers[i].results[t].label, callers[0].results[t].label);
            assert_int_equal(callers[i].results[t].exit_layer,
                             callers[0].results[t].exit_layer);
        }
    }
    ofr_model_close(model);
}

/* A child made by fork() answers with its parent's session, and closes it. */
static void test_fork(void **state)
{
    (void)state;
    ofr_error err;
    ofr_model *model;
    ofr_session *session;
    ofr_session_options options = {.n_threads = 2};
    ofr_result here, there;
    float probs[TINY_CLASSES];
    char word[128];
    ofr_text text = {support_tiny_text(word, 11), strlen(word), NULL, 0};
    int how;
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    assert_ok(ofr_session_open(&session, model, &options, &err), err);
    assert_ok(ofr_classify(session, &here, &text, 1, &err), err);
    memcpy(probs, here.probs, sizeof probs);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(60); /* should it wait for threads that are not there */
        bool same = ofr_classify(session, &there, &text, 1, NULL) == OFR_OK &&
                    memcmp(there.probs, probs, sizeof probs) == 0;
        ofr_session_close(session);
        ofr_model_close(model);
        _exit(same ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    ofr_session_close(session);
    ofr_model_close(model);
}

/* Opening allocates, classifying does not. */
static void test_no_allocation(void **state)
{
    (void)state;
    ofr_error err;
    ofr_model *model;
    ofr_session *session;
    size_t live = ofr_mem_live();
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    assert_ok(ofr_session_open(&session, model, NULL, &err), err);
    size_t violations = ofr_mem_violations();
    ofr_mem_forbid(true);
    for (uint64_t i = 0; i < 50; i++) {
        char text[128];
        ofr_result result;
        ofr_text t = {support_tiny_text(text, i), strlen(text), text, 0};
        t.text_len = t.pair_len = strlen(text);
        assert_ok(ofr_classify(session, &result, &t, 1, &err), err);
    }
    ofr_mem_forbid(false);
    assert_int_equal(ofr_mem_violations(), violations);
    ofr_session_close(session);
    ofr_model_close(model);
    assert_int_equal(ofr_mem_live(), live);
}

/* Allocation n fails, for every n until all goes well: a status, no leak. */
static void test_short_memory(void **state)
{
    (void)state;
    size_t live = ofr_mem_live();
    bool done = false;
    for (size_t n = 1; !done; n++) {
        ofr_error err = {0};
        ofr_model *model = NULL;
        ofr_session *session = NULL;
        ofr_mem_fail_at(n, n % 2 == 0);
        ofr_status status = ofr_model_open(&model, support_tiny_dir(), &err);
        if (status == OFR_OK) status = ofr_session_open(&session, model, NULL, &err);
        done = status == OFR_OK;
        if (!done) {
            assert_int_equal(status, OFR_NOMEM);
            assert_true(err.text[0] != '\0');
        }
        ofr_mem_fail_at(0, false);
        ofr_session_close(session);
        ofr_model_close(model);
        assert_int_equal(ofr_mem_live(), live);
        assert_true(n < 5000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_model_options),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_truncation),    cmocka_unit_test(test_rules),
        cmocka_unit_test(test_odd_texts),     cmocka_unit_test(test_bad_arguments),
        cmocka_unit_test(test_missing_parts), cmocka_unit_test(test_stored_rule),
        cmocka_unit_test(test_wild_word),
        cmocka_unit_test(test_threads),       cmocka_unit_test(test_fork),
        cmocka_unit_test(test_no_allocation), cmocka_unit_test(test_short_memory),
    };
    return cmocka_run_group_tests_name("api", tests, support_tiny_setup, NULL);
}
