#!/bin/sh
# compare_tasks.sh - the comparisons behind docs/RESULTS.md: all methods, several
# data sets and seeds, from scratch.
#
#   tools/compare_tasks.sh DATA VOCAB OUT [TASK...]
#
# DATA holds glue/ and intent/, VOCAB is bert-base-uncased's vocab.txt; OUT/TASK/ gets
# the models, records and report of `offramp compare`.  Environment: SEEDS ("1,2,3"),
# SHAPE ("tiny"), METHODS.  A call that was cut short goes on where it was.
#
# Reported are test files where a task has one of its own, else dev files, which are
# not looked at before: knobs are chosen on a held-out part of the training texts.
set -eu
[ $# -ge 3 ] || { sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2; }
data=$1
vocab=$2
out=$3
shift 3
[ $# -gt 0 ] || set -- mcid stackoverflow sst2 mrpc qqp
offramp=${OFFRAMP:-$(dirname "$0")/../build/offramp}
all=consistentee,static,entropy,confidence,pabee,pcee,cosee,deebert,berxit,romebert,fastbert,palbert,hashee,finetune
methods=${METHODS:-$all}
seeds=${SEEDS:-1,2,3}
mkdir -p "$out"
[ -d "$out/start" ] ||
    "$offramp" init --shape "${SHAPE:-tiny}" --vocab "$vocab" --seed 7 --out "$out/start"

# Samples, so that ten trainings of three seeds are an hour or two of one core.
options()
{
    case $1 in
    mcid) echo "--train $data/intent/mcid/train.tsv --test $data/intent/mcid/test.tsv" \
        "--batch 16 --epochs 24 --task-epochs 4" ;;
    stackoverflow) echo "--train $data/intent/stackoverflow/train.tsv" \
        "--test $data/intent/stackoverflow/test.tsv --limit-train 4000 --epochs 6" ;;
    sst2) echo "--data $data/glue/SST-2 --limit-train 6000 --epochs 5" ;;
    mrpc) echo "--data $data/glue/MRPC --limit-train 2000 --epochs 3" ;;
    qqp) echo "--data $data/glue/QQP --limit-train 4000 --epochs 4" ;;
    rte) echo "--data $data/glue/RTE --epochs 5" ;;
    cola) echo "--data $data/glue/CoLA --epochs 5" ;;
    stsb) echo "--data $data/glue/STS-B --epochs 5" ;;
    *)
        echo "compare_tasks: no recipe for '$1'" >&2
        exit 2 ;;
    esac
}

for task; do
    options "$task" >/dev/null # an unknown task is told before any training
done
# ConsistentEE's policies learn from the texts that all choose their knobs on, so that its
# backbone has the same texts as the others'; a few epochs, since they are few.  Its knob is
# the threshold, 20 values as for every method.
for task; do
    # shellcheck disable=SC2046
    "$offramp" compare --methods "$methods" --seeds "$seeds" --task "$task" \
        $(options "$task") --iterations 1 --policy-data dev --policy-epochs 5 \
        --model "$out/start" --out "$out/$task"
done
