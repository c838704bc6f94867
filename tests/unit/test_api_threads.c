/*
 * test_api_threads.c - several threads that meet at a barrier and then all use the
 * library for the first time in this process: open, look for instruction sets, start
 * teams, classify, fail, close.  Then many sessions on one model, each with a rule of
 * its own.  Meant for ThreadSanitizer (`./run tsan`); the answers are checked anyway.
 */
#include "support/support.h"

#include <offramp.h>
#include <pthread.h>
#include <stdatomic.h>

#include "support/tiny_model.h"

enum { N_THREADS = 4, N_TEXTS = 24 };

typedef struct answer {
    int label, exit_layer;
    float probs[TINY_CLASSES];
} answer;

typedef struct caller {
    pthread_t thread;
    pthread_barrier_t *start;
    const char *dir;
    const ofr_model *model; /* shared; NULL: opens its own */
    int index;
    bool ok;
    int asked; /* by the rule */
    answer answers[N_TEXTS];
} caller;

static atomic_int n_lines;
static caller callers[N_THREADS];

static int half(void *user, const ofr_exit_point *point)
{
    caller *c = user;
    c->asked++;
    return (double)point->policy > 0.5;
}

static bool classify_all(caller *c, ofr_session *session)
{
    char storage[N_TEXTS][128];
    ofr_text texts[N_TEXTS];
    ofr_result results[N_TEXTS];
    for (int i = 0; i < N_TEXTS; i++) {
        const char *text = support_tiny_text(storage[i], (uint64_t)i);
        texts[i] = (ofr_text){text, strlen(text), NULL, 0};
    }
    if (ofr_classify(session, results, texts, N_TEXTS, NULL) != OFR_OK) return false;
    for (int i = 0; i < N_TEXTS; i++) {
        c->answers[i].label = results[i].label;
        c->answers[i].exit_layer = results[i].exit_layer;
        memcpy(c->answers[i].probs, results[i].probs, sizeof c->answers[i].probs);
    }
    ofr_features features;
    return ofr_session_features(session, &features, texts, NULL) == OFR_OK;
}

static bool fails_as_it_should(void)
{
    ofr_model *none = NULL;
    ofr_error err;
    ofr_status status = ofr_model_open(&none, "no such directory", &err);
    return status == OFR_NOT_FOUND && strstr(err.text, "no such directory") != NULL &&
           ofr_version_check(OFR_VERSION_NUMBER, &err) == OFR_OK;
}

static void *work(void *arg)
{
    caller *c = arg;
    ofr_model *model = NULL;
    ofr_session *session = NULL;
    ofr_session_options options = {
        .n_threads = 1 + c->index % 3,
        .exit = {.decide = c->index % 2 ? half : NULL, .user = c},
    };
    pthread_barrier_wait(c->start);
    c->ok = c->model != NULL || ofr_model_open(&model, c->dir, NULL) == OFR_OK;
    if (c->ok)
        c->ok = ofr_session_open(&session, c->model ? c->model : model, &options, NULL) ==
                OFR_OK;
    c->ok = c->ok && classify_all(c, session) && fails_as_it_should();
    ofr_session_close(session);
    ofr_model_close(model);
    return NULL;
}

/* All at once; everybody's answers must be those of the first, where bits do not depend
 * on the batches that a rule leaves and on who packed. */
static void run_all(const ofr_model *shared, bool same_bits)
{
    pthread_barrier_t start;
    assert_int_equal(pthread_barrier_init(&start, NULL, N_THREADS), 0);
    for (int i = 0; i < N_THREADS; i++) {
        callers[i] = (caller){.start = &start, .dir = support_tiny_dir(), .model = shared,
                              .index = i};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, work, &callers[i]), 0);
    }
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
    pthread_barrier_destroy(&start);
    for (int i = 0; i < N_THREADS; i++) {
        assert_true(callers[i].ok);
        if (same_bits)
            assert_memory_equal(callers[i].answers, callers[0].answers,
                                sizeof callers[0].answers);
        assert_int_equal(callers[i].asked > 0, i % 2);
    }
}

static void count_line(void *user, ofr_log_level level, const char *line)
{
    (void)user, (void)level;
    if (line[0] != '\0') atomic_fetch_add(&n_lines, 1);
}

static void test_first_use(void **state)
{
    (void)state;
    ofr_log_set_sink(count_line, NULL);
    run_all(NULL, support_same_bits("the answers"));
    assert_int_equal(atomic_load(&n_lines), N_THREADS);
    ofr_log_set_sink(NULL, NULL);
}

/* On a model whose matrices are packed, and, again and again, on one where the first
 * calls meet them in the file and pack them under each other's eyes. */
static void test_one_model(void **state)
{
    (void)state;
    enum { ROUNDS = 20 };
    ofr_error err;
    ofr_model *model;
    answer packed[N_TEXTS];
    const bool same_bits = support_same_bits("the answers");
    for (int round = 0; round < ROUNDS; round++) {
        ofr_model_options options = {.pack_at_open = round == 0};
        assert_ok(ofr_model_open_as(&model, support_tiny_dir(), &options, &err), err);
        run_all(model, same_bits);
        if (round == 0) memcpy(packed, callers[0].answers, sizeof packed);
        if (same_bits)
            assert_memory_equal(callers[0].answers, packed, sizeof packed);
        ofr_model_close(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_use),
        cmocka_unit_test(test_one_model),
    };
    return cmocka_run_group_tests_name("api_threads", tests, support_tiny_setup, NULL);
}
