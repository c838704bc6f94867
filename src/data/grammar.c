/*
 * grammar.c - derives a tree, evaluates it, and says it in English.
 *
 * Three functions over one small tree: derive_*() makes it, tree_value() is the
 * compositional meaning (the label), say() the surface.  They share nothing but
 * the tree, so the label can not leak from a choice of words.
 */
#include "data/grammar.h"

#include <stdbool.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"

/* Lists of single words end in NULL and together are the vocabulary; phrases are
 * made of words that stand in some list. */
static const char *const special_words[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",
                                            NULL};
static const char *const good_words[] = {
    "good",      "great",      "superb",  "splendid", "wonderful",  "lovely",
    "charming",  "brilliant",  "pleasant", "excellent", "enjoyable", "delightful",
    "clever",    "funny",      "impressive", "moving", "perfect",    "fresh",
    "fine",      "elegant",    NULL};
static const char *const bad_words[] = {
    "bad",    "dull",    "awful",   "dreadful", "boring", "terrible", "poor",
    "silly",  "tedious", "weak",    "horrible", "ugly",   "annoying", "painful",
    "clumsy", "bland",   "dreary",  "hopeless", "feeble", "dismal",   NULL};
static const char *const topics[] = {
    "film", "book",   "meal",   "hotel",   "concert", "play",  "novel", "song",
    "show", "story",  "trip",   "lecture", "plot",    "music", "wine",  "party",
    "poem", "ending", "museum", "service", "opera",   "soup",  "room",  "speech", NULL};
static const char *const people[] = {"critic",  "guest", "friend",    "student", "writer",
                                     "teacher", "nurse", "neighbour", "painter", "driver",
                                     NULL};
static const char *const adverbs[] = {"very", "really", "quite", "truly", "rather", NULL};
static const char *const function_words[] = {
    ".",        ",",        "a",         "after",    "ago",    "agrees",   "all",
    "although", "am",       "and",       "another",  "any",    "anything", "at",
    "be",       "believes", "but",       "called",   "clear",  "cousin",   "delay",
    "doubt",    "even",     "everybody", "everyone", "false",  "far",      "fifth",
    "first",    "for",      "found",     "fourth",   "friday", "friends",  "from",
    "hardly",   "honest",   "i",         "in",       "is",     "it",       "join",
    "joins",    "june",     "last",      "long",     "lunch",  "monday",   "my",
    "never",    "no",       "nobody",    "not",      "on",     "one",      "opposes",
    "paris",    "plan",     "second",    "short",    "summer", "sure",     "that",
    "the",      "third",    "though",    "time",     "to",     "true",     "was",
    "winter",   "with",     "without",   "wrong",    "year",   NULL};
static const char *const *const vocabulary[] = {special_words, function_words, adverbs,
                                                people,        topics,         good_words,
                                                bad_words};

/* How a person is introduced, and how others refer back to him. */
static const char *const ordinals[] = {"one", "another", "a third", "a fourth",
                                       "a fifth"};
static const char *const references[] = {"the first", "the second", "the third",
                                         "the fourth", "the fifth"};
static const char *const negators[] = {"not", "never", "hardly", "far from",
                                       "anything but", NULL};
static const char *const openers[] = {"to be honest ,", "in short ,",
                                      "on monday ,",    "last summer ,",
                                      "after lunch ,",  "in june ,", NULL};
static const char *const closers[] = {"on friday", "last winter",   "with my cousin",
                                      "in paris",  "with my friends", "after all", NULL};
/* Negative words that negate nothing about the opinion. */
static const char *const idle_openers[] = {"not long ago ,", "not for the first time ,",
                                           "hardly a year ago ,", "with no plan at all ,",
                                           NULL};
static const char *const idle_closers[] = {
    "not for the first time", "never without my cousin", "with hardly any delay",
    "not long ago", NULL};
static const char *const keeping[] = {"it is true that", "it is clear that",
                                      "i am sure that", "everyone agrees that",
                                      "everybody believes that", NULL};
static const char *const flipping[] = {"it is false that", "it is wrong that",
                                       "i doubt that", "nobody agrees that",
                                       "no one believes that", NULL};
static const char *const patterns[] = {"although %a , %m", "even though %a , %m",
                                       "%m , although %a", "%m , even though %a",
                                       "%m , though %a",   "%a , but %m", NULL};

typedef enum node_kind { OPINION, NEGATION, CONTRAST, ATTITUDE, ADJUNCT, TALK } node_kind;

enum { MAX_NODES = 8, MAX_SPEAKERS = 2 + OFR_GRAMMAR_CHAIN };

/* What one person of a TALK says: an opinion of his own, or whom he follows. */
typedef struct turn {
    int follows;          /* index of the turn; -1: `opinion` */
    bool opposes;         /* takes the other side             */
    struct node *opinion;
} turn;

