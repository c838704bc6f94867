/*
 * classify.c - one text through the library: what it is, and where it left.
 *
 *     cc classify.c $(pkg-config --cflags --libs offramp) -o classify
 *     ./classify MODEL_DIR "a film that earns its tears"
 */
#include <offramp.h>

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: classify MODEL_DIR TEXT...\n");
        return 2;
    }
    ofr_model *model = NULL;
    ofr_session *session = NULL;
    ofr_error err = {OFR_OK, ""};
    ofr_status status = ofr_model_open(&model, argv[1], &err);
    if (status == OFR_OK) status = ofr_session_open(&session, model, NULL, &err);
    for (int i = 2; i < argc && status == OFR_OK; i++) {
        ofr_text text = {argv[i], strlen(argv[i]), NULL, 0};
        ofr_result result;
        status = ofr_classify(session, &result, &text, 1, &err);
        if (status == OFR_OK)
            printf("%s\t%.4f\tlayer %d of %d\n", ofr_model_label(model, result.label),
                   (double)result.probs[result.label], result.exit_layer,
                   ofr_model_n_layers(model));
    }
    if (status != OFR_OK) fprintf(stderr, "classify: %s\n", err.text);
    ofr_session_close(session);
    ofr_model_close(model);
    return status == OFR_OK ? 0 : 1;
}
