/* compare_record.c - the lines of a comparison for programs. */
#include <math.h>

#include "cli/build_info.h"
#include "cli/compare_text.h"
#include "report/jsonline.h"

static void add_mean(ofr_buf *out, const char *key, ofr_compare_mean m)
{
    char std[64];

    snprintf(std, sizeof std, "%s_std", key);
    ofr_jsonline_real(out, key, m.mean);
    ofr_jsonline_real(out, std, m.std);
}

static void add_means(ofr_buf *out, const char *key, const ofr_compare_mean *m, int n)
{
    double mean[OFR_COMPARE_COSTS], std[OFR_COMPARE_COSTS];
    char name[64];

    for (int k = 0; k < n; k++) {
        mean[k] = m[k].mean;
        std[k] = m[k].std;
    }
    snprintf(name, sizeof name, "%s_std", key);
    ofr_jsonline_reals(out, key, mean, n);
    ofr_jsonline_reals(out, name, std, n);
}

static void add_paired(ofr_buf *out, const char *key, const ofr_paired_result *r)
{
    double x[3][OFR_COMPARE_COSTS];

    for (int k = 0; k < OFR_COMPARE_COSTS; k++) {
        x[0][k] = r[k].difference;
        x[1][k] = r[k].low;
        x[2][k] = r[k].high;
    }
    ofr_jsonline_open(out, key);
    ofr_jsonline_reals(out, "difference", x[0], OFR_COMPARE_COSTS);
    ofr_jsonline_reals(out, "low", x[1], OFR_COMPARE_COSTS);
    ofr_jsonline_reals(out, "high", x[2], OFR_COMPARE_COSTS);
    ofr_jsonline_close(out);
}

static void add_seeds(ofr_buf *out, const ofr_compare_runs *runs, int method)
{
    const ofr_compare_plan *plan = runs->plan;
    double seeds[OFR_COMPARE_SEEDS_MAX];
    int n = 0;

    for (int s = 0; s < plan->n_seeds; s++)
        if (runs->ok[method][s]) seeds[n++] = (double)plan->seeds[s];
    ofr_jsonline_reals(out, "seeds", seeds, n);
    ofr_jsonline_key(out, "failed");
    ofr_buf_addc(out, '[');
    for (int s = 0, first = 1; s < plan->n_seeds; s++) {
        if (runs->ok[method][s]) continue;
        ofr_buf_addf(out, "%s\"%s.%llu\"", first ? "" : ", ", plan->methods[method]->name,
                     (unsigned long long)plan->seeds[s]);
        first = 0;
    }
    ofr_buf_addc(out, ']');
}

static void begin(ofr_buf *out, const char *kind, const ofr_compare_runs *runs,
                  const ofr_compare_whole *whole, ofr_curve_about *about)
{
    about->schema_version = OFR_SCHEMA_VERSION;
    about->task = runs->plan->title;
    ofr_curve_record_begin(out, kind, ofr_metric_name(whole->metric), about);
}

static void add_method(ofr_buf *out, const ofr_compare_runs *runs,
                       const ofr_compare_whole *whole, int method)
{
    const ofr_compare_plan *plan = runs->plan;
    const ofr_compare_summary *m = &whole->of[method];
    const int reference = plan->reference;
    ofr_curve_about about = {.method = plan->methods[method]->name};

    begin(out, "compare", runs, whole, &about);
    add_seeds(out, runs, method);
    if (m->n_ok == 0) {
        ofr_jsonline_end(out);
        return;
    }
    add_mean(out, "score_full", m->full);
    add_mean(out, "score", m->score);
    add_mean(out, "random_score", m->random);
    add_mean(out, "mean_exit_layer", m->mean_exit);
    add_mean(out, "saved_layers", m->saved);
    add_mean(out, "area", m->area);
    ofr_jsonline_real(out, "area_from", 0);
    ofr_jsonline_real(out, "area_to", whole->area_to);
    add_mean(out, "random_area", m->random_area);
    ofr_jsonline_reals(out, "saved_at", ofr_line_saved_at, OFR_LINE_AT);
    add_means(out, "score_at_saved", m->at, OFR_LINE_AT);
    add_means(out, "random_at_saved", m->random_at, OFR_LINE_AT);
    ofr_jsonline_text(out, "reference_run", plan->methods[reference]->name);
    add_mean(out, "reference_saved", whole->reference_saved);
    add_mean(out, "score_at_reference", m->at[OFR_LINE_AT]);
    add_mean(out, "random_at_reference", m->random_at[OFR_LINE_AT]);
    ofr_jsonline_reals(out, "points_lost", ofr_line_points_lost, OFR_LINE_AT);
    add_means(out, "saved_at_lost", m->lost_saved, OFR_LINE_AT);
    add_means(out, "score_at_lost", m->lost_score, OFR_LINE_AT);
    ofr_jsonline_text(out, "full_model", whole->full_method < 0 ? "own" : "finetune");
    add_paired(out, "against_full", m->against_full);
    add_paired(out, "against_first", m->against_first);
    ofr_jsonline_end(out);
}

static void add_failure(ofr_buf *out, const ofr_compare_runs *runs,
                        const ofr_compare_whole *whole, int method, int seed)
{
    const ofr_compare_plan *plan = runs->plan;
    char dir[OFR_PATH_MAX] = "", run[64];
    ofr_train_values train;
    ofr_buf command;
    ofr_curve_about about = {.schema_version = OFR_SCHEMA_VERSION,
                             .task = plan->title,
                             .method = plan->methods[method]->name,
                             .seed = &plan->seeds[seed],
                             .model = dir,
                             .run = run};

    ofr_buf_init(&command);
    snprintf(run, sizeof run, "%.40s.%llu", about.method,
             (unsigned long long)plan->seeds[seed]);
    ofr_compare_dir(dir, plan, method, seed, NULL);
    ofr_compare_train(&train, plan, method, seed, dir);
    ofr_train_command(&command, &train);
    about.train_command = command.p;
    ofr_curve_record_failure(out, ofr_metric_name(whole->metric),
                             runs->error[method][seed].text, &about);
    ofr_buf_free(&command);
}

void ofr_compare_records(ofr_buf *out, ofr_buf *failures, const ofr_compare_runs *runs,
                         const ofr_compare_whole *whole)
{
    for (int i = 0; i < runs->plan->n_methods; i++) {
        add_method(out, runs, whole, i);
        for (int s = 0; s < runs->plan->n_seeds; s++)
            if (!runs->ok[i][s]) add_failure(failures, runs, whole, i, s);
    }
}
