/* opt.c - option tables on getopt_long(): values, ranges, help, "did you mean". */
#include "base/opt.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define NAME_MAX_BYTES 64
#define HELP_COLUMN 28
#define HELP_WIDTH 80

static void *field(const ofr_opt *row, void *values)
{
    return (char *)values + row->offset;
}

int ofr_opt_count(const ofr_opt *table)
{
    int n = 0;
    while (table[n].name != NULL)
        n++;
    return n;
}

/* ---- values ---------------------------------------------------------- */

static void add_limit(ofr_buf *out, const ofr_opt *row, double limit)
{
    if (row->kind == OFR_OPT_INT)
        ofr_buf_addf(out, "%.0f", limit);
    else
        ofr_buf_add_double(out, limit);
}

static bool limited(const ofr_opt *row)
{
    return (row->kind == OFR_OPT_INT || row->kind == OFR_OPT_REAL) &&
           (row->min != 0 || row->max != 0);
}

/* What a value of this row must look like, for error lines. */
static void describe(ofr_buf *out, const ofr_opt *row)
{
    static const char *const kinds[] = {
        [OFR_OPT_FLAG] = "true or false",     [OFR_OPT_INT] = "an integer",
        [OFR_OPT_U64] = "an integer",         [OFR_OPT_REAL] = "a number",
        [OFR_OPT_TEXT] = "a text",            [OFR_OPT_CHOICE] = "one of ",
    };
    ofr_buf_adds(out, kinds[row->kind]);
    if (row->kind == OFR_OPT_CHOICE) ofr_buf_adds(out, row->choices);
    if (row->kind == OFR_OPT_U64)
        ofr_buf_addf(out, " from 0 to %llu", (unsigned long long)OFR_OPT_U64_MAX);
    if (!limited(row)) return;
    ofr_buf_adds(out, " from ");
    add_limit(out, row, row->min);
    ofr_buf_adds(out, " to ");
    add_limit(out, row, row->max);
}

static ofr_status bad_value(const ofr_opt *row, const char *text, const char *where,
                            ofr_error *err)
{
    ofr_buf expected;
    ofr_buf_init(&expected);
    describe(&expected, row);
    char letter[2] = {row->letter, '\0'};
    bool is_long = row->name[0] != '\0';
    ofr_fail(err, OFR_INVALID, "%s%s%s: got '%.100s', expected %s", where,
             is_long ? "--" : "-", is_long ? row->name : letter, text,
             expected.p != NULL ? expected.p : "something else");
    ofr_buf_free(&expected);
    return OFR_INVALID;
}

static bool in_range(const ofr_opt *row, double x)
{
    return !limited(row) || (x >= row->min && x <= row->max);
}

static bool set_flag(bool *out, const char *text)
{
    static const char *const yes[] = {"true", "yes", "on", "1"};
    static const char *const no[] = {"false", "no", "off", "0"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(text, yes[i]) == 0) return *out = true, true;
        if (strcmp(text, no[i]) == 0) return *out = false, true;
    }
    return false;
}

static bool set_int(const ofr_opt *row, int *out, const char *text)
{
    long long x;
    if (!ofr_str_to_int(ofr_str_of(text), &x)) return false;
    if (x < INT_MIN || x > INT_MAX || !in_range(row, (double)x)) return false;
    *out = (int)x;
    return true;
}

static bool set_u64(uint64_t *out, const char *text)
{
    if (text[0] < '0' || text[0] > '9') return false; /* no sign, no blanks */
    char *end;
    errno = 0;
    unsigned long long x = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || x > OFR_OPT_U64_MAX) return false;
    *out = x;
    return true;
}

static bool set_real(const ofr_opt *row, double *out, const char *text)
{
    double x;
    if (row->value == NULL && strcmp(text, "nan") == 0) { /* back to "unset" */
        *out = (double)NAN;
        return true;
    }
    if (!ofr_str_to_double(ofr_str_of(text), &x) || !in_range(row, x)) return false;
    *out = x;
    return true;
}

static bool set_choice(const ofr_opt *row, int *out, const char *text)
{
    size_t n = strlen(text);
    const char *p = row->choices;
    for (int i = 0;; i++) {
        size_t len = strcspn(p, "|");
        if (len == n && memcmp(p, text, n) == 0) {
            *out = i;
            return true;
        }
        if (p[len] == '\0') return false;
        p += len + 1;
    }
}

