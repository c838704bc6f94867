/*
 * custom_rule.c - an exit rule of one's own: leave at the second layer in a row that
 * gives the same answer.
 *
 *     cc custom_rule.c $(pkg-config --cflags --libs offramp) -o custom_rule
 *     ./custom_rule MODEL_DIR "first text" "second text" ...
 *
 * It is what `offramp predict --rule patience --threshold 1` does, and shows how a
 * rule remembers something about each text of a call.
 */
#include <offramp.h>

#include <stdio.h>
#include <string.h>

enum { MAX_TEXTS = 32 };

typedef struct agreement {
    int label[MAX_TEXTS]; /* what the layer before said of each text */
} agreement;

static int two_agree(void *user, const ofr_exit_point *point)
{
    agreement *texts = user;
    int best = 0;
    for (int k = 1; k < point->n_classes; k++)
        if (point->logits[k] > point->logits[best]) best = k;
    int agree = point->layer > 1 && texts->label[point->text] == best;
    texts->label[point->text] = best;
    return agree;
}

static void print(const ofr_model *model, const ofr_result *results, int n)
{
    for (int i = 0; i < n; i++)
        printf("%s\t%.6f\t%d\n", ofr_model_label(model, results[i].label),
               (double)results[i].probs[results[i].label], results[i].exit_layer);
}

int main(int argc, char **argv)
{
    static agreement memory;
    ofr_text texts[MAX_TEXTS];
    ofr_result results[MAX_TEXTS];
    ofr_model *model = NULL;
    ofr_session *session = NULL;
    ofr_session_options options = {
        .max_batch = MAX_TEXTS,
        .exit = {.decide = two_agree, .user = &memory},
    };
    ofr_error err = {OFR_OK, ""};
    int n = argc - 2 < MAX_TEXTS ? argc - 2 : MAX_TEXTS;
    if (n < 1) {
        fprintf(stderr, "usage: custom_rule MODEL_DIR TEXT...\n");
        return 2;
    }
    for (int i = 0; i < n; i++)
        texts[i] = (ofr_text){argv[i + 2], strlen(argv[i + 2]), NULL, 0};
    ofr_status status = ofr_model_open(&model, argv[1], &err);
    if (status == OFR_OK) status = ofr_session_open(&session, model, &options, &err);
    if (status == OFR_OK) status = ofr_classify(session, results, texts, n, &err);
    if (status == OFR_OK)
        print(model, results, n);
    else
        fprintf(stderr, "custom_rule: %s\n", err.text);
    ofr_session_close(session);
    ofr_model_close(model);
    return status == OFR_OK ? 0 : 1;
}
