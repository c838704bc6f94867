/* test_arena.c - regions: alignment, shortage of memory. */
#include "support/support.h"

#include "base/arena.h"
#include "base/mem.h"

static void test_alloc(void **state)
{
    (void)state;
    size_t live = ofr_mem_live();
    ofr_arena arena;
    ofr_arena_init(&arena);
    assert_int_equal(ofr_mem_live(), live); /* nothing before the first need */
    unsigned char *last = NULL;
    for (size_t n = 0; n < 2000; n += 13) {
        unsigned char *p = ofr_arena_alloc(&arena, n);
        assert_non_null(p);
        assert_ptr_not_equal(p, last);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xab, n);
        last = p;
    }
    unsigned char *big = ofr_arena_alloc(&arena, 1 << 20);
    assert_non_null(big);
    memset(big, 1, 1 << 20);
    assert_string_equal(ofr_arena_strdup(&arena, "four words", 4), "four");
    assert_null(ofr_arena_alloc(&arena, SIZE_MAX));
    assert_null(ofr_arena_strdup(&arena, "", SIZE_MAX));
    ofr_arena_free(&arena);
    assert_int_equal(ofr_mem_live(), live);
    assert_non_null(ofr_arena_alloc(&arena, 8)); /* may be used again */
    ofr_arena_free(&arena);
    assert_int_equal(ofr_mem_live(), live);
}

static void test_shortage(void **state)
{
    (void)state;
    ofr_arena arena;
    ofr_arena_init(&arena);
    ofr_mem_fail_at(1, false);
    assert_null(ofr_arena_alloc(&arena, 8));
    assert_non_null(ofr_arena_alloc(&arena, 8));
    ofr_mem_fail_at(1, false);
    assert_null(ofr_arena_alloc(&arena, 1 << 20));
    assert_non_null(ofr_arena_alloc(&arena, 8)); /* the old block still has room */
    ofr_mem_fail_at(0, false);
    ofr_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc),
        cmocka_unit_test(test_shortage),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
