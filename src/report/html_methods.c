/* html_methods.c - what a comparison concludes: tables of methods and of runs. */
#include <math.h>
#include <string.h>

#include "report/html_parts.h"

enum { MOST_HISTOGRAMS = 12 };

static void add_copy(ofr_page *page, ofr_page_table *t, const json_t *line,
                     const char *key)
{
    ofr_page_text(page, t, ofr_str_of(ofr_record_text(line, key)));
}

/* Columns of what methods and curves have in common. */
static void add_common_columns(ofr_page_table *t)
{
    ofr_page_column(t, "area", "area under the curve", true);
    ofr_page_column(t, "random_area", "area of random exits", true);
    ofr_page_column(t, "score_at_25", "score at 25 % saved", true);
    ofr_page_column(t, "score_at_50", "score at 50 % saved", true);
    ofr_page_column(t, "score_at_75", "score at 75 % saved", true);
    ofr_page_column(t, "saved_at_0", "saved at 0 points lost", true);
    ofr_page_column(t, "saved_at_1", "saved at 1 point lost", true);
    ofr_page_column(t, "saved_at_3", "saved at 3 points lost", true);
}

static void add_common_cells(ofr_page_table *t, const json_t *line)
{
    ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "area"));
    ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "random_area"));
    for (size_t i = 0; i < 3; i++)
        ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_item(line, "score_at_saved", i));
    for (size_t i = 0; i < 3; i++)
        ofr_page_number(t, OFR_CELL_PERCENT, 1,
                        ofr_record_item(line, "saved_at_lost", i));
}

static void add_methods(ofr_page *page, const ofr_records *records)
{
    const size_t n = ofr_records_count(records, OFR_RECORD_COMPARE);
    ofr_page_table *t;

    if (n == 0) return;
    ofr_page_say(page,
                 "Mean over the seeds; \xc2\xb1 is the standard deviation of the score. "
                 "Saved and score are those of each model as it was trained.");
    t = ofr_page_table_begin(page, "methods", NULL, OFR_LOOK_TABLE);
    ofr_page_column(t, "method", "method", false);
    ofr_page_column(t, "seeds", "seeds", true);
    ofr_page_column(t, "score", "score", true);
    ofr_page_column(t, "score_std", "\xc2\xb1", true);
    ofr_page_column(t, "score_full", "full model", true);
    ofr_page_column(t, "mean_exit_layer", "mean exit layer", true);
    ofr_page_column(t, "saved_layers", "saved layers", true);
    add_common_columns(t);
    for (size_t i = 0; i < n; i++) {
        const json_t *line = ofr_records_line(records, OFR_RECORD_COMPARE, i);
        const json_t *seeds = json_object_get(line, "seeds");

        ofr_page_row_begin(page, t);
        add_copy(page, t, line, "method");
        ofr_page_number(t, OFR_CELL_COUNT, 0,
                        json_is_array(seeds) ? (double)json_array_size(seeds)
                                             : ofr_record_number(line, "seeds"));
        ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "score"));
        ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "score_std"));
        ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "score_full"));
        ofr_page_number(t, OFR_CELL_REAL, 2, ofr_record_number(line, "mean_exit_layer"));
        ofr_page_number(t, OFR_CELL_PERCENT, 1, ofr_record_number(line, "saved_layers"));
        add_common_cells(t, line);
    }
}

/* Where a method stands against the full models at equal saving: mean difference
 * and interval at 25, 50, 75 % and at the reference. */
static void add_differences(ofr_page *page, const ofr_records *records)
{
    static const char *const at[] = {"25 % saved", "50 % saved", "75 % saved",
                                     "the reference's saving"};
    const size_t n = ofr_records_count(records, OFR_RECORD_COMPARE);
    ofr_page_table *t;

    if (n == 0) return;
    t = ofr_page_table_begin(page, "against_full",
                             "Numbers: paired bootstrap against the full model, 95 %",
                             OFR_LOOK_FOLDED);
    ofr_page_column(t, "method", "method", false);
    ofr_page_column(t, "at", "at", false);
    ofr_page_column(t, "difference", "difference", true);
    ofr_page_column(t, "low", "from", true);
    ofr_page_column(t, "high", "to", true);
    for (size_t i = 0; i < n; i++) {
        const json_t *line = ofr_records_line(records, OFR_RECORD_COMPARE, i);
        const json_t *full = json_object_get(line, "against_full");

        for (size_t k = 0; k < 4; k++) {
            if (isnan(ofr_record_item(full, "difference", k))) continue;
            ofr_page_row_begin(page, t);
            add_copy(page, t, line, "method");
            ofr_page_word(t, at[k]);
            ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_item(full, "difference", k));
            ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_item(full, "low", k));
            ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_item(full, "high", k));
        }
    }
}

