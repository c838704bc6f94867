/*
 * offramp.h - run text classifiers that know when to stop.
 *
 *   ofr_model    weights, tokenizer and exit rule of one model directory.
 *                Never changes what it answers.
 *   ofr_session  the scratch memory of one caller.  Its buffers are allocated
 *                when it is opened; afterwards only a text of more than some 8
 *                bytes per token of max_tokens can make the tokenizer allocate
 *                (for a long word, or bytes that are not UTF-8), and the calls
 *                after a word of some 250 kB, whose memory is given back.  The
 *                first call of ofr_session_features() takes room for what it
 *                returns.
 *
 * Errors.  Functions that can fail return ofr_status, OFR_OK (zero) on success.
 * The last argument, ofr_error *err, may be NULL; on failure it receives one
 * line for humans.  Outputs are left untouched on failure.  The library neither
 * prints nor exits.
 *
 * Threads.  A model may be used by any number of threads at once, and models may
 * be opened and closed in several threads at once.  A session belongs to one
 * thread at a time: open one per thread.  Sessions of one model do not wait for
 * each other.  A model is closed when no session of it is left.  Everything
 * without a session or model may be called at any time from any thread, but for
 * ofr_allocator_set() and ofr_log_set_sink(): they come before everything else,
 * while one thread runs.  Models and sessions survive fork(), made while no call
 * uses the session; in the child a session works without threads of its own.
 *
 * Compatibility.  Within one SONAME (libofframp.so.0) functions are added, never
 * changed or removed, and structures keep their size; only ofr_exit_point, which
 * the library alone makes, may grow at the end.
 */
#ifndef OFFRAMP_H
#define OFFRAMP_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define OFR_API __attribute__((visibility("default")))
#else
#define OFR_API
#endif

/* ---- version ---------------------------------------------------------- */

#define OFR_VERSION_MAJOR 0
#define OFR_VERSION_MINOR 1
#define OFR_VERSION_PATCH 0
/* 102 is 0.1.2; what the program was compiled with. */
#define OFR_VERSION_NUMBER \
    (OFR_VERSION_MAJOR * 10000 + OFR_VERSION_MINOR * 100 + OFR_VERSION_PATCH)

/* ---- errors ----------------------------------------------------------- */

/* X(name, text): one list, so the enum and ofr_status_text() cannot disagree. */
#define OFR_STATUS_LIST(X)                                                   \
    X(OK, "success")                                                         \
    X(NOMEM, "out of memory")                                                \
    X(IO, "cannot read or write a file")                                     \
    X(NOT_FOUND, "file or directory does not exist")                         \
    X(FORMAT, "file is damaged, unsafe or of an unknown format")             \
    X(INVALID, "bad argument")                                               \
    X(TOO_LONG, "text is longer than the model accepts") /* reserved */      \
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

/* Of the library that runs: "0.1.0" and the like (static storage), or as
 * OFR_VERSION_NUMBER. */
OFR_API const char *ofr_version(void);
OFR_API int ofr_version_number(void);

/* Does the library that runs have all that a program compiled with version
 * `number` can ask of it?  ofr_version_check(OFR_VERSION_NUMBER, &err).
 * OFR_INVALID: another major version, or an older minor one. */
OFR_API ofr_status ofr_version_check(int number, ofr_error *err);

/* ---- hooks: before everything else, in one thread ---------------------- */

/* Where memory comes from.  The library aligns the blocks itself.  What the
 * library for JSON, the threads, the code that PCRE2 compiles regular expressions
 * to, and the mapped weights take is not asked for here, nor what the C library
 * takes for itself (streams, sorting, sets of processors). */
typedef struct ofr_allocator {
    void *(*alloc)(void *user, size_t bytes);            /* as malloc(), bytes > 0 */
    void *(*resize)(void *user, void *p, size_t bytes);  /* as realloc(), p not NULL;
                              may be NULL: then alloc, a copy and free do it       */
    void (*free)(void *user, void *p);                   /* as free(), p not NULL  */
    void *user;               /* given back to the three, which must be thread-safe */
} ofr_allocator;

