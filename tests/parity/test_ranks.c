/*
 * Ranks that share the batches of a run: the same losses as one rank has, dropout and
 * sampled exits included, in every method and phase; the same bits each time; only
 * rank 0 writes; all stop at the same step, and go on.  Ranks are threads here, see
 * thread_ranks.h; tests/cli/mpi.sh has the same over MPI.
 *
 * In double nothing but rounding may differ, over whole runs.  In float the first
 * steps agree to 1e-6; later ones drift, as Adam divides small gradients by themselves.
 */
#include "method/toy.h"

#include <math.h>

#include "support/countdown.h"
#include "support/thread_ranks.h"
#include "train/reduce.h"

enum { L = 4, MOST_LOSSES = 4096 };

/* ---- runs ------------------------------------------------------------------- */

typedef struct seat {
    pthread_t thread;
    toy t;
    ofr_encoder encoder;
    const ofr_method *method;
    const ofr_method_options *o;
    ofr_method_job job;
    countdown stop; /* of this rank alone */
    ofr_status status;
    ofr_error err;
} seat;

static void *work(void *arg)
{
    seat *s = arg;

    s->status = ofr_method_train(s->method, &s->encoder, s->t.dev, &s->t.data, s->o,
                                 &s->job, NULL, &s->err);
    return NULL;
}

static bool albert; /* all layers are one */

/* One run on n ranks in `folder`; rank `stopper` hears a signal after `left` calls.
 * The weights of rank 0 into w, unless it was interrupted. */
static ofr_status run(const ofr_method *method, const ofr_method_options *o, int n,
                      const char *folder, bool resume, int stopper, int left,
                      ofr_real **w, size_t *count)
{
    static seat seats[RANKS_MOST]; /* too large for a stack */
    char out[OFR_PATH_MAX];
    ranks team;

    snprintf(out, sizeof out, "%s", support_path(folder));
    memset(seats, 0, sizeof seats);
    ranks_open(&team, n);
    for (int r = 0; r < n; r++) {
        seat *s = &seats[r];

        s->method = method;
        s->o = o;
        s->stop.left = r == stopper ? left : 0;
        s->job = (ofr_method_job){.out = out, .resume = resume, .stop = &s->stop.flag,
                                  .comm = n > 1 ? &team.seats[r].comm : NULL,
                                  .progress = countdown_call, .user = &s->stop};
        toy_open_task(&s->t, TOY_WORD, 70, L, 1);
        if (albert) s->t.config.family = OFR_FAMILY_ALBERT;
        s->t.config.shared_layers = albert;
        toy_encoder(&s->t, &s->encoder, o);
    }
    for (int r = 1; r < n; r++)
        assert_int_equal(pthread_create(&seats[r].thread, NULL, work, &seats[r]), 0);
    work(&seats[0]);
    for (int r = 1; r < n; r++)
        pthread_join(seats[r].thread, NULL);
    const ofr_status status = seats[0].status;
    const size_t bytes = seats[0].encoder.params.total * sizeof(ofr_real);
    for (int r = 0; r < n; r++) {
        assert_int_equal(seats[r].status, status);
        assert_int_equal(seats[r].stop.flag, seats[0].stop.flag); /* all know why */
        if (status && status != OFR_INTERRUPTED) fail_msg("%s", seats[r].err.text);
        assert_memory_equal(seats[r].encoder.w, seats[0].encoder.w, bytes);
    }
    assert_false(team.changed);
    assert_false(team.unequal);
    if (!status) {
        *count = seats[0].encoder.params.total;
        *w = malloc(bytes);
        memcpy(*w, seats[0].encoder.w, bytes);
    }
    for (int r = 0; r < n; r++) {
        ofr_encoder_close(&seats[r].encoder);
        toy_close(&seats[r].t);
    }
    ranks_close(&team);
    return status;
}

static int losses_of(double out[MOST_LOSSES], const char *folder)
{
    char *journal = toy_journal(folder);
    int n = 0;

    for (const char *p = journal; (p = strstr(p, "\"loss\":")) && n < MOST_LOSSES; p += 7)
        out[n++] = strtod(p + 7, NULL);
    free(journal);
    return n;
}

/* ---- options ------------------------------------------------------------------ */

