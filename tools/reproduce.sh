#!/bin/sh
# reproduce.sh - the runs behind docs/RESULTS.md: from scratch, several seeds.
#
#   tools/reproduce.sh DATA VOCAB OUT [TASK...]
#
# DATA holds glue/ and intent/, VOCAB is bert-base-uncased's vocab.txt, OUT
# collects models and results.jsonl (one line per evaluation).  Environment:
# SEEDS ("3 4 5"), SHAPE ("mini"), TRAIN (more options of `offramp train`).
# Finished runs are kept and interrupted ones resumed, so it can be called again.
#
# No choice is made on the texts that are reported: training follows a part of
# the training file (--dev-split) where a task has no test file of its own.
set -eu
[ $# -ge 3 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
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

# one_run TASK SEED: init, train (or resume), evaluate at batch 1 and 32.
one_run()
{
    run=$out/$1-$2
    [ -e "$run.done" ] && return 0
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
            --batch "$batch" --json -q |
            sed "s/^{/{\"train_seed\":$2,\"shape\":\"$shape\",/" >>"$out/results.jsonl"
    done
    rm -rf "$run.init"
    : >"$run.done"
}

for task; do
    for seed in ${SEEDS:-3 4 5}; do
        one_run "$task" "$seed"
    done
done
sh "$(dirname "$0")/results_table.sh" "$out/results.jsonl"
