/* jsonline.c - JSON objects into a buffer. */
#include "report/jsonline.h"

#include <math.h>
#include <string.h>

static void separate(ofr_buf *out)
{
    if (out->n && !strchr("{[\n", out->p[out->n - 1])) ofr_buf_adds(out, ", ");
}

void ofr_jsonline_key(ofr_buf *out, const char *key)
{
    separate(out);
    ofr_buf_add_json(out, key, strlen(key));
    ofr_buf_adds(out, ": ");
}

static void add_text(ofr_buf *out, const char *s)
{
    if (s)
        ofr_buf_add_json(out, s, strlen(s));
    else
        ofr_buf_adds(out, "null");
}

static void add_real(ofr_buf *out, double x)
{
    if (isfinite(x))
        ofr_buf_add_double(out, x);
    else
        ofr_buf_adds(out, "null");
}

void ofr_jsonline_text(ofr_buf *out, const char *key, const char *s)
{
    ofr_jsonline_key(out, key);
    add_text(out, s);
}

void ofr_jsonline_int(ofr_buf *out, const char *key, long long x)
{
    ofr_jsonline_key(out, key);
    ofr_buf_addf(out, "%lld", x);
}

void ofr_jsonline_u64(ofr_buf *out, const char *key, uint64_t x)
{
    ofr_jsonline_key(out, key);
    ofr_buf_addf(out, "%llu", (unsigned long long)x);
}

void ofr_jsonline_real(ofr_buf *out, const char *key, double x)
{
    ofr_jsonline_key(out, key);
    add_real(out, x);
}

void ofr_jsonline_bool(ofr_buf *out, const char *key, bool x)
{
    ofr_jsonline_key(out, key);
    ofr_buf_adds(out, x ? "true" : "false");
}

void ofr_jsonline_reals(ofr_buf *out, const char *key, const double *x, int n)
{
    ofr_jsonline_key(out, key);
    ofr_buf_addc(out, '[');
    for (int i = 0; i < n; i++) {
        separate(out);
        add_real(out, x[i]);
    }
    ofr_buf_addc(out, ']');
}

void ofr_jsonline_ints(ofr_buf *out, const char *key, const int *x, int n)
{
    ofr_jsonline_key(out, key);
    ofr_buf_addc(out, '[');
    for (int i = 0; i < n; i++) {
        separate(out);
        ofr_buf_addf(out, "%d", x[i]);
    }
    ofr_buf_addc(out, ']');
}

void ofr_jsonline_texts(ofr_buf *out, const char *key, char *const *x, int n)
{
    ofr_jsonline_key(out, key);
    ofr_buf_addc(out, '[');
    for (int i = 0; i < n; i++) {
        separate(out);
        add_text(out, x[i]);
    }
    ofr_buf_addc(out, ']');
}

void ofr_jsonline_open(ofr_buf *out, const char *key)
{
    if (key)
        ofr_jsonline_key(out, key);
    else
        separate(out);
    ofr_buf_addc(out, '{');
}

void ofr_jsonline_close(ofr_buf *out)
{
    ofr_buf_addc(out, '}');
}

void ofr_jsonline_end(ofr_buf *out)
{
    ofr_buf_adds(out, "}\n");
}
