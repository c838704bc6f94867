/* record.c - writers of evaluation.json lines and predictions.tsv. */
#include "report/record.h"

#include <math.h>

#include "base/file.h"
#include "base/mem.h"
#include "report/jsonline.h"

/* ---- JSON ------------------------------------------------------------------ */

static void add_time(ofr_buf *out, const ofr_eval_time *early, const ofr_eval_time *full)
{
    bool timed = early->runs > 0;
    ofr_jsonline_real(out, "ms_per_text", timed ? early->median : NAN);
    ofr_jsonline_real(out, "ms_per_text_mean", timed ? early->mean : NAN);
    ofr_jsonline_real(out, "ms_per_text_p95", timed ? early->p95 : NAN);
    ofr_jsonline_real(out, "ms_per_text_full", timed ? full->median : NAN);
    ofr_jsonline_real(out, "ms_per_text_full_mean", timed ? full->mean : NAN);
    ofr_jsonline_real(out, "ms_per_text_full_p95", timed ? full->p95 : NAN);
    ofr_jsonline_real(out, "saved_time", timed ? 1 - early->median / full->median : NAN);
    ofr_jsonline_real(out, "time_speedup", timed ? full->median / early->median : NAN);
    ofr_jsonline_int(out, "timed_runs", early->runs);
    ofr_jsonline_int(out, "timed_calls", early->calls);
}

static void add_count(ofr_buf *out, const char *key, int n, bool known)
{
    if (known)
        ofr_jsonline_int(out, key, n);
    else
        ofr_jsonline_text(out, key, NULL);
}

static void add_group(ofr_buf *out, const char *key, const ofr_eval *e, int which)
{
    const ofr_eval_group *group = &e->groups[which];
    ofr_jsonline_open(out, key);
    add_count(out, "n", group->n, e->has_exits);
    add_count(out, "memorized_from", group->low, e->has_exits);
    add_count(out, "memorized_to", group->high, e->has_exits);
    ofr_jsonline_real(out, "accuracy", group->score);
    ofr_jsonline_real(out, "accuracy_full", group->score_full);
    ofr_jsonline_real(out, "mean_exit_layer", group->mean_exit);
    ofr_jsonline_close(out);
}

static void add_comparisons(ofr_buf *out, const ofr_eval *e)
{
    ofr_jsonline_open(out, "random_floor");
    ofr_jsonline_real(out, "score", e->random_score);
    ofr_jsonline_real(out, "deviation", e->random_deviation);
    ofr_jsonline_int(out, "draws", e->random_draws);
    ofr_jsonline_close(out);
    ofr_jsonline_open(out, "fixed_exit");
    ofr_jsonline_real(out, "layer", e->fixed_layer);
    ofr_jsonline_real(out, "score", e->fixed_score);
    ofr_jsonline_close(out);
    ofr_jsonline_open(out, "oracle");
    ofr_jsonline_real(out, "accuracy", e->oracle_accuracy);
    ofr_jsonline_real(out, "mean_exit_layer", e->oracle_mean_exit);
    ofr_jsonline_close(out);
}

static void add_origin(ofr_buf *out, const ofr_eval *e, const ofr_record_about *about)
{
    ofr_jsonline_text(out, "command", about->command);
    ofr_jsonline_text(out, "commit", about->commit);
    ofr_jsonline_text(out, "data", about->data);
    ofr_jsonline_text(out, "data_sha256", about->data_sha256);
    ofr_jsonline_u64(out, "seed", about->seed);
    if (about->labels && !e->regression)
        ofr_jsonline_texts(out, "labels", about->labels, e->K);
}

void ofr_record_json(ofr_buf *out, const ofr_eval *eval, const ofr_record_about *about)
{
    const ofr_eval *e = eval;
    ofr_jsonline_open(out, NULL);
    ofr_jsonline_int(out, "schema_version", about->schema_version);
    ofr_jsonline_text(out, "task", about->task);
    ofr_jsonline_text(out, "metric", ofr_metric_name(e->metric));
    ofr_jsonline_real(out, "score", e->score);
    ofr_jsonline_real(out, "score_full", e->score_full);
    if (e->metric2 != e->metric) {
        ofr_jsonline_text(out, "metric2", ofr_metric_name(e->metric2));
        ofr_jsonline_real(out, "score2", e->score2);
        ofr_jsonline_real(out, "score2_full", e->score2_full);
    }
    ofr_jsonline_real(out, "mean_exit_layer", e->mean_exit);
    ofr_jsonline_int(out, "n_layers", e->L);
    ofr_jsonline_real(out, "saved_layers", e->saved_layers);
    add_time(out, &e->early, &e->full);
    ofr_jsonline_ints(out, "exit_histogram", e->histogram, e->L);
    ofr_jsonline_reals(out, "layer_accuracy", e->layer_accuracy, e->L);
    ofr_jsonline_reals(out, "layer_score", e->layer_score, e->L);
    ofr_jsonline_reals(out, "layer_calibration_error", e->calibration, e->L);
    ofr_jsonline_reals(out, "exit_accuracy", e->exit_accuracy, e->L);
    ofr_jsonline_real(out, "accuracy", e->accuracy);
    ofr_jsonline_real(out, "accuracy_full", e->accuracy_full);
    ofr_jsonline_real(out, "error_limit", e->regression ? e->error_limit : (double)NAN);
    ofr_jsonline_real(out, "layer_speedup", e->layer_speedup);
    ofr_jsonline_real(out, "flops_ratio", e->flops_ratio);
    ofr_jsonline_real(out, "overthinking", e->overthinking);
    add_group(out, "easy", e, OFR_EVAL_EASY);
    add_group(out, "hard", e, OFR_EVAL_HARD);
    add_group(out, "tercile_1", e, OFR_EVAL_TERCILE1);
    add_group(out, "tercile_2", e, OFR_EVAL_TERCILE2);
    add_group(out, "tercile_3", e, OFR_EVAL_TERCILE3);
    add_comparisons(out, e);
    ofr_jsonline_text(out, "rule", e->rule->name);
    ofr_jsonline_real(out, "threshold", e->threshold);
    ofr_jsonline_int(out, "n_texts", e->n);
    ofr_jsonline_int(out, "n_truncated", about->n_truncated);
    ofr_jsonline_int(out, "n_bad_rows", about->n_bad_rows);
    ofr_jsonline_int(out, "n_unlabelled", about->n_unlabelled);
    ofr_jsonline_int(out, "batch", e->batch);
    ofr_jsonline_int(out, "threads", about->threads);
    ofr_jsonline_text(out, "processor", about->processor);
    ofr_jsonline_text(out, "kernels", about->kernels);
    ofr_jsonline_text(out, "model", about->model);
    add_origin(out, e, about);
    ofr_jsonline_int(out, "mismatches", e->mismatches);
    ofr_jsonline_end(out);
}

