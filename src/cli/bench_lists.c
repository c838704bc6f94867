/* bench_lists.c - lists of `offramp bench`: on its command line, and files. */
#include "cli/bench_lists.h"

#include <string.h>

#include "base/mem.h"
#include "cli/lines.h"
#include "model/encoder.h"
#include "tensor/dtype.h"

/* The next entry of a list, and what is behind its comma; false at the end. */
static bool next_entry(ofr_str *entry, const char **rest)
{
    const char *comma;
    if (!*rest) return false;
    comma = strchr(*rest, ',');
    *entry = ofr_str_trim((ofr_str){*rest, comma ? (size_t)(comma - *rest)
                                                 : strlen(*rest)});
    *rest = comma ? comma + 1 : NULL;
    return true;
}

static ofr_status too_many(const char *option, ofr_error *err)
{
    return ofr_fail(err, OFR_INVALID, "--%s: more than %d entries", option,
                    OFR_BENCH_LIST);
}

ofr_status ofr_bench_ints(int *out, int *n, const char *option, const char *text, int min,
                          int max, ofr_error *err)
{
    ofr_str entry;
    int count = 0;
    while (next_entry(&entry, &text)) {
        long long value;
        if (!ofr_str_to_int(entry, &value) || value < min || value > max)
            return ofr_fail(err, OFR_INVALID,
                            "--%s: '%.*s' in the list, expected whole numbers from %d to "
                            "%d with commas between", option, (int)entry.n, entry.p, min,
                            max);
        if (count == OFR_BENCH_LIST) return too_many(option, err);
        out[count++] = (int)value;
    }
    *n = count;
    return OFR_OK;
}

ofr_status ofr_bench_weights(double *out, int n, const char *option, const char *text,
                             ofr_error *err)
{
    ofr_str entry;
    double sum = 0;
    int count = 0;
    while (next_entry(&entry, &text)) {
        double value;
        if (!ofr_str_to_double(entry, &value) || !(value >= 0 && value < 1e12))
            return ofr_fail(err, OFR_INVALID,
                            "--%s: '%.*s' in the list, expected weights of 0 and above",
                            option, (int)entry.n, entry.p);
        if (count < n) out[count] = value;
        count++;
        sum += value;
    }
    if (count != n || !(sum > 0))
        return ofr_fail(err, OFR_INVALID,
                        "--%s: %d weights with the sum %g, expected one for each of %d "
                        "layers and a sum above 0", option, count, sum, n);
    return OFR_OK;
}

ofr_status ofr_bench_precisions(int *out, int *n, const char *option, const char *text,
                                ofr_error *err)
{
    ofr_str entry;
    int count = 0;
    if (!text) out[count++] = OFR_AS_STORED;
    while (next_entry(&entry, &text)) {
        int found = -1;
        for (int p = 0; p < OFR_PRECISION_COUNT; p++)
            if (ofr_str_eq_c(entry, ofr_precision_name((ofr_precision)p))) found = p;
        if (found < 0)
            return ofr_fail(err, OFR_INVALID,
                            "--%s: '%.*s' in the list, expected f32, f16, bf16 or int8",
                            option, (int)entry.n, entry.p);
        if (count == OFR_BENCH_LIST) return too_many(option, err);
        out[count++] = found;
    }
    *n = count;
    return OFR_OK;
}

/* ---- files ------------------------------------------------------------------ */

enum { LONGEST = 1 << 20, MOST = 1 << 26 }; /* tokens of a text; texts */

/* One more number behind those that are there; room grows by doubling. */
static ofr_status keep_length(int **out, int *n, ofr_str number, const char *path,
                              ofr_error *err)
{
    const size_t count = (size_t)*n;
    long long tokens;
    if (!ofr_str_to_int(number, &tokens) || tokens < 1 || tokens > LONGEST)
        return ofr_fail(err, OFR_FORMAT,
                        "%s:%d: '%.*s', expected a number of tokens from 1 to %d; "
                        "correct the line", path, *n + 1, (int)number.n, number.p,
                        LONGEST);
    if (*n == MOST)
        return ofr_fail(err, OFR_FORMAT, "%s: more than %d lines; give fewer", path,
                        MOST);
    if ((count & (count - 1)) == 0) { /* full at 0, 1, 2, 4, ... */
        const size_t room = count ? 2 * count : 1;
        int *more = ofr_mem_resize(*out, count * sizeof **out, room * sizeof **out);
        if (!more) return ofr_fail_nomem(err, room * sizeof **out, path);
        *out = more;
    }
    (*out)[(*n)++] = (int)tokens;
    return OFR_OK;
}

ofr_status ofr_bench_lengths(int **out, int *n, const char *path, ofr_error *err)
{
    ofr_lines lines;
    ofr_buf line;
    bool got = true;
    ofr_status status;
    *out = NULL;
    *n = 0;
    OFR_TRY(ofr_lines_open(&lines, path, err));
    ofr_buf_init(&line);
    while (status = ofr_lines_next(&lines, &line, &got, err), !status && got) {
        const ofr_str text = {line.p, line.n};
        status = keep_length(out, n, ofr_str_trim(text), path, err);
        if (status) break;
        ofr_buf_clear(&line);
    }
    if (!status && *n == 0)
        status = ofr_fail(err, OFR_FORMAT,
                          "%s: the file is empty, expected a number of tokens on each "
                          "line", path);
    ofr_buf_free(&line);
    ofr_lines_close(&lines);
    if (status) {
        ofr_mem_free(*out);
        *out = NULL;
    }
    return status;
}