/* The allocator is copied; NULL: the system's again.
 * OFR_INVALID: alloc or free is missing, or something is open. */
OFR_API ofr_status ofr_allocator_set(const ofr_allocator *allocator, ofr_error *err);

typedef enum ofr_log_level { OFR_LOG_DEBUG, OFR_LOG_INFO, OFR_LOG_WARN } ofr_log_level;

/* A line without a newline, borrowed for the call; on the thread that is calling
 * the library, so several at once when there are several. */
typedef void (*ofr_log_sink)(void *user, ofr_log_level level, const char *line);

/* NULL, as in the beginning: the library is silent. */
OFR_API void ofr_log_set_sink(ofr_log_sink sink, void *user);

/* ---- models ----------------------------------------------------------- */

typedef struct ofr_model ofr_model;
typedef struct ofr_session ofr_session;

/* Open the model in directory `dir` (config.json, model.safetensors or shards,
 * tokenizer files).  On success *out is set; caller closes it with
 * ofr_model_close().  The weights stay mapped until then: a newer model replaces
 * the file by a rename, as offramp does; nobody writes into it.
 * OFR_NOT_FOUND: no such directory or file; OFR_IO: it cannot be read; OFR_FORMAT:
 * damaged file; OFR_INVALID: a model without a classifier, an option out of range;
 * OFR_NOMEM. */
OFR_API ofr_status ofr_model_open(ofr_model **out, const char *dir, ofr_error *err);

/* What the matrices of a model are held in.  Smaller ones need less memory and
 * time; "int8" may change an answer here and there. */
typedef struct ofr_model_options {
    const char *precision; /* "f32", "f16", "bf16" or "int8"; NULL: as stored,
                              which is "f32" unless the directory was quantised  */
    int n_threads;         /* while opening; 0: the processors this process may
                              use                                                */
    int pack_at_open;      /* 1: put all matrices into the order in which kernels
                              read them now.  0: those of f32 layers wait in the
                              mapped file; the first call answers from there, and
                              calls after it pack what they meet.  The answers are
                              the same bits.  1 is right before fork(), where
                              processes then share what was packed             */
} ofr_model_options;

/* The same with options; they may be NULL. */
OFR_API ofr_status ofr_model_open_as(ofr_model **out, const char *dir,
                                     const ofr_model_options *options, ofr_error *err);
OFR_API void ofr_model_close(ofr_model *model); /* NULL is allowed */

OFR_API const char *ofr_model_precision(const ofr_model *model); /* static storage */
OFR_API int ofr_model_n_layers(const ofr_model *model);
OFR_API int ofr_model_n_classes(const ofr_model *model);
OFR_API int ofr_model_hidden_size(const ofr_model *model);
/* 1: its one "class" is a value, not a probability. */
OFR_API int ofr_model_is_regression(const ofr_model *model);
/* The exit rule stored in its config.json, "never" without one (see below); borrowed
 * until the model is closed. */
OFR_API const char *ofr_model_rule(const ofr_model *model);
/* Name of class `label`; borrowed until the model is closed; NULL if out of range. */
OFR_API const char *ofr_model_label(const ofr_model *model, int label);

/* ---- when a text stops ------------------------------------------------- */

/* What a rule of your own sees: one text after one layer. */
typedef struct ofr_exit_point {
    int text;            /* its index in the call of ofr_classify()              */
    int layer;           /* 1..n_layers - 1; layer n_layers answers without being
                            asked                                                */
    int n_layers, n_classes;
    const float *logits; /* [n_classes] of this layer's classifier               */
    const float *probs;  /* [n_classes] their softmax; of a regression the value */
    float policy;        /* what the gate of this layer says: the probability of
                            stopping (of BERxiT's: of being wrong); NaN: none    */
} ofr_exit_point;

