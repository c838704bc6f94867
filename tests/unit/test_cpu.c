/* test_cpu.c - the masks of OFR_CPU and OMP_NUM_THREADS; time goes forward. */
#include "support/support.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/log.h"

#if defined(__x86_64__)
/* What was found is the compiler's own answer. */
static void check_with_compiler(unsigned found)
{
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 =
        __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    bool vnni = __builtin_cpu_supports("avx512vnni");
    assert_int_equal((found & OFR_CPU_AVX2) != 0, avx2);
    assert_int_equal((found & OFR_CPU_AVX512) != 0, avx512 && avx2);
    assert_int_equal((found & OFR_CPU_AVX512VNNI) != 0, avx512 && avx2 && vnni);
}
#else
static void check_with_compiler(unsigned found)
{
    (void)found;
}
#endif

static void test_features(void **state)
{
    (void)state;
    unsetenv("OFR_CPU");
    unsigned all = ofr_cpu_features();
    if (all & OFR_CPU_AVX512) assert_true(all & OFR_CPU_AVX2);
    setenv("OFR_CPU", "scalar", 1);
    assert_int_equal(ofr_cpu_features(), 0);
    setenv("OFR_CPU", "avx2", 1);
    assert_int_equal(ofr_cpu_features(), all & (OFR_CPU_BLAS | OFR_CPU_AVX2));
    setenv("OFR_CPU", "avx512vnni", 1);
    assert_int_equal(ofr_cpu_features(), all);
    setenv("OFR_CPU", "blas", 1); /* a name of the builds that have it */
    assert_int_equal(ofr_cpu_features(), all & OFR_CPU_BLAS ? OFR_CPU_BLAS : all);
    unsetenv("OFR_CPU");
    check_with_compiler(all);
}

static void test_threads(void **state)
{
    (void)state;
    unsetenv("OMP_NUM_THREADS");
    int all = ofr_cpu_threads();
    assert_true(all >= 1);
    setenv("OMP_NUM_THREADS", "1", 1);
    assert_int_equal(ofr_cpu_threads(), 1);
    setenv("OMP_NUM_THREADS", "100000,2", 1);
    assert_int_equal(ofr_cpu_threads(), all); /* lowers, never raises */
    setenv("OMP_NUM_THREADS", "junk", 1);
    assert_int_equal(ofr_cpu_threads(), all);
    setenv("OMP_NUM_THREADS", "-3", 1);
    assert_int_equal(ofr_cpu_threads(), all);
    unsetenv("OMP_NUM_THREADS");
}

/* The least limit decides and is named. */
static void test_limits(void **state)
{
    (void)state;
    ofr_cpu_limits limits;
    unsetenv("OMP_NUM_THREADS");
    ofr_cpu_limits_find(&limits);
    assert_int_equal(limits.wish, 0);
    assert_int_equal(limits.threads, ofr_cpu_threads());
    assert_true(limits.affinity >= 1 && limits.cgroup >= 0);
    bool cgroup = limits.cgroup > 0 && limits.cgroup < limits.affinity;
    assert_int_equal(limits.threads, cgroup ? limits.cgroup : limits.affinity);
    assert_string_equal(limits.decided_by, cgroup ? "the cgroup" : "the affinity mask");
    int all = limits.threads;
    setenv("OMP_NUM_THREADS", "1", 1);
    ofr_cpu_limits_find(&limits);
    assert_int_equal(limits.wish, 1);
    assert_int_equal(limits.threads, 1);
    if (all > 1) assert_string_equal(limits.decided_by, "OMP_NUM_THREADS");
    setenv("OMP_NUM_THREADS", "99999999999", 1); /* more than an int holds */
    ofr_cpu_limits_find(&limits);
    assert_true(limits.wish > 100000);
    assert_int_equal(limits.threads, all);
    unsetenv("OMP_NUM_THREADS");
}

static void test_name_and_clock(void **state)
{
    (void)state;
    char name[128], date[32];
    ofr_cpu_name(name);
    assert_true(strlen(name) > 0 && strchr(name, '\n') == NULL);
    ofr_clock_iso(date);
    assert_int_equal(strlen(date), 20);
    assert_true(date[4] == '-' && date[10] == 'T' && date[19] == 'Z');
    double last = ofr_clock_seconds();
    for (int i = 0; i < 1000; i++) {
        double now = ofr_clock_seconds();
        assert_true(now >= last);
        last = now;
    }
}

typedef struct heard {
    int n;
    ofr_log_level level;
    char line[64];
} heard;

static void listen_to(void *user, ofr_log_level level, const char *line)
{
    heard *h = user;
    h->n++;
    h->level = level;
    snprintf(h->line, sizeof(h->line), "%s", line);
}

static void test_log(void **state)
{
    (void)state;
    heard h = {0};
    ofr_log(OFR_LOG_WARN, "nobody listens");
    ofr_log_set_sink(listen_to, &h);
    ofr_log(OFR_LOG_INFO, "threads=%d", 2);
    ofr_log_set_sink(NULL, NULL);
    ofr_log(OFR_LOG_WARN, "nobody listens");
    assert_int_equal(h.n, 1);
    assert_int_equal(h.level, OFR_LOG_INFO);
    assert_string_equal(h.line, "threads=2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_name_and_clock),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
