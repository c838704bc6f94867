/* test_json.c - parsing, getters and the writer. */
#include "support/support.h"

#include <unistd.h>

#include "base/mem.h"
#include "io/json.h"

static json_t *parse(const char *text)
{
    json_t *json = NULL;
    ofr_error err;
    assert_ok(ofr_json_parse(&json, text, strlen(text), "t", &err), err);
    return json;
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const bad[][2] = {
        {"", "t:1:0: not valid JSON"},
        {"{", "t:1:1: not valid JSON"},
        {"{\"a\": 1,\n \"a\": 2}", "t:2:4: not valid JSON: duplicate object key"},
        {"{\"a\": 1} x", "end of file expected"},
        {"{\"a\": \"\xff\"}", "t:1:"},
        {"{\"a\": 99999999999999999999}", "too big integer"},
        {"{\"a\": 1e999}", "real number overflow"},
        {"{\"a\": NaN}", "invalid token"},
        {"{\"a\": \"\\u0000\"}", "\\u0000 is not allowed"},
        {"{\"a\": \"\\ud800\"}", "invalid Unicode"},
        {"{\"a\": \"x\ny\"}", "unexpected newline"},
        {"{'a': 1}", "string or '}' expected"},
        {"7", "'[' or '{' expected"},
    };
    ofr_error err;
    json_t *json = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_fails(ofr_json_parse(&json, bad[i][0], strlen(bad[i][0]), "t", &err),
                     OFR_FORMAT, err, bad[i][1]);
        assert_null(json);
        assert_null(strchr(err.text, '\n'));
    }
    char *deep = malloc(100001);
    memset(deep, '[', 100000);
    assert_fails(ofr_json_parse(&json, deep, 100000, "t", &err), OFR_FORMAT, err,
                 "maximum parsing depth");
    free(deep);
    assert_fails(ofr_json_load(&json, support_path("absent.json"), &err), OFR_NOT_FOUND,
                 err, "absent.json");
}

/* A whole number beyond 64 bits is an error, but where reals were asked for. */
static void test_reals(void **state)
{
    (void)state;
    ofr_error err;
    json_t *json = NULL;
    const char *path = support_write(
        "big.json", "{\"n\": 1000000000000000019884624838656, \"i\": 7, \"b\": true}");
    assert_fails(ofr_json_load(&json, path, &err), OFR_FORMAT, err, "too big integer");
    assert_ok(ofr_json_load_reals(&json, path, &err), err);
    assert_true(json_real_value(json_object_get(json, "n")) == 1e30);
    assert_true(json_real_value(json_object_get(json, "i")) == 7);
    assert_true(json_is_true(json_object_get(json, "b")));
    const char *none = "none";
    assert_fails(ofr_json_text(json, "i", &none, path, &err), OFR_FORMAT, err,
                 "\"i\" is a number, expected a string");
    json_decref(json);
    path = support_write("big.json", "{\"n\": 1, \"n\": 2}");
    assert_fails(ofr_json_load_reals(&json, path, &err), OFR_FORMAT, err, "duplicate");
}

/* A user's file may come through a pipe, or from standard input; a model's may not. */
static void test_input(void **state)
{
    (void)state;
    static const char text[] = "{\"i\": 7}", broken[] = "{\"i\":";
    ofr_error err;
    json_t *json = NULL;
    int ends[2], before = dup(STDIN_FILENO), i = 0;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], text, strlen(text)), strlen(text));
    close(ends[1]);
    char path[32];
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    assert_fails(ofr_json_load(&json, path, &err), OFR_IO, err, "is not a regular file");
    assert_ok(ofr_json_load_input(&json, path, &err), err);
    close(ends[0]);
    assert_ok(ofr_json_int(json, "i", 0, 9, &i, path, &err), err);
    assert_int_equal(i, 7);
    json_decref(json);

    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], broken, strlen(broken)), strlen(broken));
    close(ends[1]);
    assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    close(ends[0]);
    ofr_status status = ofr_json_load_input(&json, "-", &err);
    assert_true(dup2(before, STDIN_FILENO) >= 0);
    close(before);
    assert_int_equal(status, OFR_FORMAT);
    assert_non_null(strstr(err.text, "standard input:1:5: not valid JSON"));
}

