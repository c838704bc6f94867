/*
 * The figures that conclusions are drawn from, on units made by hand.
 */
#include "support/support.h"

#include <math.h>

#include "cli/ablate.h"

enum { N = 4, L = 3 };

/* Right at each exit, text by text; each of `exits` is a digit. */
static ofr_ablate_unit *unit_of(ofr_arena *arena, const char *const right[N],
                                const char *exits)
{
    ofr_ablate_unit *unit = ofr_arena_alloc(arena, sizeof *unit);

    unit->n = N;
    unit->L = L;
    unit->exit = ofr_arena_alloc(arena, N * sizeof *unit->exit);
    unit->right = ofr_arena_alloc(arena, N * L);
    for (int i = 0; i < N; i++) {
        unit->exit[i] = exits[i] - '0';
        for (int l = 0; l < L; l++)
            unit->right[i * L + l] = right[i][l] == '1';
    }
    return unit;
}

static const char *const texts[N] = {"111", "011", "001", "100"};

static void shares(void **state)
{
    static const unsigned char two[N] = {1, 0, 0, 1}, none[N];
    ofr_arena arena;

    (void)state;
    ofr_arena_init(&arena);
    const ofr_ablate_unit *u = unit_of(&arena, texts, "1223"); /* right: 1 1 0 0 */
    support_close_one("right", ofr_ablate_right(u, NULL), 0.5, 0);
    support_close_one("depth", ofr_ablate_depth(u, NULL), 2, 0);
    support_close_one("right", ofr_ablate_right(u, two), 0.5, 0);
    support_close_one("depth", ofr_ablate_depth(u, two), 2, 0);
    assert_true(isnan(ofr_ablate_right(u, none)));
    assert_true(isnan(ofr_ablate_depth(u, none)));
    ofr_arena_free(&arena);
}

/* a: (1, 2/4), (2, 2/4), (3, 3/4) in disorder; b: (1, 2/4), (3, 3/4), a straight
 * line.  Over 1..3 the mean of a is (0.5 + 0.625) / 2, that of b 0.625. */
static void gap(void **state)
{
    ofr_arena arena;

    (void)state;
    ofr_arena_init(&arena);
    ofr_ablate_unit *low = unit_of(&arena, texts, "1111");
    ofr_ablate_unit *middle = unit_of(&arena, texts, "2222");
    ofr_ablate_unit *high = unit_of(&arena, texts, "3333");
    ofr_ablate_unit *a[6] = {high, NULL, low, NULL, middle, NULL}; /* stride 2 */
    ofr_ablate_unit *b[6] = {low, NULL, high, NULL, high, NULL};
    support_close_one("gap", ofr_ablate_gap(a, b, 3, 2, NULL), 0.5625 - 0.625, 1e-15);
    /* no depth in common */
    ofr_ablate_unit *c[1] = {low}, *d[1] = {high};
    assert_true(isnan(ofr_ablate_gap(c, d, 1, 1, NULL)));
    ofr_arena_free(&arena);
}

static void judgement(void **state)
{
    static const double clear[3] = {1, 1.2, 0.9}, wild[3] = {4, -2, 1};
    static const double near[3] = {1, 2.2, 1.2};
    static const double down[3] = {-1, -1.2, -0.9}, small[3] = {0.4, 0.5, 0.4};
    const double some[3] = {1, (double)NAN, 1.1}, lone[3] = {1, (double)NAN, (double)NAN};

    (void)state;
    assert_int_equal(ofr_ablate_judge(clear, 3, 0.5), 1);
    assert_int_equal(ofr_ablate_judge(down, 3, 0.5), -1);
    assert_int_equal(ofr_ablate_judge(wild, 3, 0.5), 0);
    /* mean 1.467, standard error 0.371: more than two, less than 4.303 of them */
    assert_int_equal(ofr_ablate_judge(near, 3, 0.5), 0);
    assert_int_equal(ofr_ablate_judge(small, 3, 0.5), 0);
    assert_int_equal(ofr_ablate_judge(small, 3, 0), 1);
    assert_int_equal(ofr_ablate_judge(some, 3, 0.5), 1);
    assert_int_equal(ofr_ablate_judge(lone, 3, 0.5), 0);

    const ofr_ablate_cell cell = ofr_ablate_cell_of(some, 3, 1);
    support_close_one("mean", cell.mean, 1.05, 1e-15);
    support_close_one("std", cell.std, sqrt(0.005), 1e-15);
    assert_true(isnan(ofr_ablate_cell_of(lone, 3, 1).std));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares),
        cmocka_unit_test(gap),
        cmocka_unit_test(judgement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
