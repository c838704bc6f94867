/*
 * offramp.h - run text classifiers that know when to stop.
 *
 *   ofr_model    weights, tokenizer and exit rule of one model directory.
 *                Immutable after ofr_model_open(); share it between threads.
 *   ofr_session  the scratch memory of one caller.  Not thread-safe; make one
 *                per thread.  Its buffers are allocated when it is opened;
 *                afterwards only a text much longer than max_tokens can make
 *                the tokenizer allocate.
 *
 * Functions that can fail return ofr_status, OFR_OK (zero) on success.  The
 * last argument, ofr_error *err, may be NULL; on failure it receives one line
 * for humans.  Outputs are left untouched on failure.
 */
#ifndef OFFRAMP_H
#define OFFRAMP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OFR_VERSION_MAJOR 0
#define OFR_VERSION_MINOR 1
#define OFR_VERSION_PATCH 0

#if defined(__GNUC__)
#define OFR_API __attribute__((visibility("default")))
#else
#define OFR_API
#endif

/* X(name, text): one list, so the enum and ofr_status_text() cannot disagree. */
#define OFR_STATUS_LIST(X)                                                   \
    X(OK, "success")                                                         \
    X(NOMEM, "out of memory")                                                \
    X(IO, "cannot read or write a file")                                     \
    X(NOT_FOUND, "file or directory does not exist")                         \
    X(FORMAT, "file is damaged, unsafe or of an unknown format")             \
    X(INVALID, "bad argument")                                               \
    X(TOO_LONG, "text is longer than the model accepts")                     \
    X(DIVERGED, "training produced a number that is not finite")             \
    X(INTERRUPTED, "interrupted by a signal")                                \
    X(UNPROVEN, "not possible with this data")

typedef enum ofr_status {
#define OFR_STATUS_ENUM(name, text) OFR_##name,
    OFR_STATUS_LIST(OFR_STATUS_ENUM)
#undef OFR_STATUS_ENUM
        OFR_STATUS_COUNT
} ofr_status;

typedef struct ofr_error {
    ofr_status status;
    char text[512]; /* one line; names the file, line, tensor or option */
} ofr_error;

/* A short English text for `status`; never NULL. */
OFR_API const char *ofr_status_text(ofr_status status);

/* "0.1.0" and the like; static storage. */
OFR_API const char *ofr_version(void);

typedef struct ofr_model ofr_model;
typedef struct ofr_session ofr_session;

/* How a text stops.  `threshold` means, by rule:
 *   "policy"      leave when the policy's probability of stopping is above it
 *   "ponder"      leave when the policy has stopped by now with more than this
 *   "lte"         leave when the estimate of being wrong is below it
 *   "entropy"     leave when the entropy in nats is below it
 *   "speed"       the same, as a share of the largest entropy
 *   "confidence"  leave when the largest probability is above it
 *   "energy"      leave when 1 / (1 + sum of e^logits) is below it
 *   "patience"    leave after this many further layers that agree; regression:
 *                 when the answer moved by less
 *   "pcee"        P + th: after P layers in a row below th of the largest entropy
 *   "hash"        layers added to where a token may leave
 *   "fixed"       leave at this layer
 *   "never"       ignored; the last layer answers                          */
typedef struct ofr_exit_options {
    const char *rule; /* NULL: as stored in the model's config.json           */
    double threshold; /* NaN: as stored with that rule, else the rule's default;
                         0 beside a NULL rule means the same, so that zeroed
                         options are the stored ones                          */
} ofr_exit_options;

typedef struct ofr_session_options {
    int max_batch;  /* texts per call; 0: 32                                 */
    int max_tokens; /* tokens per text, longer texts are truncated; 0: as in
                       training, at most what the model accepts              */
    int n_threads;  /* 0: the processors this process may use                */
    ofr_exit_options exit;
} ofr_session_options;

typedef struct ofr_text {
    const char *text; /* UTF-8, need not end in NUL             */
    size_t text_len;
    const char *pair; /* NULL when the task has a single text   */
    size_t pair_len;
} ofr_text;

typedef struct ofr_result {
    int label;           /* index of the chosen class                         */
    int exit_layer;      /* 1..n_layers: the layer that answered              */
    int n_tokens;        /* tokens read, after truncation                     */
    int truncated;       /* 1 when the text was longer than max_tokens        */
    const float *probs;  /* [n_classes], for a regression its value; borrowed
                            until the next call on this session, or until the
                            session is closed                                 */
} ofr_result;

/* Open the model in directory `dir` (config.json, model.safetensors or shards,
 * tokenizer files).  On success *out is set; caller closes it with
 * ofr_model_close().
 * OFR_NOT_FOUND: no such directory or file.  OFR_FORMAT: damaged file. */
OFR_API ofr_status ofr_model_open(ofr_model **out, const char *dir, ofr_error *err);

/* What the matrices of a model are held in.  Smaller ones need less memory and
 * time; "int8" may change an answer here and there. */
typedef struct ofr_model_options {
    const char *precision; /* "f32", "f16", "bf16" or "int8"; NULL: as stored,
                              which is "f32" unless the directory was quantised  */
    int n_threads;         /* while opening; 0: the processors this process may
                              use                                                */
} ofr_model_options;

/* The same with options; they may be NULL. */
OFR_API ofr_status ofr_model_open_as(ofr_model **out, const char *dir,
                                     const ofr_model_options *options, ofr_error *err);
OFR_API void ofr_model_close(ofr_model *model); /* NULL is allowed */

OFR_API const char *ofr_model_precision(const ofr_model *model); /* static storage */
OFR_API int ofr_model_n_layers(const ofr_model *model);
OFR_API int ofr_model_n_classes(const ofr_model *model);
/* Name of class `label`; borrowed until the model is closed; NULL if out of range. */
OFR_API const char *ofr_model_label(const ofr_model *model, int label);

/* Scratch for one caller.  `options` may be NULL.  The model must outlive it. */
OFR_API ofr_status ofr_session_open(ofr_session **out, const ofr_model *model,
                                    const ofr_session_options *options, ofr_error *err);
OFR_API void ofr_session_close(ofr_session *session); /* NULL is allowed */

/* Classify texts[n], n <= max_batch, each stopping at the first layer whose
 * exit rule says so.  A text's result does not depend on the others in the
 * call, bit for bit.  results: [n]. */
OFR_API ofr_status ofr_classify(ofr_session *session, ofr_result *results,
                                const ofr_text *texts, int n, ofr_error *err);

#ifdef __cplusplus
}
#endif
#endif