/* Return 0 to go on, anything else to take this layer's answer.  Called on the
 * thread of ofr_classify(); of one text, layers come in rising order, texts of a
 * call in any.  The point is borrowed for the call.  Must return (no longjmp(), no
 * exception of C++), and must not use the session. */
typedef int (*ofr_exit_function)(void *user, const ofr_exit_point *point);

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
                         options are the stored ones; for 0 of the stored rule
                         give its name, ofr_model_rule()                      */
    ofr_exit_function decide; /* a rule of your own in their place; `rule` is
                                 then NULL.  NULL: none                       */
    void *user;               /* given to it                                  */
} ofr_exit_options;

/* ---- sessions --------------------------------------------------------- */

typedef struct ofr_session_options {
    int max_batch;  /* texts per call; 0: 32                                 */
    int max_tokens; /* tokens per text, longer texts are truncated; 0: as in
                       training, at most what the model accepts              */
    int n_threads;  /* that share the work of one call; 0: the processors this
                       process may use.  Where many sessions run at once, 1  */
    ofr_exit_options exit;
} ofr_session_options;

/* Scratch for one caller.  `options` may be NULL.  The model must outlive it.
 * OFR_INVALID: an option is out of range, or a rule or threshold that this model
 * does not know; OFR_FORMAT: what is stored is no rule of it; OFR_NOMEM: memory or
 * threads. */
OFR_API ofr_status ofr_session_open(ofr_session **out, const ofr_model *model,
                                    const ofr_session_options *options, ofr_error *err);
OFR_API void ofr_session_close(ofr_session *session); /* NULL is allowed */

/* Another rule or threshold for the calls that follow; does not allocate.
 * `options` may be NULL: as stored in the model.
 * OFR_INVALID: as for ofr_session_open(); OFR_FORMAT: what is stored is no rule of
 * this model.  After an error the rule is what it was. */
OFR_API ofr_status ofr_session_set_exit(ofr_session *session,
                                        const ofr_exit_options *options, ofr_error *err);

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

/* Classify texts[n], n <= max_batch, each stopping at the first layer whose
 * exit rule says so.  A text's result does not depend on the others in the
 * call, bit for bit.  results: [n].  OFR_INVALID: n, or a pointer that is NULL;
 * OFR_FORMAT: numbers of the weights file that give no finite answer, as only
 * texts that meet them show; OFR_NOMEM. */
OFR_API ofr_status ofr_classify(ofr_session *session, ofr_result *results,
                                const ofr_text *texts, int n, ofr_error *err);

/* Everything the model computes about one text.  T tokens, C = hidden size, L
 * layers, K classes; row-major; borrowed until the next call on this session, or
 * until it is closed. */
typedef struct ofr_features {
    int n_tokens;        /* T, with special tokens, after truncation            */
    int truncated;       /* 1 when the text was longer than max_tokens          */
    int hidden_size, n_layers, n_classes; /* C, L, K                            */
    const int *ids;      /* [T] what the tokenizer made of the text             */
    const float *hidden; /* [L+1,T,C] hidden states; 0 is before the first layer */
    const float *pooled; /* [L,C] what classifier and policy of each layer read  */
    const float *logits; /* [L,K] of each layer's classifier, NaN for one that has
                            none; so is its row of pooled, unless a policy reads
                            it.  Row l - 1 is layer l                            */
    const float *policy; /* [L-1] what the gate of each layer below L says, as in
                            ofr_exit_point; NULL: the model has none             */
} ofr_features;

/* All layers of one text, whatever the exit rule.  A text's features are the same
 * bits as those of `offramp features`.  The first call allocates.  Statuses as of
 * ofr_classify(). */
OFR_API ofr_status ofr_session_features(ofr_session *session, ofr_features *features,
                                        const ofr_text *text, ofr_error *err);

#ifdef __cplusplus
}
#endif
#endif
