/*
 * test_checkpoint.c - arrays come back with the same bits; what does not fit is
 * refused and nothing is filled; the old file survives a failed save.
 */
#include "support/support.h"

#include <math.h>

#include "base/mem.h"
#include "base/str.h"
#include "train/checkpoint.h"

typedef struct arrays {
    float w[5];
    int64_t counters[3];
    double score;
    unsigned char flags[7];
} arrays;

static int items_of(ofr_checkpoint_item *items, arrays *a)
{
    items[0] = ofr_checkpoint_item_of("weights", OFR_F32, 5, a->w);
    items[1] = ofr_checkpoint_item_of("position", OFR_I64, 3, a->counters);
    items[2] = ofr_checkpoint_item_of("score", OFR_F64, 1, &a->score);
    items[3] = ofr_checkpoint_item_of("flags", OFR_U8, 7, a->flags);
    return 4;
}

static const arrays sample = {{1.5F, -0.0F, 3e-42F, 1e30F, 7}, {-1, 1LL << 60, 3}, 0.1,
                              {1, 0, 1, 1, 0, 0, 1}};

static void test_round(void **state)
{
    arrays a = sample, b = {{0}, {0}, 0, {0}};
    const char *path = support_path("new/folder/state.safetensors");
    ofr_checkpoint_item items[4];
    ofr_checkpoint checkpoint;
    ofr_error err;

    (void)state;
    a.w[4] = NAN;
    assert_ok(ofr_checkpoint_save(path, items, items_of(items, &a), &err), err);
    assert_ok(ofr_checkpoint_open(&checkpoint, path, &err), err);
    assert_ok(ofr_checkpoint_read(&checkpoint, items, items_of(items, &b), &err), err);
    assert_memory_equal(a.w, b.w, sizeof a.w);
    assert_memory_equal(a.counters, b.counters, sizeof a.counters);
    assert_true(a.score == b.score);
    assert_memory_equal(a.flags, b.flags, sizeof a.flags);
    ofr_checkpoint_close(&checkpoint);
}

static void test_refused(void **state)
{
    arrays a = sample, b = sample;
    const char *path = support_path("state.safetensors");
    ofr_checkpoint_item items[4];
    ofr_checkpoint checkpoint;
    ofr_error err;

    (void)state;
    assert_ok(ofr_checkpoint_save(path, items, items_of(items, &a), &err), err);
    assert_ok(ofr_checkpoint_open(&checkpoint, path, &err), err);
    b.w[0] = 99;
    items_of(items, &b);
    items[3].count = 6;
    assert_fails(ofr_checkpoint_read(&checkpoint, items, 4, &err), OFR_FORMAT, err,
                 "'flags' has 7 numbers of type U8, expected 6 of U8");
    assert_true(b.w[0] == 99);
    items_of(items, &b);
    items[2].dtype = OFR_I64;
    assert_fails(ofr_checkpoint_read(&checkpoint, items, 4, &err), OFR_FORMAT, err,
                 "'score' has 1 numbers of type F64");
    items[2] = ofr_checkpoint_item_of("absent", OFR_F64, 1, &b.score);
    assert_fails(ofr_checkpoint_read(&checkpoint, items, 4, &err), OFR_FORMAT, err,
                 "holds no 'absent'");
    ofr_checkpoint_close(&checkpoint);
    assert_fails(ofr_checkpoint_open(&checkpoint, support_path("nothing"), &err),
                 OFR_NOT_FOUND, err, "nothing");
    assert_fails(ofr_checkpoint_open(&checkpoint, support_write("junk", "{}"), &err),
                 OFR_FORMAT, err, "junk");
}

