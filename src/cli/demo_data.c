/* demo_data.c - generated sentences as data sets. */
#include "cli/demo_data.h"

#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"

const char *const ofr_demo_labels[2] = {"negative", "positive"};

enum { MAX_TOKENS = OFR_SENTENCE_WORDS + 2 };

/* Streams of the generator; lesson k takes STREAM_LESSON + k. */
enum { STREAM_HELD, STREAM_LESSON };

/* Sentences before they become a data set. */
typedef struct draft {
    ofr_str *text;
    int *label, *level;
    int n, cap;
    ofr_arena arena;
} draft;

static void draft_close(draft *d)
{
    ofr_mem_free(d->text);
    ofr_mem_free(d->label);
    ofr_mem_free(d->level);
    ofr_arena_free(&d->arena);
}

static ofr_status draft_open(draft *d, int cap, ofr_error *err)
{
    memset(d, 0, sizeof *d);
    ofr_arena_init(&d->arena);
    d->cap = cap;
    d->text = ofr_mem_array((size_t)cap, sizeof *d->text);
    d->label = ofr_mem_array((size_t)cap, sizeof *d->label);
    d->level = ofr_mem_array((size_t)cap, sizeof *d->level);
    if (d->text && d->label && d->level) return OFR_OK;
    draft_close(d);
    return ofr_fail_nomem(err, (size_t)cap * sizeof *d->text, "sentences");
}

static ofr_status draft_add(draft *d, const ofr_sentence *s, ofr_error *err)
{
    char *copy = ofr_arena_strdup(&d->arena, s->text, s->len);
    OFR_ASSERT(d->n < d->cap);
    if (!copy) return ofr_fail_nomem(err, s->len, "sentences");
    d->text[d->n] = (ofr_str){copy, s->len};
    d->label[d->n] = s->label;
    d->level[d->n++] = s->level;
    return OFR_OK;
}

/* The draft becomes *set; its levels move there.  The draft is closed. */
static ofr_status draft_finish(draft *d, ofr_demo_set *set, const ofr_tok *tok,
                               ofr_error *err)
{
    ofr_status status =
        ofr_dataset_from_texts(&set->data, d->text, NULL, d->label, d->n, 2,
                               ofr_demo_labels, tok, MAX_TOKENS, err);
    if (status == OFR_OK) {
        set->level = d->level;
        d->level = NULL;
    }
    draft_close(d);
    return status;
}

/* per_level sentences of each level that are not in `seen`, which then has them;
 * *index counts the sentences drawn from the stream. */
static ofr_status draw_held(draft *d, ofr_map *seen, int per_level, uint64_t seed,
                            uint64_t *index, ofr_error *err)
{
    ofr_sentence s;
    int old;
    for (int level = 1; level <= OFR_GRAMMAR_LEVELS; level++)
        for (int n = 0; n < per_level;) {
            ofr_grammar_sentence(&s, level, OFR_GRAMMAR_CHAIN, seed, STREAM_HELD,
                                 (*index)++);
            if (ofr_map_get(seen, s.text, s.len) >= 0) continue;
            OFR_TRY(draft_add(d, &s, err));
            const ofr_str kept = d->text[d->n - 1];
            OFR_TRY(ofr_map_put(seen, kept.p, kept.n, 1, &old, err));
            n++;
        }
    return OFR_OK;
}

static ofr_status remember(ofr_map *known, const ofr_dataset *data, ofr_error *err)
{
    for (int i = 0; i < data->n; i++)
        OFR_TRY(ofr_map_put(known, data->text[i].p, data->text[i].n, 1, NULL, err));
    return OFR_OK;
}

