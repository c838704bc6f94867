/*
 * A run that is interrupted at arbitrary moments and resumed leaves the same
 * weights and the same journal, byte for byte, as one that was not; in every
 * phase, with dropout, sampled exits and every kind of state.  So does a run on
 * two threads.  Steps do not allocate.
 */
#include "method/toy.h"

#include "base/log.h"
#include "support/countdown.h"

enum { N_TRAIN = 90, L = 4, HEARD = 1024 };

/* One run in `folder`, interrupted again and again when `every` is not empty:
 * after every[0] progress calls, then every[1]...; weights into w. */
static int run(const toy *t, const ofr_method *method, const ofr_method_options *o,
               const char *folder, const int *every, int n_every, ofr_real **w, size_t *n,
               void (*guard)(bool))
{
    char out[OFR_PATH_MAX];
    int interruptions = 0;

    snprintf(out, sizeof out, "%s", support_path(folder));
    for (int attempt = 0;; attempt++) {
        countdown s = {.left = attempt < n_every ? every[attempt] : 0};
        const ofr_method_job job = {.out = out, .resume = attempt > 0,
                                    .resume_command = "do it again", .stop = &s.flag,
                                    .progress = countdown_call, .user = &s,
                                    .guard = guard};
        ofr_encoder encoder;
        ofr_method_result result;
        ofr_error err;
        ofr_status status;

        toy_encoder(t, &encoder, o);
        status = ofr_method_train(method, &encoder, t->dev, &t->data, o, &job, &result,
                                  &err);
        if (status == OFR_INTERRUPTED) {
            assert_non_null(strstr(err.text, "do it again"));
            interruptions++;
            ofr_encoder_close(&encoder);
            continue;
        }
        assert_ok(status, err);
        *n = encoder.params.total;
        *w = malloc(*n * sizeof **w);
        memcpy(*w, encoder.w, *n * sizeof **w);
        ofr_encoder_close(&encoder);
        return interruptions;
    }
}

static void same_as_whole(const ofr_method *method, const ofr_method_options *o,
                          const int *every, int n_every, int least)
{
    toy t;
    ofr_real *w1, *w2;
    size_t n1, n2;
    char *j1, *j2;

    toy_open(&t, N_TRAIN, L, 1);
    assert_int_equal(run(&t, method, o, "whole", NULL, 0, &w1, &n1, NULL), 0);
    assert_true(run(&t, method, o, "parts", every, n_every, &w2, &n2, NULL) >= least);
    j1 = toy_journal("whole");
    j2 = toy_journal("parts");
    assert_int_equal(n1, n2);
    assert_memory_equal(w1, w2, n1 * sizeof *w1);
    assert_string_equal(j1, j2);
    free(w1);
    free(w2);
    free(j1);
    free(j2);
    toy_close(&t);
}

static void test_resume_plain(void **state)
{
    static const int every[] = {1, 2, 3, 5, 1, 1,  7, 4, 6, 9,
                                2, 8, 3, 3, 5, 11, 1, 2, 1, 4};
    const ofr_method_options o = toy_short_options();

    (void)state;
    same_as_whole(&ofr_method_consistentee, &o, every, 20, 12);
}

static void test_resume_hard(void **state)
{
    static const int every[] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3,
                                5, 8, 9, 7, 9, 3, 2, 3, 8, 4};
    const ofr_method_options o = toy_hard_options();

    (void)state;
    same_as_whole(&ofr_method_consistentee, &o, every, 20, 12);
}

/* Policies that learn from the dev texts, of which there are more than training texts. */
static void test_resume_dev_lessons(void **state)
{
    static const int every[] = {2, 5, 1, 3, 7, 4, 1, 2, 6, 3,
                                1, 5, 2, 4, 8, 1, 3, 2, 9, 1};
    ofr_method_options o = toy_hard_options();

    (void)state;
    o.policy_data = OFR_POLICY_DEV;
    o.task_updates_policy = false;
    same_as_whole(&ofr_method_consistentee, &o, every, 20, 12);
}