/* ---- TSV --------------------------------------------------------------------- */

static void add_header(ofr_buf *row, const ofr_eval *e)
{
    ofr_buf_adds(row, "id\tlabel\tprediction\texit_layer");
    for (int l = 1; l < e->L; l++)
        ofr_buf_addf(row, "\tpi_%d", l);
    for (int l = 1; l <= e->L; l++)
        for (int k = 0; k < e->K; k++)
            ofr_buf_addf(row, "\tp_%d_%d", l, k);
    ofr_buf_addc(row, '\n');
}

void ofr_record_field(ofr_buf *row, const char *s)
{
    for (; *s; s++)
        ofr_buf_addc(row, *s == '\t' || *s == '\n' || *s == '\r' ? ' ' : *s);
}

/* What layer l says to text i; empty where nobody trained its classifier.  p[K]:
 * scratch. */
static void add_layer(ofr_buf *row, const ofr_eval *e, ofr_real *p, int i, int l)
{
    const size_t at = ((size_t)i * (size_t)e->L + (size_t)(l - 1)) * (size_t)e->K;
    const ofr_real *z = e->outputs.logits + at;
    const bool known = l == e->L || e->has_exits;
    if (!e->regression) {
        ofr_softmax(p, z, e->K);
        z = p;
    }
    for (int k = 0; k < e->K; k++)
        if (known)
            ofr_buf_addf(row, "\t%.6f", (double)z[k]);
        else
            ofr_buf_addc(row, '\t');
}

static void add_row(ofr_buf *row, const ofr_eval *e, char *const *names, ofr_real *p,
                    int i)
{
    const ofr_real *pi = e->outputs.pi + (size_t)i * (size_t)(e->L - 1);
    ofr_buf_addf(row, "%d\t", i);
    if (e->regression) {
        ofr_buf_addf(row, "%.6g\t%.6g", (double)e->target[i], (double)e->value[i]);
    } else {
        ofr_record_field(row, names[e->label[i]]);
        ofr_buf_addc(row, '\t');
        ofr_record_field(row, names[e->prediction[i]]);
    }
    ofr_buf_addf(row, "\t%d", e->exit_layer[i]);
    for (int l = 1; l < e->L; l++) {
        double x = (double)pi[l - 1];
        if (e->has_policies && isfinite(x))
            ofr_buf_addf(row, "\t%.6f", x);
        else
            ofr_buf_addc(row, '\t');
    }
    for (int l = 1; l <= e->L; l++)
        add_layer(row, e, p, i, l);
    ofr_buf_addc(row, '\n');
}

ofr_status ofr_record_predictions(const char *path, const ofr_eval *eval,
                                  char *const *label_names, ofr_error *err)
{
    ofr_file_writer w;
    ofr_buf row;
    ofr_status status = OFR_OK;
    ofr_real *p = ofr_mem_array((size_t)eval->K, sizeof *p);
    if (!p) return ofr_fail_nomem(err, (size_t)eval->K * sizeof *p, "predictions");
    ofr_buf_init(&row);
    if ((status = ofr_file_writer_begin(&w, path, err)) != OFR_OK) goto done;
    add_header(&row, eval);
    for (int i = 0; i < eval->n && !row.failed; i++) {
        ofr_file_writer_add(&w, row.p, row.n);
        ofr_buf_clear(&row);
        add_row(&row, eval, label_names, p, i);
    }
    if (row.failed) {
        ofr_file_writer_abort(&w);
        status = ofr_fail_nomem(err, row.n, "predictions");
    } else {
        ofr_file_writer_add(&w, row.p, row.n);
        status = ofr_file_writer_commit(&w, err);
    }
done:
    ofr_buf_free(&row);
    ofr_mem_free(p);
    return status;
}