ofr_status ofr_demo_held_open(ofr_demo_held *held, const ofr_tok *tok, int dev_per_level,
                              int test_per_level, uint64_t seed, ofr_error *err)
{
    const size_t n_dev = (size_t)dev_per_level * OFR_GRAMMAR_LEVELS;
    const size_t n_test = (size_t)test_per_level * OFR_GRAMMAR_LEVELS;
    draft dev = {0}, test = {0};
    ofr_map seen = {0};
    uint64_t index = 0;
    ofr_status status;

    memset(held, 0, sizeof *held);
    status = ofr_map_init(&seen, n_dev + n_test, err);
    if (!status) status = ofr_map_init(&held->known, n_dev + n_test, err);
    if (!status) status = draft_open(&dev, (int)n_dev, err);
    if (!status) status = draft_open(&test, (int)n_test, err);
    if (!status) status = draw_held(&dev, &seen, dev_per_level, seed, &index, err);
    if (!status) status = draw_held(&test, &seen, test_per_level, seed, &index, err);
    if (!status) status = draft_finish(&dev, &held->dev, tok, err);
    if (!status) status = draft_finish(&test, &held->test, tok, err);
    if (!status) status = remember(&held->known, &held->dev.data, err);
    if (!status) status = remember(&held->known, &held->test.data, err);
    ofr_map_free(&seen);
    if (status == OFR_OK) return OFR_OK;
    draft_close(&dev);
    draft_close(&test);
    ofr_demo_held_close(held);
    return status;
}

void ofr_demo_held_close(ofr_demo_held *held)
{
    ofr_demo_set_close(&held->dev);
    ofr_demo_set_close(&held->test);
    ofr_map_free(&held->known);
}

ofr_status ofr_demo_lesson_open(ofr_demo_set *set, const ofr_demo_held *held,
                                const ofr_tok *tok, int lesson,
                                const int n[OFR_GRAMMAR_LEVELS], int chain,
                                uint64_t seed, ofr_error *err)
{
    const uint64_t stream = STREAM_LESSON + (uint64_t)lesson;
    uint64_t index = 0;
    ofr_sentence s;
    int total = 0;
    draft d;

    for (int level = 1; level <= OFR_GRAMMAR_LEVELS; level++)
        total += n[level - 1];
    memset(set, 0, sizeof *set);
    OFR_TRY(draft_open(&d, total, err));
    for (int level = 1; level <= OFR_GRAMMAR_LEVELS; level++)
        for (int have = 0; have < n[level - 1];) {
            ofr_grammar_sentence(&s, level, chain, seed, stream, index++);
            if (ofr_map_get(&held->known, s.text, s.len) >= 0) continue;
            ofr_status status = draft_add(&d, &s, err);
            if (status) {
                draft_close(&d);
                return status;
            }
            have++;
        }
    return draft_finish(&d, set, tok, err);
}

void ofr_demo_set_close(ofr_demo_set *set)
{
    ofr_dataset_close(&set->data);
    ofr_mem_free(set->level);
    memset(set, 0, sizeof *set);
}

ofr_status ofr_demo_vocab_write(const char *path, ofr_error *err)
{
    const char *word;
    ofr_buf out;
    ofr_status status;

    ofr_buf_init(&out);
    for (int id = 0; (word = ofr_grammar_word(id)) != NULL; id++) {
        ofr_buf_adds(&out, word);
        ofr_buf_addc(&out, '\n');
    }
    status = out.failed ? ofr_fail_nomem(err, out.n, "the vocabulary")
                        : ofr_file_write(path, out.p, out.n, err);
    ofr_buf_free(&out);
    return status;
}

ofr_status ofr_demo_set_write(const ofr_demo_set *set, const char *path, ofr_error *err)
{
    const ofr_dataset *data = &set->data;
    ofr_buf out;
    ofr_status status;

    ofr_buf_init(&out);
    ofr_buf_adds(&out, "text\tlabel\tlevel\n");
    for (int i = 0; i < data->n; i++) {
        ofr_buf_add(&out, data->text[i].p, data->text[i].n);
        ofr_buf_addf(&out, "\t%s\t%d\n", data->label_names[data->labels[i]],
                     set->level[i]);
    }
    status = out.failed ? ofr_fail_nomem(err, out.n, path)
                        : ofr_file_write(path, out.p, out.n, err);
    ofr_buf_free(&out);
    return status;
}
