#!/bin/sh
# bindings/python: one file over the shared library, compared with the program.
. "$2/tests/cli/common.inc"
build=$(dirname "$offramp")
python=
for candidate in python3 /usr/bin/python3; do # with numpy, if there is one with it
    "$candidate" -c '' 2>/dev/null || continue
    [ -n "$python" ] || python=$candidate
    "$candidate" -c 'import numpy' 2>/dev/null && python=$candidate && break
done
if [ -z "$python" ]; then
    echo "skip bindings/python: no python3"
    finish
fi
if [ -n "${OFR_SANITIZE:-}" ]; then
    echo "skip bindings/python: $python is not built with $OFR_SANITIZE"
    finish
fi
make_model model

OFFRAMP_PROGRAM=$offramp OFFRAMP_MODEL=$work/model PYTHONDONTWRITEBYTECODE=1 \
    OFFRAMP_LIBRARY=$build/libofframp.so.0 \
    "$python" -W error "$source_dir/bindings/python/test_offramp.py" >out 2>&1 ||
    { complain 'test_offramp.py'; cat out; }
grep 'skipped' out

# A library that is not there: one line that says what to do.
OFFRAMP_LIBRARY=$work/nowhere.so PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=$source_dir/bindings/python "$python" -c '
import offramp
try:
    offramp.version()
except offramp.Error as error:
    print(error.status, error)' >out 2>err
last='a missing library'
says '^NOT_FOUND .*OFFRAMP_LIBRARY.*nowhere.so'
finish
