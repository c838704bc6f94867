/* cmd_info.c - `offramp info DIR`: what a model directory holds. */
#include <string.h>

#include "base/file.h"
#include "cli/calibration.h"
#include "cli/cmd.h"
#include "cli/load.h"
#include "eval/verdict.h"
#include "exit/choose.h"
#include "model/encoder.h"
#include "report/jsonline.h"
#include "tok/tok.h"

typedef struct options {
    ofr_cmd_common common;
} options;

static const ofr_opt rows[] = {
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

typedef struct counts {
    long long total, backbone, pooler, heads, policies;
} counts;

static counts count_parameters(const ofr_params *params)
{
    counts c = {0, 0, 0, 0, 0};
    for (int i = 0; i < params->n; i++) {
        long long n = (long long)params->rows[i].count;
        unsigned group = params->rows[i].group;
        c.total += n;
        c.backbone += group & OFR_GROUP_BACKBONE ? n : 0;
        c.pooler += group & OFR_GROUP_POOLER ? n : 0;
        c.heads += group & OFR_GROUP_HEADS ? n : 0;
        c.policies += group & OFR_GROUP_POLICIES ? n : 0;
    }
    return c;
}

static void add_json_verdict(ofr_buf *out, const ofr_run_verdict *verdict)
{
    if (!verdict) return;
    ofr_jsonline_open(out, "convergence");
    ofr_jsonline_text(out, "verdict", ofr_verdict_name(verdict->run.kind));
    ofr_jsonline_text(out, "why", verdict->run.why);
    ofr_jsonline_text(out, "iterations", ofr_verdict_name(verdict->iterations.kind));
    ofr_jsonline_text(out, "iterations_why", verdict->iterations.why);
    ofr_jsonline_text(out, "epochs", ofr_verdict_name(verdict->epochs.kind));
    ofr_jsonline_text(out, "epochs_why", verdict->epochs.why);
    ofr_jsonline_text(out, "phase", verdict->phase);
    ofr_jsonline_close(out);
}

/* What a directory holds. */
typedef struct holding {
    const char *dir;
    ofr_encoder encoder;
    ofr_tok *tok;            /* NULL: none that can be read, and `refusal` says why */
    ofr_error refusal;
    bool judged;             /* it has a journal */
    ofr_run_verdict verdict;
} holding;

static void add_json(ofr_buf *out, const holding *h)
{
    const ofr_encoder *encoder = &h->encoder;
    const ofr_config *c = &encoder->config;
    counts n = count_parameters(&encoder->params);
    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    ofr_jsonline_text(out, "model", h->dir);
    ofr_jsonline_text(out, "family", ofr_family_name(c->family));
    ofr_jsonline_int(out, "n_layers", c->L);
    ofr_jsonline_int(out, "hidden_size", c->C);
    ofr_jsonline_int(out, "n_heads", c->H);
    ofr_jsonline_int(out, "intermediate_size", c->F);
    ofr_jsonline_int(out, "embedding_size", c->E);
    ofr_jsonline_int(out, "vocab_size", c->V);
    ofr_jsonline_int(out, "max_tokens", ofr_config_max_tokens(c));
    ofr_jsonline_bool(out, "shared_layers", c->shared_layers);
    ofr_jsonline_open(out, "parameters");
    ofr_jsonline_int(out, "total", n.total);
    ofr_jsonline_int(out, "backbone", n.backbone);
    ofr_jsonline_int(out, "pooler", n.pooler);
    ofr_jsonline_int(out, "heads", n.heads);
    ofr_jsonline_int(out, "policies", n.policies);
    ofr_jsonline_close(out);
    ofr_jsonline_bool(out, "exits", encoder->found & OFR_GROUP_HEADS);
    ofr_jsonline_bool(out, "policies", encoder->found & OFR_GROUP_POLICIES);
    ofr_jsonline_text(out, "pooler",
                      c->pooler == OFR_POOLER_SHARED ? "shared" : "per-layer");
    ofr_jsonline_text(out, "heads",
                      c->heads == OFR_HEAD_STUDENT ? "student" : "pooled");
    ofr_jsonline_bool(out, "token_exits", c->token_exits);
    ofr_jsonline_bool(out, "regression", c->regression);
    ofr_jsonline_texts(out, "labels", c->labels, c->K);
    ofr_jsonline_text(out, "task", c->task[0] ? c->task : NULL);
    ofr_jsonline_text(out, "method", c->method[0] ? c->method : NULL);
    ofr_jsonline_text(out, "rule", ofr_rule_stored(c));
    ofr_jsonline_real(out, "threshold", c->threshold);
    ofr_calibration_json(out, c);
    ofr_jsonline_text(out, "precision", ofr_precision_name(c->precision));
    ofr_jsonline_int(out, "trained_max_tokens", c->max_tokens);
    ofr_jsonline_text(out, "tokenizer", h->tok ? ofr_tok_kind(h->tok) : NULL);
    ofr_jsonline_int(out, "tokenizer_size", h->tok ? ofr_tok_size(h->tok) : 0);
    ofr_jsonline_text(out, "tokenizer_error", h->tok ? NULL : h->refusal.text);
    add_json_verdict(out, h->judged ? &h->verdict : NULL);
    ofr_jsonline_end(out);
}

static void add_row(ofr_buf *out, const char *name)
{
    ofr_buf_addf(out, "%-12s", name);
}

static void add_labels(ofr_buf *out, const ofr_config *c)
{
    enum { SHOWN = 12 };
    add_row(out, "labels");
    if (c->K == 0) ofr_buf_adds(out, "none yet");
    if (c->regression) ofr_buf_adds(out, "a number (regression)");
    for (int k = 0; k < c->K && k < SHOWN && !c->regression; k++)
        ofr_buf_addf(out, "%s%s", k ? ", " : "", c->labels[k]);
    if (c->K > SHOWN) ofr_buf_addf(out, ", ... (%d in all)", c->K);
    ofr_buf_addc(out, '\n');
}

static const char *exits_text(const ofr_encoder *encoder)
{
    unsigned found = encoder->found;
    if (encoder->config.K == 0) return "none yet; `offramp train` adds them";
    if (encoder->config.token_exits)
        return "tokens leave one by one; the last layer has a classifier";
    if (!(found & OFR_GROUP_HEADS)) return "only the last layer has a classifier";
    if (encoder->config.heads == OFR_HEAD_STUDENT)
        return "a student after every layer but the last, which has the teacher";
    if (!(found & OFR_GROUP_POLICIES)) return "a classifier after every layer";
    return "a classifier after every layer, a policy after all but the last";
}

static void add_guarantee(ofr_buf *out, const ofr_config *c)
{
    ofr_buf said;
    ofr_buf_init(&said);
    if (ofr_calibration_say(&said, c)) {
        add_row(out, "guarantee");
        ofr_buf_addf(out, "%s\n", said.p ? said.p : "");
    }
    ofr_buf_free(&said);
}

static void add_verdict(ofr_buf *out, const char *name, const ofr_verdict *verdict)
{
    add_row(out, name);
    ofr_buf_addf(out, "%s; %s\n", ofr_verdict_name(verdict->kind), verdict->why);
}

static void add_tokenizer(ofr_buf *out, const holding *h)
{
    add_row(out, "tokenizer");
    if (h->tok)
        ofr_buf_addf(out, "%s, %d entries\n", ofr_tok_kind(h->tok), ofr_tok_size(h->tok));
    else
        ofr_buf_addf(out, "none that offramp reads; %s\n", h->refusal.text);
}

static void add_text(ofr_buf *out, const holding *h)
{
    const ofr_encoder *encoder = &h->encoder;
    const ofr_run_verdict *verdict = &h->verdict;
    const ofr_config *c = &encoder->config;
    counts n = count_parameters(&encoder->params);
    add_row(out, "model");
    ofr_buf_addf(out, "%s\n", h->dir);
    add_row(out, "family");
    ofr_buf_addf(out, "%s\n", ofr_family_name(c->family));
    add_row(out, "shape");
    ofr_buf_addf(out,
                 "%d layers%s, width %d, %d heads, inner width %d, embeddings %d x %d\n",
                 c->L, c->shared_layers ? " (one set of weights)" : "", c->C, c->H, c->F,
                 c->V, c->E);
    add_row(out, "parameters");
    ofr_buf_addf(out,
                 "%lld (backbone %lld, pooler %lld, classifiers %lld, policies %lld)\n",
                 n.total, n.backbone, n.pooler, n.heads, n.policies);
    if (c->precision != OFR_PRECISION_F32) {
        add_row(out, "precision");
        ofr_buf_addf(out, "%s, to run it and not to train it\n",
                     ofr_precision_name(c->precision));
    }
    add_row(out, "exits");
    ofr_buf_addf(out, "%s\n", exits_text(encoder));
    add_labels(out, c);
    add_row(out, "trained");
    if (c->method[0])
        ofr_buf_addf(out, "%s%s%s\n", c->method, c->task[0] ? " on " : "", c->task);
    else
        ofr_buf_adds(out, "not by offramp\n");
    add_row(out, "rule");
    ofr_buf_addf(out, "%s", ofr_rule_stored(c));
    if (strcmp(ofr_rule_stored(c), "never") != 0)
        ofr_buf_addf(out, ", threshold %g", c->threshold);
    ofr_buf_addc(out, '\n');
    add_guarantee(out, c);
    add_row(out, "reads");
    ofr_buf_addf(out, "%d tokens at most", ofr_config_max_tokens(c));
    if (c->max_tokens) ofr_buf_addf(out, ", trained with %d", c->max_tokens);
    ofr_buf_addc(out, '\n');
    add_tokenizer(out, h);
    if (!h->judged) return;
    add_verdict(out, "convergence", &verdict->run);
    if (verdict->iterations.n > 0) add_verdict(out, "iterations", &verdict->iterations);
    if (verdict->epochs.n > 0) add_verdict(out, "epochs", &verdict->epochs);
}

/* The verdict on the run that left its journal in `dir`; *found false: none. */
static ofr_status find_verdict(ofr_run_verdict *verdict, bool *found, const char *dir,
                               ofr_error *err)
{
    char journal[OFR_PATH_MAX];

    OFR_TRY(ofr_file_join(journal, dir, "journal.jsonl", err));
    *found = ofr_file_exists(journal);
    return *found ? ofr_verdict_of_journal(verdict, journal, err) : OFR_OK;
}

static ofr_status print(const holding *h, bool json, ofr_error *err)
{
    ofr_buf out;
    ofr_status status;
    ofr_buf_init(&out);
    if (json)
        add_json(&out, h);
    else
        add_text(&out, h);
    status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_tok_options as_stored = {-1};
    holding h = {0};
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 1, err));
    if (n_args < 1)
        return ofr_fail(err, OFR_INVALID, "needs a model directory; see --help");
    OFR_TRY(ofr_load_check_dir(args[0], err));
    h.dir = args[0];
    OFR_TRY(find_verdict(&h.verdict, &h.judged, h.dir, err));
    OFR_TRY(ofr_encoder_open(&h.encoder, h.dir, 0, err));
    /* A model without a tokenizer, or with one that is refused, is worth a look. */
    status = ofr_tok_open(&h.tok, h.dir, as_stored, &h.refusal);
    if (status == OFR_NOMEM)
        *err = h.refusal;
    else
        status = print(&h, o->common.json, err);
    ofr_tok_close(h.tok);
    ofr_encoder_close(&h.encoder);
    return status;
}

const ofr_cmd ofr_cmd_info = {
    .name = "info",
    .summary = "Show what a model directory holds",
    .usage = "DIR",
    .example = "  offramp info my-model\n  offramp info bert-base-uncased --json",
    .arguments = "DIR",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
