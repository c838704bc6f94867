/*
 * default_model.h - the pretrained network that `offramp train` starts from when no
 * --model is given.
 */
#ifndef OFR_CLI_DEFAULT_MODEL_H
#define OFR_CLI_DEFAULT_MODEL_H

#include "base/file.h"

#define OFR_DEFAULT_MODEL "offramp-small"

/* The directory, found from where the program stands: beside the build folder
 * (../models/NAME) or in the installed data folder (../share/offramp/models/NAME).
 * OFR_INVALID: there is none; says what to do instead. */
ofr_status ofr_default_model(char out[OFR_PATH_MAX], ofr_error *err);

#endif
