/* test_safetensors.c - every rule of the format, broken one at a time. */
#include "support/support.h"

#include <sys/stat.h>

#include "base/mem.h"
#include "io/safetensors.h"

/* A file from a header text and n bytes of data; claimed < 0: the true length. */
static const char *build(const char *name, const char *header, size_t n,
                         long long claimed)
{
    static unsigned char bytes[4096];
    size_t len = strlen(header);
    uint64_t said = claimed < 0 ? len : (uint64_t)claimed;
    assert_true(8 + len + n <= sizeof bytes);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(said >> (8 * i));
    memcpy(bytes + 8, header, len);
    for (size_t i = 0; i < n; i++)
        bytes[8 + len + i] = (unsigned char)i;
    return support_write_bytes(name, bytes, 8 + len + n);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

static void test_good(void **state)
{
    (void)state;
    ofr_error err;
    ofr_safetensors st;
    const ofr_tensor *t;
    const char *path = build(
        "good.safetensors",
        "{\"b\":{\"dtype\":\"I8\",\"shape\":[3,1],\"data_offsets\":[12,15]},"
        "\"__metadata__\":{\"format\":\"pt\"},"
        "\"none\":{\"dtype\":\"F16\",\"shape\":[0,7],\"data_offsets\":[8,8]},"
        "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[8,12]}," A "}   ",
        15, -1);
    size_t live = ofr_mem_live();
    assert_ok(ofr_safetensors_open(&st, path, &err), err);
    assert_int_equal(st.n_tensors, 4);
    assert_string_equal(st.tensors[0].name, "a"); /* in file order */
    assert_string_equal(st.tensors[3].name, "b");
    t = ofr_safetensors_find(&st, "b");
    assert_non_null(t);
    assert_int_equal(t->dtype, OFR_I8);
    assert_int_equal(t->rank, 2);
    assert_int_equal(t->shape[0], 3);
    assert_int_equal(t->bytes, 3);
    assert_memory_equal(t->data, "\x0c\x0d\x0e", 3);
    assert_string_equal(ofr_safetensors_file(&st, t), path);
    t = ofr_safetensors_find(&st, "scalar");
    assert_int_equal(t->rank, 0);
    assert_int_equal(t->bytes, 4);
    assert_int_equal(ofr_safetensors_find(&st, "none")->bytes, 0);
    assert_null(ofr_safetensors_find(&st, "c"));
    ofr_safetensors_close(&st);
    ofr_safetensors_close(&st);
    ofr_safetensors_close(NULL);
    assert_int_equal(ofr_mem_live(), live);
    assert_ok(ofr_safetensors_open(&st, build("e.safetensors", "{}", 0, -1), &err), err);
    assert_int_equal(st.n_tensors, 0);
    ofr_safetensors_close(&st);
}

typedef struct broken {
    const char *header;
    size_t n_data;
    long long claimed;
    const char *error;
} broken;

#define T(dtype, shape, offsets) \
    "{\"x\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"

static const broken table[] = {
    {"{}", 0, 100000001, "the header claims 100000001 bytes, at most 100000000"},
    {"{}", 0, INT64_MAX, "the header claims 9223372036854775807 bytes"},
    {"{}", 0, 3, "the header claims 3 bytes, the file has 2"},
    {"", 0, 0, "does not begin with '{'"},
    {" {}", 0, -1, "does not begin with '{'"},
    {"[]", 0, -1, "does not begin with '{'"},
    {"{\"a\"", 0, -1, "not valid JSON"},
    {"{\"\xc3\":{}}", 0, -1, "not valid JSON"},
    {"{}x", 0, -1, "end of file expected"},
    {"{" A "," A "}", 8, -1, "duplicate object key"},
    {"{\"__metadata__\":{\"k\":1}}", 0, -1, "value that is no string for \"k\""},
    {"{\"__metadata__\":[]}", 0, -1, "\"__metadata__\" is no JSON object"},
    {"{\"x\":3}", 0, -1, "tensor \"x\": is no JSON object"},
    {"{\"x\":{}}", 0, -1, "\"dtype\" is missing or no string"},
    {T("7", "[]", "[0,0]"), 0, -1, "\"dtype\" is missing or no string"},
    {T("\"F31\"", "[]", "[0,4]"), 4, -1, "unknown dtype \"F31\""},
    {T("\"F32\"", "3", "[0,4]"), 4, -1, "\"shape\" is missing or no array"},
    {T("\"F32\"", "[-1]", "[0,4]"), 4, -1, "integers of at least 0"},
    {T("\"F32\"", "[1.0]", "[0,4]"), 4, -1, "integers of at least 0"},
    {T("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, -1, "rank 9, at most 8"},
    {T("\"F32\"", "[1]", "[0]"), 4, -1, "no pair of integers"},
    {T("\"F32\"", "[1]", "[0,4.0]"), 4, -1, "no pair of integers"},
    {T("\"F32\"", "[1]", "null"), 4, -1, "no pair of integers"},
    {T("\"F32\"", "[1]", "[4,0]"), 4, -1, "data_offsets [4,0], outside of the 4 bytes"},
    {T("\"F32\"", "[1]", "[-4,0]"), 4, -1, "data_offsets [-4,0]"},
    {T("\"F32\"", "[2]", "[0,8]"), 4, -1, "data_offsets [0,8], outside of the 4 bytes"},
    {T("\"F32\"", "[2]", "[0,4]"), 4, -1, "shape [2] and dtype F32 needs 8 bytes, its"},
    {T("\"F32\"", "[4611686018427387904,4]", "[0,0]"), 0, -1,
     "larger than memory can be"},
    {T("\"F32\"", "[99999999999999999999]", "[0,0]"), 0, -1, "too big integer"},
    {T("\"F32\"", "[1]", "[4,8]"), 8, -1,
     "begins at byte 4 of the data, expected 0: a gap"},
    {T("\"F32\"", "[1]", "[0,4]"), 5, -1, "end at byte 4 of the data, the file at 5"},
    {"{}", 1, -1, "end at byte 0 of the data, the file at 1"},
    {"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[9,11]}}", 11, -1,
     "begins at byte 9 of the data, expected 8: a gap of 1 bytes"},
    {"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[7,9]}}", 9, -1,
     "begins at byte 7 of the data and overlaps \"a\", which ends at 8"},
};

static void test_broken(void **state)
{
    (void)state;
    ofr_error err;
    ofr_safetensors st;
    size_t live = ofr_mem_live();
    memset(&st, 0x55, sizeof st);
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const broken *b = &table[i];
        const char *path = build("bad.safetensors", b->header, b->n_data, b->claimed);
        assert_fails(ofr_safetensors_open(&st, path, &err), OFR_FORMAT, err, b->error);
        assert_non_null(strstr(err.text, "bad.safetensors"));
        assert_null(strchr(err.text, '\n'));
    }
    assert_int_equal(st.n_tensors, 0x55555555); /* untouched */
    assert_int_equal(ofr_mem_live(), live);
    for (size_t n = 0; n < 8; n++)
        assert_fails(ofr_safetensors_open(
                         &st, support_write_bytes("s.safetensors", "\2\0\0\0\0\0\0\0", n),
                         &err),
                     OFR_FORMAT, err, "a safetensors file has at least 8");
    assert_fails(ofr_safetensors_open(&st, support_path("absent"), &err), OFR_NOT_FOUND,
                 err, "absent");
}

/* Cut at every length and with every byte changed: refused or read, no crash. */
static void test_every_byte(void **state)
{
    (void)state;
    ofr_error err;
    ofr_safetensors st;
    const char *path = build("whole", "{" A "}", 8, -1);
    ofr_buf whole;
    ofr_buf_init(&whole);
    assert_ok(ofr_file_read(&whole, path, 0, &err), err);
    for (size_t n = 0; n < whole.n; n++) {
        const char *cut = support_write_bytes("cut", whole.p, n);
        assert_int_equal(ofr_safetensors_open(&st, cut, &err), OFR_FORMAT);
    }
    for (size_t i = 0; i < whole.n - 8; i++) {
        for (int bit = 0; bit < 8; bit++) {
            whole.p[i] = (char)(whole.p[i] ^ (1 << bit));
            const char *changed = support_write_bytes("changed", whole.p, whole.n);
            if (ofr_safetensors_open(&st, changed, &err) == OFR_OK)
                ofr_safetensors_close(&st);
            else
                assert_int_equal(err.status, OFR_FORMAT);
            whole.p[i] = (char)(whole.p[i] ^ (1 << bit));
        }
    }
    ofr_buf_free(&whole);
}

static void test_write(void **state)
{
    (void)state;
    ofr_error err;
    ofr_safetensors st;
    const float f[3] = {1.5f, NAN, -2};
    const double d[1] = {3.25};
    const uint8_t u[3] = {1, 2, 3};
    const ofr_tensor tensors[] = {
        {"u", OFR_U8, 1, {3}, u, 3},
        {"z", OFR_F32, 1, {3}, f, 12},
        {"quote\"\xc3\xa9", OFR_F32, 2, {0, 4}, NULL, 0},
        {"d", OFR_F64, 0, {0}, d, 8},
    };
    const char *metadata[] = {"made by", "offramp", "k", "v"};
    const char *path = support_path("w.safetensors");
    ofr_buf bytes;
    uint64_t n = 0;

    assert_ok(ofr_safetensors_write(path, tensors, 4, metadata, 2, &err), err);
    ofr_buf_init(&bytes);
    assert_ok(ofr_file_read(&bytes, path, 0, &err), err);
    memcpy(&n, bytes.p, 8);
    assert_int_equal(n % 8, 0);
    static const char want[] =
        "{\"__metadata__\":{\"format\":\"pt\",\"made by\":\"offramp\",\"k\":\"v\"},"
        "\"d\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"quote\\\"\xc3\xa9\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[8,8]}"
        ","
        "\"z\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[8,20]},"
        "\"u\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[20,23]}}";
    assert_true(n >= sizeof want - 1 && n < sizeof want + 7);
    assert_memory_equal(bytes.p + 8, want, sizeof want - 1);
    for (size_t i = 8 + sizeof want - 1; i < 8 + n; i++)
        assert_int_equal(bytes.p[i], ' ');
    ofr_buf_free(&bytes);

    assert_ok(ofr_safetensors_open(&st, path, &err), err);
    assert_int_equal(st.n_tensors, 4);
    assert_memory_equal(ofr_safetensors_find(&st, "z")->data, f, 12);
    assert_memory_equal(ofr_safetensors_find(&st, "u")->data, u, 3);
    assert_non_null(ofr_safetensors_find(&st, "quote\"\xc3\xa9"));
    ofr_safetensors_close(&st);

    const ofr_tensor twice[] = {tensors[0], tensors[0]};
    const ofr_tensor named = {"__metadata__", OFR_U8, 1, {3}, u, 3};
    const char *format[] = {"format", "x"};
    assert_fails(ofr_safetensors_write(path, twice, 2, NULL, 0, &err), OFR_INVALID, err,
                 "two tensors are called \"u\"");
    assert_fails(ofr_safetensors_write(path, &named, 1, NULL, 0, &err), OFR_INVALID, err,
                 "__metadata__");
    assert_fails(ofr_safetensors_write(path, tensors, 1, format, 1, &err), OFR_INVALID,
                 err, "\"format\"");
    assert_ok(ofr_safetensors_open(&st, path, &err), err); /* the old file is intact */
    ofr_safetensors_close(&st);
    assert_ok(ofr_safetensors_write(path, NULL, 0, NULL, 0, &err), err);
    assert_ok(ofr_safetensors_open(&st, path, &err), err);
    ofr_safetensors_close(&st);
}

static void write_index(const char *map)
{
    char text[512];
    snprintf(text, sizeof text, "{\"metadata\": {}, \"weight_map\": %s}", map);
    support_write("dir/model.safetensors.index.json", text);
}

static void test_directory(void **state)
{
    (void)state;
    ofr_error err;
    ofr_safetensors st;
    char dir[OFR_PATH_MAX];
    size_t live = ofr_mem_live();
    snprintf(dir, sizeof dir, "%s/dir", support_folder());
    mkdir(dir, 0777);
    assert_fails(ofr_safetensors_open_dir(&st, dir, &err), OFR_NOT_FOUND, err,
                 "no model.safetensors and no model.safetensors.index.json");
    support_write("dir/pytorch_model.bin", "x");
    assert_fails(ofr_safetensors_open_dir(&st, dir, &err), OFR_FORMAT, err, "save_file");

    build("dir/1.safetensors", "{" A "}", 8, -1);
    build("dir/2.safetensors", "{\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":"
                               "[0,1]}}",
          1, -1);
    build("dir/3.safetensors", "{" A "}", 8, -1);
    write_index("{\"a\": \"1.safetensors\", \"b\": \"2.safetensors\"}");
    assert_ok(ofr_safetensors_open_dir(&st, dir, &err), err);
    assert_int_equal(st.n_tensors, 2);
    assert_non_null(strstr(ofr_safetensors_file(&st, ofr_safetensors_find(&st, "b")),
                           "dir/2.safetensors"));
    ofr_safetensors_close(&st);

    static const char *const bad[][2] = {
        {"{\"a\": \"../1.safetensors\"}", "\"../1.safetensors\" is no plain file name"},
        {"{\"a\": \"/etc/passwd\"}", "\"/etc/passwd\" is no plain file name"},
        {"{\"a\": \"..\"}", "\"..\" is no plain file name"},
        {"{\"a\": \"\"}", "\"\" is no plain file name"},
        {"{\"a\": 1}", "weight_map of tensor \"a\" is no file name"},
        {"{}", "\"weight_map\" is missing or empty"},
        {"3", "\"weight_map\" is missing or empty"},
        {"{\"c\": \"1.safetensors\"}", "tensor \"c\" is not in 1.safetensors"},
        {"{\"a\": \"1.safetensors\", \"b\": \"1.safetensors\"}",
         "tensor \"b\" is not in 1.safetensors"},
        {"{\"a\": \"1.safetensors\", \"b\": \"2.safetensors\", \"c\": \"3.safetensors\"}",
         "tensor \"a\" is also in"},
        {"{\"b\": \"1.safetensors\", \"a\": \"2.safetensors\"}", "expected in "},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_index(bad[i][0]);
        assert_fails(ofr_safetensors_open_dir(&st, dir, &err), OFR_FORMAT, err,
                     bad[i][1]);
    }
    write_index("{\"a\": \"9.safetensors\"}");
    assert_fails(ofr_safetensors_open_dir(&st, dir, &err), OFR_FORMAT, err,
                 "9.safetensors, which does not exist");
    build("dir/model.safetensors", "{" A "}", 8, -1);
    assert_ok(ofr_safetensors_open_dir(&st, dir, &err), err); /* wins over the index */
    assert_int_equal(st.n_tensors, 1);
    ofr_safetensors_close(&st);
    assert_int_equal(ofr_mem_live(), live);
}

static void test_memory(void **state)
{
    (void)state;
    ofr_error err;
    ofr_safetensors st;
    const char *in = build("m.safetensors", "{" A "}", 8, -1);
    for (size_t n = 1;; n++) {
        size_t live = ofr_mem_live();
        ofr_status status;
        ofr_mem_fail_at(n, n % 2 == 0);
        status = ofr_safetensors_open(&st, in, &err);
        if (status == OFR_OK) {
            status = ofr_safetensors_write(support_path("m.out"), st.tensors, 1, NULL, 0,
                                           &err);
            ofr_safetensors_close(&st);
        }
        ofr_mem_fail_at(0, false);
        assert_int_equal(ofr_mem_live(), live);
        if (status == OFR_OK) break;
        assert_int_equal(status, OFR_NOMEM);
    }
}

static void test_real_files(void **state)
{
    (void)state;
    static const char *const families[] = {"bert", "electra", "albert", "roberta",
                                           "distilbert"};
    for (size_t i = 0; i < 5; i++) {
        char relative[64], path[OFR_PATH_MAX];
        ofr_error err;
        ofr_safetensors st;
        snprintf(relative, sizeof relative, "encoders/%s/forward.safetensors",
                 families[i]);
        if (!support_shared_path(path, "oracle", relative)) return;
        assert_ok(ofr_safetensors_open(&st, path, &err), err);
        assert_non_null(ofr_safetensors_find(&st, "hidden_states.0"));
        ofr_safetensors_close(&st);
        *strrchr(path, '/') = 0;
        assert_ok(ofr_safetensors_open_dir(&st, path, &err), err);
        assert_true(st.n_tensors > 10);
        ofr_safetensors_close(&st);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),       cmocka_unit_test(test_broken),
        cmocka_unit_test(test_every_byte), cmocka_unit_test(test_write),
        cmocka_unit_test(test_directory),  cmocka_unit_test(test_memory),
        cmocka_unit_test(test_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