static void test_getters(void **state)
{
    (void)state;
    ofr_error err;
    json_t *json = parse("\xef\xbb\xbf{\"i\": 7, \"r\": 1e-12, \"b\": true, \"s\": \"x\","
                         " \"n\": null, \"a\": [1], \"o\": {\"p\": {\"q\": 3}},"
                         " \"o.p\": 4}");
    int i = -1;
    double r = -1;
    bool b = false;
    const char *s = "none";
    assert_ok(ofr_json_int(json, "i", 0, 7, &i, "t", &err), err);
    assert_int_equal(i, 7);
    assert_ok(ofr_json_real(json, "r", 0, 1, &r, "t", &err), err);
    assert_true(r == 1e-12);
    assert_ok(ofr_json_real(json, "i", 0, 8, &r, "t", &err), err);
    assert_true(r == 7.0);
    assert_ok(ofr_json_bool(json, "b", &b, "t", &err), err);
    assert_true(b);
    assert_ok(ofr_json_text(json, "s", &s, "t", &err), err);
    assert_string_equal(s, "x");
    i = 5; /* absent and null keep the default */
    assert_ok(ofr_json_int(json, "none", 0, 7, &i, "t", &err), err);
    assert_ok(ofr_json_int(json, "n", 0, 7, &i, "t", &err), err);
    assert_ok(ofr_json_int(json, "o.none", 0, 7, &i, "t", &err), err);
    assert_ok(ofr_json_int(json, "none.p", 0, 7, &i, "t", &err), err);
    assert_ok(ofr_json_int(json, "i.p", 0, 7, &i, "t", &err), err);
    assert_ok(ofr_json_int(json, "a.p.q", 0, 7, &i, "t", &err), err);
    assert_int_equal(i, 5);
    assert_fails(ofr_json_int(json, "i", 8, 9, &i, "t", &err), OFR_FORMAT, err,
                 "t: \"i\" is 7, expected 8..9");
    assert_fails(ofr_json_int(json, "i", 0, 6, &i, "t", &err), OFR_FORMAT, err, "0..6");
    assert_fails(ofr_json_int(json, "r", 0, 6, &i, "t", &err), OFR_FORMAT, err,
                 "\"r\" is a number, expected an integer");
    assert_fails(ofr_json_real(json, "s", 0, 6, &r, "t", &err), OFR_FORMAT, err,
                 "\"s\" is a string, expected a number");
    assert_fails(ofr_json_real(json, "i", 0, 6.5, &r, "t", &err), OFR_FORMAT, err,
                 "\"i\" is 7, expected 0..6.5");
    assert_fails(ofr_json_bool(json, "a", &b, "t", &err), OFR_FORMAT, err,
                 "\"a\" is an array, expected true or false");
    assert_fails(ofr_json_text(json, "b", &s, "t", &err), OFR_FORMAT, err,
                 "\"b\" is true, expected a string");
    assert_int_equal(i, 5);
    assert_true(r == 7.0 && b);
    assert_string_equal(s, "x");
    /* Keys of objects inside. */
    assert_ok(ofr_json_int(json, "o.p.q", 0, 7, &i, "t", &err), err);
    assert_int_equal(i, 3);
    assert_fails(ofr_json_int(json, "o.p", 0, 7, &i, "t", &err), OFR_FORMAT, err,
                 "t: \"o.p\" is an object, expected an integer");
    json_decref(json);
}

static void test_save(void **state)
{
    (void)state;
    ofr_error err;
    const char *path = support_path("out.json");
    json_t *json =
               parse("{\"z\": 1, \"eps\": 1e-12, \"p\": 0.1, \"one\": 1.0, \"t\": "
                     "\"q\\\"\\u00e9\\n\", \"o\": {\"k\": null}, \"e\": {}, \"l\": [1,2],"
                     " \"m\": [\"a\", true]}"),
           *again = NULL;
    assert_ok(ofr_json_save(json, path, &err), err);
    assert_string_equal(
        support_read(path),
        "{\n  \"z\": 1,\n  \"eps\": 1e-12,\n  \"p\": 0.1,\n  \"one\": 1.0,\n"
        "  \"t\": \"q\\\"\xc3\xa9\\n\",\n  \"o\": {\n    \"k\": null\n  },\n"
        "  \"e\": {},\n  \"l\": [1, 2],\n  \"m\": [\n    \"a\",\n    true\n"
        "  ]\n}\n");
    assert_ok(ofr_json_load(&again, path, &err), err);
    assert_true(json_equal(json, again)); /* reals stay reals, to the last bit */
    assert_fails(ofr_json_save(json, support_path("no/such/folder"), &err), OFR_NOT_FOUND,
                 err, "no/such/folder");
    json_decref(json);
    json_decref(again);
}

static void test_memory(void **state)
{
    (void)state;
    ofr_error err;
    const char *in = support_write("m.json", "{\"a\": [1.5, {\"b\": \"text\"}]}");
    for (size_t n = 1;; n++) {
        json_t *json = NULL;
        size_t live = ofr_mem_live();
        ofr_status status;
        ofr_mem_fail_at(n, false);
        status = ofr_json_load(&json, in, &err);
        if (status == OFR_OK) status = ofr_json_save(json, support_path("m.out"), &err);
        ofr_mem_fail_at(0, false);
        json_decref(json);
        assert_int_equal(ofr_mem_live(), live);
        if (status == OFR_OK) break;
        assert_int_equal(status, OFR_NOMEM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused), cmocka_unit_test(test_input),
        cmocka_unit_test(test_getters), cmocka_unit_test(test_reals),
        cmocka_unit_test(test_save),    cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
