/*
 * test_api_hooks.c - version, the program's own allocator, what the library says.
 */
#include "support/support.h"

#include <offramp.h>

#include "base/mem.h"
#include "support/tiny_model.h"

static void test_version(void **state)
{
    (void)state;
    char text[32];
    ofr_error err;
    snprintf(text, sizeof text, "%d.%d.%d", OFR_VERSION_MAJOR, OFR_VERSION_MINOR,
             OFR_VERSION_PATCH);
    assert_string_equal(ofr_version(), text);
    assert_int_equal(ofr_version_number(), OFR_VERSION_NUMBER);
    assert_ok(ofr_version_check(OFR_VERSION_NUMBER, &err), err);
    assert_ok(ofr_version_check(OFR_VERSION_NUMBER / 100 * 100 + 99, &err), err);
    assert_ok(ofr_version_check(OFR_VERSION_MAJOR * 10000, &err), err);
    assert_fails(ofr_version_check(OFR_VERSION_NUMBER + 100, &err), OFR_INVALID, err,
                 text);
    assert_fails(ofr_version_check(OFR_VERSION_NUMBER + 10000, &err), OFR_INVALID, err,
                 text);
    assert_int_equal(ofr_version_check(-1, NULL), OFR_INVALID);
}

/* ---- an allocator that moves everything and aligns nothing --------------- */

typedef struct counts {
    size_t allocated, resized, freed, live_bytes;
    size_t fail_at; /* this allocation and all later ones; 0: none */
} counts;

typedef struct block {
    size_t bytes, shift;
    counts *owner;
} block;

/* `shift` bytes behind an address of malloc(): another remainder each time. */
static void *awkward_alloc(void *user, size_t bytes)
{
    counts *c = user;
    size_t shift = sizeof(block) + c->allocated++ % 96;
    if (c->fail_at != 0 && c->allocated >= c->fail_at) return NULL;
    unsigned char *raw = malloc(shift + bytes);
    assert_non_null(raw);
    assert_true(bytes > 0);
    block about = {bytes, shift, c};
    memcpy(raw + shift - sizeof about, &about, sizeof about);
    memset(raw + shift, 0xa5, bytes);
    c->live_bytes += bytes;
    return raw + shift;
}

static block about(const void *p)
{
    block b;
    memcpy(&b, (const unsigned char *)p - sizeof b, sizeof b);
    return b;
}

static void awkward_free(void *user, void *p)
{
    counts *c = user;
    block b = about(p);
    assert_ptr_equal(b.owner, c);
    c->freed++;
    c->live_bytes -= b.bytes;
    free((unsigned char *)p - b.shift);
}

static void *awkward_resize(void *user, void *p, size_t bytes)
{
    counts *c = user;
    block b = about(p);
    void *q = awkward_alloc(user, bytes);
    if (q == NULL) return NULL;
    memcpy(q, p, b.bytes < bytes ? b.bytes : bytes);
    awkward_free(user, p);
    c->resized++;
    return q;
}

static void fill(unsigned char *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (unsigned char)(seed + i * 7);
}

static void check_fill(const unsigned char *p, size_t n, unsigned seed)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(p[i], (unsigned char)(seed + i * 7));
}

/* Contents and alignment survive whatever the program's blocks look like. */
static void check_resizing(const ofr_allocator *allocator, counts *c)
{
    ofr_error err;
    assert_ok(ofr_allocator_set(allocator, &err), err);
    for (unsigned i = 0; i < 300; i++) {
        size_t before = i * 37 % 500, after = i * 101 % 700;
        unsigned char *p = ofr_mem_alloc(before);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % OFR_ALIGN, 0);
        fill(p, before, i);
        p = ofr_mem_resize(p, before, after);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % OFR_ALIGN, 0);
        check_fill(p, before < after ? before : after, i);
        fill(p, after, i + 1);
        check_fill(p, after, i + 1);
        ofr_mem_free(p);
    }
    assert_int_equal(c->live_bytes, 0);
    assert_int_equal(c->allocated, c->freed);
    assert_int_equal(c->resized, allocator->resize != NULL ? 300 : 0);
    assert_ok(ofr_allocator_set(NULL, &err), err);
}

static void test_resize(void **state)
{
    (void)state;
    counts with = {0}, without = {0};
    ofr_allocator three = {awkward_alloc, awkward_resize, awkward_free, &with};
    ofr_allocator two = {awkward_alloc, NULL, awkward_free, &without};
    check_resizing(&three, &with);
    check_resizing(&two, &without);
}

static ofr_status classify_some(float probs[TINY_CLASSES], ofr_error *err)
{
    ofr_model *model = NULL;
    ofr_session *session = NULL;
    ofr_features features;
    ofr_result result;
    ofr_text text = {.text = "waa wab wac", .text_len = 11};
    ofr_status status = ofr_model_open(&model, support_tiny_dir(), err);
    if (status == OFR_OK) status = ofr_session_open(&session, model, NULL, err);
    if (status == OFR_OK)
        status = ofr_session_features(session, &features, &text, err);
    if (status == OFR_OK) status = ofr_classify(session, &result, &text, 1, err);
    if (status == OFR_OK) memcpy(probs, result.probs, TINY_CLASSES * sizeof *probs);
    ofr_session_close(session);
    ofr_model_close(model);
    return status;
}

