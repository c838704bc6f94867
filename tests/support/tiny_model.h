/* tiny_model.h - a small random model directory, made on the spot. */
#ifndef OFR_TESTS_TINY_MODEL_H
#define OFR_TESTS_TINY_MODEL_H

#include <stdint.h>

enum { TINY_WORDS = 40, TINY_CLASSES = 3, TINY_LAYERS = 4, TINY_CHANNELS = 32 };

/* Four layers of 32 channels, 64 positions, classes red, green, blue; heads and
 * policies loud enough that texts differ.  `rule`, `threshold` and `max_tokens` are
 * stored. */
void support_tiny_model(const char *dir, const char *rule, double threshold,
                        int max_tokens);

/* The same with the last layer's classifier alone; that and the policies. */
void support_tiny_plain(const char *dir);
void support_tiny_policies(const char *dir);

/* For a whole test program: a group setup of cmocka that makes a model with rule
 * policy at 0.5 and 16 tokens, and where it is. */
int support_tiny_setup(void **state);
const char *support_tiny_dir(void);

/* Text i: a few words of its vocabulary, i % 12 of them; returns out. */
const char *support_tiny_text(char out[128], uint64_t i);

#endif
