#!/bin/sh
# fuzz.sh [minutes] [NAME...] - search with the harnesses fuzz_NAME, all of them when
# none is named, so many minutes each (default 2), as many at a time as there are
# processors.  Called by `./run fuzz`.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build-fuzz
found=$build/findings
minutes=2
case ${1:-} in
'' | *[!0-9]*) ;;
*)
    minutes=$1
    shift
    ;;
esac

all=$(cd "$root/fuzz" && ls fuzz_*.c | sed 's/^fuzz_//; s/\.c$//' | grep -v '^file$')
names=${*:-$all}
for name in $names; do
    if [ ! -f "$root/fuzz/fuzz_$name.c" ]; then
        echo "run fuzz: no harness '$name'; there are:" $all >&2
        exit 2
    fi
done

cmake -S "$root" -B "$build" -G Ninja -Wno-dev -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_COMPILER=clang -DCMAKE_C_FLAGS_DEBUG="-O1 -g" \
    -DOFR_SANITIZE=address,undefined -DOFR_FUZZ=ON >"$build.log" 2>&1 || {
    cat "$build.log" >&2
    exit 1
}
rm -f "$build.log"
cmake --build "$build" --target fuzzers >&2
mkdir -p "$found" "$build/log"

# Longest input: enough for every part that a harness takes.
longest()
{
    case $1 in
    model | record) echo 16384 ;;
    tok | svg) echo 8192 ;;
    *) echo 4096 ;;
    esac
}

# What the search adds stays in the build folder; fuzz/corpus/NAME is only read.
search()
{
    mkdir -p "$build/corpus/$1"
    "$build/fuzz/fuzz_$1" -max_total_time=$((minutes * 60)) -max_len="$(longest "$1")" \
        -rss_limit_mb=2048 -timeout=60 -report_slow_units=60 -print_final_stats=1 \
        -artifact_prefix="$found/$1-" "$build/corpus/$1" "$root/fuzz/corpus/$1" \
        >"$build/log/$1" 2>&1 </dev/null || true
}

# One line: executions, coverage, size of the corpus, findings.
report()
{
    log=$build/log/$1
    cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    inputs=$(ls "$build/corpus/$1" "$root/fuzz/corpus/$1" | grep -c '^[^/]*[^:/]$')
    findings=$(ls "$found" | grep -c "^$1-" || true)
    printf '%-12s %10s executions  coverage %6s  corpus %5d inputs  %d findings\n' "$1" \
        "${count:-no}" "${cover:-?}" "$inputs" "$findings"
}

workers=$(nproc)
running=0
started=
for name in $names; do
    search "$name" &
    started="$started $name"
    running=$((running + 1))
    if [ "$running" -eq "$workers" ]; then
        wait
        for one in $started; do report "$one"; done
        running=0
        started=
    fi
done
wait
for one in $started; do report "$one"; done

# A harness that did not start counts as a finding, too: it has no statistics.
status=0
for name in $names; do
    if ! grep -q '^stat::number_of_executed_units' "$build/log/$name"; then
        echo "run fuzz: $name stopped early; its output: $build/log/$name" >&2
        status=1
    fi
done
if [ -n "$(ls "$found")" ]; then
    status=1
    echo "run fuzz: findings in $found:" >&2
    ls "$found" | sed 's/^/    /' >&2
    echo "run fuzz: see one again: $build/fuzz/fuzz_NAME $found/FILE" >&2
    echo "run fuzz: when mended: mv $found/FILE fuzz/corpus/NAME/regress-WHAT" >&2
fi
exit "$status"
