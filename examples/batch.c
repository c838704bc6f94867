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
#include <offramp.h>

#include <stdio.h>
#include <string.h>

enum { BATCH = 32, LINE = 4096 };

static char lines[BATCH][LINE];

/* Up to BATCH lines of at most LINE - 1 bytes; how many. */
static int read_lines(ofr_text *texts)
{
    int n = 0;
    while (n < BATCH && fgets(lines[n], LINE, stdin) != NULL) {
        size_t length = strcspn(lines[n], "\n");
        texts[n] = (ofr_text){lines[n], length, NULL, 0};
        n++;
    }
    return n;
}

static ofr_status classify_lines(const ofr_model *model, ofr_session *session,
                                 ofr_error *err)
{
    ofr_text texts[BATCH];
    ofr_result results[BATCH];
    for (;;) {
        int n = read_lines(texts);
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
    ofr_error err = {OFR_OK, ""};
    if (argc != 2) {
        fprintf(stderr, "usage: batch MODEL_DIR < FILE\n");
        return 2;
    }
    ofr_status status = ofr_version_check(OFR_VERSION_NUMBER, &err);
    if (status == OFR_OK) status = ofr_model_open(&model, argv[1], &err);
    if (status == OFR_OK) status = ofr_session_open(&session, model, &options, &err);
    if (status == OFR_OK) status = classify_lines(model, session, &err);
    if (status != OFR_OK) fprintf(stderr, "batch: %s\n", err.text);
    ofr_session_close(session);
    ofr_model_close(model);
    return status == OFR_OK ? 0 : 1;
}
