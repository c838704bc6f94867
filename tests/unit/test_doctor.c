/* test_doctor.c - the doctor's product: right kernels pass, wrong ones do not. */
#include "support/support.h"

#include "base/cpu.h"
#include "base/mem.h"
#include "cli/doctor.h"

static void right_kernels(void **state)
{
    (void)state;
    ofr_error err;
    bool right = false;
    const ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    assert_ok(ofr_doctor_check(&right, &ofr_ops_scalar, &err), err);
    assert_true(right);
    right = false;
    assert_ok(ofr_doctor_check(&right, &ops, &err), err);
    assert_true(right);
}

/* ---- planted faults ------------------------------------------------------------- */

/* The last element of a product is off by one, in one precision. */
#define OFF_BY_ONE(name, at)                                                             \
    static void name(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,        \
                     const ofr_real *w, const ofr_packed *packed, const ofr_real *b,     \
                     int R, int I, int O, ofr_act act)                                   \
    {                                                                                    \
        ofr_ops_scalar.linear(dev, y, pre, x, w, packed, b, R, I, O, act);               \
        if (packed->precision == at) y[R * O - 1] += 1;                                  \
    }

OFF_BY_ONE(wrong_f32, OFR_PRECISION_F32)
OFF_BY_ONE(wrong_f16, OFR_PRECISION_F16)
OFF_BY_ONE(wrong_bf16, OFR_PRECISION_BF16)
OFF_BY_ONE(wrong_int8, OFR_PRECISION_INT8)

/* Leaves the first element as it was. */
static void forgetful(ofr_dev *dev, ofr_real *y, ofr_real *pre, const ofr_real *x,
                      const ofr_real *w, const ofr_packed *packed, const ofr_real *b,
                      int R, int I, int O, ofr_act act)
{
    ofr_real before = y[0];
    ofr_ops_scalar.linear(dev, y, pre, x, w, packed, b, R, I, O, act);
    y[0] = before;
}

static void wrong_kernels(void **state)
{
    (void)state;
    ofr_ops ops = ofr_ops_scalar;
    void (*const wrong[])(ofr_dev *, ofr_real *, ofr_real *, const ofr_real *,
                          const ofr_real *, const ofr_packed *, const ofr_real *, int,
                          int, int, ofr_act) = {wrong_f32, wrong_f16, wrong_bf16,
                                                wrong_int8, forgetful};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ofr_error err;
        bool right = true;
        ops.linear = wrong[i];
        assert_ok(ofr_doctor_check(&right, &ops, &err), err);
        assert_false(right);
    }
}

/* Allocation n fails: an error and no leak. */
static void no_memory(void **state)
{
    (void)state;
    size_t live = ofr_mem_live();
    for (size_t n = 1;; n++) {
        ofr_error err;
        bool right;
        ofr_mem_fail_at(n, false);
        ofr_status status = ofr_doctor_check(&right, &ofr_ops_scalar, &err);
        ofr_mem_fail_at(0, false);
        assert_int_equal(ofr_mem_live(), live);
        if (status == OFR_OK) {
            assert_true(n > 5);
            return;
        }
        assert_int_equal(status, OFR_NOMEM);
    }
}

/* ---- remarks -------------------------------------------------------------------- */

static void remarks(void **state)
{
    (void)state;
    static ofr_doctor doctor;
    for (int i = 0; i < OFR_DOCTOR_REMARKS + 3; i++)
        ofr_doctor_remark_add(&doctor, i % 2 == 0, "do it", "remark %d", i);
    assert_int_equal(doctor.n_remarks, OFR_DOCTOR_REMARKS); /* and not beyond */
    assert_int_equal(doctor.n_problems, OFR_DOCTOR_REMARKS / 2);
    assert_string_equal(doctor.remarks[2].text, "remark 2");
    assert_string_equal(doctor.remarks[2].next, "do it");
    assert_true(doctor.remarks[2].problem && !doctor.remarks[3].problem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_kernels),
        cmocka_unit_test(wrong_kernels),
        cmocka_unit_test(no_memory),
        cmocka_unit_test(remarks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