static void add_curves(ofr_page *page, const ofr_records *records)
{
    const size_t n = ofr_records_count(records, OFR_RECORD_CURVE);
    const bool only = ofr_records_count(records, OFR_RECORD_COMPARE) == 0;
    ofr_page_table *t;

    if (n == 0) return;
    t = ofr_page_table_begin(page, "curves",
                             only ? NULL : "Numbers: every curve of every run",
                             only ? OFR_LOOK_TABLE : OFR_LOOK_FOLDED);
    ofr_page_column(t, "method", "method", false);
    ofr_page_column(t, "seed", "seed", true);
    ofr_page_column(t, "rule", "rule", false);
    ofr_page_column(t, "alpha", "alpha", true);
    add_common_columns(t);
    for (size_t i = 0; i < n; i++) {
        const json_t *line = ofr_records_line(records, OFR_RECORD_CURVE, i);

        ofr_page_row_begin(page, t);
        add_copy(page, t, line, "method");
        ofr_page_number(t, OFR_CELL_SHORT, 0, ofr_record_number(line, "seed"));
        add_copy(page, t, line, "rule");
        ofr_page_number(t, OFR_CELL_SHORT, 0, ofr_record_number(line, "alpha"));
        add_common_cells(t, line);
    }
}

void ofr_part_methods(ofr_page *page, const ofr_records *records)
{
    ofr_page_section_begin(page, "methods-section", "At a glance");
    add_methods(page, records);
    add_differences(page, records);
    add_curves(page, records);
}

/* ---- operating points ----------------------------------------------------------- */

static double ratio(const json_t *line, const char *above, const char *below)
{
    return ofr_record_number(line, above) / ofr_record_number(line, below);
}

static bool is_stored(const json_t *line)
{
    return json_is_true(json_object_get(line, "stored"));
}

static void add_exits(ofr_page *page, ofr_page_table *t, const json_t *line,
                      const char *name)
{
    const json_t *histogram = json_object_get(line, "exit_histogram");

    for (size_t l = 0; l < json_array_size(histogram); l++) {
        const double left = ofr_record_item(line, "exit_histogram", l);
        const double right = ofr_record_item(line, "exit_right", l);

        ofr_page_row_begin(page, t);
        ofr_page_word(t, name);
        ofr_page_number(t, OFR_CELL_COUNT, 0, (double)l + 1);
        ofr_page_number(t, OFR_CELL_COUNT, 0, right);
        ofr_page_number(t, OFR_CELL_COUNT, 0, left - right);
    }
}

/* A chart for each of the first operating points, over its rows of a table. */
static void plot_exits(ofr_page *page, const ofr_records *records)
{
    const size_t n = ofr_records_count(records, OFR_RECORD_POINT);
    int drawn = 0;

    for (size_t i = 0; i < n && drawn < MOST_HISTOGRAMS; i++) {
        const json_t *line = ofr_records_line(records, OFR_RECORD_POINT, i);
        const char *name;
        ofr_page_table *t;

        if (!is_stored(line) || isnan(ofr_record_item(line, "exit_right", 0))) continue;
        name = ofr_page_format(page, "%s, seed %.0f, %s", ofr_record_text(line, "method"),
                               ofr_record_number(line, "seed"),
                               ofr_record_text(line, "rule"));
        drawn++;
        t = ofr_page_table_begin(page, ofr_page_format(page, "exits_%d", drawn),
                                 ofr_page_format(page, "Numbers: exits of %s", name),
                                 OFR_LOOK_FOLDED);
        ofr_page_column(t, "run", "run", false);
        ofr_page_column(t, "layer", "layer", true);
        ofr_page_column(t, "right", "right", true);
        ofr_page_column(t, "wrong", "wrong", true);
        add_exits(page, t, line, name);
        ofr_part_histogram(page, ofr_page_format(page, "exits-%d", drawn), name, t, 1, 2,
                           3);
    }
}