/* One interruption at every possible moment of a short run. */
static void test_resume_everywhere(void **state)
{
    ofr_method_options o = toy_hard_options();
    toy t;
    ofr_real *w1, *w2;
    size_t n1, n2;
    char *j1, *j2;
    int at = 1;

    (void)state;
    o.joint_epochs = o.policy_epochs = o.iterations = 1;
    toy_open(&t, 40, L, 1);
    run(&t, &ofr_method_consistentee, &o, "one", NULL, 0, &w1, &n1, NULL);
    j1 = toy_journal("one");
    for (;; at++) {
        const int n =
            run(&t, &ofr_method_consistentee, &o, "two", &at, 1, &w2, &n2, NULL);

        j2 = toy_journal("two");
        assert_memory_equal(w1, w2, n1 * sizeof *w1);
        assert_string_equal(j1, j2);
        free(w2);
        free(j2);
        if (n == 0) break; /* it ended before that moment */
    }
    assert_true(at > 20);
    free(w1);
    free(j1);
    toy_close(&t);
}

static void test_resume_finetune(void **state)
{
    static const int every[] = {2, 3, 4};
    const ofr_method_options o = toy_short_options();

    (void)state;
    same_as_whole(&ofr_method_finetune, &o, every, 3, 2);
}

/* Every method, stopped at odd moments in every phase; its steps do not allocate, and
 * all that it took is given back. */
static void test_resume_methods(void **state)
{
    static const int every[] = {1, 3, 4, 2, 7, 1, 5, 3, 1, 6, 2, 1};
    const size_t before = ofr_mem_violations(), live = ofr_mem_live();
    ofr_method_options o = toy_short_options();

    (void)state;
    o.exit_epochs = 2;
    o.save_steps = 3;
    o.weight_decay = 0.01;
    for (int i = 0; ofr_methods[i]; i++) {
        toy t;
        ofr_real *w;
        size_t n;

        o.pooler = i % 2 ? OFR_POOLER_PER_LAYER : OFR_POOLER_SHARED;
        same_as_whole(ofr_methods[i], &o, every, 12, 4);
        toy_open(&t, 40, L, 1);
        run(&t, ofr_methods[i], &o, "guarded", NULL, 0, &w, &n, ofr_mem_forbid);
        free(w);
        toy_close(&t);
    }
    assert_int_equal(ofr_mem_violations() - before, 0);
    assert_int_equal(ofr_mem_live(), live);
}

static void test_threads(void **state)
{
    const ofr_method_options o = toy_hard_options();
    toy t;
    ofr_real *w1, *w2;
    size_t n1, n2;
    char *j1, *j2;

    (void)state;
    toy_open(&t, N_TRAIN, L, 1);
    run(&t, &ofr_method_consistentee, &o, "one-thread", NULL, 0, &w1, &n1, NULL);
    toy_close(&t);
    toy_open(&t, N_TRAIN, L, 2);
    run(&t, &ofr_method_consistentee, &o, "two-threads", NULL, 0, &w2, &n2, NULL);
    toy_close(&t);
    j1 = toy_journal("one-thread");
    j2 = toy_journal("two-threads");
    assert_memory_equal(w1, w2, n1 * sizeof *w1);
    assert_string_equal(j1, j2);
    free(w1);
    free(w2);
    free(j1);
    free(j2);
}

static void test_no_allocation(void **state)
{
    const ofr_method_options o = toy_hard_options();
    const size_t before = ofr_mem_violations();
    toy t;
    ofr_real *w;
    size_t n;

    (void)state;
    toy_open(&t, N_TRAIN, L, 1);
    run(&t, &ofr_method_consistentee, &o, "guarded", NULL, 0, &w, &n, ofr_mem_forbid);
    free(w);
    run(&t, &ofr_method_finetune, &o, "guarded-2", NULL, 0, &w, &n, ofr_mem_forbid);
    free(w);
    toy_close(&t);
    assert_int_equal(ofr_mem_violations() - before, 0);
}

/* Other data or settings than those of the checkpoint are refused. */
static void test_other_settings(void **state)
{
    ofr_method_options o = toy_short_options();
    countdown s = {.left = 4};
    ofr_method_job job = {.stop = &s.flag, .progress = countdown_call, .user = &s};
    char out[OFR_PATH_MAX];
    ofr_encoder encoder;
    ofr_error err;
    toy t;

    (void)state;
    snprintf(out, sizeof out, "%s", support_path("other"));
    job.out = out;
    o.dropout = -1; /* the encoder's own */
    toy_open(&t, N_TRAIN, L, 1);
    toy_encoder(&t, &encoder, &o);
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_INTERRUPTED, err, "interrupted after");
    s.flag = 0;
    job.resume = true;
    o.seed++;
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_INVALID, err, "other data or other settings");
    o.seed--;
    encoder.config.hidden_dropout += 0.1; /* other masks */
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_INVALID, err, "other data or other settings");
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

