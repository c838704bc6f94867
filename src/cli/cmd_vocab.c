/* cmd_vocab.c - `offramp vocab`: learns a WordPiece vocabulary, or measures one. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/file.h"
#include "base/log.h"
#include "cli/cmd.h"
#include "io/text_stream.h"
#include "report/jsonline.h"
#include "tok/learn.h"
#include "tok/pretok.h"
#include "tok/tok.h"

typedef struct options {
    ofr_cmd_common common;
    const char *out, *check, *vocab;
    int size, alphabet, min_count, max_words;
    bool cased;
} options;

static const ofr_opt rows[] = {
    {"size", 's', OFR_OPT_INT, offsetof(options, size), "16384", "N", NULL, 16, 1 << 24,
     "entries, special tokens included", "Vocabulary"},
    {"out", 'o', OFR_OPT_TEXT, offsetof(options, out), NULL, "FILE", NULL, 0, 0,
     "vocab.txt to write", NULL},
    {"alphabet", 0, OFR_OPT_INT, offsetof(options, alphabet), "500", "N", NULL, 1,
     1 << 20, "keep the N most frequent characters; a word with another one is [UNK]",
     NULL},
    {"min-count", 0, OFR_OPT_INT, offsetof(options, min_count), "2", "N", NULL, 1,
     1000000000, "leave out rarer words and pairs", NULL},
    {"max-words", 0, OFR_OPT_INT, offsetof(options, max_words), "4000000", "N", NULL, 16,
     1 << 30,
     "different words to remember; beyond it the rarest quarter is forgotten; about 100 "
     "bytes a word",
     NULL},
    {"cased", 0, OFR_OPT_FLAG, offsetof(options, cased), NULL, NULL, NULL, 0, 0,
     "keep case and accents", NULL},
    {"check", 0, OFR_OPT_TEXT, offsetof(options, check), NULL, "FILE", NULL, 0, 0,
     "then count the pieces that this text is cut into", "Measure"},
    {"vocab", 0, OFR_OPT_TEXT, offsetof(options, vocab), NULL, "FILE", NULL, 0, 0,
     "do not learn, --check this vocabulary", NULL},
    OFR_CMD_COMMON_ROWS(options),
    OFR_CMD_END,
};

/* ---- learning ------------------------------------------------------------ */

static ofr_status read_file(const options *o, ofr_learn *learn, const char *path,
                            long long *n_lines, ofr_error *err)
{
    ofr_text_stream *stream;
    ofr_buf line;
    ofr_status status;
    bool got = true;
    OFR_TRY(ofr_text_stream_open(&stream, path, err));
    ofr_buf_init(&line);
    while ((status = ofr_text_stream_next(stream, &line, &got, err)) == OFR_OK && got) {
        status = ofr_learn_add(learn, (ofr_str){line.n ? line.p : "", line.n}, err);
        if (status != OFR_OK) break;
        if (++*n_lines % 1024 == 0)
            ofr_term_progress(o->common.term, "read", *n_lines, 0, NULL);
        ofr_buf_clear(&line);
    }
    ofr_buf_free(&line);
    ofr_text_stream_close(stream);
    return status;
}

static void remark(const options *o, const ofr_learn_stats *s, double seconds)
{
    ofr_log(OFR_LOG_INFO,
            "%s: %d entries from %lld words, %zu different ones; %d of %d characters; "
            "%.1f s",
            o->out, s->n_entries, s->n_words, s->n_distinct, s->n_alphabet, s->n_chars,
            seconds);
    if (s->n_dropped)
        ofr_log(
            OFR_LOG_INFO,
            "%lld occurrences of rare words were forgotten; --max-words remembers more",
            s->n_dropped);
    if (s->n_entries < o->size)
        ofr_log(OFR_LOG_WARN,
                "%s: %d entries instead of %d: no pair of pieces is left that occurs %d "
                "times",
                o->out, s->n_entries, o->size, o->min_count);
}

