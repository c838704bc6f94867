/*
 * values.h - what may stand behind an option or a verb, for completion.
 *
 * The option tables say it for most rows; options that take a name out of a table
 * of the program (methods, rules, tasks, ...) are known here by their own names.
 */
#ifndef OFR_CLI_VALUES_H
#define OFR_CLI_VALUES_H

#include "cli/cmd.h"

typedef enum ofr_value_kind {
    OFR_VALUE_NONE, /* a flag; a verb without arguments  */
    OFR_VALUE_ANY,  /* numbers, columns, titles          */
    OFR_VALUE_WORD, /* one of the words                  */
    OFR_VALUE_LIST, /* words with commas between         */
    OFR_VALUE_FILE,
    OFR_VALUE_DIR
} ofr_value_kind;

/* WORD and LIST append the words to `words`, each with a blank behind it. */
ofr_value_kind ofr_values_of_option(const ofr_opt *row, ofr_buf *words);
ofr_value_kind ofr_values_of_verb(const ofr_cmd *cmd, ofr_buf *words);

#endif
