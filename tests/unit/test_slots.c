/* test_slots.c - many arrays in one block: sizes, alignment, overflow. */
#include "support/support.h"

#include "base/mem.h"
#include "tensor/slots.h"

typedef struct family {
    float *a;
    double *b;
    unsigned char *none, *c;
    size_t n;
} family;

static void layout(ofr_slots *slots, void *owner)
{
    family *f = owner;
    f->a = ofr_slots_take(slots, f->n, sizeof(*f->a));
    f->b = ofr_slots_take(slots, 3, sizeof(*f->b));
    f->none = ofr_slots_take(slots, 0, 1);
    f->c = ofr_slots_take(slots, 65, 1);
}

static void test_place(void **state)
{
    (void)state;
    ofr_error err;
    size_t live = ofr_mem_live();
    family f = {.n = 17};
    ofr_slots slots;
    assert_ok(ofr_slots_open(&slots, layout, &f, "a family", &err), err);
    assert_int_equal(ofr_mem_live(), live + 1);
    assert_int_equal(slots.used, 128 + 64 + 0 + 128);
    assert_int_equal((uintptr_t)f.a % 64, 0);
    assert_int_equal((unsigned char *)f.b - (unsigned char *)f.a, 128);
    assert_int_equal(f.c - (unsigned char *)f.b, 64);
    for (int i = 0; i < 17; i++)
        assert_true(f.a[i] == 0);
    memset(f.c, 1, 65);
    ofr_slots_close(&slots);
    assert_int_equal(ofr_mem_live(), live);
    ofr_slots_close(&slots); /* closed already: allowed */
}

static void test_overflow(void **state)
{
    (void)state;
    ofr_error err;
    ofr_slots slots = {0};
    family f = {.n = SIZE_MAX / 5};
    assert_fails(ofr_slots_open(&slots, layout, &f, "a family", &err), OFR_NOMEM, err,
                 "a family");
    f.n = SIZE_MAX / 2;
    assert_fails(ofr_slots_open(&slots, layout, &f, "a family", &err), OFR_NOMEM, err,
                 "a family");
    f.n = 1;
    ofr_mem_fail_at(1, false);
    assert_fails(ofr_slots_open(&slots, layout, &f, "a family", &err), OFR_NOMEM, err,
                 "asked for 256 bytes for a family");
    assert_null(slots.base); /* untouched */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_overflow),
    };
    return cmocka_run_group_tests_name("slots", tests, NULL, NULL);
}