ofr_status ofr_opt_set(const ofr_opt *row, void *values, const char *text,
                       const char *where, ofr_error *err)
{
    bool ok = false;
    switch (row->kind) {
    case OFR_OPT_FLAG: ok = set_flag(field(row, values), text); break;
    case OFR_OPT_INT: ok = set_int(row, field(row, values), text); break;
    case OFR_OPT_U64: ok = set_u64(field(row, values), text); break;
    case OFR_OPT_REAL: ok = set_real(row, field(row, values), text); break;
    case OFR_OPT_CHOICE: ok = set_choice(row, field(row, values), text); break;
    case OFR_OPT_TEXT:
        *(const char **)field(row, values) = text;
        ok = true;
        break;
    }
    return ok ? OFR_OK : bad_value(row, text, where, err);
}

static void unset(const ofr_opt *row, void *values)
{
    switch (row->kind) {
    case OFR_OPT_FLAG: *(bool *)field(row, values) = false; break;
    case OFR_OPT_INT:
    case OFR_OPT_CHOICE: *(int *)field(row, values) = 0; break;
    case OFR_OPT_U64: *(uint64_t *)field(row, values) = 0; break;
    case OFR_OPT_REAL: *(double *)field(row, values) = (double)NAN; break;
    case OFR_OPT_TEXT: *(const char **)field(row, values) = NULL; break;
    }
}

void ofr_opt_defaults(const ofr_opt *table, void *values)
{
    for (const ofr_opt *row = table; row->name != NULL; row++) {
        unset(row, values);
        if (row->value == NULL) continue;
        ofr_status status = ofr_opt_set(row, values, row->value, "", NULL);
        OFR_ASSERT(status == OFR_OK); /* a default must obey its own row */
        (void)status;
    }
}

void ofr_opt_format(const ofr_opt *row, const void *values, ofr_buf *out)
{
    const char *p = (const char *)values + row->offset;
    switch (row->kind) {
    case OFR_OPT_FLAG: ofr_buf_adds(out, *(const bool *)p ? "true" : "false"); break;
    case OFR_OPT_INT: ofr_buf_addf(out, "%d", *(const int *)p); break;
    case OFR_OPT_U64:
        ofr_buf_addf(out, "%llu", (unsigned long long)*(const uint64_t *)p);
        break;
    case OFR_OPT_REAL: ofr_buf_add_double(out, *(const double *)p); break;
    case OFR_OPT_TEXT: {
        const char *text = *(const char *const *)p;
        ofr_buf_adds(out, text != NULL ? text : "");
        break;
    }
    case OFR_OPT_CHOICE: {
        const char *name = row->choices;
        for (int i = *(const int *)p; i > 0; i--)
            name += strcspn(name, "|") + 1;
        ofr_buf_add(out, name, strcspn(name, "|"));
        break;
    }
    }
}

/* ---- names ----------------------------------------------------------- */

static char same_dash(char c)
{
    return c == '_' ? '-' : c;
}

const ofr_opt *ofr_opt_find(const ofr_opt *table, const char *name, size_t len)
{
    if (len == 0) return NULL;
    for (const ofr_opt *row = table; row->name != NULL; row++) {
        size_t i = 0;
        while (i < len && row->name[i] != '\0' &&
               same_dash(row->name[i]) == same_dash(name[i]))
            i++;
        if (i == len && row->name[i] == '\0') return row;
    }
    return NULL;
}

/* How far `wrong` is from `name`; beginnings count as one step away. */
static int farness(const char *name, const char *wrong)
{
    size_t n = strlen(wrong);
    if (n >= 3 && strncmp(name, wrong, n) == 0) return name[n] == '\0' ? 0 : 1;
    int distance = ofr_str_distance(name, wrong);
    return distance < (int)n ? distance : INT_MAX; /* nothing in common */
}

