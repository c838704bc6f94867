/* test_pool.c - every part runs once, on its thread, and the caller waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/pool.h"

typedef struct tally {
    int seen[8];
    int n;
} tally;

static void count(void *arg, int thread, int n)
{
    tally *t = arg;
    t->seen[thread]++;
    if (thread == 0) t->n = n;
}

static void every_part_runs_once(void **state)
{
    (void)state;
    for (int n_threads = 1; n_threads <= 4; n_threads++) {
        ofr_pool *pool = NULL;
        assert_int_equal(ofr_pool_open(&pool, n_threads, NULL), OFR_OK);
        for (int round = 0; round < 2000; round++) {
            tally t = {{0}, 0};
            int want = 1 + round % 6;
            int n = want < n_threads ? want : n_threads;
            ofr_pool_run(pool, want, count, &t);
            assert_int_equal(t.n, n);
            for (int i = 0; i < 8; i++)
                assert_int_equal(t.seen[i], i < n ? 1 : 0);
        }
        ofr_pool_close(pool);
    }
}

/* Work that outlasts the spinning, so that both sides sleep. */
static void slow_sum(void *arg, int thread, int n)
{
    uint64_t *out = arg;
    uint64_t sum = 0;
    uint64_t rounds = thread == 0 ? 1000 : 3000000;
    for (uint64_t i = 0; i < rounds; i++)
        sum += i * i ^ sum >> 3;
    out[thread] = sum + (uint64_t)n;
}

static void long_parts_are_awaited(void **state)
{
    (void)state;
    ofr_pool *pool = NULL;
    assert_int_equal(ofr_pool_open(&pool, 3, NULL), OFR_OK);
    uint64_t first[3] = {0};
    ofr_pool_run(pool, 3, slow_sum, first);
    for (int round = 0; round < 20; round++) {
        uint64_t again[3] = {0};
        ofr_pool_run(pool, 3, slow_sum, again);
        assert_memory_equal(again, first, sizeof first);
    }
    ofr_pool_close(pool);
}

/* A child has the memory of the team, but none of its threads. */
static void a_child_works_alone(void **state)
{
    (void)state;
    ofr_pool *pool = NULL;
    tally t = {{0}, 0};
    int how;
    assert_int_equal(ofr_pool_open(&pool, 3, NULL), OFR_OK);
    ofr_pool_run(pool, 3, count, &t);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)alarm(60); /* should it wait for them */
        ofr_pool_run(pool, 3, count, &t);
        ofr_pool_close(pool);
        _exit(t.n == 1 && t.seen[0] == 2 && t.seen[1] == 1 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    ofr_pool_run(pool, 3, count, &t);
    assert_int_equal(t.seen[2], 2);
    ofr_pool_close(pool);
}

static void nothing_leaks(void **state)
{
    (void)state;
    size_t live = ofr_mem_live();
    for (size_t n = 1; n <= 2; n++) {
        ofr_pool *pool = NULL;
        ofr_error err;
        ofr_mem_fail_at(n, false);
        assert_int_equal(ofr_pool_open(&pool, 2, &err), OFR_NOMEM);
        ofr_mem_fail_at(0, false);
        assert_null(pool);
    }
    ofr_pool_close(NULL);
    assert_int_equal(ofr_mem_live(), live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_runs_once),
        cmocka_unit_test(long_parts_are_awaited),
        cmocka_unit_test(a_child_works_alone),
        cmocka_unit_test(nothing_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
