/* bench_model.c - the model that is measured. */
#include "cli/bench_model.h"

#include "base/clock.h"
#include "base/cpu.h"
#include "base/rss.h"
#include "cli/load.h"
#include "kernels/peak.h"

enum { VOCABULARY = 30522, CLASSES = 2, POLICY_HIDDEN = 32 };

static ofr_status open_random(ofr_bench_model *model, ofr_dev *dev, int precision,
                              ofr_error *err)
{
    ofr_config config;
    OFR_TRY(ofr_config_shape(&config, OFR_FAMILY_BERT, model->shape, VOCABULARY, err));
    ofr_status status = ofr_config_set_labels(&config, CLASSES, NULL, false, err);
    if (status == OFR_OK)
        status = ofr_encoder_new(&model->encoder, &config, model->seed, err);
    ofr_config_free(&config);
    if (status != OFR_OK) return status;
    if (precision == OFR_AS_STORED) precision = OFR_PRECISION_F32;
    return ofr_encoder_pack(&model->encoder, dev, (ofr_precision)precision, err);
}

/* A backbone alone gets random classifiers, so that there is something to leave
 * by. */
static ofr_status open_dir(ofr_bench_model *model, ofr_dev *dev, int precision,
                           ofr_error *err)
{
    ofr_encoder *encoder = &model->encoder;
    OFR_TRY(ofr_load_check_dir(model->dir, err));
    OFR_TRY(ofr_encoder_open_packed(encoder, model->dir, &dev->ops, dev->n_threads,
                                    precision, model->later, err));
    if (encoder->config.K > 0) return OFR_OK;
    if (precision == OFR_AS_STORED) precision = (int)encoder->precision;
    ofr_encoder_close(encoder);
    OFR_TRY(ofr_encoder_open(encoder, model->dir, model->seed, err));
    OFR_TRY(ofr_encoder_set_task(encoder, CLASSES, NULL, false, OFR_POOLER_SHARED,
                                 POLICY_HIDDEN, model->seed, err));
    return ofr_encoder_pack(encoder, dev, (ofr_precision)precision, err);
}

static ofr_status open_dev(ofr_bench_model *model, int threads, int longest,
                           ofr_error *err)
{
    ofr_ops ops = ofr_ops_select(ofr_cpu_features());
    ofr_dev_close(model->dev);
    model->dev = NULL;
    return ofr_dev_open(&model->dev, &ops, threads, longest, err);
}

ofr_status ofr_bench_model_set(ofr_bench_model *model, int precision, int threads,
                               ofr_error *err)
{
    bool other_precision = !model->dev || precision != model->precision;
    double start = ofr_clock_seconds();
    if (other_precision) {
        ofr_encoder_close(&model->encoder);
        ofr_rss_reset_peak();
        OFR_TRY(open_dev(model, threads, 1, err)); /* for packing alone */
        OFR_TRY(model->dir ? open_dir(model, model->dev, precision, err)
                           : open_random(model, model->dev, precision, err));
    }
    if (other_precision || threads != model->threads)
        OFR_TRY(open_dev(model, threads, ofr_config_max_tokens(&model->encoder.config),
                         err));
    model->precision = precision;
    model->threads = threads;
    if (!other_precision) return OFR_OK;
    model->open_ms = (ofr_clock_seconds() - start) * 1e3;
    model->open_peak = ofr_rss_peak();
    return OFR_OK;
}

void ofr_bench_model_close(ofr_bench_model *model)
{
    ofr_encoder_close(&model->encoder);
    ofr_dev_close(model->dev);
    *model = (ofr_bench_model){0};
}

ofr_status ofr_bench_model_reads(const ofr_bench_model *model, int tokens,
                                 ofr_error *err)
{
    int most = ofr_config_max_tokens(&model->encoder.config);
    if (tokens <= most) return OFR_OK;
    return ofr_fail(err, OFR_INVALID, "--tokens %d, the model reads up to %d", tokens,
                    most);
}

double ofr_bench_model_peak(ofr_bench_model *model)
{
    int threads = model->dev->n_threads;
    if (model->peak_flops[threads] == 0)
        model->peak_flops[threads] = ofr_peak_flops(model->dev);
    return model->peak_flops[threads];
}

double ofr_bench_model_weights(const ofr_bench_model *model)
{
    return ofr_encoder_weight_bytes(&model->encoder);
}
