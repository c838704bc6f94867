/* The reference values of the method once more, in double: see there. */
#include "method/test_policy_oracle.c"