static ofr_status learn_files(const options *o, char **paths, int n_paths, ofr_buf *json,
                              ofr_error *err)
{
    ofr_learn_options how = {o->size, o->alphabet, o->min_count, (size_t)o->max_words,
                             o->cased, o->common.threads};
    double start = ofr_clock_seconds();
    ofr_learn_stats stats;
    ofr_learn *learn;
    long long n_lines = 0;
    ofr_buf vocab;
    ofr_status status = OFR_OK;
    if (!how.n_threads) how.n_threads = ofr_cpu_threads();
    for (int i = 0; i < n_paths; i++) {
        const ofr_cmd_input input = {"the text", paths[i]};
        OFR_TRY(ofr_cmd_output("--out", o->out, &input, 1, NULL, err));
    }
    OFR_TRY(ofr_learn_open(&learn, &how, err));
    ofr_buf_init(&vocab);
    for (int i = 0; i < n_paths && status == OFR_OK; i++)
        status = read_file(o, learn, paths[i], &n_lines, err);
    ofr_term_progress_end(o->common.term);
    if (status == OFR_OK) status = ofr_learn_finish(learn, &vocab, &stats, err);
    if (status == OFR_OK) status = ofr_file_write(o->out, vocab.p, vocab.n, err);
    ofr_buf_free(&vocab);
    ofr_learn_close(learn);
    if (status != OFR_OK) return status;
    remark(o, &stats, ofr_clock_seconds() - start);
    ofr_jsonline_text(json, "vocab", o->out);
    ofr_jsonline_int(json, "entries", stats.n_entries);
    ofr_jsonline_int(json, "lines", n_lines);
    ofr_jsonline_int(json, "words", stats.n_words);
    ofr_jsonline_int(json, "distinct_words", (long long)stats.n_distinct);
    ofr_jsonline_int(json, "words_forgotten", stats.n_dropped);
    ofr_jsonline_int(json, "words_too_long", stats.n_too_long);
    ofr_jsonline_int(json, "words_outside_alphabet", stats.n_strange);
    ofr_jsonline_int(json, "characters", stats.n_chars);
    ofr_jsonline_int(json, "alphabet", stats.n_alphabet);
    return OFR_OK;
}

/* ---- measuring ----------------------------------------------------------- */

typedef struct measure {
    ofr_bert_split split;
    long long n_words, n_pieces, n_unknown;
} measure;

static bool count_word(void *user, const char *word, size_t len, int n_chars)
{
    (void)word;
    (void)len;
    (void)n_chars;
    ((measure *)user)->n_words++;
    return true;
}

static ofr_status measure_lines(measure *m, const options *o, const ofr_tok *tok,
                                ofr_text_stream *stream, ofr_error *err)
{
    int unknown = ofr_tok_id(tok, OFR_STR("[UNK]"));
    ofr_tok_scratch scratch;
    ofr_buf line;
    ofr_status status;
    bool got = true;
    ofr_buf_init(&line);
    ofr_tok_scratch_init(&scratch);
    while ((status = ofr_text_stream_next(stream, &line, &got, err)) == OFR_OK && got) {
        ofr_str text = {line.n ? line.p : "", line.n};
        status = ofr_tok_encode(tok, &scratch, text, (ofr_str){NULL, 0}, 0, err);
        if (status != OFR_OK) break;
        m->n_pieces += scratch.n - 2; /* without [CLS] and [SEP] */
        for (int i = 0; i < scratch.n; i++)
            m->n_unknown += scratch.ids[i] == unknown;
        ofr_bert_split_run(&m->split, text, count_word, m);
        ofr_buf_clear(&line);
        if (ofr_text_stream_lines(stream) % 1024 == 0)
            ofr_term_progress(o->common.term, "check", ofr_text_stream_lines(stream), 0,
                              NULL);
    }
    ofr_term_progress_end(o->common.term);
    ofr_tok_scratch_free(&scratch);
    ofr_buf_free(&line);
    return status;
}

