/* cmd_demo.c - `offramp demo`: a model from scratch that learns to leave early. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "base/os.h"
#include "cli/cmd.h"
#include "cli/demo_report.h"
#include "model/weights.h"

enum { DEV_PER_LEVEL = 60, TEST_PER_LEVEL = 400, MAX_TOKENS = 64 };

typedef struct options {
    ofr_cmd_common common;
    uint64_t seed;
    const char *keep;
} options;

static const ofr_opt rows[] = {
    {"seed", 's', OFR_OPT_U64, offsetof(options, seed), "1", "N", NULL, 0, 0,
     "another seed gives other sentences and other initial weights", "Demo"},
    {"keep", 'k', OFR_OPT_TEXT, offsetof(options, keep), NULL, "DIR", NULL, 0, 0,
     "save the trained model and the test sentences in DIR, a new one", NULL},
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

/* Everything that is open while the demo runs; all zero at the start. */
typedef struct demo {
    const options *o;
    ofr_tok *tok;
    ofr_dev *dev;
    ofr_encoder encoder;
    bool has_encoder, has_held;
    ofr_demo_held held;
    double start;
} demo;

static void demo_close(demo *d)
{
    if (d->has_held) ofr_demo_held_close(&d->held);
    if (d->has_encoder) ofr_encoder_close(&d->encoder);
    ofr_dev_close(d->dev);
    ofr_tok_close(d->tok);
}

/* The tokenizer wants a file, which goes at once. */
static ofr_status open_tokenizer(demo *d, ofr_error *err)
{
    const char *tmp = getenv("TMPDIR");
    char dir[OFR_PATH_MAX], path[OFR_PATH_MAX];
    ofr_status status;

    OFR_TRY(ofr_file_join(dir, tmp && *tmp ? tmp : "/tmp", "offramp-demo-XXXXXX", err));
    if (!mkdtemp(dir)) return ofr_os_fail(err, dir, "create the directory", errno);
    status = ofr_file_join(path, dir, "vocab.txt", err);
    if (!status) {
        status = ofr_demo_vocab_write(path, err);
        if (!status) status = ofr_tok_open(&d->tok, path, (ofr_tok_options){1}, err);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    return status;
}

static ofr_status demo_open(demo *d, ofr_error *err)
{
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    /* Work for so narrow a model is too small to be worth sharing out. */
    const int threads = d->o->common.threads ? d->o->common.threads : 1;

    OFR_TRY(open_tokenizer(d, err));
    OFR_TRY(ofr_dev_open(&d->dev, &ops, threads, MAX_TOKENS, err));
    OFR_TRY(ofr_demo_model_open(&d->encoder, d->tok, d->o->seed, err));
    d->has_encoder = true;
    OFR_TRY(ofr_demo_held_open(&d->held, d->tok, DEV_PER_LEVEL, TEST_PER_LEVEL,
                               d->o->seed, err));
    d->has_held = true;
    return OFR_OK;
}

/* Before the lessons: a new folder that can be written to.  It stays empty until they are
 * over, so that the same command may be given again. */
static ofr_status check_keep(const char *dir, ofr_error *err)
{
    char path[OFR_PATH_MAX];

    OFR_TRY(ofr_cmd_new_dir(dir, "choose another --keep", err));
    OFR_TRY(ofr_file_make_dirs(dir, err));
    OFR_TRY(ofr_file_join(path, dir, "config.json", err));
    return ofr_file_check(path, err);
}

static ofr_status save(demo *d, ofr_error *err)
{
    const char *dir = d->o->keep;
    char path[OFR_PATH_MAX];

    OFR_TRY(ofr_file_join(path, dir, "vocab.txt", err));
    OFR_TRY(ofr_demo_vocab_write(path, err));
    OFR_TRY(ofr_file_join(path, dir, "model.safetensors", err));
    OFR_TRY(ofr_weights_save(&d->encoder.params, &d->encoder.config, path, d->encoder.w,
                             OFR_F32, err));
    OFR_TRY(ofr_file_join(path, dir, "config.json", err));
    OFR_TRY(ofr_config_save(&d->encoder.config, path, err));
    OFR_TRY(ofr_file_join(path, dir, "test.tsv", err));
    OFR_TRY(ofr_demo_set_write(&d->held.test, path, err));
    ofr_buf folder, file;
    ofr_buf_init(&folder);
    ofr_buf_init(&file);
    ofr_buf_add_word(&folder, dir);
    ofr_buf_add_word(&file, path);
    if (!folder.failed && !file.failed) {
        ofr_log(OFR_LOG_INFO, "Saved in %s.  Try:", dir);
        ofr_log(OFR_LOG_INFO,
                "  echo 'the film was not dull .' | offramp predict --model %s",
                folder.p);
        ofr_log(OFR_LOG_INFO,
                "  offramp eval --model %s --dev %s --text text --label label", folder.p,
                file.p);
    }
    ofr_buf_free(&folder);
    ofr_buf_free(&file);
    return OFR_OK;
}

static ofr_status measure_and_tell(demo *d, const ofr_demo_training *training,
                                   ofr_error *err)
{
    ofr_demo_found found;
    ofr_buf out;
    ofr_status status;

    ofr_log(OFR_LOG_INFO, "Measuring on %d sentences that were in no lesson...",
            d->held.test.data.n);
    OFR_TRY(ofr_demo_found_open(&found, &d->encoder, d->dev, &d->held.test, err));
    found.training = training;
    found.seed = d->o->seed;
    found.threads = d->dev->n_threads;
    found.seconds = ofr_clock_seconds() - d->start;
    ofr_buf_init(&out);
    if (d->o->common.json)
        ofr_demo_json(&out, &found, &d->encoder.config);
    else
        ofr_demo_page(&out, &found, &d->encoder.config, d->o->common.term->utf8);
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    ofr_demo_found_close(&found);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    demo d = {.o = values, .start = ofr_clock_seconds()};
    ofr_demo_training training;
    ofr_status status;

    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 0, err));
    if (d.o->keep) OFR_TRY(check_keep(d.o->keep, err));
    status = demo_open(&d, err);
    if (!status)
        status = ofr_demo_train(&training, &d.encoder, d.dev, d.tok, &d.held, d.o->seed,
                                d.o->common.term, err);
    if (!status) status = measure_and_tell(&d, &training, err);
    if (!status && d.o->keep) status = save(&d, err);
    demo_close(&d);
    return status;
}

const ofr_cmd ofr_cmd_demo = {
    .name = "demo",
    .summary = "Train a small model from scratch and watch it leave early",
    .usage = "[--seed N] [--keep DIR]",
    .example = "  offramp demo\n"
               "  offramp demo --seed 7 --keep my-demo\n"
               "  offramp demo --json --quiet",
    .notes =
        "Needs no files and no network, and takes about half a minute.  The sentences "
        "come\n"
        "from a grammar of our own with five levels of difficulty: plain opinion, "
        "negation,\n"
        "contrast, nested scope, reference back to an earlier clause.  Everything but "
        "the\n"
        "measured times is a function of the seed and of the instruction set.  One "
        "thread,\n"
        "unless --threads says otherwise: the model is too small to gain by more.\n"
        "docs/DEMO.md explains what you see.\n"
        "\n"
        "JSON: score, score_full, mean_exit_layer, n_layers, saved_layers, ms_per_text,\n"
        "ms_per_text_full (batch 1), both also with _batch_32, exit_by_difficulty (mean\n"
        "exit layer of levels 1 to 5), and more.",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