void ofr_part_operating(ofr_page *page, const ofr_records *records)
{
    const size_t n = ofr_records_count(records, OFR_RECORD_POINT);
    ofr_page_table *t = NULL;

    for (size_t i = 0; i < n; i++) {
        const json_t *line = ofr_records_line(records, OFR_RECORD_POINT, i);

        if (!is_stored(line)) continue;
        if (!t) {
            ofr_page_section_begin(page, "operating-section", "Operating points");
            ofr_page_say(page, "Each model as it came, with its own rule and threshold.");
            t = ofr_page_table_begin(page, "operating", NULL, OFR_LOOK_TABLE);
            ofr_page_column(t, "method", "method", false);
            ofr_page_column(t, "seed", "seed", true);
            ofr_page_column(t, "rule", "rule", false);
            ofr_page_column(t, "knob", "knob", true);
            ofr_page_column(t, "score", "score", true);
            ofr_page_column(t, "score_full", "full model", true);
            ofr_page_column(t, "mean_exit_layer", "mean exit layer", true);
            ofr_page_column(t, "saved_layers", "saved layers", true);
            ofr_page_column(t, "layer_speedup", "layer speed-up", true);
            ofr_page_column(t, "flops_ratio", "FLOPs of full", true);
            ofr_page_column(t, "time_speedup", "measured speed-up, median", true);
        }
        ofr_page_row_begin(page, t);
        add_copy(page, t, line, "method");
        ofr_page_number(t, OFR_CELL_SHORT, 0, ofr_record_number(line, "seed"));
        add_copy(page, t, line, "rule");
        ofr_page_number(t, OFR_CELL_SHORT, 0, ofr_record_number(line, "knob"));
        ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "score"));
        ofr_page_number(t, OFR_CELL_REAL, 4, ofr_record_number(line, "score_full"));
        ofr_page_number(t, OFR_CELL_REAL, 2, ofr_record_number(line, "mean_exit_layer"));
        ofr_page_number(t, OFR_CELL_PERCENT, 1, ofr_record_number(line, "saved_layers"));
        ofr_page_number(t, OFR_CELL_TIMES, 2,
                        1 / (1 - ofr_record_number(line, "saved_layers")));
        ofr_page_number(t, OFR_CELL_PERCENT, 1, ofr_record_number(line, "flops_ratio"));
        ofr_page_number(t, OFR_CELL_TIMES, 2,
                        ratio(line, "ms_per_text_full", "ms_per_text"));
    }
    if (t && t->n_rows > MOST_HISTOGRAMS)
        ofr_page_say(page, ofr_page_format(page,
                                           "Exits are drawn of the first %d that counted "
                                           "them.",
                                           MOST_HISTOGRAMS));
    if (t) plot_exits(page, records);
}

/* ---- runs ----------------------------------------------------------------------- */

void ofr_part_runs(ofr_page *page, const ofr_records *records)
{
    static const char *const keys[] = {"status",        "message", "train_command",
                                       "sweep_command", "report",  "commit",
                                       "processor",     "kernels"};
    static const char *const titles[] = {"status", "message", "training",  "sweep",
                                         "data",   "commit",  "processor", "kernels"};
    const size_t n = ofr_records_count(records, OFR_RECORD_RUN);
    ofr_page_table *t;

    if (n == 0) return;
    ofr_page_section_begin(page, "runs-section", "Runs and their commands");
    t = ofr_page_table_begin(page, "runs", NULL, OFR_LOOK_RECORDS);
    ofr_page_column(t, "method", "method", false);
    ofr_page_column(t, "seed", "seed", true);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
        ofr_page_column(t, keys[k], titles[k], false);
    ofr_page_column(t, "threads", "threads", true);
    ofr_page_column(t, "n_texts", "texts", true);
    for (size_t i = 0; i < n; i++) {
        const json_t *line = ofr_records_line(records, OFR_RECORD_RUN, i);

        ofr_page_row_begin(page, t);
        add_copy(page, t, line, "method");
        ofr_page_number(t, OFR_CELL_SHORT, 0, ofr_record_number(line, "seed"));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            add_copy(page, t, line, keys[k]);
        ofr_page_number(t, OFR_CELL_COUNT, 0, ofr_record_number(line, "threads"));
        ofr_page_number(t, OFR_CELL_COUNT, 0, ofr_record_number(line, "n_texts"));
    }
}
