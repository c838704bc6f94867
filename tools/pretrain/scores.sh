#!/bin/sh
# scores.sh MODEL OUT [TASK...] - what pretraining is worth: the full model fine-tuned,
# beside the same shape from random weights; the table goes into MODEL's card.
#
# OUT gets a record per task, seed and start; a call that was cut short goes on where it
# was, finished records are kept.  Environment: OFFRAMP (the program), OFFRAMP_DATA (folder
# with glue/ and intent/; ../shared/data), SEEDS ("1 2 3"), LR (pretrained; 2e-4), TRAIN
# (more options of `offramp train`; they are named in the card), PYTHON.
#
# Scores are on dev files.  Nothing is chosen on them: learning rates and epochs are fixed
# here, the last weights count, and both starts get the same epochs.
set -eu
[ $# -ge 2 ] || { sed -n '2,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
model=$1
out=$2
shift 2
[ $# -gt 0 ] || set -- rte mrpc sst2 qqp qnli snli cola stsb stackoverflow mcid
offramp=${OFFRAMP:-$root/build/offramp}
data=${OFFRAMP_DATA:-$root/../shared/data}
seeds=${SEEDS:-1 2 3}

# Folder and epochs by the number of texts; what is a subset there is one here.
options()
{
    case $1 in
    rte) echo "--data $data/glue/RTE --joint-epochs 10" ;;
    mrpc) echo "--data $data/glue/MRPC --joint-epochs 8" ;;
    sst2) echo "--data $data/glue/SST-2 --joint-epochs 2" ;;
    qqp) echo "--data $data/glue/QQP --joint-epochs 4" ;;
    qnli) echo "--data $data/glue/QNLI --joint-epochs 6" ;;
    snli) echo "--data $data/glue/SNLI --joint-epochs 5" ;;
    cola) echo "--data $data/glue/CoLA --joint-epochs 6" ;;
    stsb) echo "--data $data/glue/STS-B --joint-epochs 8" ;;
    stackoverflow) echo "--data $data/intent/stackoverflow --joint-epochs 4" ;;
    mcid) echo "--data $data/intent/mcid --joint-epochs 24 --batch 16" ;;
    *)
        echo "scores.sh: no recipe for '$1'" >&2
        exit 2 ;;
    esac
}

# Records of other weights are not mixed with these.
mkdir -p "$out"
cat "$model"/*.safetensors | sha256sum | cut -d ' ' -f 1 >"$out/weights.new"
if [ -e "$out/weights" ] && ! cmp -s "$out/weights" "$out/weights.new"; then
    echo "scores.sh: $out belongs to other weights than those of $model; give another" >&2
    exit 1
fi
mv "$out/weights.new" "$out/weights"

# start_of KIND SEED RUN: the options of train that say where it begins.
start_of()
{
    if [ "$1" = pretrained ]; then
        echo "--model $model --lr ${LR:-2e-4}"
    else
        "$offramp" init -q --config "$model/config.json" --vocab "$model" --seed "$2" \
            --out "$3.init" --force
        echo "--model $3.init"
    fi
}

# one TASK SEED KIND: a record, from a new run or the rest of an old one.
one()
{
    run=$out/$1-$2-$3
    [ -s "$run.json" ] && return 0
    echo "$1, seed $2, $3" >&2
    if [ -d "$run/checkpoint" ]; then
        "$offramp" train -q --resume --out "$run"
    else
        recipe=$(options "$1")
        start=$(start_of "$3" "$2" "$run")
        # shellcheck disable=SC2086
        "$offramp" train -q --method finetune --task "$1" $recipe $start --seed "$2" \
            --out "$run" --overwrite ${TRAIN:-}
    fi >"$run.log"
    "$offramp" eval -q --json --model "$run" --task "$1" --data "$(data_of "$1")" \
        --rule never --runs 0 --batch 32 >"$run.tmp"
    mv "$run.tmp" "$run.json"
    rm -rf "$run" "$run.init" "$run.log"
}

data_of()
{
    options "$1" | sed 's/^--data \(.*\) --joint-epochs.*/\1/'
}

for task; do
    options "$task" >/dev/null
    [ -d "$(data_of "$task")" ] || {
        echo "scores.sh: $task: no $(data_of "$task"); OFFRAMP_DATA says where data is" >&2
        exit 1
    }
done
for task; do
    for seed in $seeds; do
        for kind in scratch pretrained; do
            one "$task" "$seed" "$kind"
        done
    done
    # After each task, so that a long call shows what it has.
    "${PYTHON:-python3}" "$here/scores_table.py" "$model" "$out" "${TRAIN:-}"
done
