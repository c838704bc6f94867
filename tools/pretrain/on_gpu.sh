#!/bin/sh
# on_gpu.sh - pretraining on a GPU that is there for minutes only, in three commands.
#
#   on_gpu.sh prepare [OPTIONS] TEXT...   at home: vocabulary and packed tokens
#   on_gpu.sh train   [OPTIONS] [-- ...]  on the machine with the GPU: one call, with an end
#   on_gpu.sh finish  [OPTIONS]           at home: weights in one file, checked, in place
#
# Options (step that reads it, default):
#   --work DIR       folder of all of this (all; pretraining, in the root)
#   --offramp FILE   the program (prepare, finish; build/offramp)
#   --size N         entries of the vocabulary (prepare; 16384)
#   --dev-lines N    lines held out (prepare; 4000)
#   --source TEXT    what the texts are and their licence, for the card (prepare; nothing)
#   --out DIR        what comes back from the machine (train; DIR of --work/out)
#   --minutes N      how long the call may train, compiling included (train; 9)
#   --shard-mib N    largest file that may come back (train; 15)
#   --name NAME      name of the model (train, finish; offramp-small)
#   --from DIR       what came back (finish; DIR of --work/out)
#   --models DIR     where NAME is to be put (finish; models, in the root)
#   --reference FILE states of twenty texts, for a test (finish; tests/parity/NAME.safetensors)
# What follows -- goes to pretrain.py.  PYTHON is the interpreter (python3).
#
# To the machine travel tools/pretrain and DIR/tokens; it needs PyTorch 2 and numpy.  Back
# come OUT/model and OUT/log.jsonl; DIR/run stays there, with the checkpoint.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-python3}
export PYTHONDONTWRITEBYTECODE=1

die()
{
    echo "on_gpu.sh: $*" >&2
    exit 1
}

usage()
{
    sed -n '2,26p' "$0" | sed 's/^# \{0,1\}//' >&2
    exit 2
}

prepare()
{
    [ $# -gt 0 ] || usage
    mkdir -p "$work"
    "$offramp" vocab --size "$size" --out "$work/vocab.txt" "$@"
    "$python" "$here/prepare.py" --offramp "$offramp" --vocab "$work/vocab.txt" \
        --out "$work/tokens" --dev-lines "$dev_lines" --source "$source" --xz "$@"
    du -sk "$work/tokens" | awk '{ printf "%.1f MiB of tokens to travel\n", $1 / 1024 }'
}

# A call that must end: all that is wanted of it is exported, and nothing else is in OUT.
# The rate rises for longer than in a long run: LayerNorm behind the sum, as here, needs
# some hundred steps of it, however few there are.
train()
{
    [ -e "$work/tokens/meta.json" ] || die "no $work/tokens; make them with the step prepare"
    "$python" "$here/pretrain.py" --data "$work/tokens" --out "$work/run" \
        --call-minutes "$minutes" --last-call --device cuda --compile --warmup 0.08 \
        --name "$name" --export "$out/model" --shard-mib "$shard_mib" "$@"
    cp "$work/run/log.jsonl" "$out/log.jsonl"
    ls -l "$out" "$out/model"
}

# Nothing is put in place that offramp does not compute as PyTorch does.
finish()
{
    [ $# -eq 0 ] || usage
    [ -e "$from/model/config.json" ] || die "no $from/model; --from DIR says where it is"
    [ ! -e "$models/$name" ] || die "$models/$name exists; move it away first"
    rm -rf "$work/joined"
    "$python" "$here/store.py" "$from/model" "$work/joined"
    "$python" "$here/parity.py" --model "$work/joined" --offramp "$offramp" --brief \
        --reference "$work/reference" || die 'offramp and PyTorch differ; nothing put in place'
    mkdir -p "$models" "$(dirname "$reference")"
    mv "$work/reference" "$reference"
    mv "$work/joined" "$models/$name"
    if grep -q 'Budget not spent' "$models/$name/README.md"; then
        echo "on_gpu.sh: the budget was not spent; see $models/$name/README.md" >&2
    fi
    echo "$models/$name is in place; its scores: tools/pretrain/scores.sh"
}

[ $# -gt 0 ] || usage
step=$1
shift
case $step in prepare | train | finish) ;; *) usage ;; esac
work=$root/pretraining offramp=$root/build/offramp size=16384 dev_lines=4000 source=''
out='' minutes=9 shard_mib=15 name=offramp-small from='' models=$root/models reference=''
while [ $# -gt 0 ]; do
    case $1 in
    --) shift; break ;;
    --work | --offramp | --size | --dev-lines | --source | --out | --minutes | --shard-mib | \
        --name | --from | --models | --reference)
        [ $# -gt 1 ] || die "$1 needs a value"
        variable=$(echo "${1#--}" | tr - _)
        eval "$variable=\$2"
        shift 2 ;;
    -*) die "$1 is no option; on_gpu.sh alone lists them" ;;
    *) break ;;
    esac
done
out=${out:-$work/out} from=${from:-$work/out}
reference=${reference:-$root/tests/parity/$name.safetensors}
"$step" "$@"