static void hear(void *user, ofr_log_level level, const char *line)
{
    (void)level;
    snprintf(user, HEARD, "%s", line);
}

/* A few more steps of the run in `out`; the last remark goes to `heard`. */
static void few_steps(const toy *t, const char *out, bool resume, char heard[HEARD])
{
    const ofr_method_options o = toy_short_options();
    countdown s = {.left = 4};
    const ofr_method_job job = {.out = out, .resume = resume, .stop = &s.flag,
                                .progress = countdown_call, .user = &s};
    ofr_encoder encoder;
    ofr_error err;

    toy_encoder(t, &encoder, &o);
    heard[0] = 0;
    ofr_log_set_sink(hear, heard);
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t->dev, &t->data,
                                  &o, &job, NULL, &err),
                 OFR_INTERRUPTED, err, "interrupted after");
    ofr_log_set_sink(NULL, NULL);
    ofr_encoder_close(&encoder);
}

/* As earlier versions wrote it: without the array `name`. */
static void remove_array(const char *path, const char *name)
{
    ofr_checkpoint checkpoint;
    ofr_checkpoint_item *items;
    ofr_error err;
    int n = 0;

    assert_ok(ofr_checkpoint_open(&checkpoint, path, &err), err);
    items = malloc((size_t)checkpoint.file.n_tensors * sizeof *items);
    for (int i = 0; i < checkpoint.file.n_tensors; i++) {
        const ofr_tensor *tensor = &checkpoint.file.tensors[i];

        if (strcmp(tensor->name, name) == 0 || strcmp(tensor->name, "checksum") == 0)
            continue;
        items[n++] = ofr_checkpoint_item_of(tensor->name, tensor->dtype,
                                            ofr_tensor_count(tensor),
                                            (void *)(uintptr_t)tensor->data);
    }
    assert_int_equal(n, checkpoint.file.n_tensors - 2);
    assert_ok(ofr_checkpoint_save(path, items, n, &err), err);
    ofr_checkpoint_close(&checkpoint);
    free(items);
}

/* A run that goes on with other kernels than it has had says so, once; one whose
 * checkpoint does not tell is silent. */
static void test_other_kernels(void **state)
{
    char out[OFR_PATH_MAX], path[OFR_PATH_MAX + 32], heard[HEARD];
    toy t;

    (void)state;
    snprintf(out, sizeof out, "%s", support_path("kernels"));
    snprintf(path, sizeof path, "%s/checkpoint/state.safetensors", out);
    toy_open(&t, N_TRAIN, L, 1);
    t.dev->ops.name = "first";
    few_steps(&t, out, false, heard);
    few_steps(&t, out, true, heard);
    assert_string_equal(heard, "");
    t.dev->ops.name = "second";
    few_steps(&t, out, true, heard);
    assert_non_null(strstr(heard, "kernels 'first' and goes on with 'second'"));
    assert_non_null(strstr(heard, path));
    few_steps(&t, out, true, heard);
    assert_string_equal(heard, "");
    remove_array(path, "kernels");
    t.dev->ops.name = "third";
    few_steps(&t, out, true, heard);
    assert_string_equal(heard, "");
    toy_close(&t);
}

/* A method and its loop give back all they took. */
static void test_no_leak(void **state)
{
    const ofr_method_options o = toy_hard_options();
    const size_t before = ofr_mem_live();
    toy t;
    ofr_real *w;
    size_t n;

    (void)state;
    toy_open(&t, 40, L, 1);
    run(&t, &ofr_method_consistentee, &o, "leak", NULL, 0, &w, &n, NULL);
    free(w);
    toy_close(&t);
    assert_int_equal(ofr_mem_live(), before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_resume_plain),   cmocka_unit_test(test_resume_hard),
        cmocka_unit_test(test_resume_dev_lessons),
        cmocka_unit_test(test_resume_everywhere), cmocka_unit_test(test_resume_finetune),
        cmocka_unit_test(test_resume_methods),
        cmocka_unit_test(test_threads),        cmocka_unit_test(test_no_allocation),
        cmocka_unit_test(test_other_settings), cmocka_unit_test(test_other_kernels),
        cmocka_unit_test(test_no_leak),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
