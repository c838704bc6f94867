/* journal.c - JSON lines, appended one at a time. */
#include "train/journal.h"

#include <math.h>
#include <string.h>

ofr_status ofr_journal_open(ofr_journal *journal, const char *path, long long keep,
                            ofr_error *err)
{
    *journal = (ofr_journal){0};
    ofr_buf_init(&journal->line);
    if (!path) return OFR_OK;
    OFR_TRY(ofr_tail_open(&journal->tail, path, keep, err));
    journal->bytes = journal->tail.bytes;
    return OFR_OK;
}

void ofr_journal_close(ofr_journal *journal)
{
    ofr_tail_close(&journal->tail);
    ofr_buf_free(&journal->line);
    *journal = (ofr_journal){0};
}

ofr_status ofr_journal_sync(ofr_journal *journal, ofr_error *err)
{
    return journal->tail.open ? ofr_tail_sync(&journal->tail, err) : OFR_OK;
}

static void put_key(ofr_journal *journal, const char *key)
{
    ofr_buf_addc(&journal->line, ',');
    ofr_buf_add_json(&journal->line, key, strlen(key));
    ofr_buf_addc(&journal->line, ':');
}

static void put_real(ofr_journal *journal, double value)
{
    if (isfinite(value))
        ofr_buf_add_double(&journal->line, value);
    else
        ofr_buf_adds(&journal->line, "null");
}

void ofr_journal_begin(ofr_journal *journal, const char *event)
{
    ofr_buf_clear(&journal->line);
    ofr_buf_adds(&journal->line, "{\"event\":");
    ofr_buf_add_json(&journal->line, event, strlen(event));
}

void ofr_journal_int(ofr_journal *journal, const char *key, long long value)
{
    put_key(journal, key);
    ofr_buf_addf(&journal->line, "%lld", value);
}

void ofr_journal_real(ofr_journal *journal, const char *key, double value)
{
    put_key(journal, key);
    put_real(journal, value);
}

void ofr_journal_text(ofr_journal *journal, const char *key, const char *value)
{
    put_key(journal, key);
    ofr_buf_add_json(&journal->line, value, strlen(value));
}

void ofr_journal_flag(ofr_journal *journal, const char *key, bool value)
{
    put_key(journal, key);
    ofr_buf_adds(&journal->line, value ? "true" : "false");
}

void ofr_journal_ints(ofr_journal *journal, const char *key, const int *values, int n)
{
    put_key(journal, key);
    ofr_buf_addc(&journal->line, '[');
    for (int i = 0; i < n; i++)
        ofr_buf_addf(&journal->line, "%s%d", i ? "," : "", values[i]);
    ofr_buf_addc(&journal->line, ']');
}

void ofr_journal_reals(ofr_journal *journal, const char *key, const double *values, int n)
{
    put_key(journal, key);
    ofr_buf_addc(&journal->line, '[');
    for (int i = 0; i < n; i++) {
        if (i) ofr_buf_addc(&journal->line, ',');
        put_real(journal, values[i]);
    }
    ofr_buf_addc(&journal->line, ']');
}

ofr_status ofr_journal_end(ofr_journal *journal, ofr_error *err)
{
    ofr_buf_adds(&journal->line, "}\n");
    if (journal->line.failed) return ofr_fail_nomem(err, 4096, "a journal line");
    journal->bytes += (long long)journal->line.n;
    if (journal->tail.open)
        OFR_TRY(ofr_tail_add(&journal->tail, journal->line.p, journal->line.n, err));
    if (!journal->events) return OFR_OK;
    return ofr_tfevents_line(journal->events,
                             (ofr_str){journal->line.p, journal->line.n}, err);
}
