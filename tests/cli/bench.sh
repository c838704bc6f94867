#!/bin/sh
# `offramp bench`: every kind of record, lists, exits, lines of settings, errors.
. "$2/tests/cli/common.inc"
make_model model

run bench --model model --batch 1,3 --tokens 4,12 --threads 1,2 --repeat 2 --warmup 1 --json
exits 0
[ "$(wc -l <out)" -eq 8 ] || complain "$last: $(wc -l <out) records for 8 settings"
[ ! -s err ] || complain "$last: remarks"
for key in commit processor kernels threads precision batch tokens median_ms p95_ms gflops \
    percent_of_peak tokens_per_s peak_bytes weights_bytes repeat warmup seed time; do
    [ "$(grep -c "\"$key\": " out)" -eq 8 ] || complain "$last: key $key"
done
says '"bench": "forward"'
says '"n_layers": 3, "hidden_size": 16'
grep -q samples_ms out && complain "$last: samples though nobody asked"

# Exits: forced, drawn, by a rule.  The histogram has a single layer, so the mean
# is known.
run bench --model model --batch 4 --tokens 5 --exit-at 1,3 --exit-mix 0,1,0 --repeat 1 --json
exits 0
sed 's/.*"exit": "\([a-z]*\)", "mean_exit_layer": \([0-9.]*\),.*/\1 \2/' out >exits
printf '%s\n' 'full 3' 'at 1' 'at 3' 'mix 2' >expected
cmp -s exits expected || { complain "$last: exits"; cat exits; }
run bench --model model --batch 4 --tokens 5 --rule confidence --threshold 0 --exit-at 2 \
    --repeat 1 --json
sed 's/.*"exit": "\([a-z]*\)", "mean_exit_layer": \([0-9.]*\),.*/\1 \2/' out >exits
printf '%s\n' 'full 3' 'rule 1' 'at 2' >expected
cmp -s exits expected || { complain "$last: exits"; cat exits; }

# FLOPs that were done.  A layer on 5 tokens 22080, of which 11520 belong to the other
# half, the classifier 576; whoever leaves halfway, and layer 3, saves the other half.
operations()
{
    sed 's/.*"median_ms": \([0-9.e-]*\).*"gflops": \([0-9.e-]*\).*/\1 \2/' out |
        awk '{ printf "%.0f\n", $1 * $2 * 1e6 }'
}
run bench --model model --batch 4 --tokens 5 --exit-at 1 --repeat 1 --json --whole-layers
exits 0
says '"whole_layers": true'
[ "$(operations | tr '\n' ' ')" = '267264 90624 ' ] ||
    complain "$last: $(operations) operations, expected 4 (3 * 22080 + 576), 4 (22080 + 576)"
run bench --model model --batch 4 --tokens 5 --exit-at 1 --repeat 1 --json
exits 0
[ "$(operations | tr '\n' ' ')" = '221184 44544 ' ] ||
    complain "$last: $(operations) operations, expected 4 * 11520 less in both"

# A stream of 50 texts, waiting or not, leaves at the same layers.
run bench --model model --batch 4 --tokens 5 --texts 50 --regroup 0,30 --repeat 2 --json \
    --exit-mix 1,2,3
exits 0
[ "$(wc -l <out)" -eq 3 ] || complain "$last: full depth, and both ways to regroup"
[ "$(grep '"exit": "mix"' out | sed 's/.*mean_exit_layer": \([0-9.]*\).*/\1/' | sort -u |
    wc -l)" -eq 1 ] || complain "$last: other exits when regrouped"

# Lengths of real texts; random weights of a shape; every time.
printf '3\n12\r\n7\n' >lengths
run bench --model model --batch 2 --lengths lengths --first 1 --texts 3 --repeat 2 --warmup 0 \
    --json --samples