typedef struct node {
    node_kind kind;
    struct node *a, *m;       /* child; CONTRAST: concession and main clause    */
    bool good;                /* OPINION                                        */
    bool flips;               /* ATTITUDE                                       */
    const char *phrase;       /* negator, attitude, or pattern of the contrast  */
    const char *open, *close; /* ADJUNCT: one of them is NULL                   */
    const char *topic, *adjective, *adverb; /* OPINION; adverb may be NULL      */
    int frame;                /* OPINION: which sentence pattern                */
    turn turns[MAX_SPEAKERS]; /* TALK                                           */
    int n_turns, joined;      /* the writer joins turn number `joined`          */
    const char *person;
} node;

typedef struct grammar {
    ofr_sentence *out;
    uint64_t seed, stream, draws;
    node nodes[MAX_NODES];
    int n_nodes;
} grammar;

/* ---- chance --------------------------------------------------------------- */

static int below(grammar *g, int n)
{
    return (int)ofr_rng_below(g->seed, g->stream, g->draws++, (uint32_t)n);
}

static bool chance(grammar *g, double p)
{
    return ofr_rng_uniform(g->seed, g->stream, g->draws++) < p;
}

static const char *pick(grammar *g, const char *const *list)
{
    int n = 0;
    while (list[n])
        n++;
    return list[below(g, n)];
}

static node *new_node(grammar *g, node_kind kind)
{
    OFR_ASSERT(g->n_nodes < MAX_NODES);
    node *x = &g->nodes[g->n_nodes++];
    memset(x, 0, sizeof *x);
    x->kind = kind;
    return x;
}

/* ---- meaning -------------------------------------------------------------- */

static bool tree_value(const node *x)
{
    switch (x->kind) {
    case OPINION: return x->good;
    case NEGATION: return !tree_value(x->a);
    case ATTITUDE: return tree_value(x->a) != x->flips;
    case CONTRAST: return tree_value(x->m);
    case ADJUNCT: return tree_value(x->a);
    case TALK: break;
    }
    bool same = true;
    int who = x->joined;
    for (; x->turns[who].follows >= 0; who = x->turns[who].follows)
        same = same != x->turns[who].opposes;
    return tree_value(x->turns[who].opinion) == same;
}

/* ---- derivation ----------------------------------------------------------- */

/* Every derive function makes a tree of the wanted value.  What else it draws has
 * the same distribution for both values but for the adjectives' polarity, and that
 * is as often for as against the value in all but plain sentences; so no word, and
 * no weighted vote of words, tells the label. */
static node *derive_opinion(grammar *g, bool value, double p_negated)
{
    bool negated = chance(g, p_negated);
    node *x = new_node(g, OPINION);
    x->good = value != negated;
    x->topic = pick(g, topics);
    x->adjective = pick(g, x->good ? good_words : bad_words);
    x->adverb = chance(g, 0.4) ? pick(g, adverbs) : NULL;
    x->frame = below(g, 2);
    if (!negated) return x;
    node *outer = new_node(g, NEGATION);
    outer->phrase = pick(g, negators);
    outer->a = x;
    return outer;
}

static node *derive_adjunct(grammar *g, node *a, double p_idle)
{
    node *x = new_node(g, ADJUNCT);
    bool idle = chance(g, p_idle);
    x->a = a;
    if (chance(g, 0.5))
        x->open = pick(g, idle ? idle_openers : openers);
    else
        x->close = pick(g, idle ? idle_closers : closers);
    return x;
}

static node *derive_attitude(grammar *g, bool value, int depth)
{
    if (depth == 0) return derive_opinion(g, value, 0.3);
    bool flips = chance(g, 0.5);
    node *x = new_node(g, ATTITUDE);
    x->flips = flips;
    x->phrase = pick(g, flips ? flipping : keeping);
    x->a = derive_attitude(g, value != flips, depth - 1);
    return x;
}

static node *derive_contrast(grammar *g, node *m, node *a)
{
    node *x = new_node(g, CONTRAST);
    x->m = m;
    x->a = a;
    x->phrase = pick(g, patterns);
    return x;
}

/* Two people disagree about one thing, others join or oppose one of those before
 * them, and the writer joins somebody.  In full, whom the writer joins has no opinion
 * of his own and joins or opposes somebody who has none either: two or three steps
 * back.  Shorter chains take no or one step. */
static node *derive_talk(grammar *g, bool value, int chain)
{
    node *x = new_node(g, TALK);
    bool side[MAX_SPEAKERS]; /* on the side of the first speaker */
    bool full = chain == OFR_GRAMMAR_CHAIN;

    x->person = pick(g, people);
    x->n_turns = 2 + (full ? 2 + below(g, chain - 1) : below(g, chain + 1));
    x->joined = full ? 3 + below(g, x->n_turns - 3) : x->n_turns - 1;
    if (x->n_turns == 2) x->joined = below(g, 2);
    for (int i = 0; i < x->n_turns; i++) {
        turn *t = &x->turns[i];
        t->follows = i < 2 ? -1 : below(g, i);
        if (full && i == x->joined) t->follows = 2 + below(g, i - 2);
        t->opposes = i >= 2 && chance(g, 0.2);
        side[i] = i < 2 ? i == 0 : side[t->follows] != t->opposes;
    }
    for (int i = 0; i < 2; i++) {
        bool same = side[x->joined] == side[i];
        x->turns[i].opinion = derive_opinion(g, same ? value : !value, full ? 0.3 : 0.1);
    }
    return x;
}