static ofr_method_options plain_options(void)
{
    ofr_method_options o = toy_short_options();

    o.joint_epochs = o.policy_epochs = o.exit_epochs = o.iterations = 1;
    o.weight_decay = 0.01;
    return o;
}

static ofr_method_options hard_options(void)
{
    ofr_method_options o = toy_hard_options();

    o.joint_epochs = o.policy_epochs = o.iterations = 1;
    o.save_steps = 0;
    return o;
}

/* ---- tests ---------------------------------------------------------------------- */

/* One rank and n ranks: how far apart are losses and weights?  Rounding grows from step
 * to step, in double from 1e-16 to 1e-8 where a method takes 70 of them, and not alike
 * on all processors; what is done wrong shows at once. */
static void same_as_one(const ofr_method *method, const ofr_method_options *o, int n)
{
    static double one[MOST_LOSSES], many[MOST_LOSSES];
    ofr_real *w1, *w2;
    size_t n1, n2;

    assert_int_equal(run(method, o, 1, "one", false, -1, 0, &w1, &n1), OFR_OK);
    assert_int_equal(run(method, o, n, "many", false, -1, 0, &w2, &n2), OFR_OK);
    const int n_losses = losses_of(one, "one");
    assert_true(n_losses >= 4);
    assert_int_equal(losses_of(many, "many"), n_losses);
    if (OFR_TEST_DOUBLE) {
        support_close_double(method->name, many, one, 4, 0, 1e-12);
        support_close_double(method->name, many, one, (size_t)n_losses, 0, 1e-7);
        support_close(method->name, w2, w1, n1, 1e-7, 0);
    } else {
        support_close_double(method->name, many, one, 2, 0, 1e-6);
    }
    free(w1);
    free(w2);
}

static void test_methods(void **state)
{
    ofr_method_options o = plain_options();

    (void)state;
    for (int i = 0; ofr_methods[i]; i++) {
        o.pooler = i % 2 ? OFR_POOLER_PER_LAYER : OFR_POOLER_SHARED;
        same_as_one(ofr_methods[i], &o, 2 + i % 2);
    }
    o.grad_reg = false;
    same_as_one(&ofr_method_romebert, &o, 2);
}

static void test_hard(void **state)
{
    const ofr_method_options o = hard_options();

    (void)state;
    same_as_one(&ofr_method_consistentee, &o, 4);
}

/* Batches of two on three ranks: one of them has no text at all. */
static void test_without_texts(void **state)
{
    ofr_method_options o = plain_options();

    (void)state;
    o.batch = 2;
    same_as_one(&ofr_method_consistentee, &o, 3);
    same_as_one(&ofr_method_romebert, &o, 3);
    same_as_one(&ofr_method_fastbert, &o, 3);
}

/* The gradient of a layer that all share is done with the first of them only. */
static void test_shared_layers(void **state)
{
    const ofr_method_options o = plain_options();

    (void)state;
    albert = true;
    same_as_one(&ofr_method_consistentee, &o, 2);
    albert = false;
}

static void test_repeats(void **state)
{
    const ofr_method_options o = hard_options();
    ofr_real *w1, *w2;
    size_t n1, n2;
    char *j1, *j2;

    (void)state;
    run(&ofr_method_consistentee, &o, 2, "first", false, -1, 0, &w1, &n1);
    run(&ofr_method_consistentee, &o, 2, "second", false, -1, 0, &w2, &n2);
    j1 = toy_journal("first");
    j2 = toy_journal("second");
    assert_memory_equal(w1, w2, n1 * sizeof *w1);
    assert_string_equal(j1, j2);
    free(w1);
    free(w2);
    free(j1);
    free(j2);
}

/* A signal to one rank stops all; with as many ranks the bits are those of the run that
 * was not stopped, and with another number it goes on, too. */
