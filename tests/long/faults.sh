#!/bin/sh
# faults.sh PROGRAM SOURCE - every allocation of the verbs and of training runs fails, not
# a sample of them as in the short tier.  PROGRAM lies in a build with tests.
set -u
OFFRAMP_LONG=1
export OFFRAMP_LONG
tests=$(dirname "$1")/tests
[ -x "$tests/test_fault_memory" ] || { echo "skip faults: no tests beside $1"; exit 0; }
sh "$2/tests/cli/faults.sh" "$1" "$2" && "$tests/test_fault_memory"
