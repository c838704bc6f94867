#!/bin/sh
# kill.sh PROGRAM SOURCE [KILLS] [SEED] [METHOD...] - training that is killed (SIGKILL)
# at random moments and resumed, again and again, until it ends: weights, configuration,
# journal, answers and card must be those of a run that was left alone, bit for bit.
# KILLS (50) are dealt for each method; a run is killed up to three times.  The same
# seed draws the same moments; where they fall depends on the machine.
set -u
program=$1
source_dir=$2
kills=${3:-50}
seed=${4:-1}
[ $# -ge 4 ] && shift 4 || set --
methods=${*:-consistentee fastbert}
set -- "$program" "$source_dir"
. "$source_dir/tests/cli/common.inc"
make_start start 3
make_texts 300 >texts.tsv
data="--train texts.tsv --text review --label verdict --dev-split 0.2 --threads 1 -q"
how="--joint-epochs 4 --policy-epochs 3 --task-epochs 2 --exit-epochs 3 --iterations 2
--tolerance 0 --batch 8 --policy-batch 8 --lr 0.003 --save-steps 3 --dropout 0.1
--attention-dropout 0.1 --head-dropout 0.1"
hard="--gradient reinforce --task-loss sampled --hardness forgetting --alphas 0.01,0.1"

clock()
{
    date +%s%N
}

# random N: seconds between 0 and the length of the whole run, the Nth draw.
random()
{
    awk -v seed="$seed" -v n="$1" -v most="$length" 'BEGIN {
        srand(seed * 100003 + n); rand(); printf "%.4f\n", rand() * most / 1e9 }'
}

# begin: in the background; the first time with all options.
begin()
{
    if [ -f run/train.json ]; then
        "$offramp" train --resume --out run -q --threads 1 >out 2>err &
    else
        # shellcheck disable=SC2086
        "$offramp" train --model start $data $how $extra --out run >out 2>err &
    fi
    pid=$!
}

# where: what a killed run was doing.
where()
{
    if find run -name '*.tmp' 2>/dev/null | grep -q .; then
        echo saving
    elif [ -s run/journal.jsonl ]; then
        tail -n 1 run/journal.jsonl | sed -n 's/.*"phase":"\([a-z]*\)".*/\1/p' | grep . ||
            echo unknown
    else
        echo start
    fi
}

same()
{
    for file in model.safetensors config.json journal.jsonl predictions.dev.tsv README.md \
        train.json; do
        cmp -s "run/$file" "whole/$file" || complain "$method: another $file after $history"
    done
    find run -name '*.tmp' | grep . && complain "$method: files left behind"
}

for method in $methods; do
    extra="--method $method"
    [ "$method" = consistentee ] && extra="$extra $hard"
    rm -rf run whole places
    before=$(clock)
    begin
    wait $pid || { complain "$method: the whole run failed"; cat err; continue; }
    length=$(($(clock) - before))
    mv run whole
    n=0
    draws=0
    runs=0
    while [ "$n" -lt "$kills" ]; do
        rm -rf run
        runs=$((runs + 1))
        history=''
        while [ "$n" -lt "$kills" ] && [ "$(echo "$history" | wc -w)" -lt 3 ]; do
            draws=$((draws + 1))
            begin
            sleep "$(random $draws)"
            kill -9 $pid 2>/dev/null
            wait $pid 2>/dev/null
            code=$?
            [ "$code" -eq 137 ] || break # it was over before
            n=$((n + 1))
            place=$(where)
            echo "$place" >>places
            history="$history $place"
        done
        begin
        wait $pid || { complain "$method: not resumed after $history"; cat err; }
        same
        if [ "$draws" -gt $((20 * kills + 100)) ]; then
            complain "$method: it ends before it can be killed"
            break
        fi
    done
    echo "$method: $n kills in $runs runs: $(sort places | uniq -c | tr -s ' \n' ' ')"
done
finish
