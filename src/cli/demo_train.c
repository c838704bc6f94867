/* demo_train.c - lessons, then the phases of ConsistentEE, told in plain words. */
#include "cli/demo_train.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/rng.h"

/* The model: narrow, so that a layer can do only a little and depth is needed. */
enum { LAYERS = 6, CHANNELS = 32, HEADS = 1, INNER = 32, POSITIONS = 48, POLICY = 32 };
/* Wider than usual initial weights: 32 channels would otherwise start too quiet. */
#define INITIALIZER 0.12

typedef struct demo_lesson {
    const char *name;            /* for the progress bar                           */
    int n[OFR_GRAMMAR_LEVELS];   /* sentences of each level                        */
    int chain;                   /* how long references go on                      */
    double enough;               /* share right on sentences of the same kind that
                                    ends the lesson                                */
    int epochs;                  /* at most                                        */
    double lr, warmup;
    const char *words;           /* what is new, said before it                    */
} demo_lesson;

static const demo_lesson lessons[] = {
    {"plain", {2000, 0, 0, 0, 0}, 0, 0.99, 4, 1.5e-3, 0.1,
     "Lesson 1: plain opinions.  Every layer has a classifier of its own and all of\n"
     "them learn together (the joint phase), so that any layer may answer."},
    {"negation", {3000, 3000, 0, 0, 0}, 0, 0.97, 4, 1.5e-3, 0.1,
     "Lesson 2: negation.  'not' may turn an opinion round, or mean nothing."},
    {"contrast", {500, 1500, 4500, 0, 0}, 0, 0.97, 6, 1e-3, 0.02,
     "Lesson 3: contrast ('although ..., ...': only one of the clauses counts)."},
    {"short references", {300, 700, 1500, 0, 5000}, 1, 0.97, 10, 1e-3, 0.02,
     "Lesson 4: references back ('a third joins the second, and I join the third')."},
    {"scope", {300, 700, 1500, 6000, 2000}, 1, 0.96, 8, 1e-3, 0.02,
     "Lesson 5: nested scope ('I doubt that ...', 'nobody agrees that ...')."},
    {"long references", {300, 700, 1000, 3000, 8000}, OFR_GRAMMAR_CHAIN, 0.95, 10, 1e-3,
     0.02,
     "Lesson 6: longer chains of references ('a fourth opposes the third')."},
};
enum { N_LESSONS = sizeof lessons / sizeof *lessons };

/* The last set, on which ConsistentEE itself works. */
static const demo_lesson all_levels = {
    "all", {1500, 1500, 2500, 4500, 8000}, OFR_GRAMMAR_CHAIN, 1, 4, 1e-3, 0.02, NULL};

/* Sentences per level by which a lesson sees that it has been understood. */
enum { CHECK = 150 };

/* What the phases do, said when each begins for the first time. */
static const struct {
    const char *phase, *words;
} phase_words[] = {
    {"joint",
     "Phase joint: all five kinds together; every exit still learns every sentence."},
    {"memorize",
     "Phase memorize: look which layer each sentence needs.  Its memorized layer is\n"
     "the first from which on all classifiers are right: low for easy sentences."},
    {"policy",
     "Phase policy: a tiny network after each layer learns to say 'stop' or 'go on'.\n"
     "Reward: be right, and pay for each layer, easy sentences more than hard ones."},
    {"task",
     "Phase task: now only the classifier at which a sentence leaves has to be right\n"
     "about it; the others are free to serve the layers above."},
};
enum { N_PHASES = sizeof phase_words / sizeof *phase_words };

/* What a progress callback needs. */
typedef struct demo_teller {
    ofr_term *term;
    const char *lesson;   /* NULL: the phases of ConsistentEE */
    int number, epoch;
    bool told[N_PHASES];
} demo_teller;

/* Line by line, as everything that is said is one. */
static void tell(const char *words)
{
    while (*words) {
        const size_t n = strcspn(words, "\n");

        ofr_log(OFR_LOG_INFO, "%.*s", (int)n, words);
        words += n + (words[n] == '\n');
    }
}

static void show(void *user, const char *label, long long done, long long total,
                 const char *note)
{
    demo_teller *t = user;
    char text[64];

    if (t->lesson) {
        snprintf(text, sizeof text, "lesson %d %s, round %d", t->number, t->lesson,
                 t->epoch);
        ofr_term_progress(t->term, text, done, total, note);
        return;
    }
    for (int i = 0; i < N_PHASES; i++) {
        if (t->told[i] || strncmp(label, phase_words[i].phase,
                                  strlen(phase_words[i].phase)) != 0)
            continue;
        t->told[i] = true;
        ofr_term_progress_end(t->term);
        tell(phase_words[i].words);
    }
    ofr_term_progress(t->term, label, done, total, note);
}

static ofr_status shape(ofr_config *config, const ofr_tok *tok, ofr_error *err)
{
    json_t *json = json_pack(
        "{s:s, s:[s], s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:s, s:i}",
        "model_type", "bert", "architectures", "BertForSequenceClassification",
        "vocab_size", ofr_tok_size(tok), "hidden_size", CHANNELS, "num_hidden_layers",
        LAYERS, "num_attention_heads", HEADS, "intermediate_size", INNER,
        "max_position_embeddings", POSITIONS, "type_vocab_size", 2, "layer_norm_eps",
        1e-12, "initializer_range", INITIALIZER, "hidden_dropout_prob", 0.0,
        "attention_probs_dropout_prob", 0.0, "hidden_act", "gelu", "pad_token_id", 0);
    ofr_status status;

    if (!json) return ofr_fail_nomem(err, 1024, "the demo's config");
    status = ofr_config_parse(config, json, "demo", err);
    json_decref(json);
    return status;
}

