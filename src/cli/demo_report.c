/* demo_report.c - measures the demo's model on the test set and tells the result. */
#include "cli/demo_report.h"

#include <string.h>

#include "base/mem.h"
#include "cli/cmd.h"
#include "report/jsonline.h"

enum { COLUMNS = 80, INDENT = 22 };

/* ---- measuring ---------------------------------------------------------------- */

ofr_status ofr_demo_found_open(ofr_demo_found *found, const ofr_encoder *encoder,
                               ofr_dev *dev, const ofr_demo_set *test, ofr_error *err)
{
    const size_t n = (size_t)test->data.n;
    unsigned char *member = ofr_mem_array(n, 1);
    ofr_eval_options options;
    ofr_status status;

    memset(found, 0, sizeof *found);
    if (!member) return ofr_fail_nomem(err, n, "levels");
    found->test = test;
    ofr_eval_options_init(&options);
    options.rule = &ofr_rule_policy;
    options.threshold = encoder->config.threshold;
    options.batch = OFR_DEMO_BATCH;
    options.timed_seconds = 3;
    status = ofr_eval_open(&found->eval, encoder, dev, &test->data, &options, err);
    if (!status) {
        options.batch = 1;
        status = ofr_eval_timing(&found->early_one, &found->full_one, encoder, dev,
                                 &test->data, &options, err);
        if (status) ofr_eval_close(&found->eval);
    }
    for (int level = 1; level <= OFR_GRAMMAR_LEVELS && !status; level++) {
        for (size_t i = 0; i < n; i++)
            member[i] = test->level[i] == level;
        ofr_eval_group_of(&found->eval, member, &found->levels[level - 1]);
    }
    ofr_mem_free(member);
    return status;
}

void ofr_demo_found_close(ofr_demo_found *found)
{
    ofr_eval_close(&found->eval);
}

/* Sentence number k of those that are shown: two of each level, as they come. */
static int shown(const ofr_demo_found *found, int k)
{
    const int per_level = OFR_DEMO_SENTENCES / OFR_GRAMMAR_LEVELS;
    int left = k % per_level;
    for (int i = 0; i < found->test->data.n; i++)
        if (found->test->level[i] == 1 + k / per_level && left-- == 0) return i;
    return 0;
}

/* ---- the page ------------------------------------------------------------------- */

static void add_times(ofr_buf *out, const char *what, const ofr_eval_time *early,
                      const ofr_eval_time *full)
{
    ofr_buf_addf(out, "%-24s%12.4f%15.4f%12.1f %% saved\n", what, full->median,
                 early->median, 100 * (1 - early->median / full->median));
}

static void add_headline(ofr_buf *out, const ofr_demo_found *f)
{
    const ofr_eval *e = &f->eval;

    ofr_buf_addf(out, "\n%-24s%12s%15s\n", "", "full model", "ConsistentEE");
    ofr_buf_addf(out, "%-24s%10.2f %%%13.2f %%%12.2f points\n", "accuracy",
                 100 * e->score_full, 100 * e->score, 100 * (e->score - e->score_full));
    ofr_buf_addf(out, "%-24s%12.2f%15.2f%12.1f %% saved\n", "mean exit layer",
                 (double)e->L, e->mean_exit, 100 * e->saved_layers);
    add_times(out, "ms per text, batch 1", &f->early_one, &f->full_one);
    add_times(out, "ms per text, batch 32", &e->early, &e->full);
}

/* A bar of `share` of `columns` columns. */
static void add_bar(ofr_buf *out, double share, int columns, bool utf8)
{
    const int n = (int)(share * columns + 0.5);
    for (int i = 0; i < columns; i++)
        ofr_buf_adds(out, i >= n ? " " : utf8 ? "█" : "#");
}

static void add_levels(ofr_buf *out, const ofr_demo_found *f, bool utf8)
{
    const ofr_eval *e = &f->eval;

    ofr_buf_addf(out, "\n%-13s%9s%9s  %-18s %s\n", "difficulty", "accuracy", "(full)",
                 "mean exit layer", "% leaving after layer 1, 2, ...");
    for (int level = 1; level <= OFR_GRAMMAR_LEVELS; level++) {
        const ofr_eval_group *g = &f->levels[level - 1];

        ofr_buf_addf(out, "%d %-11s%9.1f%9.1f  ", level, ofr_grammar_level_name(level),
                     100 * g->score, 100 * g->score_full);
        add_bar(out, g->mean_exit / e->L, 12, utf8);
        ofr_buf_addf(out, "%6.2f", g->mean_exit);
        for (int layer = 1; layer <= e->L; layer++) {
            int n = 0;
            for (int i = 0; i < e->n; i++)
                n += f->test->level[i] == level && e->exit_layer[i] == layer;
            ofr_buf_addf(out, "%5.0f", 100.0 * n / g->n);
        }
        ofr_buf_addc(out, '\n');
    }
}

/* `text` from column INDENT on, broken between words. */
static void add_wrapped(ofr_buf *out, ofr_str text)
{
    const size_t room = COLUMNS - INDENT;
    while (text.n > room) {
        size_t n = room;
        while (n > 0 && text.p[n] != ' ')
            n--;
        if (n == 0) n = room;
        ofr_buf_add(out, text.p, n);
        ofr_buf_addf(out, "\n%*s", INDENT, "");
        n += text.p[n] == ' ';
        text = (ofr_str){text.p + n, text.n - n};
    }
    ofr_buf_add(out, text.p, text.n);
    ofr_buf_addc(out, '\n');
}

