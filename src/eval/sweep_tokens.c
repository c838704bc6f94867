/* sweep_tokens.c - a point of a rule by token: the texts through the runner. */
#include "eval/evaluate_time.h"
#include "eval/sweep.h"
#include "exit/run.h"

#define BATCH 32

static void keep(ofr_sweep *s, const ofr_runner *runner, const ofr_tokens *tokens,
                 int first)
{
    for (int b = 0; b < tokens->B; b++) {
        const ofr_real *z = runner->logits + (size_t)b * (size_t)s->K;

        s->exits[first + b] = runner->exit_layer[b];
        s->answers[first + b] = s->regression ? (float)z[0] : (float)ofr_argmax(z, s->K);
        s->depth[first + b] = runner->depth[b];
        s->flops[first + b] = ofr_runner_cost(runner, tokens, b);
    }
}

ofr_status ofr_sweep_tokens(ofr_sweep *sweep, const ofr_sweep_set *set,
                            const ofr_rule *rule, double knob, ofr_error *err)
{
    ofr_eval_batch batch;
    ofr_runner runner = {.encoder = NULL};
    ofr_status status;

    OFR_TRY(ofr_eval_batch_open(&batch, set->data, BATCH, err));
    status = ofr_runner_open(&runner, sweep->encoder, sweep->dev, rule, knob, BATCH,
                             batch.max_N, err);
    for (int b = 0; b < batch.n_batches && !status; b++) {
        const ofr_tokens tokens = ofr_eval_batch_at(&batch, b);

        ofr_runner_run(&runner, &tokens);
        keep(sweep, &runner, &tokens, b * BATCH);
    }
    sweep->texts_run += set->data->n;
    ofr_runner_close(&runner);
    ofr_eval_batch_close(&batch);
    return status;
}
