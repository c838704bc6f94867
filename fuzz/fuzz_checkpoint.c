/*
 * fuzz_checkpoint.c - files that a run left: its checkpoint and its results.
 *
 * First byte: the rest is a checkpoint as it stands in the file, or the results of
 * a run of compare, or patches (PATCH bytes each: array, place, value) to a sound
 * checkpoint of ConsistentEE or of another method, which a run then resumes, or the
 * checkpoint of a unit of ablate, whose measure of hardness is compared.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "cli/ablate.h"
#include "cli/compare_result.h"
#include "io/json.h"
#include "method/method.h"
#include "support/countdown.h"

enum { TEXTS = 8, ARRAYS = 64, PATCH = 11, STEPS = 3 };

static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##a\n##b\n";
static const char shape[] =
    "{\"model_type\":\"bert\",\"num_hidden_layers\":3,\"hidden_size\":4,"
    "\"num_attention_heads\":1,\"intermediate_size\":4,\"vocab_size\":8,"
    "\"max_position_embeddings\":8,\"type_vocab_size\":2}";
static const char *const class_names[] = {"x", "y"};

/* What all runs share. */
typedef struct bench {
    ofr_tok *tok;
    ofr_dev *dev;
    ofr_config config;
    ofr_dataset texts;
    ofr_method_options options;
} bench;

/* A run that was stopped, as its files say. */
typedef struct stopped_run {
    const char *method;
    int first;  /* progress calls until it was stopped */
    char folder[96], state[64], journal_name[64];
    ofr_checkpoint_item items[ARRAYS];
    int n;
    uint8_t *journal;
    size_t journal_bytes;
} stopped_run;