static void add_sentences(ofr_buf *out, const ofr_demo_found *f)
{
    const ofr_eval *e = &f->eval;

    ofr_buf_adds(out, "\nten sentences it had never seen\nlevel layer answer\n");
    for (int k = 0; k < OFR_DEMO_SENTENCES; k++) {
        const int i = shown(f, k);
        const ofr_str text = f->test->data.text[i];

        ofr_buf_addf(out, "%5d%6d %-8s%s", f->test->level[i], e->exit_layer[i],
                     ofr_demo_labels[e->prediction[i]], e->right[i] ? "  " : "! ");
        add_wrapped(out, (ofr_str){text.p, text.n - 2}); /* without " ." */
    }
    ofr_buf_adds(out, "(! marks a wrong answer)\n");
}

void ofr_demo_page(ofr_buf *out, const ofr_demo_found *f, const ofr_config *config,
                   bool utf8)
{
    const ofr_eval *e = &f->eval;

    ofr_buf_addf(out, "A transformer of %d layers x %d channels, trained from scratch in "
                      "%.0f s\non %lld generated sentences, tested on %d others (seed "
                      "%llu).\n",
                 config->L, config->C, f->training->seconds, f->training->n_sentences,
                 e->n, (unsigned long long)f->seed);
    add_headline(out, f);
    add_levels(out, f, utf8);
    add_sentences(out, f);
    ofr_buf_addf(out,
                 "\nFor comparison: the same exits dealt out at random give %.2f %%, one "
                 "fixed exit\nof the same cost %.2f %%.  %.0f s in all.\n",
                 100 * e->random_score, 100 * e->fixed_score, f->seconds);
}

/* ---- JSON ------------------------------------------------------------------------ */

static void add_by_level(ofr_buf *out, const ofr_demo_found *f)
{
    double exits[OFR_GRAMMAR_LEVELS], score[OFR_GRAMMAR_LEVELS];
    double full[OFR_GRAMMAR_LEVELS];

    for (int i = 0; i < OFR_GRAMMAR_LEVELS; i++) {
        exits[i] = f->levels[i].mean_exit;
        score[i] = f->levels[i].score;
        full[i] = f->levels[i].score_full;
    }
    ofr_jsonline_reals(out, "exit_by_difficulty", exits, OFR_GRAMMAR_LEVELS);
    ofr_jsonline_reals(out, "score_by_difficulty", score, OFR_GRAMMAR_LEVELS);
    ofr_jsonline_reals(out, "score_full_by_difficulty", full, OFR_GRAMMAR_LEVELS);
}

static void add_json_sentences(ofr_buf *out, const ofr_demo_found *f)
{
    ofr_jsonline_key(out, "sentences");
    ofr_buf_addc(out, '[');
    for (int k = 0; k < OFR_DEMO_SENTENCES; k++) {
        const int i = shown(f, k);
        const ofr_str text = f->test->data.text[i];

        ofr_jsonline_open(out, NULL);
        ofr_jsonline_key(out, "text");
        ofr_buf_add_json(out, text.p, text.n);
        ofr_jsonline_int(out, "difficulty", f->test->level[i]);
        ofr_jsonline_text(out, "label", ofr_demo_labels[f->test->data.labels[i]]);
        ofr_jsonline_text(out, "answer", ofr_demo_labels[f->eval.prediction[i]]);
        ofr_jsonline_int(out, "exit_layer", f->eval.exit_layer[i]);
        ofr_jsonline_close(out);
    }
    ofr_buf_addc(out, ']');
}

void ofr_demo_json(ofr_buf *out, const ofr_demo_found *f, const ofr_config *config)
{
    const ofr_eval *e = &f->eval;

    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(out, "task", "demo");
    ofr_jsonline_text(out, "metric", "accuracy");
    ofr_jsonline_real(out, "score", e->score);
    ofr_jsonline_real(out, "score_full", e->score_full);
    ofr_jsonline_real(out, "mean_exit_layer", e->mean_exit);
    ofr_jsonline_int(out, "n_layers", config->L);
    ofr_jsonline_real(out, "saved_layers", e->saved_layers);
    ofr_jsonline_real(out, "ms_per_text", f->early_one.median);
    ofr_jsonline_real(out, "ms_per_text_full", f->full_one.median);
    ofr_jsonline_real(out, "ms_per_text_batch_32", e->early.median);
    ofr_jsonline_real(out, "ms_per_text_full_batch_32", e->full.median);
    add_by_level(out, f);
    ofr_jsonline_ints(out, "exit_histogram", e->histogram, e->L);
    ofr_jsonline_reals(out, "layer_accuracy", e->layer_accuracy, e->L);
    ofr_jsonline_real(out, "score_random_exits", e->random_score);
    ofr_jsonline_real(out, "score_fixed_exit", e->fixed_score);
    ofr_jsonline_int(out, "n_train", f->training->n_sentences);
    ofr_jsonline_int(out, "n_test", e->n);
    ofr_jsonline_int(out, "steps", f->training->steps);
    ofr_jsonline_u64(out, "seed", f->seed);
    ofr_jsonline_int(out, "threads", f->threads);
    ofr_jsonline_real(out, "seconds_training", f->training->seconds);
    ofr_jsonline_real(out, "seconds", f->seconds);
    add_json_sentences(out, f);
    ofr_jsonline_end(out);
}