/* Every block is the program's, every one comes back, the answers are the same. */
static void test_allocator(void **state)
{
    (void)state;
    float want[TINY_CLASSES], got[TINY_CLASSES];
    ofr_error err;
    counts c = {0};
    ofr_allocator own = {awkward_alloc, awkward_resize, awkward_free, &c};
    assert_ok(classify_some(want, &err), err);
    size_t count = ofr_mem_count(), live = ofr_mem_live();
    assert_ok(ofr_allocator_set(&own, &err), err);
    memset(&own, 0, sizeof own); /* it was copied */
    assert_ok(classify_some(got, &err), err);
    assert_memory_equal(got, want, sizeof want);
    assert_int_equal(c.allocated, ofr_mem_count() - count);
    assert_true(c.allocated > 50);
    assert_int_equal(c.freed, c.allocated);
    assert_int_equal(c.live_bytes, 0);
    assert_int_equal(ofr_mem_live(), live);
    assert_ok(ofr_allocator_set(NULL, &err), err);
}

/* Its allocation n and all later ones fail: a status, and everything comes back. */
static void test_short_allocator(void **state)
{
    (void)state;
    float probs[TINY_CLASSES];
    ofr_error err;
    bool done = false;
    for (size_t n = 1; !done; n++) {
        counts c = {.fail_at = n};
        ofr_allocator own = {awkward_alloc, awkward_resize, awkward_free, &c};
        assert_ok(ofr_allocator_set(&own, &err), err);
        ofr_status status = classify_some(probs, &err);
        assert_int_equal(c.live_bytes, 0);
        assert_ok(ofr_allocator_set(NULL, &err), err);
        done = status == OFR_OK;
        assert_true(done || status == OFR_NOMEM);
        assert_true(n < 5000);
    }
    assert_ok(classify_some(probs, &err), err);
}

static void test_refused_allocators(void **state)
{
    (void)state;
    counts c = {0};
    ofr_error err;
    ofr_model *model;
    ofr_allocator no_alloc = {NULL, awkward_resize, awkward_free, &c};
    ofr_allocator no_free = {awkward_alloc, awkward_resize, NULL, &c};
    ofr_allocator own = {awkward_alloc, awkward_resize, awkward_free, &c};
    assert_fails(ofr_allocator_set(&no_alloc, &err), OFR_INVALID, err, "alloc is NULL");
    assert_fails(ofr_allocator_set(&no_free, &err), OFR_INVALID, err, "free is NULL");
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    assert_fails(ofr_allocator_set(&own, &err), OFR_INVALID, err, "in use");
    assert_fails(ofr_allocator_set(NULL, &err), OFR_INVALID, err, "in use");
    ofr_model_close(model);
    assert_int_equal(c.allocated, 0);
}

/* ---- what it says --------------------------------------------------------- */

typedef struct lines {
    int n[OFR_LOG_WARN + 1];
    char last[OFR_LOG_WARN + 1][1024];
} lines;

static void listen_to(void *user, ofr_log_level level, const char *line)
{
    lines *l = user;
    l->n[level]++;
    snprintf(l->last[level], sizeof l->last[level], "%s", line);
}

static void test_log(void **state)
{
    (void)state;
    static lines heard;
    ofr_error err;
    ofr_model *model;
    char dir[OFR_PATH_MAX];
    strcpy(dir, support_path("plain\nbut\033odd"));
    support_tiny_plain(dir);
    ofr_log_set_sink(listen_to, &heard);
    assert_ok(ofr_model_open(&model, support_tiny_dir(), &err), err);
    ofr_model_close(model);
    assert_int_equal(heard.n[OFR_LOG_INFO], 1);
    assert_int_equal(heard.n[OFR_LOG_WARN], 0);
    assert_non_null(strstr(heard.last[OFR_LOG_INFO], "bert, 4 layers of 32, 3 classes"));
    assert_ok(ofr_model_open(&model, dir, &err), err);
    ofr_model_close(model);
    assert_int_equal(heard.n[OFR_LOG_WARN], 1);
    assert_non_null(strstr(heard.last[OFR_LOG_WARN], "plain?but?odd: "));
    assert_non_null(strstr(heard.last[OFR_LOG_WARN], "no internal classifiers"));
    ofr_log_set_sink(NULL, NULL);
    assert_ok(ofr_model_open(&model, dir, &err), err);
    ofr_model_close(model);
    assert_int_equal(heard.n[OFR_LOG_WARN], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_allocator),
        cmocka_unit_test(test_short_allocator),
        cmocka_unit_test(test_refused_allocators),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests_name("api_hooks", tests, support_tiny_setup, NULL);
}
