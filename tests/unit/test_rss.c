/* Peak memory: a block that was touched counts, and stops counting after a reset. */
#include "support/support.h"

#include "base/mem.h"
#include "base/rss.h"

static void test_peak(void **state)
{
    (void)state;
    const size_t bytes = (size_t)64 << 20;
    ofr_rss_reset_peak();
    size_t before = ofr_rss_peak();
    if (before == 0) skip(); /* no /proc here */
    volatile unsigned char *block = ofr_mem_alloc(bytes);
    assert_non_null(block);
    for (size_t i = 0; i < bytes; i += 512)
        block[i] = 1;
    size_t with = ofr_rss_peak();
    ofr_mem_free((void *)(uintptr_t)block);
    assert_true(with >= before + bytes - (bytes >> 4));
    assert_true(ofr_rss_peak() >= before + bytes - (bytes >> 4)); /* still */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_peak)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