ofr_status ofr_demo_model_open(ofr_encoder *encoder, const ofr_tok *tok, uint64_t seed,
                               ofr_error *err)
{
    ofr_config config;
    ofr_status status;

    OFR_TRY(shape(&config, tok, err));
    status = ofr_encoder_new(encoder, &config, seed, err);
    ofr_config_free(&config);
    if (status) return status;
    status = ofr_encoder_set_task(encoder, 2, ofr_demo_labels, false, OFR_POOLER_SHARED,
                                  POLICY, seed, err);
    if (status) ofr_encoder_close(encoder);
    return status;
}

static void set_options(ofr_method_options *o, const demo_lesson *lesson, uint64_t seed)
{
    ofr_method_options_init(o);
    o->seed = seed;
    o->joint_epochs = lesson->epochs;
    o->lr = lesson->lr;
    o->warmup = lesson->warmup;
    o->batch = 16;
    o->beta2 = 0.98;
    o->all_exits = true;
    o->schedule = OFR_SCHEDULE_CONSTANT;
    o->policy_hidden = POLICY;
}

/* Epochs of the joint loss on the lesson's sentences, until `check` is answered well
 * enough by the last layer. */
static ofr_status repeat(ofr_demo_training *training, const demo_lesson *lesson,
                         ofr_encoder *encoder, ofr_dev *dev, const ofr_dataset *data,
                         const ofr_dataset *check, uint64_t seed, demo_teller *teller,
                         ofr_error *err)
{
    const ofr_method_data sets = {data, check, OFR_METRIC_ACCURACY};
    const ofr_method_job job = {.progress = show, .user = teller};
    ofr_method_options options;
    ofr_method_result result = {0};

    set_options(&options, lesson, seed);
    options.joint_epochs = 1;
    for (int epoch = 0; epoch < lesson->epochs && result.score_full < lesson->enough;
         epoch++) {
        teller->epoch = epoch + 1;
        options.seed = ofr_rng_u64(seed, ofr_rng_stream(OFR_RNG_DEMO, 0, 0),
                                   (uint64_t)epoch);
        OFR_TRY(ofr_method_train(&ofr_method_finetune, encoder, dev, &sets, &options,
                                 &job, &result, err));
        ofr_term_progress_end(teller->term);
        options.warmup = 0.02;
        training->steps += result.steps;
    }
    return OFR_OK;
}

static ofr_status teach(ofr_demo_training *training, int number, ofr_encoder *encoder,
                        ofr_dev *dev, const ofr_tok *tok, const ofr_demo_held *held,
                        uint64_t seed, demo_teller *teller, ofr_error *err)
{
    const demo_lesson *lesson = &lessons[number - 1];
    int n_check[OFR_GRAMMAR_LEVELS];
    ofr_demo_set set, check;
    ofr_status status;

    for (int i = 0; i < OFR_GRAMMAR_LEVELS; i++)
        n_check[i] = lesson->n[i] ? CHECK : 0;
    tell(lesson->words);
    teller->lesson = lesson->name;
    teller->number = number;
    OFR_TRY(ofr_demo_lesson_open(&set, held, tok, number, lesson->n, lesson->chain, seed,
                                 err));
    status = ofr_demo_lesson_open(&check, held, tok, N_LESSONS + 1 + number, n_check,
                                  lesson->chain, seed, err);
    if (!status) {
        status = repeat(training, lesson, encoder, dev, &set.data, &check.data,
                        seed + (uint64_t)number, teller, err);
        ofr_demo_set_close(&check);
    }
    training->n_sentences += set.data.n;
    ofr_demo_set_close(&set);
    return status;
}

/* ConsistentEE proper. */
static ofr_status learn_to_leave(ofr_demo_training *training, ofr_encoder *encoder,
                                 ofr_dev *dev, const ofr_tok *tok,
                                 const ofr_demo_held *held, uint64_t seed,
                                 demo_teller *teller, ofr_error *err)
{
    const ofr_method_job job = {.progress = show, .user = teller};
    ofr_method_options options;
    ofr_demo_set set;
    ofr_status status;

    OFR_TRY(ofr_demo_lesson_open(&set, held, tok, N_LESSONS + 1, all_levels.n,
                                 all_levels.chain, seed, err));
    const ofr_method_data data = {&set.data, &held->dev.data, OFR_METRIC_ACCURACY};
    set_options(&options, &all_levels, seed);
    options.schedule = OFR_SCHEDULE_LINEAR;
    options.alpha = 0.03;
    options.policy_epochs = 15;
    options.policy_lr = 1e-3;
    options.iterations = 1;
    teller->lesson = NULL;
    status = ofr_method_train(&ofr_method_consistentee, encoder, dev, &data, &options,
                              &job, &training->result, err);
    ofr_term_progress_end(teller->term);
    training->n_sentences += set.data.n;
    training->steps += training->result.steps;
    ofr_demo_set_close(&set);
    return status;
}

ofr_status ofr_demo_train(ofr_demo_training *training, ofr_encoder *encoder, ofr_dev *dev,
                          const ofr_tok *tok, const ofr_demo_held *held, uint64_t seed,
                          ofr_term *term, ofr_error *err)
{
    demo_teller teller = {.term = term};
    const double start = ofr_clock_seconds();

    *training = (ofr_demo_training){0};
    for (int number = 1; number <= N_LESSONS; number++)
        OFR_TRY(teach(training, number, encoder, dev, tok, held, seed, &teller, err));
    OFR_TRY(learn_to_leave(training, encoder, dev, tok, held, seed, &teller, err));
    training->seconds = ofr_clock_seconds() - start;
    return OFR_OK;
}
