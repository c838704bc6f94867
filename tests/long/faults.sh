#!/bin/sh
# faults.sh PROGRAM SOURCE [PART/PARTS] - every allocation of the verbs and of training
# runs fails, not a sample of them as in the short tier.  PROGRAM lies in a build with
# tests.
#
# 1/1 is all of them.  3/10 is the third of ten parts: allocations 3, 13, 23, ...; ten
# calls make up the whole, on as many days or machines as one likes.
set -u
OFFRAMP_LONG=${3:-1/1}
export OFFRAMP_LONG
tests=$(dirname "$1")/tests
case $OFFRAMP_LONG in
[1-9]*/[1-9]*) ;;
*) echo "faults: '$OFFRAMP_LONG' is not PART/PARTS, such as 3/10" >&2; exit 2 ;;
esac
[ -x "$tests/test_fault_memory" ] || { echo "skip faults: no tests beside $1"; exit 0; }
failed=0
sh "$2/tests/cli/faults.sh" "$1" "$2" || failed=1
"$tests/test_fault_memory" || failed=1
exit $failed
