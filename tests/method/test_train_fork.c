/*
 * Runs that share their first phase: one forked from the end of another's joint
 * phase leaves the weights and the journal of a run of its own, byte for byte.
 */
#include "method/toy.h"

enum { N_TRAIN = 90, L = 4 };

static ofr_method_options options(void)
{
    ofr_method_options o;

    ofr_method_options_init(&o);
    o.joint_epochs = 2;
    o.policy_epochs = 2;
    o.iterations = 1;
    o.tolerance = 0;
    o.batch = 16;
    o.policy_batch = 8;
    o.lr = 3e-3;
    o.policy_hidden = 6;
    o.policy_holdout = 0.3;
    o.hardness = OFR_HARDNESS_FORGETTING;
    return o;
}

/* Train into `folder`; the weights, and the journal in support_read(). */
static ofr_real *train(const toy *t, const ofr_method_options *o, const char *folder,
                       bool keep_first, const char *fork, size_t *n)
{
    char out[OFR_PATH_MAX], from[OFR_PATH_MAX];
    ofr_encoder encoder;
    ofr_error err;
    ofr_real *w;

    snprintf(out, sizeof out, "%s", support_path(folder));
    if (fork) snprintf(from, sizeof from, "%s", support_path(fork));
    const ofr_method_job job = {.out = out, .keep_first = keep_first,
                                .fork = fork ? from : NULL};
    toy_encoder(t, &encoder, o);
    assert_ok(ofr_method_train(&ofr_method_consistentee, &encoder, t->dev, &t->data, o,
                               &job, NULL, &err),
              err);
    *n = encoder.params.total;
    w = malloc(*n * sizeof *w);
    memcpy(w, encoder.w, *n * sizeof *w);
    ofr_encoder_close(&encoder);
    return w;
}

static char *journal_of(const char *folder)
{
    char name[100];

    snprintf(name, sizeof name, "%s/journal.jsonl", folder);
    const char *text = support_read(support_path(name));
    return strcpy(malloc(strlen(text) + 1), text);
}

static void fork_is_whole(void **state)
{
    ofr_method_options o = options(), other = options();
    ofr_real *whole, *base, *forked;
    size_t n;
    toy t;

    (void)state;
    other.iterations = 0;
    other.policy_epochs = 1;
    o.gradient = OFR_GRADIENT_REINFORCE;
    o.alpha = 0.07;
    toy_open(&t, N_TRAIN, L, 1);
    whole = train(&t, &o, "whole", false, NULL, &n);
    base = train(&t, &other, "base", true, NULL, &n);
    forked = train(&t, &o, "forked", false, "base", &n);
    char *a = journal_of("whole"), *b = journal_of("forked"), *c = journal_of("base");

    assert_memory_equal(whole, forked, n * sizeof *whole);
    assert_memory_not_equal(whole, base, n * sizeof *whole); /* or this proves little */
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    free(a);
    free(b);
    free(c);
    free(whole);
    free(base);
    free(forked);
    toy_close(&t);
}

/* There is nothing to fork from a run that kept nothing. */
static void nothing_to_fork(void **state)
{
    const ofr_method_options o = options();
    const char *from = support_path("nowhere");
    const ofr_method_job job = {.out = support_path("out"), .fork = from};
    ofr_encoder encoder;
    ofr_error err;
    toy t;

    (void)state;
    toy_open(&t, N_TRAIN, L, 1);
    toy_encoder(&t, &encoder, &o);
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_NOT_FOUND, err, "nowhere");
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

/* Nor is another's first phase one's own when the labels have changed since. */
static void other_texts(void **state)
{
    ofr_method_options o = options();
    ofr_encoder encoder;
    ofr_error err;
    size_t n;
    toy t;

    (void)state;
    o.iterations = 0;
    o.policy_epochs = 1;
    toy_open(&t, N_TRAIN, L, 1);
    free(train(&t, &o, "before", true, NULL, &n));
    t.train.labels[N_TRAIN / 2] ^= 1;
    char from[OFR_PATH_MAX];
    strcpy(from, support_path("before"));
    const ofr_method_job job = {.out = support_path("after"), .fork = from};
    toy_encoder(&t, &encoder, &o);
    assert_fails(ofr_method_train(&ofr_method_consistentee, &encoder, t.dev, &t.data, &o,
                                  &job, NULL, &err),
                 OFR_INVALID, err, "first.safetensors: was made with other texts");
    ofr_encoder_close(&encoder);
    toy_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fork_is_whole),
        cmocka_unit_test(nothing_to_fork),
        cmocka_unit_test(other_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
