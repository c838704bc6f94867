/* test_mem.c - alignment, counters, planned failures, forbidden times. */
#include "support/support.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

static void test_blocks(void **state)
{
    (void)state;
    size_t live = ofr_mem_live(), count = ofr_mem_count();
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *p = ofr_mem_zalloc(n);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % OFR_ALIGN, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        assert_int_equal(ofr_mem_live(), live + 1);
        ofr_mem_free(p);
    }
    assert_int_equal(ofr_mem_live(), live);
    assert_int_equal(ofr_mem_count(), count + 43);
    ofr_mem_free(NULL);
    assert_int_equal(ofr_mem_live(), live);
}

static void test_absurd_sizes(void **state)
{
    (void)state;
    assert_null(ofr_mem_alloc(SIZE_MAX));
    assert_null(ofr_mem_alloc((size_t)PTRDIFF_MAX));
    assert_null(ofr_mem_array(SIZE_MAX / 2, 3));
    assert_null(ofr_mem_array((size_t)1 << 33, (size_t)1 << 33));
    assert_null(ofr_mem_strdup("x", SIZE_MAX));
    void *empty = ofr_mem_array(0, 8);
    assert_non_null(empty);
    ofr_mem_free(empty);
}

static void test_resize(void **state)
{
    (void)state;
    char *p = ofr_mem_strdup("abcdef", 3);
    assert_string_equal(p, "abc");
    p = ofr_mem_resize(p, 4, 1000);
    assert_string_equal(p, "abc");
    ofr_mem_fail_at(1, false);
    assert_null(ofr_mem_resize(p, 1000, 2000));
    assert_string_equal(p, "abc"); /* the old block survived */
    p = ofr_mem_resize(p, 1000, 2);
    assert_memory_equal(p, "ab", 2);
    ofr_mem_free(p);
    p = ofr_mem_resize(NULL, 0, 5);
    assert_non_null(p);
    ofr_mem_free(p);
}

static void test_planned_failure(void **state)
{
    (void)state;
    ofr_mem_fail_at(3, false);
    for (int i = 1; i <= 5; i++) {
        void *p = ofr_mem_alloc(8);
        if (i == 3)
            assert_null(p);
        else
            assert_non_null(p);
        ofr_mem_free(p);
    }
    ofr_mem_fail_at(2, true);
    void *first = ofr_mem_alloc(8);
    assert_non_null(first);
    ofr_mem_free(first);
    assert_null(ofr_mem_alloc(8));
    assert_null(ofr_mem_alloc(8));
    ofr_mem_fail_at(0, false);
    void *after = ofr_mem_alloc(8);
    assert_non_null(after);
    ofr_mem_free(after);
}

/* Debug builds abort, release builds count. */
#ifdef NDEBUG
static void check_end(int status)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
#else
static void check_end(int status)
{
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}
#endif

/* A child tells which of the two. */
static void test_forbid(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(2);
        signal(SIGABRT, SIG_DFL);
        ofr_mem_forbid(true);
        size_t before = ofr_mem_violations();
        ofr_mem_free(ofr_mem_alloc(8));
        ofr_mem_forbid(false);
        size_t during = ofr_mem_violations();
        ofr_mem_free(ofr_mem_alloc(8));
        _exit(before == 0 && during == 1 && ofr_mem_violations() == 1 ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    check_end(status);
    assert_int_equal(ofr_mem_violations(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks),          cmocka_unit_test(test_absurd_sizes),
        cmocka_unit_test(test_resize),          cmocka_unit_test(test_planned_failure),
        cmocka_unit_test(test_forbid),
    };
    return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
