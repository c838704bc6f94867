/* ablate_table.c - what a question found: tables, a conclusion, two files. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "cli/ablate.h"
#include "report/jsonline.h"

static ofr_status nomem(ofr_error *err)
{
    return ofr_fail_nomem(err, 4096, "a table");
}

ofr_ablate_cell ofr_ablate_number(double x, int digits)
{
    return (ofr_ablate_cell){x, NAN, digits};
}

ofr_ablate_cell ofr_ablate_cell_of(const double *x, int n, int digits)
{
    double known[OFR_ABLATE_SEEDS];
    int k = 0;

    for (int i = 0; i < n; i++)
        if (!isnan(x[i])) known[k++] = x[i];
    if (k == 0) return ofr_ablate_number(NAN, digits);
    return (ofr_ablate_cell){ofr_stats_mean(known, k),
                             k > 1 ? ofr_stats_std(known, k) : (double)NAN, digits};
}

/* Student's t with df degrees of freedom stays within +-t975[df] 95 times of 100. */
static const double t975[OFR_ABLATE_SEEDS] = {
    INFINITY, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201,    2.179,  2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080,
    2.074,    2.069,  2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042, 2.040};

int ofr_ablate_judge(const double *x, int n, double least)
{
    double known[OFR_ABLATE_SEEDS];
    int k = 0;

    for (int i = 0; i < n; i++)
        if (!isnan(x[i])) known[k++] = x[i];
    if (k < 2) return 0;
    const double mean = ofr_stats_mean(known, k);
    const double error = ofr_stats_std(known, k) / sqrt(k);
    if (fabs(mean) <= least || fabs(mean) <= t975[k - 1] * error) return 0;
    return mean > 0 ? 1 : -1;
}

/* ---- tables ------------------------------------------------------------------------ */

ofr_status ofr_ablate_table(ofr_ablation *a, const char *title,
                            const char *const *columns, int n, ofr_error *err)
{
    json_t *tables = json_object_get(a->json, "tables");
    json_t *table = json_pack("{s:s, s:[]}", "title", title, "rows");

    if (!table || json_array_append_new(tables, table)) return nomem(err);
    a->rows = json_object_get(table, "rows");
    ofr_buf_addf(&a->text, "\n%s\n\n|", title);
    for (int c = 0; c < n; c++)
        ofr_buf_addf(&a->text, " %s |", columns[c]);
    ofr_buf_adds(&a->text, "\n|");
    for (int c = 0; c < n; c++)
        ofr_buf_adds(&a->text, "---|");
    ofr_buf_addc(&a->text, '\n');
    return OFR_OK;
}

static json_t *json_of(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

ofr_status ofr_ablate_row(ofr_ablation *a, const char *const *columns, const char *label,
                          const ofr_ablate_cell *cells, int n, ofr_error *err)
{
    json_t *row = json_pack("{s:s}", columns[0], label);

    if (!row || json_array_append_new(a->rows, row)) return nomem(err);
    ofr_buf_addf(&a->text, "| %s |", label);
    for (int c = 0; c < n; c++) {
        const ofr_ablate_cell *cell = &cells[c];
        char key[128];

        if (isnan(cell->mean))
            ofr_buf_adds(&a->text, " |");
        else if (isnan(cell->std))
            ofr_buf_addf(&a->text, " %.*f |", cell->digits, cell->mean);
        else
            ofr_buf_addf(&a->text, " %.*f ± %.*f |", cell->digits, cell->mean,
                         cell->digits, cell->std);
        if (json_object_set_new(row, columns[c + 1], json_of(cell->mean)))
            return nomem(err);
        snprintf(key, sizeof key, "%.100s, deviation", columns[c + 1]);
        if (!isnan(cell->std) && json_object_set_new(row, key, json_real(cell->std)))
            return nomem(err);
    }
    ofr_buf_addc(&a->text, '\n');
    return OFR_OK;
}

void ofr_ablate_say(ofr_ablation *a, const char *fmt, ...)
{
    json_t *said = json_object_get(a->json, "conclusion");
    char sentence[512];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof sentence, fmt, args);
    va_end(args);
    if (json_array_append_new(said, json_string(sentence))) a->text.failed = true;
}

/* ---- files --------------------------------------------------------------------------
 */

static void add_conclusion(ofr_ablation *a)
{
    const json_t *said = json_object_get(a->json, "conclusion");

    ofr_buf_adds(&a->text, "\n**Conclusion.**");
    for (size_t i = 0; i < json_array_size(said); i++)
        ofr_buf_addf(&a->text, " %s", json_string_value(json_array_get(said, i)));
    ofr_buf_addc(&a->text, '\n');
}

ofr_status ofr_ablate_finish(ofr_ablation *a, ofr_error *err)
{
    char path[OFR_PATH_MAX], name[64];

    add_conclusion(a);
    if (a->text.failed) return nomem(err);
    snprintf(name, sizeof name, "%s.json", a->name);
    OFR_TRY(ofr_file_join(path, a->o->train.out, name, err));
    OFR_TRY(ofr_json_save(a->json, path, err));
    snprintf(name, sizeof name, "%s.md", a->name);
    OFR_TRY(ofr_file_join(path, a->o->train.out, name, err));
    OFR_TRY(ofr_file_write(path, a->text.p, a->text.n, err));
    if (!a->o->train.common.json) return ofr_cmd_print(&a->text, err);

    char *line = json_dumps(a->json, JSON_COMPACT);
    ofr_buf out;
    if (!line) return nomem(err);
    ofr_buf_init(&out);
    ofr_buf_addf(&out, "%s\n", line);
    free(line);
    const ofr_status status = ofr_cmd_print(&out, err);
    ofr_buf_free(&out);
    return status;
}