static void test_interrupted(void **state)
{
    static const int moments[] = {2, 4, 3, 5, 2, 3};
    const ofr_method_options o = hard_options();
    ofr_real *w1, *w2;
    size_t n1, n2;
    char *j1, *j2;

    (void)state;
    run(&ofr_method_consistentee, &o, 2, "whole", false, -1, 0, &w1, &n1);
    j1 = toy_journal("whole");
    for (int i = 0; i < 6; i++) {
        assert_int_equal(run(&ofr_method_consistentee, &o, 2, "parts", i > 0, i % 2,
                             moments[i], &w2, &n2),
                         OFR_INTERRUPTED);
    }
    assert_int_equal(run(&ofr_method_consistentee, &o, 2, "parts", true, -1, 0, &w2, &n2),
                     OFR_OK);
    j2 = toy_journal("parts");
    assert_memory_equal(w1, w2, n1 * sizeof *w1);
    assert_string_equal(j1, j2);
    free(w2);
    assert_int_equal(run(&ofr_method_consistentee, &o, 2, "other", false, 1, 5, &w2, &n2),
                     OFR_INTERRUPTED);
    assert_int_equal(run(&ofr_method_consistentee, &o, 1, "other", true, -1, 0, &w2, &n2),
                     OFR_OK);
    free(w1);
    free(w2);
    free(j1);
    free(j2);
}

/* The table of one rank: it leaves everything as it is. */
static void test_self(void **state)
{
    const ofr_comm *self = &ofr_comm_self;
    ofr_real x[3] = {1, 2, 3};
    double y[2] = {4, 5};
    ofr_error err = {OFR_OK, ""};

    (void)state;
    assert_int_equal(self->rank, 0);
    assert_int_equal(self->n_ranks, 1);
    assert_int_equal(self->threads, 0);
    self->sum_begin(self, x, 3);
    self->sum_end(self);
    self->sum_double(self, y, 2);
    self->broadcast(self, y, sizeof y, 0);
    self->barrier(self);
    assert_int_equal(self->check(self, &err), OFR_OK);
    assert_true(x[0] == 1 && x[1] == 2 && x[2] == 3 && y[0] == 4 && y[1] == 5);
}

/* Pieces: from the end on, none before the mark, none twice, none left out, in a block
 * of spans with a small gap, a large one, and one that is longer than a piece. */
static size_t begun[32][2];
static int n_begun;
static ofr_real *block;

static void note_piece(const ofr_comm *comm, ofr_real *x, size_t n)
{
    (void)comm;
    begun[n_begun][0] = (size_t)(x - block);
    begun[n_begun++][1] = n;
}

static void test_pieces(void **state)
{
    enum { PIECE = 1 << 16 };
    ofr_comm comm = ofr_comm_self;
    ofr_span spans[] = {{0, 100, 1},
                        {104, 60, 0},
                        {1000, 2 * PIECE + 10, 1},
                        {3 * PIECE, 7, 0}};
    const ofr_adamw adamw = {.spans = spans, .n_spans = 4};
    const ofr_params params = {.n = 4};
    ofr_reduce reduce;
    ofr_error err;

    (void)state;
    comm.piece = PIECE;
    comm.sum_begin = note_piece;
    block = malloc(sizeof *block * 4 * PIECE);
    assert_ok(ofr_reduce_open(&reduce, &comm, &params, &err), err);
    ofr_reduce_plan(&reduce, &adamw);
    for (int again = 0; again < 2; again++) {
        n_begun = 0;
        ofr_reduce_start(&reduce, block);
        ofr_reduce_final(&reduce, 3 * PIECE + 1);
        assert_int_equal(n_begun, 0);
        ofr_reduce_final(&reduce, 1011 + PIECE);
        assert_int_equal(n_begun, 1);
        ofr_reduce_final(&reduce, 1010 + PIECE);
        assert_int_equal(n_begun, 2);
        ofr_reduce_end(&reduce);
        assert_int_equal(n_begun, 5);
        assert_int_equal(begun[0][0], 3 * PIECE);
        assert_int_equal(begun[0][1], 7);
        assert_int_equal(begun[1][0], 1010 + PIECE);
        assert_int_equal(begun[1][1], PIECE);
        assert_int_equal(begun[2][0], 1010);
        assert_int_equal(begun[3][0], 1000);
        assert_int_equal(begun[3][1], 10);
        assert_int_equal(begun[4][0], 0);
        assert_int_equal(begun[4][1], 164);
    }
    ofr_reduce_close(&reduce);
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_self),          cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_methods),       cmocka_unit_test(test_hard),
        cmocka_unit_test(test_without_texts), cmocka_unit_test(test_shared_layers),
        cmocka_unit_test(test_repeats),       cmocka_unit_test(test_interrupted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