static bench *shared(void)
{
    static bench b;
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_str texts[TEXTS];
    int labels[TEXTS];
    json_t *json;
    ofr_error err;
    const char *path;
    if (b.tok) return &b;
    path = ofr_fuzz_file("vocab.txt", (const uint8_t *)vocabulary, sizeof vocabulary - 1);
    OFR_FUZZ_CHECK(ofr_tok_open(&b.tok, path, (ofr_tok_options){-1}, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_json_parse(&json, shape, sizeof shape - 1, "shape", &err) ==
                   OFR_OK);
    OFR_FUZZ_CHECK(ofr_config_parse(&b.config, json, "shape", &err) == OFR_OK);
    json_decref(json);
    for (int i = 0; i < TEXTS; i++) {
        texts[i] = i % 2 ? OFR_STR("a b a") : OFR_STR("b b");
        labels[i] = i % 2;
    }
    OFR_FUZZ_CHECK(ofr_dataset_from_texts(&b.texts, texts, NULL, labels, TEXTS, 2,
                                          class_names, b.tok, 8, &err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_dev_open(&b.dev, &ops, 1, 8, &err) == OFR_OK);
    ofr_method_options_init(&b.options);
    b.options.joint_epochs = b.options.policy_epochs = b.options.task_epochs = 1;
    b.options.iterations = 1;
    b.options.batch = b.options.policy_batch = 4;
    b.options.policy_hidden = 2;
    b.options.policy_holdout = 0;
    b.options.alphas = "0.01,0.1";
    return &b;
}

static ofr_status train(const bench *b, const stopped_run *run, bool resume, int steps,
                        ofr_error *err)
{
    countdown s = {.left = steps};
    const ofr_method_job job = {.out = run->folder, .resume = resume,
                                .resume_command = "again", .stop = &s.flag,
                                .progress = countdown_call, .user = &s};
    const ofr_method_data data = {&b->texts, &b->texts, OFR_METRIC_ACCURACY};
    const ofr_method *method;
    ofr_method_result result;
    ofr_encoder encoder;
    ofr_status status;
    OFR_FUZZ_CHECK(ofr_method_find(&method, run->method, err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_encoder_new(&encoder, &b->config, 1, err) == OFR_OK);
    OFR_FUZZ_CHECK(ofr_encoder_set_task(&encoder, 2, class_names, false,
                                        OFR_POOLER_SHARED, 2, 1, err) == OFR_OK);
    status = ofr_method_train(method, &encoder, b->dev, &data, &b->options, &job, &result,
                              err);
    ofr_encoder_close(&encoder);
    return status;
}

static void keep_journal(stopped_run *run, const char *path)
{
    ofr_buf text;
    ofr_error err;
    ofr_buf_init(&text);
    OFR_FUZZ_CHECK(ofr_file_read(&text, path, 0, &err) == OFR_OK);
    run->journal = (uint8_t *)text.p; /* ours until the process ends */
    run->journal_bytes = text.n;
}

/* Train until it is stopped, and keep what the checkpoint holds. */
static void prepare(stopped_run *run, const char *name)
{
    char path[OFR_PATH_MAX];
    ofr_checkpoint checkpoint = {0};
    ofr_error err;
    ofr_status status;
    snprintf(run->folder, sizeof run->folder, "%s/%s", ofr_fuzz_folder(), name);
    snprintf(run->state, sizeof run->state, "%s/checkpoint/state.safetensors", name);
    snprintf(run->journal_name, sizeof run->journal_name, "%s/journal.jsonl", name);
    status = train(shared(), run, false, run->first, &err);
    if (status != OFR_INTERRUPTED) fprintf(stderr, "%s\n", err.text);
    OFR_FUZZ_CHECK(status == OFR_INTERRUPTED);
    snprintf(path, sizeof path, "%s/journal.jsonl", run->folder);
    keep_journal(run, path);
    snprintf(path, sizeof path, "%s/checkpoint/state.safetensors", run->folder);
    OFR_FUZZ_CHECK(ofr_checkpoint_open(&checkpoint, path, &err) == OFR_OK);
    for (int i = 0; i < checkpoint.file.n_tensors; i++) {
        const ofr_tensor *t = &checkpoint.file.tensors[i];
        void *data;
        if (strcmp(t->name, "checksum") == 0) continue; /* saving makes a new one */
        data = malloc(t->bytes + 1);
        OFR_FUZZ_CHECK(data && run->n < ARRAYS);
        memcpy(data, t->data, t->bytes);
        run->items[run->n++] =
            ofr_checkpoint_item_of(t->name, t->dtype, ofr_tensor_count(t), data);
    }
    ofr_checkpoint_close(&checkpoint);
}

/* One number of one array; the old bytes come back into `patch`. */
static void swap_in(const stopped_run *run, uint8_t patch[PATCH])
{
    const ofr_checkpoint_item *item = &run->items[patch[0] % run->n];
    const size_t width = ofr_dtype_bytes(item->dtype);
    const size_t place = (size_t)patch[1] << 8 | patch[2];
    uint8_t *at, old[8] = {0};
    if (!item->count || strcmp(item->name, "fingerprint") == 0) return;
    at = (uint8_t *)item->data + place % item->count * width;
    memcpy(old, at, width);
    memcpy(at, patch + 3, width);
    memcpy(patch + 3, old, width);
}

static void resume(stopped_run *run, const char *name, const uint8_t *data, size_t size)
{
    char path[OFR_PATH_MAX];
    uint8_t patches[8][PATCH];
    int n = 0;
    ofr_error err = {OFR_OK, ""};
    ofr_status status;
    if (!run->n) prepare(run, name);
    for (; n < 8 && size >= PATCH; n++, data += PATCH, size -= PATCH) {
        memcpy(patches[n], data, PATCH);
        swap_in(run, patches[n]);
    }
    snprintf(path, sizeof path, "%s/%s", ofr_fuzz_folder(), run->state);
    OFR_FUZZ_CHECK(ofr_checkpoint_save(path, run->items, run->n, &err) == OFR_OK);
    ofr_fuzz_file(run->journal_name, run->journal, run->journal_bytes);
    while (n > 0)
        swap_in(run, patches[--n]);
    status = train(shared(), run, true, STEPS, &err);
    if (status != OFR_OK && status != OFR_INTERRUPTED && status != OFR_DIVERGED)
        ofr_fuzz_refused(status, &err, name);
}

/* The first look at the checkpoint of a folder. */
static void peek(const uint8_t *data, size_t size)
{
    char folder[96];
    bool exists = false, complete = false;
    ofr_error err;
    ofr_status status;
    snprintf(folder, sizeof folder, "%s/raw/checkpoint", ofr_fuzz_folder());
    OFR_FUZZ_CHECK(ofr_file_make_dirs(folder, &err) == OFR_OK);
    ofr_fuzz_file("raw/checkpoint/state.safetensors", data, size);
    snprintf(folder, sizeof folder, "%s/raw", ofr_fuzz_folder());
    status = ofr_trainer_peek(folder, &exists, &complete, &err);
    OFR_FUZZ_CHECK(exists);
    if (status != OFR_OK) ofr_fuzz_refused(status, &err, "state.safetensors");
}

static void read_results(const uint8_t *data, size_t size)
{
    const char *path = ofr_fuzz_file("sweep.safetensors", data, size);
    ofr_compare_result r;
    ofr_error err;
    double sum = 0;
    ofr_status status = ofr_compare_result_load(&r, path, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, "sweep.safetensors");
        return;
    }
    for (int i = 0; i < r.n; i++)
        sum += r.saved[i] + r.score[i] + r.random[i];
    for (int i = 0; i < r.n_pool; i++)
        sum += r.tune_saved[i] + r.tune_score[i] + r.pool_saved[i] + r.pool_score[i];
    for (size_t i = 0; i < ((size_t)r.n + 1) * (size_t)r.n_texts; i++)
        sum += (double)r.answers[i] + (double)r.labels[i % (size_t)r.n_texts];
    OFR_FUZZ_CHECK(ofr_compare_result_save(&r, path, &err) == OFR_OK || sum > 0);
    ofr_compare_result_close(&r);
}

/* Alone, and behind another measure of TEXTS texts. */
static void read_hardness(const uint8_t *data, size_t size)
{
    const char *path = ofr_fuzz_file("unit.safetensors", data, size);
    for (int texts = 0; texts <= TEXTS; texts += TEXTS) {
        double *hardness = NULL, work[3 * TEXTS];
        int n = texts;
        ofr_error err;
        ofr_status status = ofr_ablate_hardness_read(&hardness, &n, path, &err);
        if (status != OFR_OK) {
            ofr_fuzz_refused(status, &err, "unit.safetensors");
        } else {
            const int first = n < TEXTS ? n : TEXTS;
            OFR_FUZZ_CHECK(n > 0 && (texts == 0 || n == texts));
            for (int i = 0; i < n; i++)
                OFR_FUZZ_CHECK(hardness[i] >= 0 && hardness[i] < 1.1);
            OFR_FUZZ_CHECK(
                !isnan(ofr_stats_spearman(work, hardness, hardness + n - first, first)));
        }
        ofr_mem_free(hardness);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static stopped_run runs[] = {{.method = "consistentee", .first = 3},
                                 {.method = "consistentee", .first = 9},
                                 {.method = "entropy", .first = 3}};
    static const char *const names[] = {"joint", "later", "other"};
    if (size < 1) return 0;
    switch (data[0] % 6) {
    case 0: peek(data + 1, size - 1); break;
    case 1: read_results(data + 1, size - 1); break;
    case 5: read_hardness(data + 1, size - 1); break;
    default: {
        const int i = data[0] % 6 - 2;
        resume(&runs[i], names[i], data + 1, size - 1);
    }
    }
    return 0;
}
