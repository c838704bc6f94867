/* cmd_tokenize.c - `offramp tokenize`: lines in, ids out. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/lines.h"
#include "cli/load.h"
#include "report/jsonline.h"
#include "tok/tok.h"

typedef struct options {
    ofr_cmd_common common;
    const char *vocab, *model;
    bool cased, lower;
    int max_length;
} options;

static const ofr_opt rows[] = {
    {"vocab", 0, OFR_OPT_TEXT, offsetof(options, vocab), NULL, "FILE", NULL, 0, 0,
     "vocab.txt of a WordPiece tokenizer", "Tokenizer"},
    {"model", 'm', OFR_OPT_TEXT, offsetof(options, model), NULL, "DIR", NULL, 0, 0,
     "model directory that holds the tokenizer", NULL},
    {"cased", 0, OFR_OPT_FLAG, offsetof(options, cased), NULL, NULL, NULL, 0, 0,
     "keep case and accents, whatever tokenizer_config.json says", NULL},
    {"lower", 0, OFR_OPT_FLAG, offsetof(options, lower), NULL, NULL, NULL, 0, 0,
     "lower-case and drop accents, whatever tokenizer_config.json says", NULL},
    {"max-length", 0, OFR_OPT_INT, offsetof(options, max_length), "0", "N", NULL, 0,
     1 << 24, "cut to N tokens, longest text first; 0: never", NULL},
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

static void add_line(ofr_buf *out, const ofr_tok_scratch *scratch, bool json)
{
    if (json) {
        ofr_jsonline_open(out, NULL);
        ofr_jsonline_int(out, "schema_version", OFR_SCHEMA_VERSION);
        ofr_jsonline_ints(out, "ids", scratch->ids, scratch->n);
        ofr_jsonline_ints(out, "type_ids", scratch->types, scratch->n);
        ofr_jsonline_bool(out, "truncated", scratch->truncated);
        ofr_jsonline_end(out);
        return;
    }
    for (int i = 0; i < scratch->n; i++)
        ofr_buf_addf(out, "%s%d", i ? " " : "", scratch->ids[i]);
    ofr_buf_addc(out, '\n');
}

/* "text" or "text TAB pair". */
static void split_pair(const ofr_buf *line, ofr_str *text, ofr_str *pair)
{
    const char *tab = line->n ? memchr(line->p, '\t', line->n) : NULL;
    *text = (ofr_str){line->n ? line->p : "", line->n};
    *pair = (ofr_str){NULL, 0};
    if (!tab) return;
    text->n = (size_t)(tab - line->p);
    *pair = (ofr_str){tab + 1, line->n - text->n - 1};
}

static ofr_status tokenize(const options *o, const ofr_tok *tok, ofr_lines *lines,
                           ofr_error *err)
{
    ofr_buf line, out;
    ofr_tok_scratch scratch;
    ofr_status status = OFR_OK;
    bool got = true;
    ofr_buf_init(&line);
    ofr_buf_init(&out);
    ofr_tok_scratch_init(&scratch);
    while (status == OFR_OK) {
        ofr_str text, pair;
        ofr_buf_clear(&line);
        if ((status = ofr_lines_next(lines, &line, &got, err)) != OFR_OK || !got) break;
        split_pair(&line, &text, &pair);
        status = ofr_tok_encode(tok, &scratch, text, pair, o->max_length, err);
        if (status != OFR_OK) break;
        add_line(&out, &scratch, o->common.json);
        if (out.n > 65536 || lines->at == lines->end) status = ofr_cmd_print(&out, err);
    }
    if (status == OFR_OK) status = ofr_cmd_print(&out, err);
    ofr_tok_scratch_free(&scratch);
    ofr_buf_free(&out);
    ofr_buf_free(&line);
    return status;
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    ofr_tok_options how = {o->cased ? 0 : o->lower ? 1 : -1};
    ofr_tok *tok = NULL;
    ofr_lines lines;
    ofr_status status;
    (void)is_set;
    OFR_TRY(ofr_cmd_args(args, n_args, 1, err));
    if (!o->vocab == !o->model)
        return ofr_fail(err, OFR_INVALID, "needs one of --vocab FILE and --model DIR");
    if (o->cased && o->lower)
        return ofr_fail(err, OFR_INVALID, "--cased and --lower contradict each other");
    if (o->vocab && strcmp(o->vocab, "-") == 0)
        return ofr_fail(err, OFR_INVALID,
                        "--vocab reads no standard input, where the texts come from; "
                        "write it to a file");
    OFR_TRY(ofr_load_check_length(o->max_length, err));
    OFR_TRY(ofr_tok_open(&tok, o->vocab ? o->vocab : o->model, how, err));
    status = ofr_lines_open(&lines, n_args ? args[0] : "-", err);
    if (status == OFR_OK) {
        status = tokenize(o, tok, &lines, err);
        ofr_lines_close(&lines);
    }
    ofr_tok_close(tok);
    return status;
}

const ofr_cmd ofr_cmd_tokenize = {
    .name = "tokenize",
    .summary = "Turn lines of text into the ids that a model reads",
    .usage = "--vocab FILE | --model DIR [FILE|-]",
    .example = "  echo 'It works!' | offramp tokenize --model my-model\n"
               "  offramp tokenize --vocab vocab.txt --json --max-length 128 texts.txt",
    .notes =
        "One line of ids per line of text, special tokens included.  A TAB in a\n"
        "line separates a pair.  --json prints {\"ids\": [...], \"type_ids\": [...]}\n"
        "per line.  Bytes that are not UTF-8 are left out, with a warning at the end.",
    .arguments = "FILE",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
