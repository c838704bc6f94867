/* demo_report.h - what the demo found, as a page and as one JSON object. */
#ifndef OFR_CLI_DEMO_REPORT_H
#define OFR_CLI_DEMO_REPORT_H

#include "base/str.h"
#include "cli/demo_train.h"
#include "eval/evaluate.h"

enum { OFR_DEMO_BATCH = 32, OFR_DEMO_SENTENCES = 10 };

/* Everything measured on the test set, which no training has seen. */
typedef struct ofr_demo_found {
    const ofr_demo_training *training;
    const ofr_demo_set *test;
    ofr_eval eval;                       /* its times are of batch 32 */
    ofr_eval_time early_one, full_one;   /* batch 1 */
    ofr_eval_group levels[OFR_GRAMMAR_LEVELS];
    uint64_t seed;
    double seconds;                      /* of the whole demo */
    int threads;
} ofr_demo_found;

/* encoder is packed.  Caller closes. */
ofr_status ofr_demo_found_open(ofr_demo_found *found, const ofr_encoder *encoder,
                               ofr_dev *dev, const ofr_demo_set *test, ofr_error *err);
void ofr_demo_found_close(ofr_demo_found *found);

void ofr_demo_page(ofr_buf *out, const ofr_demo_found *found, const ofr_config *config,
                   bool utf8);
void ofr_demo_json(ofr_buf *out, const ofr_demo_found *found, const ofr_config *config);

#endif