const char *ofr_opt_suggest(const char *const *names, int n, const char *wrong)
{
    const char *best = NULL;
    int best_distance = 4;
    for (int i = 0; i < n; i++) {
        int distance = farness(names[i], wrong);
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}

const ofr_opt *ofr_opt_nearest(const ofr_opt *table, const char *name)
{
    const ofr_opt *best = NULL;
    int best_distance = 4;
    for (const ofr_opt *row = table; row->name != NULL; row++) {
        int distance = row->name[0] != '\0' ? farness(row->name, name) : INT_MAX;
        if (distance < best_distance) {
            best_distance = distance;
            best = row;
        }
    }
    return best;
}

/* ---- command line ---------------------------------------------------- */

/* What getopt_long() reads, made from the table.  Long names get the value
 * 256 + 2 * row, their "no-" forms one more; letters give themselves. */
typedef struct parser {
    const ofr_opt *table;
    struct option *names;
    char (*negated)[NAME_MAX_BYTES];
    char *letters;
} parser;

#define LONG_FIRST 256

static void parser_close(parser *p)
{
    ofr_mem_free(p->names);
    ofr_mem_free(p->negated);
    ofr_mem_free(p->letters);
}

static ofr_status parser_open(parser *p, const ofr_opt *table, ofr_error *err)
{
    size_t n = (size_t)ofr_opt_count(table), n_names = 0, n_letters = 0;
    *p = (parser){.table = table};
    p->names = ofr_mem_array(2 * n + 1, sizeof(*p->names));
    p->negated = ofr_mem_array(n + 1, sizeof(*p->negated));
    p->letters = ofr_mem_array(2 * n + 2, 1);
    if (p->names == NULL || p->negated == NULL || p->letters == NULL) {
        parser_close(p);
        return ofr_fail_nomem(err, n * sizeof(*p->names), "the table of options");
    }
    p->letters[n_letters++] = ':'; /* tell a missing value from an unknown option */
    for (size_t i = 0; i < n; i++) {
        const ofr_opt *row = &table[i];
        bool flag = row->kind == OFR_OPT_FLAG;
        int value = LONG_FIRST + 2 * (int)i;
        if (row->letter != 0) p->letters[n_letters++] = row->letter;
        if (row->letter != 0 && !flag) p->letters[n_letters++] = ':';
        if (row->name[0] == '\0') continue;
        p->names[n_names++] = (struct option){
            row->name, flag ? optional_argument : required_argument, NULL, value};
        if (!flag) continue;
        snprintf(p->negated[i], NAME_MAX_BYTES, "no-%s", row->name);
        if (ofr_opt_find(table, p->negated[i], strlen(p->negated[i])) != NULL) continue;
        p->names[n_names++] =
            (struct option){p->negated[i], no_argument, NULL, value + 1};
    }
    return OFR_OK;
}

static ofr_status fail_unknown(const ofr_opt *table, const char *argument, ofr_error *err)
{
    int n = (int)strcspn(argument, "=");
    if (argument[0] != '-' || argument[1] != '-')
        return ofr_fail(err, OFR_INVALID, "unknown option '%.100s'; try --help",
                        argument);
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof(name), "%.*s", n - 2, argument + 2);
    bool negated = strncmp(name, "no-", 3) == 0;
    const ofr_opt *near = ofr_opt_nearest(table, name);
    if (near != NULL)
        return ofr_fail(err, OFR_INVALID, "unknown option '%.*s'; did you mean '--%s'?",
                        n, argument, near->name);
    near = negated ? ofr_opt_nearest(table, name + 3) : NULL;
    if (near != NULL && near->kind == OFR_OPT_FLAG)
        return ofr_fail(err, OFR_INVALID,
                        "unknown option '%.*s'; did you mean '--no-%s'?", n, argument,
                        near->name);
    return ofr_fail(err, OFR_INVALID, "unknown option '%.*s'; try --help", n, argument);
}

/* getopt_long() also accepts unique beginnings of names; a later version with
 * one more option would then read old scripts differently, so we do not. */
static bool spelled_out(const char *argument, const char *name)
{
    size_t n = strlen(name);
    return strncmp(argument, "--", 2) == 0 && strncmp(argument + 2, name, n) == 0 &&
           (argument[2 + n] == '\0' || argument[2 + n] == '=');
}

static ofr_status take(const parser *p, void *values, bool *is_set, int code, int at,
                       char **argv, ofr_error *err)
{
    const ofr_opt *table = p->table;
    int i = (code - LONG_FIRST) / 2;
    bool negated = code >= LONG_FIRST && (code - LONG_FIRST) % 2 == 1;
    if (code >= LONG_FIRST) {
        const char *argument = argv[optarg != NULL && optarg == argv[at] ? at - 1 : at];
        const char *name = negated ? p->negated[i] : table[i].name;
        if (!spelled_out(argument, name)) return fail_unknown(table, argument, err);
    } else {
        for (i = 0; table[i].name != NULL && table[i].letter != (char)code;)
            i++;
    }
    const char *text = optarg != NULL ? optarg : "true";
    if (negated) text = "false";
    OFR_TRY(ofr_opt_set(&table[i], values, text, "", err));
    if (is_set != NULL) is_set[i] = true;
    return OFR_OK;
}

static ofr_status parse_all(const parser *p, void *values, bool *is_set, int argc,
                            char **argv, ofr_error *err)
{
    opterr = 0;
    optind = 0; /* glibc: start afresh */
    for (;;) {
        int code = getopt_long(argc, argv, p->letters, p->names, NULL);
        if (code == -1) return OFR_OK;
        const char *argument = argv[optind - 1];
        if (code == ':') {
            /* An abbreviation that wants a value is still an unknown option. */
            int i = (optopt - LONG_FIRST) / 2;
            if (optopt >= LONG_FIRST && !spelled_out(argument, p->table[i].name))
                return fail_unknown(p->table, argument, err);
            return ofr_fail(err, OFR_INVALID, "%s: a value is missing", argument);
        }
        if (code == '?' && optopt > 0 && optopt < LONG_FIRST)
            return ofr_fail(err, OFR_INVALID, "unknown option '-%c'; try --help", optopt);
        if (code == '?' && optopt >= LONG_FIRST)
            return ofr_fail(err, OFR_INVALID, "%s: takes no value", argument);
        if (code == '?') return fail_unknown(p->table, argument, err);
        OFR_TRY(take(p, values, is_set, code, optind - 1, argv, err));
    }
}