static ofr_status check_file(const options *o, ofr_buf *text, ofr_buf *json,
                             ofr_error *err)
{
    const ofr_normalize how = {.lower = !o->cased, .strip = !o->cased, .chinese = true};
    ofr_text_stream *stream = NULL;
    ofr_tok *tok = NULL;
    measure m = {.n_words = 0};
    double per_word;
    ofr_status status;
    ofr_bert_split_init(&m.split, how);
    OFR_TRY(ofr_tok_open(&tok, o->vocab ? o->vocab : o->out,
                         (ofr_tok_options){!o->cased}, err));
    status = ofr_text_stream_open(&stream, o->check, err);
    if (status == OFR_OK) status = measure_lines(&m, o, tok, stream, err);
    ofr_text_stream_close(stream);
    ofr_tok_close(tok);
    if (status == OFR_OK && !m.n_words)
        status = ofr_fail(err, OFR_INVALID, "%s: holds no words, nothing to measure",
                          o->check);
    if (status != OFR_OK) return status;
    per_word = (double)m.n_pieces / (double)m.n_words;
    ofr_buf_addf(text,
                 "%s: %.4f pieces per word, %lld words, %lld pieces, %lld unknown\n",
                 o->check, per_word, m.n_words, m.n_pieces, m.n_unknown);
    ofr_jsonline_text(json, "check", o->check);
    ofr_jsonline_int(json, "check_words", m.n_words);
    ofr_jsonline_int(json, "check_pieces", m.n_pieces);
    ofr_jsonline_int(json, "check_unknown", m.n_unknown);
    ofr_jsonline_real(json, "pieces_per_word", per_word);
    return OFR_OK;
}

/* ---- the verb ------------------------------------------------------------ */

static ofr_status check_options(const options *o, int n_args, ofr_error *err)
{
    if (!o->vocab) return ofr_cmd_need(o->out, "out", err);
    if (o->out || n_args)
        return ofr_fail(
            err, OFR_INVALID,
            "--vocab is for measuring; leave out --out and the files to learn "
            "from, or --vocab");
    return ofr_cmd_need(o->check, "check", err);
}

static ofr_status run(void *values, const bool *is_set, char **args, int n_args,
                      ofr_error *err)
{
    const options *o = values;
    char standard_input[] = "-", *only[] = {standard_input};
    ofr_buf text, json;
    ofr_status status = OFR_OK;
    (void)is_set;
    OFR_TRY(check_options(o, n_args, err));
    ofr_buf_init(&text);
    ofr_buf_init(&json);
    ofr_jsonline_open(&json, NULL);
    ofr_jsonline_int(&json, "schema_version", OFR_SCHEMA_VERSION);
    if (!o->vocab)
        status = learn_files(o, n_args ? args : only, n_args ? n_args : 1, &json, err);
    if (status == OFR_OK && o->check) status = check_file(o, &text, &json, err);
    ofr_jsonline_end(&json);
    if (status == OFR_OK) status = ofr_cmd_print(o->common.json ? &json : &text, err);
    ofr_buf_free(&json);
    ofr_buf_free(&text);
    return status;
}

const ofr_cmd ofr_cmd_vocab = {
    .name = "vocab",
    .summary = "Learn a WordPiece vocabulary from text",
    .usage = "--out FILE [FILE|-]...",
    .example = "  offramp vocab --size 16384 --out vocab.txt wiki-*.txt.xz\n"
               "  offramp vocab --vocab vocab.txt --check held-out.txt.gz",
    .notes =
        "Text is plain, gzip or xz, told apart by its first bytes; without a FILE it is\n"
        "standard input.  Words are cut and normalised as `tokenize` does it; the most\n"
        "frequent pair of neighbouring pieces is joined until there are --size entries.\n"
        "The result depends on the text and these options alone, not on --threads.\n"
        "\n"
        "--check counts words as the tokenizer cuts them (punctuation stands alone) and\n"
        "the pieces they become; a text that was not learned from tells the truth.\n"
        "docs/PRETRAIN.md has measured examples.",
    .arguments = "FILE",
    .options = rows,
    .options_bytes = sizeof(options),
    .run = run,
};
