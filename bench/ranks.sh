#!/bin/sh
# ranks.sh PROGRAM_DIR [SHAPE] [RANKS] [THREADS] - training by several ranks against one.
# The numbers of docs/DISTRIBUTED.md: seconds of a training step with 1 rank of THREADS
# threads and with RANKS ranks of THREADS / RANKS, on the same batches of random words,
# and of the sum of a gradient as long as the shape's.  On a quiet machine.
# PROGRAM_DIR holds offramp and bench_comm: cmake -DOFR_BENCH=ON, or ./run bench.
set -eu
dir=$1
shape=${2:-small}
ranks=${3:-2}
threads=${4:-$(nproc)}
steps=${STEPS:-20}
batch=${BATCH:-32}
case $dir in /*) ;; *) dir=$(pwd)/$dir ;; esac
work=$(mktemp -d "${TMPDIR:-/tmp}/offramp-ranks.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
launch="mpirun -q --oversubscribe --bind-to none -np $ranks"

awk 'BEGIN {
    print "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]"
    for (i = 5; i < 30522; i++) print "w" i
}' >vocab.txt
# Texts of 62 words are 64 tokens.
texts()
{
    awk -v n="$1" 'BEGIN {
        srand(1)
        print "text\tlabel"
        for (i = 0; i < n; i++) {
            line = ""
            for (k = 0; k < 62; k++) line = line "w" int(5 + 30517 * rand()) " "
            print line "\t" (i % 2 ? "a" : "b")
        }
    }'
}
texts $((steps * batch)) >train.tsv
texts 2 >dev.tsv
"$dir/offramp" init -q --shape "$shape" --vocab vocab.txt --out start

# time_of NAME COMMAND...: milliseconds of a step, the middle one of three runs.
time_of()
{
    name=$1
    shift
    for i in 1 2 3; do
        rm -rf run
        "$@" train --model start --train train.tsv --dev dev.tsv --text text --label label \
            --method confidence --joint-epochs 1 --batch "$batch" --save-minutes 0 --out run \
            -q >/dev/null
        sed -n 's/.*"phase":"joint".*"seconds":\([^},]*\).*/\1/p' run/timings.jsonl
    done | sort -n | awk -v name="$name" -v steps="$steps" -v shape="$shape" -v batch="$batch" '
        NR == 2 { printf "%s: shape %s, batch %d x 64 tokens: %.1f ms per step\n", name, shape,
                         batch, 1000 * $1 / steps }'
}
one()
{
    "$dir/offramp" "$@" --threads "$threads"
}
many()
{
    # shellcheck disable=SC2086
    $launch "$dir/offramp" "$@" --threads $((threads / ranks > 0 ? threads / ranks : 1))
}
time_of "1 rank x $threads threads" one
time_of "$ranks ranks x $((threads / ranks)) threads" many
bytes=$("$dir/offramp" info start --json | sed -n 's/.*"parameters": {"total": \([0-9]*\).*/\1/p')
# shellcheck disable=SC2086
$launch "$dir/bench_comm" --mb $((bytes * 4 / 1000000))
