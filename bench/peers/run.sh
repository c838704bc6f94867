#!/bin/sh
# run.sh [--quick] [--build DIR] [--out DIR] - everything that docs/PERFORMANCE.md shows,
# in one run on this machine.  See README.md beside this file.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$root/build-peers
out=""
quick=""
while [ $# -gt 0 ]; do
    case $1 in
    --quick) quick=--quick ;;
    --build) build=$2; shift ;;
    --out) out=$2; shift ;;
    *) echo "usage: run.sh [--quick] [--build DIR] [--out DIR]" >&2; exit 2 ;;
    esac
    shift
done
mkdir -p "$build"
build=$(cd "$build" && pwd)
# A quick run shows that everything works; its numbers do not go into the documents.
document=""
if [ -z "$out" ]; then
    out=$build/quick
    [ -n "$quick" ] || { out=$root/bench/results; document=$root/docs/PERFORMANCE.md; }
fi
mkdir -p "$out"
data=${OFFRAMP_DATA:-$root/../shared/data}
vocab=${OFFRAMP_VOCAB:-$root/../shared/vocab}/bert-base-uncased.txt
python=${PYTHON:-/usr/bin/python3}
offramp=${OFFRAMP:-$root/build/offramp}
records=$build/performance.jsonl

# ---- what is needed -------------------------------------------------------------
[ -n "${OFFRAMP:-}" ] || (cd "$root" && ./run build) >&2
for command in node npm "$python"; do
    command -v "$command" >/dev/null || {
        echo "run.sh: $command is missing; apt-get install nodejs npm python3-torch" >&2
        exit 1
    }
done
"$python" -c 'import torch, numpy' 2>/dev/null || {
    echo "run.sh: $python has no torch; apt-get install python3-torch" >&2
    exit 1
}
if [ ! -d "$build/node_modules/onnxruntime-node" ]; then
    # --ignore-scripts: without the libraries for GPUs, which its script would fetch.
    (cd "$build" && npm install --ignore-scripts --no-audit --no-fund onnxruntime-node)
fi
if [ ! -f "$vocab" ]; then # ids are what counts; real texts need the real one
    vocab=$build/vocab.txt
    awk 'BEGIN { print "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]"
        for (i = 5; i < 30522; i++) print "w" i }' >"$vocab"
fi

# ---- the others -----------------------------------------------------------------
: >"$records"
drive()
{
    "$python" -B "$here/drive.py" --offramp "$offramp" --build "$build" --out "$records" \
        --vocab "$vocab" --data "$data" $quick "$@"
}
drive check shapes texts cold

# ---- offramp alone --------------------------------------------------------------
bench()
{
    echo "offramp bench $*" >&2
    "$offramp" bench --json "$@" >>"$records"
}
few=5
[ -z "$quick" ] || few=2
bench --peaks --threads 1,2
for shape in small base; do
    model=$build/$shape
    # Leaving early: all at one layer, and drawn with a mean of L/2; every layer whole,
    # and in halves.
    for whole in --whole-layers ""; do
        # shellcheck disable=SC2086
        bench --model "$model" --batch 1 --tokens 16,64 --repeat $((few * 4)) \
            --exit-at 1,2,3,4,5,6,7,8,9,10,11,12 $whole
        # shellcheck disable=SC2086
        bench --model "$model" --batch 8,32 --tokens 32 --repeat $few --warmup 1 \
            --exit-at 2,4,6,8,10,12 $whole
        # shellcheck disable=SC2086
        bench --model "$model" --batch 32 --tokens 32 --repeat $((few * 2)) --warmup 2 \
            --exit-mix 1,1,1,1,1,2,1,1,1,1,1,0 $whole
    done
    # A part of the texts leaves at every layer: what asking halfway brings.
    for part in 0.1 0.4; do
        mix=$(awk -v p="$part" 'BEGIN {
            for (rest = 1; l++ < 11; rest *= 1 - p) printf "%.5f,", rest * p
            printf "%.5f", rest }')
        for setting in "1 16" "1 64" "8 32" "32 32"; do
            # In turn, three times; the table takes the fastest.
            for whole in --whole-layers "" --whole-layers "" --whole-layers ""; do
                # shellcheck disable=SC2086
                bench --model "$model" --batch ${setting% *} --tokens ${setting#* } \
                    --texts 32 --repeat 3 --warmup 4 --exit-mix "$mix" $whole
            done
        done
    done
    # What regrouping brings to a stream.
    bench --model "$model" --batch 8,32 --tokens 24 --texts 128 --repeat $few --warmup 1 \
        --exit-mix 8,8,4,4,2,2,1,1,1,1,1,1 --regroup 0,32,64,128
    bench --model "$model" --batch 1,8 --tokens 16,32,64,128 --repeat $few --decide
    bench --model "$model" --batch 1,8 --tokens 16,128 --threads 1,2 --repeat $few --profile
    # Memory: one process each, so that no other model has left its traces.  (The
    # number of warm-ups tells tables.py what a record is for.)
    for precision in f32 f16 int8; do
        bench --model "$model" --precision "$precision" --batch 8 --tokens 128 \
            --repeat 2 --warmup 1
    done
    # What the vectors of each instruction set bring.
    for set in scalar avx2 avx512; do
        OFR_CPU=$set bench --model "$model" --batch 1 --tokens 64 --repeat $few --warmup 2
    done
    # Share of the peak from 128 rows up.
    for setting in "1 128" "8 16,32,64,128"; do
        bench --model "$model" --batch ${setting% *} --tokens ${setting#* } --threads 1,2 \
            --repeat $((few * 3)) --warmup 5
    done
done

# Where this machine keeps its models is nobody's concern.
sed "s#$build/##g; s#$root/##g" "$records" >"$out/performance.jsonl"
# shellcheck disable=SC2086
"$python" -B "$here/tables.py" "$out/performance.jsonl" "$out/performance.md" $document
echo "run.sh: written: $out/performance.jsonl $out/performance.md $document" >&2
