/*
 * batch.c - lines of standard input through the library, 32 at a time: label,
 * probability and exit layer of each, as `offramp predict` prints them.
 *
 *     cc batch.c $(pkg-config --cflags --libs offramp) -o batch
 *     ./batch MODEL_DIR < reviews.txt
 *
 * A batch costs what its texts use: whoever knows the answer leaves, and the others
 * go on.  How the lines fall into batches changes no answer.
 */
#define _POSIX_C_SOURCE 200809L /* getline() */
#include <offramp.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum { BATCH = 32 };

/* Lines of any length, in memory that grows and is used again. */
typedef struct reader {
    char *lines[BATCH];
    size_t sizes[BATCH];
    int error; /* errno where reading failed; 0: it did not */
} reader;

/* Up to BATCH lines, without what ends them; how many. */
static int read_lines(reader *r, ofr_text *texts)
{
    int n = 0;
    while (n < BATCH) {
        ssize_t length = getline(&r->lines[n], &r->sizes[n], stdin);
        if (length < 0) {
            if (!feof(stdin)) r->error = errno;
            break;
        }
        if (length > 0 && r->lines[n][length - 1] == '\n') length--;
        if (length > 0 && r->lines[n][length - 1] == '\r') length--;
        texts[n] = (ofr_text){r->lines[n], (size_t)length, NULL, 0};
        n++;
    }
    return n;
}

static ofr_status classify_lines(const ofr_model *model, ofr_session *session,
                                 reader *r, ofr_error *err)
{
    ofr_text texts[BATCH];
    ofr_result results[BATCH];
    for (;;) {
        int n = read_lines(r, texts);
        if (n == 0) return OFR_OK;
        ofr_status status = ofr_classify(session, results, texts, n, err);
        if (status != OFR_OK) return status;
        for (int i = 0; i < n; i++)
            printf("%s\t%.6f\t%d\n", ofr_model_label(model, results[i].label),
                   (double)results[i].probs[results[i].label], results[i].exit_layer);
    }
}

int main(int argc, char **argv)
{
    ofr_model *model = NULL;
    ofr_session *session = NULL;
    ofr_session_options options = {.max_batch = BATCH};
    reader r = {{NULL}, {0}, 0};
    ofr_error err = {OFR_OK, ""};
    if (argc != 2) {
        fprintf(stderr, "usage: batch MODEL_DIR < FILE\n");
        return 2;
    }
    ofr_status status = ofr_version_check(OFR_VERSION_NUMBER, &err);
    if (status == OFR_OK) status = ofr_model_open(&model, argv[1], &err);
    if (status == OFR_OK) status = ofr_session_open(&session, model, &options, &err);
    if (status == OFR_OK) status = classify_lines(model, session, &r, &err);
    if (status != OFR_OK) fprintf(stderr, "batch: %s\n", err.text);
    ofr_session_close(session);
    ofr_model_close(model);
    for (int i = 0; i < BATCH; i++)
        free(r.lines[i]);
    if (status == OFR_OK && r.error) {
        fprintf(stderr, "batch: standard input: %s\n", strerror(r.error));
        return 1;
    }
    return status == OFR_OK ? 0 : 1;
}
