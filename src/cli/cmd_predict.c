/*
 * cmd_predict.c - `offramp predict`: texts in, label, probability, exit layer
 * out, in the same order, as fast as they come.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/calibration.h"
#include "cli/cmd.h"
#include "cli/lines.h"
#include "cli/load.h"
#include "exit/answer.h"
#include "exit/stream.h"
#include "io/table.h"
#include "report/jsonline.h"
#include "report/record.h"

/* Tokens that a batch may have: bounds the memory, not the texts. */
#define BATCH_TOKENS 4096
/* Texts under way when some wait for others, in batches. */
#define WINDOW_BATCHES 16

typedef struct options {
    ofr_cmd_common common;
    const char *model, *text, *pair, *rule, *precision;
    bool pairs, no_header;
    double threshold;
    int batch, max_length, regroup;
} options;

static const ofr_opt rows[] = {
    {"model", 'm', OFR_OPT_TEXT, offsetof(options, model), NULL, "DIR", NULL, 0, 0,
     "model directory", "Model and input"},
    {"text", 0, OFR_OPT_TEXT, offsetof(options, text), NULL, "COL", NULL, 0, 0,
     "the input is a table (.tsv, .csv, .jsonl): column of the text", NULL},
    {"text-pair", 0, OFR_OPT_TEXT, offsetof(options, pair), NULL, "COL", NULL, 0, 0,
     "column of the second text", NULL},
    {"no-header", 0, OFR_OPT_FLAG, offsetof(options, no_header), NULL, NULL, NULL, 0, 0,
     "the first line of the table is data", NULL},
    {"pairs", 0, OFR_OPT_FLAG, offsetof(options, pairs), NULL, NULL, NULL, 0, 0,
     "a TAB in a line separates two texts; default: if the model's task has pairs", NULL},
    {"max-length", 0, OFR_OPT_INT, offsetof(options, max_length), "0", "N", NULL, 0,
     1 << 24, "cut texts to N tokens; 0: as in training", NULL},
    {"rule", 0, OFR_OPT_TEXT, offsetof(options, rule), NULL, "NAME", NULL, 0, 0,
     "one of" OFR_RULE_LIST(OFR_RULE_NAME) "; default: as stored",
     "Early exit"},
    {"threshold", 0, OFR_OPT_REAL, offsetof(options, threshold), NULL, "T", NULL, 0, 0,
     "of the rule; default: as stored, or the rule's own", NULL},
    {"batch", 'b', OFR_OPT_INT, offsetof(options, batch), "32", "N", NULL, 1, 4096,
     "texts per call at most; the answers do not depend on it", NULL},
    {"regroup", 0, OFR_OPT_INT, offsetof(options, regroup), "0", "N", NULL, 0, 1 << 16,
     "fewer than N tokens left of a batch wait for those of later ones, so that deep "
     "layers stay full; the same answers, some later; 0: nobody waits", NULL},
    OFR_PRECISION_ROW(options),
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

/* Texts that wait for the next call of the runner. */
typedef struct queue {
    const options *o;
    const ofr_loaded *m;
    ofr_stream stream;
    ofr_tok_scratch scratch;
    int B, max_B, max_N;
    int *offsets, *ids, *types;
    int window;               /* texts under way at most */
    int *n_tokens;            /* [window + max_B] by place_of() */
    unsigned char *truncated; /* the same */
    ofr_real *p;              /* [K] */
    ofr_buf out;
    long long n_texts, n_truncated, n_single; /* single: lines without a second text */
    ofr_error err;            /* of the first answer that is none */
} queue;

/* What is known of text `number` beside its answer; texts that have not begun yet
 * count, too. */
static size_t place_of(const queue *q, long long number)
{
    return (size_t)(number % (q->window + q->max_B));
}

static void add_json(queue *q, const ofr_stream_answer *answer, const char *label,
                     double p)
{
    const ofr_config *config = &q->m->encoder.config;
    size_t at = place_of(q, answer->number);
    ofr_buf *out = &q->out;
    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
    if (config->regression) {
        ofr_jsonline_real(out, "value", (double)answer->logits[0]);
    } else {
        ofr_jsonline_text(out, "label", label);
        ofr_jsonline_real(out, "probability", p);
    }
    ofr_jsonline_int(out, "exit_layer", answer->exit_layer);
    ofr_jsonline_int(out, "n_tokens", q->n_tokens[at]);
    ofr_jsonline_bool(out, "truncated", q->truncated[at]);
    ofr_jsonline_end(out);
}

static void add_answer(void *user, const ofr_stream_answer *answer)
{
    queue *q = user;
    const ofr_config *config = &q->m->encoder.config;
    const ofr_real *z = answer->logits;
    if (q->err.status != OFR_OK ||
        ofr_answer_check(&q->m->encoder, z, (size_t)config->K, answer->number + 1,
                         &q->err) != OFR_OK)
        return;
    int best = ofr_argmax(z, config->K);
    ofr_softmax(q->p, z, config->K);
    if (q->o->common.json) {
        add_json(q, answer, config->labels[best], (double)q->p[best]);
    } else if (config->regression) {
        ofr_buf_addf(&q->out, "%.6g\t\t%d\n", (double)z[0], answer->exit_layer);
    } else {
        ofr_record_field(&q->out, config->labels[best]);
        ofr_buf_addf(&q->out, "\t%.6f\t%d\n", (double)q->p[best], answer->exit_layer);
    }
}

static void queue_close(queue *q)
{
    if (q->stream.options.sink) ofr_stream_close(&q->stream);
    ofr_tok_scratch_free(&q->scratch);
    ofr_buf_free(&q->out);
    ofr_mem_free(q->offsets);
    ofr_mem_free(q->ids);
    ofr_mem_free(q->types);
    ofr_mem_free(q->n_tokens);
    ofr_mem_free(q->truncated);
    ofr_mem_free(q->p);
}

static ofr_status queue_open(queue *q, const options *o, const ofr_loaded *m,
                             ofr_error *err)
{
    size_t B = (size_t)o->batch;
    memset(q, 0, sizeof *q);
    q->o = o;
    q->m = m;
    q->max_B = o->batch;
    q->max_N = o->batch * (long long)m->max_tokens < BATCH_TOKENS
                   ? o->batch * m->max_tokens
                   : BATCH_TOKENS;
    if (q->max_N < m->max_tokens) q->max_N = m->max_tokens;
    ofr_tok_scratch_init(&q->scratch);
    ofr_buf_init(&q->out);
    q->offsets = ofr_mem_array(B + 1, sizeof *q->offsets);
    q->ids = ofr_mem_array((size_t)q->max_N, sizeof *q->ids);
    q->types = ofr_mem_array((size_t)q->max_N, sizeof *q->types);
    q->window = o->regroup > 0 ? o->batch * WINDOW_BATCHES : o->batch;
    q->n_tokens = ofr_mem_array((size_t)q->window + B, sizeof *q->n_tokens);
    q->truncated = ofr_mem_array((size_t)q->window + B, 1);
    q->p = ofr_mem_array((size_t)m->encoder.config.K, sizeof *q->p);
    if (!q->offsets || !q->ids || !q->types || !q->n_tokens || !q->truncated || !q->p)
        return ofr_fail_nomem(err, (size_t)q->max_N * sizeof *q->ids, "a batch");
    ofr_stream_options stream = {.max_B = q->max_B, .max_N = q->max_N,
                                 .low = o->regroup, .window = q->window,
                                 .sink = add_answer, .user = q};
    return ofr_stream_open(&q->stream, &m->encoder, m->dev, m->rule, m->threshold,
                           &stream, err);
}

/* Print what is answered; then say of the first answer that is none. */
static ofr_status queue_print(queue *q, ofr_error *err)
{
    OFR_TRY(ofr_cmd_print(&q->out, err));
    if (q->err.status == OFR_OK) return OFR_OK;
    return ofr_fail(err, q->err.status, "%s", q->err.text);
}

/* Run what is in the queue, and print what is answered by then. */
static ofr_status queue_flush(queue *q, ofr_error *err)
{
    ofr_tokens tokens = {q->B, q->offsets, q->ids, q->types};
    if (q->B == 0) return OFR_OK;
    ofr_stream_run(&q->stream, &tokens);
    q->B = 0;
    return queue_print(q, err);
}

/* Nobody waits any longer. */
static ofr_status queue_finish(queue *q, ofr_error *err)
{
    OFR_TRY(queue_flush(q, err));
    ofr_stream_finish(&q->stream);
    return queue_print(q, err);
}

static ofr_status queue_add(queue *q, ofr_str text, ofr_str pair, ofr_error *err)
{
    const ofr_tok_scratch *s = &q->scratch;
    int at;
    OFR_TRY(ofr_tok_encode(q->m->tok, &q->scratch, text, pair, q->m->max_tokens, err));
    if (q->B == q->max_B || q->offsets[q->B] + s->n > q->max_N)
        OFR_TRY(queue_flush(q, err));
    at = q->offsets[q->B];
    memcpy(q->ids + at, s->ids, (size_t)s->n * sizeof *s->ids);
    memcpy(q->types + at, s->types, (size_t)s->n * sizeof *s->types);
    q->offsets[++q->B] = at + s->n;
    q->n_tokens[place_of(q, q->n_texts)] = s->n;
    q->truncated[place_of(q, q->n_texts)] = s->truncated;
    q->n_texts++;
    q->n_truncated += s->truncated;
    return OFR_OK;
}

static ofr_status predict_lines(queue *q, const char *path, bool pairs, ofr_error *err)
{
    ofr_lines lines;
    ofr_buf line;
    bool got = true;
    ofr_status status = ofr_lines_open(&lines, path, err);
    if (status != OFR_OK) return status;
    ofr_buf_init(&line);
    while (status == OFR_OK) {
        ofr_str text, pair = {NULL, 0};
        const char *tab;
        ofr_buf_clear(&line);
        if ((status = ofr_lines_next(&lines, &line, &got, err)) != OFR_OK || !got) break;
        text = (ofr_str){line.n ? line.p : "", line.n};
        tab = pairs && line.n ? memchr(line.p, '\t', line.n) : NULL;
        if (tab) {
            text.n = (size_t)(tab - line.p);
            pair = (ofr_str){tab + 1, line.n - text.n - 1};
        }
        q->n_single += pairs && !tab;
        status = queue_add(q, text, pair, err);
        /* Nothing more has arrived: whoever writes the lines may be waiting. */
        if (status == OFR_OK && lines.at == lines.end) status = queue_finish(q, err);
    }
    ofr_buf_free(&line);
    ofr_lines_close(&lines);
    return status;
}

static ofr_status predict_table(queue *q, const char *path, ofr_error *err)
{
    const options *o = q->o;
    ofr_table_options how = {ofr_table_kind_of(path), !o->no_header, false};
    ofr_table table;
    int text = -1, pair = -1;
    ofr_status status;
    OFR_TRY(ofr_load_check_pair(q->m, o->pair, err));
    OFR_TRY(ofr_table_open(&table, path, how, err));
    status = ofr_table_find(&table, &text, path, o->text, false, err);
    if (status == OFR_OK && o->pair)
        status = ofr_table_find(&table, &pair, path, o->pair, false, err);
    for (int row = 0; row < table.n_rows && status == OFR_OK; row++) {
        ofr_str second = {NULL, 0};
        status = ofr_table_check_cell(&table, row, text, path, err);
        if (status == OFR_OK && pair >= 0) {
            second = ofr_table_cell(&table, row, pair);
            status = ofr_table_check_cell(&table, row, pair, path, err);
        }
        if (status == OFR_OK)
            status = queue_add(q, ofr_table_cell(&table, row, text), second, err);
    }
    ofr_table_close(&table);
    return status;
}

static ofr_status predict(const options *o, const ofr_loaded *m, const char *path,
                          ofr_error *err)
{
    queue q;
    ofr_status status = queue_open(&q, o, m, err);
    if (status == OFR_OK)
        status = o->text ? predict_table(&q, path, err)
                         : predict_lines(&q, path, o->pairs || m->pairs, err);
    if (status == OFR_OK) status = queue_finish(&q, err);
    if (status == OFR_OK && q.n_truncated)
        ofr_log(OFR_LOG_INFO, "%lld of %lld texts are longer than %d tokens and were cut",
                q.n_truncated, q.n_texts, m->max_tokens);
    if (status == OFR_OK && q.n_single)
        ofr_log(OFR_LOG_WARN,
                "warning: %lld of %lld lines have no TAB, which separates the two texts",
                q.n_single, q.n_texts);
    queue_close(&q);
    return status;
}

/* Options of tables and of lines. */
static ofr_status check_options(const options *o, ofr_error *err)
{
    if (o->pair && !o->text)
        return ofr_fail(err, OFR_INVALID, "--text-pair needs --text COL");
    if (o->no_header && !o->text)
        return ofr_fail(err, OFR_INVALID, "--no-header needs --text COL");
    if (o->pairs && o->text)
        return ofr_fail(err, OFR_INVALID,
                        "--pairs is for lines with a TAB; for a table give --text-pair "
                        "COL");
    return OFR_OK;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_load_options how = {
        .rule = o->rule, .threshold = o->threshold, .max_tokens = o->max_length,
        .threads = o->common.threads, .tokenizer = true, .classifier = true,
        .later = true, .precision = o->precision,
    };
    ofr_loaded m;
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 1, err));
    OFR_TRY(ofr_cmd_need(o->model, "model", err));
    OFR_TRY(check_options(o, err));
    OFR_TRY(ofr_load_open(&m, o->model, &how, err));
    ofr_calibration_remark(&m);
    status = predict(o, &m, n_args ? args[0] : "-", err);
    ofr_load_close(&m);
    return status;
}

const ofr_cmd ofr_cmd_predict = {
    .name = "predict",
    .summary = "Classify texts: label, probability and exit layer of each",
    .usage = "--model DIR [FILE|-]",
    .example = "  echo 'what a fine film' | offramp predict --model my-model\n"
               "  offramp predict --model my-model reviews.csv --text review --json",
    .notes = "One text per line; each line, an empty one too, gives one line of\n"
             "label TAB probability TAB exit layer.  Texts are read from standard input\n"
             "when no file is named, and answered as they arrive.  Bytes that are not\n"
             "UTF-8 are left out of lines, with a warning; in tables they are an error.",
    .arguments = "FILE",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
