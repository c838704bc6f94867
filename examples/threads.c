/*
 * threads.c - one model, one session per thread: the same answers as alone.
 *
 *     cc threads.c $(pkg-config --cflags --libs offramp) -lpthread -o threads
 *     ./threads MODEL_DIR "first text" "second text" ...
 *
 * Each thread classifies every text; the program fails if they disagree.
 */
#include <offramp.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { N_THREADS = 4, MAX_TEXTS = 32 };

typedef struct job {
    const ofr_model *model;
    char **texts;
    int n;
    int label[MAX_TEXTS], exit_layer[MAX_TEXTS];
    ofr_status status;
    ofr_error err;
} job;

static void *classify_all(void *arg)
{
    job *j = arg;
    ofr_session *session = NULL;
    ofr_session_options options = {.max_batch = 1, .n_threads = 1};
    j->status = ofr_session_open(&session, j->model, &options, &j->err);
    for (int i = 0; i < j->n && j->status == OFR_OK; i++) {
        ofr_text text = {j->texts[i], strlen(j->texts[i]), NULL, 0};
        ofr_result result;
        j->status = ofr_classify(session, &result, &text, 1, &j->err);
        if (j->status == OFR_OK) {
            j->label[i] = result.label;
            j->exit_layer[i] = result.exit_layer;
        }
    }
    ofr_session_close(session);
    return NULL;
}

int main(int argc, char **argv)
{
    static job jobs[N_THREADS];
    pthread_t threads[N_THREADS];
    ofr_model *model = NULL;
    ofr_error err = {OFR_OK, ""};
    int n = argc - 2 < MAX_TEXTS ? argc - 2 : MAX_TEXTS;
    if (n < 1) {
        fprintf(stderr, "usage: threads MODEL_DIR TEXT...\n");
        return 2;
    }
    if (ofr_model_open(&model, argv[1], &err) != OFR_OK) {
        fprintf(stderr, "threads: %s\n", err.text);
        return 1;
    }
    int started = 0, failed;
    for (; started < N_THREADS; started++) {
        jobs[started] = (job){.model = model, .texts = argv + 2, .n = n};
        if (pthread_create(&threads[started], NULL, classify_all, &jobs[started]) != 0)
            break;
    }
    failed = started < N_THREADS;
    for (int t = 0; t < started; t++) {
        pthread_join(threads[t], NULL);
        if (jobs[t].status != OFR_OK) {
            fprintf(stderr, "threads: %s\n", jobs[t].err.text);
            failed = 1;
        }
    }
    for (int i = 0; i < n && !failed; i++) {
        for (int t = 1; t < started; t++)
            if (jobs[t].label[i] != jobs[0].label[i] ||
                jobs[t].exit_layer[i] != jobs[0].exit_layer[i])
                failed = 1;
        printf("%s\tlayer %d\n", ofr_model_label(model, jobs[0].label[i]),
               jobs[0].exit_layer[i]);
    }
    ofr_model_close(model);
    return failed;
}
