/*
 * features.c - what every layer would say about a text, and how much its policy
 * wants to stop there.
 *
 *     cc features.c $(pkg-config --cflags --libs offramp) -lm -o features
 *     ./features MODEL_DIR "a film that earns its tears"
 *
 * One line per layer: layer, label, probability, policy ("-" where there is none).
 */
#include <offramp.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

static int largest(const float *z, int n)
{
    int best = 0;
    for (int k = 1; k < n; k++)
        if (z[k] > z[best]) best = k;
    return best;
}

/* softmax(z)[k] */
static double probability(const float *z, int n, int k)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += exp((double)z[i] - (double)z[k]);
    return 1 / sum;
}

static void print(const ofr_model *model, const ofr_features *f)
{
    for (int l = 1; l <= f->n_layers; l++) {
        const float *z = f->logits + (size_t)(l - 1) * (size_t)f->n_classes;
        if (isnan(z[0])) continue; /* a layer without a classifier */
        int label = largest(z, f->n_classes);
        printf("%d\t%s\t%.6f\t", l, ofr_model_label(model, label),
               probability(z, f->n_classes, label));
        if (f->policy != NULL && l < f->n_layers)
            printf("%.6f\n", (double)f->policy[l - 1]);
        else
            printf("-\n");
    }
}

int main(int argc, char **argv)
{
    ofr_model *model = NULL;
    ofr_session *session = NULL;
    ofr_features features;
    ofr_error err = {OFR_OK, ""};
    if (argc != 3) {
        fprintf(stderr, "usage: features MODEL_DIR TEXT\n");
        return 2;
    }
    ofr_text text = {argv[2], strlen(argv[2]), NULL, 0};
    ofr_status status = ofr_model_open(&model, argv[1], &err);
    if (status == OFR_OK) status = ofr_session_open(&session, model, NULL, &err);
    if (status == OFR_OK) status = ofr_session_features(session, &features, &text, &err);
    if (status == OFR_OK)
        print(model, &features);
    else
        fprintf(stderr, "features: %s\n", err.text);
    ofr_session_close(session);
    ofr_model_close(model);
    return status == OFR_OK ? 0 : 1;
}
