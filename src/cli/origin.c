/* origin.c - reading a model's train.json again. */
#include "cli/origin.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "cli/copy.h"

#define OF_RUN "train.json"
#define OF_COPY "origin.json"

ofr_status ofr_origin_open(ofr_origin *origin, const char *model, ofr_error *err)
{
    char path[OFR_PATH_MAX];
    bool *is_set, is_run;
    ofr_status status;

    *origin = (ofr_origin){.known = false};
    ofr_buf_init(&origin->command);
    OFR_TRY(ofr_file_join(path, model, OF_RUN, err));
    is_run = ofr_file_exists(path);
    if (!is_run) OFR_TRY(ofr_file_join(path, model, OF_COPY, err));
    if (!is_run && !ofr_file_exists(path)) return OFR_OK;
    is_set = ofr_mem_zalloc((size_t)ofr_opt_count(ofr_train_rows) * sizeof *is_set);
    if (!is_set) return ofr_fail_nomem(err, 64, "options");
    ofr_opt_defaults(ofr_train_rows, &origin->values);
    status = ofr_json_load(&origin->json, path, err);
    if (!status)
        status = ofr_train_read_config(&origin->values, is_set, origin->json, path, err);
    ofr_mem_free(is_set);
    if (!status) {
        origin->known = true;
        if (is_run) origin->values.out = model;
        ofr_train_command(&origin->command, &origin->values);
    } else {
        ofr_origin_close(origin);
    }
    return status;
}

ofr_status ofr_origin_try(ofr_origin *origin, const char *model, ofr_error *err)
{
    ofr_error why;
    const ofr_status status = ofr_origin_open(origin, model, &why);

    if (!status) return OFR_OK;
    if (status == OFR_NOMEM) return ofr_fail(err, status, "%s", why.text);
    ofr_log(OFR_LOG_WARN, "warning: %s; nothing is known of the training", why.text);
    return OFR_OK;
}

void ofr_origin_close(ofr_origin *origin)
{
    ofr_buf_free(&origin->command);
    json_decref(origin->json);
    *origin = (ofr_origin){.known = false};
}

ofr_status ofr_origin_copy(const char *model, const char *out, ofr_error *err)
{
    char from[OFR_PATH_MAX], to[OFR_PATH_MAX];

    OFR_TRY(ofr_file_join(from, model, OF_RUN, err));
    OFR_TRY(ofr_file_join(to, out, OF_COPY, err));
    return ofr_file_exists(from) ? ofr_copy_file(from, to, err)
                                 : ofr_file_remove(to, err);
}

ofr_status ofr_origin_texts(const ofr_origin *origin, ofr_dataset *train,
                            ofr_dataset *held, const ofr_loaded *model,
                            const char *dir, ofr_error *err)
{
    ofr_train_source source = {0};

    if (!origin->known)
        return ofr_fail(err, OFR_INVALID,
                        "%s: has no train.json, so its training texts are not known; "
                        "give a file with --tune, and leave out --alphas",
                        dir);
    OFR_TRY(ofr_train_find(&source, &origin->values, err));
    return ofr_train_open_data(train, held, &source, &origin->values, model->tok,
                               model->max_tokens, err);
}
