/*
 * fuzz_dataset.c - a data file as the tasks read it.
 *
 * First byte: a row of the task table, or columns of one's own; second byte: kind
 * of file, known labels, bad rows, a length limit.  The rest is the file.
 */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "data/dataset.h"

static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\n##a\n##b\nab\n";

static const ofr_tok *tokenizer(void)
{
    static ofr_tok *tok;
    ofr_error err;
    const char *path;
    if (tok) return tok;
    path = ofr_fuzz_file("vocab.txt", (const uint8_t *)vocabulary, sizeof vocabulary - 1);
    OFR_FUZZ_CHECK(ofr_tok_open(&tok, path, (ofr_tok_options){-1}, &err) == OFR_OK);
    return tok;
}

static ofr_columns columns_of(uint8_t which, uint8_t flags)
{
    ofr_columns c = {.has_header = !(flags & 32), .text = flags & 32 ? "0" : "text",
                     .label = flags & 32 ? "1" : "label"};
    int n = 0;
    while (ofr_tasks[n].name)
        n++;
    if (which % (n + 2) < n) {
        const ofr_task *task = &ofr_tasks[which % (n + 2)];
        c = (ofr_columns){task->has_header, task->text, task->pair, task->label,
                          task->regression, false, true};
    } else {
        c.regression = which % (n + 2) == n + 1;
    }
    c.skip_bad_rows = flags & 4;
    return c;
}

static void check(const ofr_dataset *data, const ofr_tok *tok, const ofr_columns *columns)
{
    OFR_FUZZ_CHECK(data->n > 0 && data->offsets[0] == 0);
    OFR_FUZZ_CHECK(!data->labels == columns->regression);
    for (int i = 0; i < data->n; i++) {
        int T = data->offsets[i + 1] - data->offsets[i];
        OFR_FUZZ_CHECK(T >= 2 && T <= data->max_T && data->lines[i] >= 1);
        if (data->labels)
            OFR_FUZZ_CHECK(data->labels[i] >= 0 && data->labels[i] < data->K);
        else
            OFR_FUZZ_CHECK(isfinite(data->targets[i]));
        for (int t = data->offsets[i]; t < data->offsets[i + 1]; t++)
            OFR_FUZZ_CHECK(data->ids[t] >= 0 && data->ids[t] < ofr_tok_size(tok) &&
                           data->types[t] >= 0 && data->types[t] < 2);
        OFR_FUZZ_CHECK(ofr_utf8_valid(data->text[i].p, data->text[i].n, NULL));
        if (data->pair)
            OFR_FUZZ_CHECK(ofr_utf8_valid(data->pair[i].p, data->pair[i].n, NULL));
    }
    for (int k = 0; data->labels && k < data->K; k++)
        for (int j = 0; j < k && j < 100; j++)
            OFR_FUZZ_CHECK(strcmp(data->label_names[k], data->label_names[j]) != 0);
}

/* Split in two and gather all of both. */
static void use(ofr_dataset *data)
{
    ofr_dataset held;
    ofr_error err;
    int n = data->n;
    if (ofr_dataset_split(data, &held, 0.4, 7, &err) != OFR_OK) {
        OFR_FUZZ_CHECK(n < 2);
        return;
    }
    OFR_FUZZ_CHECK(data->n + held.n == n);
    for (int i = 0; i < held.n; i++) {
        size_t room = (size_t)held.max_T * sizeof(int);
        int offsets[2], *ids = malloc(room), *types = malloc(room);
        OFR_FUZZ_CHECK(ids && types);
        ofr_dataset_gather(&held, &i, 1, offsets, ids, types);
        free(ids);
        free(types);
    }
    ofr_dataset_close(&held);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const files[] = {"d.tsv", "d.csv", "d.jsonl"};
    static const char *const known[] = {"0", "1", "pos", "neg"};
    const ofr_tok *tok = tokenizer();
    ofr_columns columns;
    ofr_dataset set;
    ofr_error err;
    ofr_status status;
    const char *path;
    int kind, n_known;
    if (size < 2) return 0;
    columns = columns_of(data[0], data[1]);
    kind = data[1] % 4 % 3;
    n_known = data[1] & 8 ? 4 : 0;
    path = ofr_fuzz_file(files[kind], data + 2, size - 2);
    status = ofr_dataset_open(&set, path, &columns, tok, data[1] & 16 ? 6 : 512,
                              n_known ? known : NULL, n_known, &err);
    if (status != OFR_OK) {
        ofr_fuzz_refused(status, &err, files[kind]);
        return 0;
    }
    check(&set, tok, &columns);
    use(&set);
    ofr_dataset_close(&set);
    return 0;
}
