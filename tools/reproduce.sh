#!/bin/sh
# reproduce.sh - the runs behind docs/RESULTS.md: from scratch, several seeds.
#
#   tools/reproduce.sh DATA VOCAB OUT [TASK...]
#
# DATA holds glue/ and intent/ (docs/DATA.md), VOCAB is bert-base-uncased's
# vocab.txt.  OUT collects a model and a TASK-SEED.jsonl (one line per evaluation)
# for every run, and results.jsonl, the lines of what was asked for.  Environment:
# SEEDS ("3 4 5"), SHAPE ("mini"), TRAIN (more options of `offramp train`).
# Finished runs are kept and interrupted ones resumed, so it can be called again.
#
# No choice is made on the texts that are reported: training follows a part of
# the training file (--dev-split) where a task has no test file of its own.
set -eu
[ $# -ge 3 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2; }
data=$1
vocab=$2
out=$3
shift 3
[ $# -gt 0 ] || set -- stackoverflow mcid sst2 qqp
offramp=${OFFRAMP:-$(dirname "$0")/../build/offramp}
shape=${SHAPE:-mini}
mkdir -p "$out"

# train_options TASK: files and epochs by the size of the task.
train_options()
{
    case $1 in
    stackoverflow)
        echo "--data $data/intent/stackoverflow --joint-epochs 3 --iterations 1" ;;
    mcid)
        echo "--data $data/intent/mcid --batch 16 --joint-epochs 40" \
            "--task-epochs 4 --iterations 1" ;;
    sst2)
        echo "--train $data/glue/SST-2/train.tsv --dev-split 0.03 --joint-epochs 1" \
            "--iterations 1 --alphas auto" ;;
    qqp)
        echo "--train $data/glue/QQP/train.tsv --dev-split 0.05 --joint-epochs 4" \
            "--iterations 1" ;;
    *)
        echo "reproduce: no recipe for '$1'" >&2
        exit 2 ;;
    esac
}

report_file()
{
    case $1 in
    stackoverflow | mcid) echo "$data/intent/$1/test.tsv" ;;
    sst2) echo "$data/glue/SST-2/dev.tsv" ;;
    qqp) echo "$data/glue/QQP/dev.tsv" ;;
    esac
}

# one_run TASK SEED: init, train (or resume), evaluate at batch 1 and 32.  The file
# takes its name when both lines are in it, and says that the run is done.
one_run()
{
    run=$out/$1-$2
    [ -e "$run.jsonl" ] && return 0
    if [ -d "$run" ]; then
        "$offramp" train --resume --out "$run"
    else
        "$offramp" init --shape "$shape" --vocab "$vocab" --seed "$2" --out "$run.init" --force
        # shellcheck disable=SC2046,SC2086
        "$offramp" train --model "$run.init" --task "$1" $(train_options "$1") \
            --seed "$2" --out "$run" ${TRAIN:-}
    fi
    for batch in 1 32; do
        "$offramp" eval --model "$run" --task "$1" --dev "$(report_file "$1")" \
            --batch "$batch" --json -q >"$run.batch-$batch"
    done
    sed "s/^{/{\"train_seed\":$2,\"shape\":\"$shape\",/" \
        "$run.batch-1" "$run.batch-32" >"$run.tmp"
    mv "$run.tmp" "$run.jsonl"
    rm -rf "$run.init" "$run.batch-1" "$run.batch-32"
}

for task; do
    train_options "$task" >/dev/null # an unknown task is told before any training
done
: >"$out/results.tmp"
for task; do
    for seed in ${SEEDS:-3 4 5}; do
        one_run "$task" "$seed"
        cat "$out/$task-$seed.jsonl" >>"$out/results.tmp"
    done
done
mv "$out/results.tmp" "$out/results.jsonl"
sh "$(dirname "$0")/results_table.sh" "$out/results.jsonl"
