/* test_sha256.c - digests that other programs (sha256sum, FIPS 180-4) agree on. */
#include "support/support.h"

#include "base/sha256.h"

static const char *digest(const char *s, size_t n, size_t piece)
{
    static char hex[OFR_SHA256_HEX];
    ofr_sha256 hash;

    ofr_sha256_init(&hash);
    for (size_t at = 0; at < n; at += piece)
        ofr_sha256_add(&hash, s + at, n - at < piece ? n - at : piece);
    ofr_sha256_end(&hash, hex);
    return hex;
}

static void test_known(void **state)
{
    (void)state;
    static const char two_blocks[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    assert_string_equal(
        digest("", 0, 1),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(
        digest("abc", 3, 3),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(
        digest(two_blocks, 56, 7),
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* 10^6 times 'a', in pieces that never fit the block of 64. */
static void test_million(void **state)
{
    (void)state;
    char *bytes = malloc(1000000);
    memset(bytes, 'a', 1000000);
    assert_string_equal(
        digest(bytes, 1000000, 997),
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(bytes);
}

static void test_file(void **state)
{
    (void)state;
    char hex[OFR_SHA256_HEX];
    ofr_error err;
    assert_ok(ofr_sha256_file(hex, support_write("abc", "abc"), &err), err);
    assert_string_equal(
        hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_ok(ofr_sha256_file(hex, support_write("empty", ""), &err), err);
    assert_string_equal(
        hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_fails(ofr_sha256_file(hex, support_path("absent"), &err), OFR_NOT_FOUND, err,
                 "absent");
    assert_fails(ofr_sha256_file(hex, "/dev/null", &err), OFR_IO, err,
                 "not a regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_million),
        cmocka_unit_test(test_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
