/* journal.c - JSON lines, appended and flushed one at a time. */
#include "train/journal.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

ofr_status ofr_journal_open(ofr_journal *journal, const char *path, long long keep,
                            ofr_error *err)
{
    *journal = (ofr_journal){0};
    ofr_buf_init(&journal->line);
    if (!path) return OFR_OK;
    if (strlen(path) >= sizeof journal->path)
        return ofr_fail(err, OFR_INVALID, "path too long: %.100s...", path);
    memcpy(journal->path, path, strlen(path) + 1);
    journal->file = fopen(path, keep == 0 ? "w" : "a");
    if (!journal->file)
        return ofr_fail(err, OFR_IO, "%s: cannot write: %s", path, strerror(errno));
    if (fseeko(journal->file, 0, SEEK_END)) goto failed;
    journal->bytes = (long long)ftello(journal->file);
    if (keep < 0) return OFR_OK;
    if (journal->bytes < keep) {
        const long long found = journal->bytes;
        ofr_journal_close(journal);
        return ofr_fail(err, OFR_FORMAT,
                        "%s: has %lld bytes, but the checkpoint was made when it had "
                        "%lld; it can not be continued",
                        path, found, keep);
    }
    if (ftruncate(fileno(journal->file), (off_t)keep)) goto failed;
    journal->bytes = keep;
    return OFR_OK;
failed:
    ofr_journal_close(journal);
    return ofr_fail(err, OFR_IO, "%s: cannot continue: %s", path, strerror(errno));
}

void ofr_journal_close(ofr_journal *journal)
{
    if (journal->file) fclose(journal->file);
    ofr_buf_free(&journal->line);
    *journal = (ofr_journal){0};
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
    if (journal->file &&
        (fwrite(journal->line.p, 1, journal->line.n, journal->file) != journal->line.n ||
         fflush(journal->file)))
        return ofr_fail(err, OFR_IO, "%s: cannot write: %s", journal->path,
                        strerror(errno));
    if (!journal->events) return OFR_OK;
    return ofr_tfevents_line(journal->events,
                             (ofr_str){journal->line.p, journal->line.n}, err);
}
