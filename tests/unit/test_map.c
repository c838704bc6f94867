/* test_map.c - the hash map: growth, awkward keys, old values, shortage. */
#include "support/support.h"

#include "base/map.h"
#include "base/mem.h"

#define N 20000

static void test_many(void **state)
{
    (void)state;
    static char keys[N][12];
    ofr_error err;
    ofr_map map;
    assert_ok(ofr_map_init(&map, 0, &err), err);
    for (int i = 0; i < N; i++) {
        int old = 5, len = snprintf(keys[i], sizeof(keys[i]), "k%d", i * 7);
        assert_ok(ofr_map_put(&map, keys[i], (size_t)len, i, &old, &err), err);
        assert_int_equal(old, -1);
    }
    assert_int_equal(map.n_used, N);
    for (int i = 0; i < N; i++) {
        char copy[12];
        size_t len = strlen(keys[i]);
        memcpy(copy, keys[i], len);
        assert_int_equal(ofr_map_get(&map, copy, len), i);
        copy[0] = 'q';
        assert_int_equal(ofr_map_get(&map, copy, len), -1);
    }
    int old;
    assert_ok(ofr_map_put(&map, "k7", 2, 99, &old, &err), err);
    assert_int_equal(old, 1);
    assert_int_equal(ofr_map_get(&map, "k7", 2), 1); /* kept */
    assert_ok(ofr_map_put(&map, "k7", 2, 99, NULL, &err), err);
    ofr_map_free(&map);
    assert_int_equal(ofr_map_get(&map, "k7", 2), -1);
}

static void test_awkward_keys(void **state)
{
    (void)state;
    ofr_error err;
    ofr_map map;
    assert_ok(ofr_map_init(&map, 4, &err), err);
    static const char zeros[40] = {0};
    for (int n = 0; n < 40; n++) /* differ only in length */
        assert_ok(ofr_map_put(&map, zeros, (size_t)n, n, NULL, &err), err);
    for (int n = 0; n < 40; n++)
        assert_int_equal(ofr_map_get(&map, zeros, (size_t)n), n);
    assert_int_equal(ofr_map_get(&map, NULL, 0), 0); /* the empty slice */
    assert_int_equal(map.n_used, 40);
    ofr_map_free(&map);
}

static void test_expected_size(void **state)
{
    (void)state;
    ofr_error err;
    ofr_map map;
    static char keys[1000][12];
    assert_ok(ofr_map_init(&map, 1000, &err), err);
    size_t count = ofr_mem_count();
    for (int i = 0; i < 1000; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%d", i);
        assert_ok(ofr_map_put(&map, keys[i], strlen(keys[i]), i, NULL, &err), err);
    }
    assert_int_equal(ofr_mem_count(), count); /* promised: no growth */
    ofr_map_free(&map);
}

static void test_shortage(void **state)
{
    (void)state;
    ofr_error err;
    ofr_map map;
    ofr_mem_fail_at(1, false);
    assert_fails(ofr_map_init(&map, 10, &err), OFR_NOMEM, err, "hash map");
    assert_ok(ofr_map_init(&map, 0, &err), err);
    static const char *const letters = "abcdefghijklmnop";
    ofr_mem_fail_at(1, true);
    ofr_status status = OFR_OK;
    int n = 0;
    for (; n < 16 && status == OFR_OK; n++)
        status = ofr_map_put(&map, letters + n, 1, n, NULL, &err);
    ofr_mem_fail_at(0, false);
    assert_int_equal(status, OFR_NOMEM);
    for (int i = 0; i < n - 1; i++) /* what was there still is */
        assert_int_equal(ofr_map_get(&map, letters + i, 1), i);
    ofr_map_free(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_awkward_keys),
        cmocka_unit_test(test_expected_size),
        cmocka_unit_test(test_shortage),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