/* One or two attitudes over the main clause of a contrast. */
static node *derive_scope(grammar *g, bool value)
{
    node *m = derive_attitude(g, value, chance(g, 0.75) ? 1 : 2);
    return derive_contrast(g, m, derive_opinion(g, !value, 0.5));
}

static node *derive(grammar *g, int level, int chain, bool value)
{
    node *m;
    switch (level) {
    case 1:
        m = derive_opinion(g, value, 0.0);
        return chance(g, 0.7) ? derive_adjunct(g, m, 0.0) : m;
    case 2: return derive_adjunct(g, derive_opinion(g, value, 0.5), 0.5);
    case 3:
        m = derive_opinion(g, value, 0.5);
        return derive_contrast(g, m, derive_opinion(g, !value, 0.5));
    case 4: return derive_scope(g, value);
    default: return derive_talk(g, value, chain);
    }
}

/* ---- surface -------------------------------------------------------------- */

static void say_text(grammar *g, const char *s, size_t n)
{
    ofr_sentence *out = g->out;
    if (out->len > 0) out->text[out->len++] = ' ';
    OFR_ASSERT(out->len + n + 1 < sizeof out->text);
    memcpy(out->text + out->len, s, n);
    out->len += n;
    out->n_words++;
    for (size_t i = 0; i < n; i++)
        out->n_words += s[i] == ' ';
}

static void say_words(grammar *g, const char *s)
{
    if (s) say_text(g, s, strlen(s));
}

static void say_opinion(grammar *g, const node *x, const char *negator)
{
    if (x->frame == 0) {
        say_words(g, "the");
        say_words(g, x->topic);
        say_words(g, "was");
    } else {
        say_words(g, "i found the");
        say_words(g, x->topic);
    }
    say_words(g, negator);
    say_words(g, x->adverb);
    say_words(g, x->adjective);
}

static void say_turn(grammar *g, const node *x, int i)
{
    const turn *t = &x->turns[i];
    say_words(g, ordinals[i]);
    if (i == 0) say_words(g, x->person);
    if (t->follows >= 0) {
        say_words(g, t->opposes ? "opposes" : "joins");
        say_words(g, references[t->follows]);
        return;
    }
    const node *negated = t->opinion->kind == NEGATION ? t->opinion : NULL;
    const node *o = negated ? negated->a : t->opinion;
    if (i == 0) {
        say_words(g, o->frame ? "called the" : "found the");
        say_words(g, o->topic);
    }
    if (negated) say_words(g, negated->phrase);
    say_words(g, o->adverb);
    say_words(g, o->adjective);
}

static void say_talk(grammar *g, const node *x)
{
    for (int i = 0; i < x->n_turns; i++) {
        say_turn(g, x, i);
        say_words(g, ",");
    }
    say_words(g, "and i join");
    say_words(g, references[x->joined]);
}

static void say(grammar *g, const node *x)
{
    switch (x->kind) {
    case OPINION: say_opinion(g, x, NULL); break;
    case NEGATION: say_opinion(g, x->a, x->phrase); break;
    case ATTITUDE:
        say_words(g, x->phrase);
        say(g, x->a);
        break;
    case ADJUNCT:
        say_words(g, x->open);
        say(g, x->a);
        say_words(g, x->close);
        break;
    case TALK: say_talk(g, x); break;
    case CONTRAST:
        for (const char *p = x->phrase; *p;) {
            size_t n = strcspn(p, " ");
            if (*p == '%')
                say(g, p[1] == 'm' ? x->m : x->a);
            else
                say_text(g, p, n);
            p += n;
            p += *p == ' ';
        }
        break;
    }
}

/* ---- public --------------------------------------------------------------- */

void ofr_grammar_sentence(ofr_sentence *out, int level, int chain, uint64_t seed,
                          uint64_t stream, uint64_t index)
{
    grammar g = {.out = out, .seed = seed};

    OFR_ASSERT(level >= 1 && level <= OFR_GRAMMAR_LEVELS);
    OFR_ASSERT(chain >= 0 && chain <= OFR_GRAMMAR_CHAIN);
    g.stream = ofr_rng_stream(OFR_RNG_DEMO, stream, index);
    memset(out, 0, sizeof *out);
    const node *tree = derive(&g, level, chain, chance(&g, 0.5));
    say(&g, tree);
    say_words(&g, ".");
    out->level = level;
    out->label = tree_value(tree);
}

const char *ofr_grammar_level_name(int level)
{
    static const char *const level_names[] = {"plain", "negation", "contrast", "scope",
                                              "reference"};
    OFR_ASSERT(level >= 1 && level <= OFR_GRAMMAR_LEVELS);
    return level_names[level - 1];
}

const char *ofr_grammar_word(int id)
{
    for (size_t i = 0; i < sizeof vocabulary / sizeof vocabulary[0]; i++)
        for (const char *const *word = vocabulary[i]; *word; word++)
            if (id-- == 0) return *word;
    return NULL;
}
