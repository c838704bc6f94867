/* term.c - remarks and the progress bar on standard error. */
#include "cli/term.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"

#define REDRAW_SECONDS 0.1
#define PLAIN_SECONDS 10.0
#define BAR_WIDTH 10
#define WIDTH_DEFAULT 100

static bool color_wanted(bool is_terminal, bool no_color)
{
    const char *no = getenv("NO_COLOR");
    const char *kind = getenv("TERM");
    if (!is_terminal || no_color || (no && *no)) return false;
    return !(kind && strcmp(kind, "dumb") == 0);
}

static bool utf8_wanted(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (int i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (!value || !*value) continue;
        return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "utf-8");
    }
    return false;
}

void ofr_term_init(ofr_term *term, bool quiet, bool no_color)
{
    struct winsize size;
    memset(term, 0, sizeof *term);
    term->err = stderr;
    term->quiet = quiet;
    term->is_terminal = isatty(STDERR_FILENO) == 1;
    term->color_err = color_wanted(term->is_terminal, no_color);
    term->utf8 = utf8_wanted();
    term->width = WIDTH_DEFAULT;
    if (term->is_terminal && ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 &&
        size.ws_col >= 20)
        term->width = size.ws_col;
    term->now = ofr_clock_seconds;
}

/* Take the bar off the line, so that a remark can stand there. */
static void erase(ofr_term *term)
{
    if (!term->drawn) return;
    fputs("\r\033[K", term->err);
    term->drawn = false;
}

void ofr_term_log(void *user, ofr_log_level level, const char *line)
{
    ofr_term *term = user;
    if (level == OFR_LOG_DEBUG || (term->quiet && level != OFR_LOG_WARN)) return;
    erase(term);
    if (level == OFR_LOG_WARN)
        fprintf(term->err, "%s%s%s\n", term->color_err ? "\033[33m" : "", line,
                term->color_err ? "\033[0m" : "");
    else
        fprintf(term->err, "%s\n", line);
    fflush(term->err);
}

/* "00:12", "1:02:03". */
static void clock_text(char out[24], double seconds)
{
    long long s = seconds < 0 ? 0 : seconds > 1e9 ? 1000000000 : (long long)seconds;
    if (s >= 3600)
        snprintf(out, 24, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(out, 24, "%02lld:%02lld", s / 60, s % 60);
}

/* BAR_WIDTH columns filled to `share`, in eighths of a column, or in tenths
 * with digits where block characters can not be shown. */
static void bar_text(char out[4 * BAR_WIDTH + 1], double share, bool utf8)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int parts = utf8 ? 8 : 10;
    int filled = (int)(share * BAR_WIDTH * parts + 1e-9);
    char *p = out;
    for (int i = 0; i < BAR_WIDTH; i++) {
        int here = filled - i * parts;
        if (here >= parts)
            p += sprintf(p, "%s", utf8 ? "█" : "#");
        else if (here <= 0)
            p += sprintf(p, " ");
        else if (utf8)
            p += sprintf(p, "%s", eighths[here]);
        else
            p += sprintf(p, "%d", here);
    }
}

/* Bytes of s that make at most `columns` characters. */
static size_t cut(const char *s, int columns)
{
    size_t i = 0;
    for (; s[i]; i++)
        if (((unsigned char)s[i] & 0xc0) != 0x80 && columns-- == 0) break;
    return i;
}

void ofr_term_format(char *out, size_t n, const char *label, long long done,
                     long long total, double seconds, const char *postfix, int width,
                     bool utf8)
{
    char line[640], bar[4 * BAR_WIDTH + 1], passed[24];
    char left[24] = "?", rate[32] = "?it/s";
    const char *comma = postfix && *postfix ? ", " : "";
    double per_second = seconds > 0 ? (double)done / seconds : 0;
    if (per_second >= 1)
        snprintf(rate, sizeof rate, "%.1fit/s", per_second);
    else if (per_second > 0)
        snprintf(rate, sizeof rate, "%.1fs/it", 1 / per_second);
    clock_text(passed, seconds);
    if (total > 0) {
        double share = done >= total ? 1.0 : (double)done / (double)total;
        if (per_second > 0) clock_text(left, (double)(total - done) / per_second);
        bar_text(bar, share, utf8);
        snprintf(line, sizeof line, "%s: %3d%%|%s| %lld/%lld [%s<%s, %s%s%s]", label,
                 (int)(share * 100), bar, done, total, passed, left, rate, comma,
                 postfix ? postfix : "");
    } else {
        snprintf(line, sizeof line, "%s: %lldit [%s, %s%s%s]", label, done, passed, rate,
                 comma, postfix ? postfix : "");
    }
    line[cut(line, width)] = 0;
    snprintf(out, n, "%s", line);
}

static void show(ofr_term *term)
{
    char line[640];
    ofr_term_format(line, sizeof line, term->label, term->done, term->total,
                    term->shown - term->start, term->postfix,
                    term->is_terminal ? term->width - 1 : 600, term->utf8);
    if (term->is_terminal) {
        fprintf(term->err, "\r%s\033[K", line);
        term->drawn = true;
    } else {
        fprintf(term->err, "%s\n", line);
    }
    fflush(term->err);
}

void ofr_term_progress(ofr_term *term, const char *label, long long done,
                       long long total, const char *postfix)
{
    double now;
    bool last = total > 0 && done >= total;
    if (term->quiet) return;
    now = term->now();
    if (!term->active || strcmp(term->label, label) != 0) {
        ofr_term_progress_end(term);
        snprintf(term->label, sizeof term->label, "%s", label);
        term->active = true;
        term->start = now;
        term->shown = term->is_terminal ? now - REDRAW_SECONDS : now;
    }
    term->done = done;
    term->total = total;
    snprintf(term->postfix, sizeof term->postfix, "%s", postfix ? postfix : "");
    if (now - term->shown < (term->is_terminal ? REDRAW_SECONDS : PLAIN_SECONDS) &&
        !(last && term->is_terminal))
        return;
    term->shown = now;
    show(term);
}

void ofr_term_progress_end(ofr_term *term)
{
    if (!term->active) return;
    if (term->is_terminal) {
        term->shown = term->now();
        show(term);
        fputc('\n', term->err);
        fflush(term->err);
    }
    term->active = false;
    term->drawn = false;
    term->label[0] = 0;
}
