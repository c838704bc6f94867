/*
 * rule_pcee.c - PCEE: leave after P confident layers in a row, with their mean.
 *
 *   cnt = H(p_l) / ln K < th ? cnt + 1 : 0;  leave when cnt == P
 *   answer: mean of p over these P layers
 *
 * One number holds both knobs: threshold = P + th, so 2.3 asks for two layers in a
 * row whose entropy is below 0.3 of its largest value.  th = 0: nobody is confident.
 */
#include <stdint.h>
#include <string.h>

#include "exit/rule.h"

#define TINY ((ofr_real)1e-30) /* a probability that ln can still be taken of */

typedef struct pcee_state {
    int32_t count;
} pcee_state;

/* sum[K] += softmax(z) / P; sum starts anew with each run. */
static void add_share(ofr_real *sum, const ofr_real *z, int K, int count, double P)
{
    double m = (double)z[ofr_argmax(z, K)], S = 0;
    if (count == 1) memset(sum, 0, (size_t)K * sizeof *sum);
    for (int k = 0; k < K; k++)
        S += exp((double)z[k] - m);
    for (int k = 0; k < K; k++)
        sum[k] += (ofr_real)(exp((double)z[k] - m) / S / P);
}

static void decide(double threshold, void *state, const ofr_exit_view *view,
                   unsigned char *stop)
{
    double P = floor(threshold), th = threshold - P;
    pcee_state *texts = state;
    int K = view->K;
    for (int i = 0; i < view->n; i++) {
        const ofr_real *z = view->logits + (size_t)i * K;
        bool sure = K > 1 && ofr_entropy(z, K) / log(K) < th;
        ofr_real *answer = view->answer ? view->answer + (size_t)view->slot[i] * K : NULL;
        texts[i].count = sure ? texts[i].count + 1 : 0;
        stop[i] = sure && texts[i].count >= P;
        if (!answer || !sure) continue;
        add_share(answer, z, K, texts[i].count, P);
        for (int k = 0; stop[i] && k < K; k++) /* logits whose softmax is the mean */
            answer[k] = OFR_R(log)(answer[k] > TINY ? answer[k] : TINY);
    }
}

/* Two in a row, of growing tolerance. */
static void range(int L, int K, double *safest, double *fastest)
{
    (void)L;
    (void)K;
    *safest = 2;
    *fastest = 2.9999;
}

const ofr_rule ofr_rule_pcee = {
    .name = "pcee",
    .knob = "P + th: leave after P layers in a row whose entropy is below the share th "
            "of its largest value",
    .needs_logits = true,
    .classes_only = true,
    .own_answer = true,
    .default_threshold = 2.3,
    .min = 1,
    .max = 512,
    .scale = OFR_SCALE_EVEN,
    .range = range,
    .state_bytes = sizeof(pcee_state),
    .decide = decide,
};