exits 0
says '"real_lengths": true, "first": 1, "texts": 3'
says '"tokens": 7.333'
says '"samples_ms": \[[0-9.]*, [0-9.]*\]'
run bench --shape tiny --batch 1 --tokens 3 --repeat 1 --warmup 0 --md
exits 0
says '^| precision | threads |'
says '^| f32 | '

# Instead of times.
run bench --model model --batch 2 --tokens 3 --repeat 2 --decide --json
exits 0
says '"bench": "decide"'
says '"calls": 4, "layer_ms": '
says '"percent_of_layer": '
run bench --model model --batch 2 --tokens 3 --repeat 2 --profile
exits 0
for part in embeddings 'q, k, v' attention 'MLP up' 'MLP down' 'layer norm' rest; do
    says " $part "
done
run bench --model model --tokens 3,4 --repeat 2 --cold --json
exits 0
[ "$(grep -c '"bench": "cold"' out)" -eq 2 ] || complain "$last: records"
says '"open_ms": [0-9.]*, "first_answer_ms": [0-9.]*, "total_ms": [0-9.]*, "second_answer_ms": [0-9.]*'

run bench --peaks --threads 1 --json
exits 0
says '"bench": "peaks".*"threads": 1, "peak_gflops": [0-9.]*[1-9][0-9.]*, "memory_gbytes_per_s": [0-9]'

# Lines of settings change the others, one after another.
printf 'batch=2 tokens=3\n\nthreads=1 decide=true\n' >in
run bench --model model --batch 1 --tokens 4 --repeat 1 --settings - --json
exits 0
[ "$(wc -l <out)" -eq 2 ] || complain "$last: records"
grep -q '"bench": "forward".*"batch": 2, "tokens": 3,' out || complain "$last: first line"
grep -q '"bench": "decide".*"batch": 1, "tokens": 4,' out || complain "$last: second line"

fails_bench()
{
    run bench "$@"
    fails 2 ' bench' "$pattern"
}
pattern='one of --model DIR and --shape'
fails_bench --tokens 3
fails_bench --model model --shape tiny
pattern="--batch: '0' in the list"
fails_bench --model model --batch 1,0
pattern="--tokens: '' in the list"
fails_bench --model model --tokens 4,
pattern="--precision: 'f64' in the list, expected f32, f16, bf16 or int8"
fails_bench --model model --precision f64
pattern='--tokens 13, the model reads up to 12'
fails_bench --model model --tokens 13
fails_bench --model model --tokens 13 --cold
printf '3\n' >lengths
fails_bench --model model --tokens 13 --lengths lengths --profile
fails_bench --model model --tokens 13 --lengths lengths --decide
pattern='--exit-at 4, the model has 3 layers'
fails_bench --model model --tokens 4 --exit-at 4
pattern='--exit-mix: 2 weights with the sum 2, expected one for each of 3 layers'
fails_bench --model model --tokens 4 --exit-mix 1,1
fails_bench_shape()
{
    run bench --shape "$1"
    fails 2 ' bench' "$1"
}
fails_bench_shape giant
pattern='--threshold needs --rule'
fails_bench --model model --threshold 0.5
fails_bench --model model --threshold 0.5 --decide
fails_bench --model nowhere --threshold 0.5
pattern='one of --decide, --profile, --cold and --peaks'
fails_bench --model model --decide --cold
pattern='is less than a batch of 8'
fails_bench --model model --tokens 4 --texts 4 --batch 8
run bench --model nowhere
fails 3 ' bench' 'nowhere'
printf '3\nmany\n' >lengths
run bench --model model --lengths lengths
fails 4 ' bench' "lengths:2: 'many'"
for word in model=other md=true samples=true settings=other; do
    echo "$word" >in
    run bench --model model --settings -
    fails 2 ' bench' "-:1: '$word'"
done
echo 'decide=true profile=true' >in
run bench --model model --settings -
fails 2 ' bench' 'one of --decide, --profile, --cold and --peaks'

finish