ofr_status ofr_opt_parse(const ofr_opt *table, void *values, bool *is_set, int argc,
                         char **argv, char ***args, int *n_args, ofr_error *err)
{
    parser p;
    OFR_TRY(parser_open(&p, table, err));
    for (int i = 0; is_set != NULL && table[i].name != NULL; i++)
        is_set[i] = false;
    ofr_status status = parse_all(&p, values, is_set, argc, argv, err);
    parser_close(&p);
    if (status != OFR_OK) return status;
    *args = argv + optind;
    *n_args = argc > optind ? argc - optind : 0;
    return OFR_OK;
}

/* ---- help ------------------------------------------------------------ */

static void pad_to(ofr_buf *out, size_t line_start, size_t column)
{
    while (!out->failed && out->n - line_start < column)
        ofr_buf_addc(out, ' ');
}

/* Words of `text` behind what the line already holds, wrapped and indented. */
static void add_wrapped(ofr_buf *out, size_t line_start, const char *text)
{
    size_t n;
    bool fresh = true; /* nothing but the indent on this line */
    for (const char *p = text; *(p += strspn(p, " ")) != '\0'; p += n) {
        n = strcspn(p, " ");
        if (!fresh && out->n - line_start + 1 + n > HELP_WIDTH) {
            ofr_buf_addc(out, '\n');
            line_start = out->n;
            fresh = true;
        }
        if (fresh)
            pad_to(out, line_start, HELP_COLUMN);
        else
            ofr_buf_addc(out, ' ');
        fresh = false;
        ofr_buf_add(out, p, n);
    }
    ofr_buf_addc(out, '\n');
}

bool ofr_opt_is_on(const ofr_opt *row)
{
    return row->kind == OFR_OPT_FLAG && row->value != NULL &&
           strcmp(row->value, "true") == 0;
}

void ofr_opt_help_text(const ofr_opt *row, ofr_buf *out)
{
    const char *help = row->help != NULL ? row->help : "";
    bool flag = row->kind == OFR_OPT_FLAG;
    bool full = help[0] != '\0' && help[strlen(help) - 1] == '.';
    ofr_buf_adds(out, help);
    if (row->kind == OFR_OPT_CHOICE && row->argument != NULL)
        ofr_buf_addf(out, full ? " One of %s." : "; one of %s", row->choices);
    if (ofr_opt_is_on(row)) ofr_buf_adds(out, " (default: on)");
    if (!flag && row->value != NULL && row->value[0] != '\0')
        ofr_buf_addf(out, " (default: %s)", row->value);
}

static void help_row(const ofr_opt *row, ofr_buf *out, ofr_buf *text)
{
    size_t start = out->n;
    bool flag = row->kind == OFR_OPT_FLAG, is_long = row->name[0] != '\0';
    bool on = ofr_opt_is_on(row);
    if (row->letter != 0)
        ofr_buf_addf(out, "  -%c%s", row->letter, is_long ? ", " : "");
    else
        ofr_buf_adds(out, "      ");
    if (is_long) ofr_buf_addf(out, "--%s%s", on ? "[no-]" : "", row->name);
    const char *argument = row->argument;
    if (argument == NULL && row->kind == OFR_OPT_CHOICE) argument = row->choices;
    if (!flag) ofr_buf_addf(out, " %s", argument != NULL ? argument : "VALUE");
    if (out->n - start + 2 > HELP_COLUMN) {
        ofr_buf_addc(out, '\n');
        start = out->n;
    }
    ofr_buf_clear(text);
    ofr_opt_help_text(row, text);
    add_wrapped(out, start, text->p != NULL ? text->p : "");
    if (text->failed) out->failed = true;
}

void ofr_opt_help(const ofr_opt *table, ofr_buf *out)
{
    ofr_buf text;
    ofr_buf_init(&text);
    const char *group = NULL;
    for (const ofr_opt *row = table; row->name != NULL; row++) {
        if (row->group != NULL && (group == NULL || strcmp(group, row->group) != 0)) {
            ofr_buf_addf(out, "%s%s:\n", group != NULL ? "\n" : "", row->group);
            group = row->group;
        }
        help_row(row, out, &text);
    }
    ofr_buf_free(&text);
}