/* Numbers that are places in other arrays. */
static void test_bounds(void **state)
{
    arrays a = sample, b = {{0}, {0}, 0, {0}};
    const char *path = support_path("bounds.safetensors");
    ofr_checkpoint_item items[4];
    ofr_checkpoint checkpoint;
    ofr_error err;

    (void)state;
    assert_ok(ofr_checkpoint_save(path, items, items_of(items, &a), &err), err);
    assert_ok(ofr_checkpoint_open(&checkpoint, path, &err), err);
    items_of(items, &b);
    items[1] = ofr_checkpoint_item_within(items[1], -1, 1LL << 60);
    assert_ok(ofr_checkpoint_read(&checkpoint, items, 4, &err), err);
    items[1] = ofr_checkpoint_item_within(items[1], 0, 1LL << 60);
    assert_fails(ofr_checkpoint_read(&checkpoint, items, 4, &err), OFR_FORMAT, err,
                 "'position'[0] is -1, expected 0..");
    items[1] = ofr_checkpoint_item_within(items[1], -1, 5);
    assert_fails(ofr_checkpoint_read(&checkpoint, items, 4, &err), OFR_FORMAT, err,
                 "'position'[1] is 1152921504606846976, expected -1..5");
    ofr_checkpoint_close(&checkpoint);
}

/* Any one bit of the arrays is seen, and files from before the checksum are read. */
static void test_checksum(void **state)
{
    arrays a = sample;
    const char *path = support_path("sum.safetensors");
    ofr_checkpoint_item items[4];
    ofr_checkpoint checkpoint;
    ofr_tensor tensor = {.name = "weights", .dtype = OFR_F32, .rank = 1, .shape = {5},
                         .data = a.w, .bytes = sizeof a.w};
    ofr_error err;
    ofr_buf bytes;
    size_t header = 0;

    (void)state;
    assert_ok(ofr_checkpoint_save(path, items, items_of(items, &a), &err), err);
    ofr_buf_init(&bytes);
    assert_ok(ofr_file_read(&bytes, path, 0, &err), err);
    for (int i = 3; i >= 0; i--)
        header = header << 8 | (unsigned char)bytes.p[i];
    assert_true(header + 8 < bytes.n);
    for (size_t i = header + 8; i < bytes.n; i++) {
        bytes.p[i] ^= 4;
        support_write_bytes("turned.safetensors", bytes.p, bytes.n);
        bytes.p[i] ^= 4;
        assert_fails(ofr_checkpoint_open(&checkpoint, support_path("turned.safetensors"),
                                         &err),
                     OFR_FORMAT, err, "tensor \"checksum\": the numbers have");
    }
    ofr_buf_free(&bytes);
    assert_ok(ofr_safetensors_write(path, &tensor, 1, NULL, 0, &err), err);
    assert_ok(ofr_checkpoint_open(&checkpoint, path, &err), err);
    ofr_checkpoint_close(&checkpoint);
}

/* Every allocation of a save fails in turn: the previous checkpoint stays. */
static void test_keeps_old(void **state)
{
    arrays a = sample, b = sample;
    char path[OFR_PATH_MAX];
    ofr_checkpoint_item items[4];
    ofr_checkpoint checkpoint;
    ofr_error err;
    ofr_status status = OFR_NOMEM;

    (void)state;
    snprintf(path, sizeof path, "%s", support_path("old.safetensors"));
    assert_ok(ofr_checkpoint_save(path, items, items_of(items, &a), &err), err);
    a.score = 5;
    for (size_t n = 1; status != OFR_OK; n++) {
        assert_true(n < 1000);
        ofr_mem_fail_at(n, true);
        status = ofr_checkpoint_save(path, items, items_of(items, &a), &err);
        ofr_mem_fail_at(0, false);
        assert_true(status == OFR_OK || status == OFR_NOMEM);
        assert_ok(ofr_checkpoint_open(&checkpoint, path, &err), err);
        assert_ok(ofr_checkpoint_read(&checkpoint, items, items_of(items, &b), &err),
                  err);
        ofr_checkpoint_close(&checkpoint);
        assert_true(b.score == (status == OFR_OK ? 5 : 0.1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_checksum),
        cmocka_unit_test(test_keeps_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
