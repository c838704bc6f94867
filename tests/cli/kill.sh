#!/bin/sh
# Training that is killed at chosen events (in a step, in the middle of a checkpoint,
# between its rename and its sync, while the model is saved), stopped by signals in every
# phase, out of disk, diverged: --resume leaves the bits of a run that was left alone.
. "$2/tests/cli/common.inc"
faulty=$(dirname "$offramp")/tests/offramp_faults
[ -x "$faulty" ] || { echo "skip kill: $faulty is not built"; exit 0; }
make_start start 2
make_texts 60 >texts.tsv
data="--train texts.tsv --text review --label verdict --dev-split 0.2 --threads 1 -q"
how="--joint-epochs 2 --policy-epochs 1 --task-epochs 1 --iterations 1 --batch 16
--policy-batch 8 --lr 0.005 --save-steps 2 --dropout 0.1 --attention-dropout 0.1
--head-dropout 0.1"
hard="--gradient reinforce --task-loss sampled --hardness forgetting --alphas 0.01,0.1"

# train FAULT ARGUMENTS: in ./run; leaves trace, out, err and $code.
train()
{
    fault=$1
    shift
    last="offramp train $* ($fault)"
    # shellcheck disable=SC2086
    OFFRAMP_FAULT=$fault OFFRAMP_TRACE=trace "$faulty" train --model start $data $how "$@" \
        --out run >out 2>err
    code=$?
}

# Go on, or start again when not even the options had been written.
resume()
{
    if [ -f run/train.json ]; then
        run train --resume --out run -q
    else
        train '' "$@"
    fi
    exits 0
}

# same: ./run is ./whole, whatever takes part in answers and reports.
same()
{
    for file in model.safetensors config.json journal.jsonl predictions.dev.tsv README.md \
        train.json vocab.txt; do
        cmp -s "run/$file" "whole/$file" || complain "$last: another $file"
    done
    left=$(find run -name '*.tmp')
    [ -z "$left" ] || complain "$last: left behind: $left"
}

# event N PATTERN: the number of the Nth event that looks like that.
event()
{
    grep -n "$2" whole.trace | sed -n "$1p" | cut -d : -f 1
}

# step PHASE: the event that writes the second journal line of a phase.
step()
{
    line=$(grep -n "\"event\":\"step\",\"phase\":\"$1\"" whole/journal.jsonl |
        sed -n 2p | cut -d : -f 1)
    event "$line" '^write run/journal.jsonl '
}

# whole ARGUMENTS: the run that is left alone.
whole()
{
    rm -rf run whole
    train '' "$@"
    exits 0
    mv trace whole.trace
    mv run whole
}

# Before a checkpoint takes its name, the journal that it counts is on the disk, and so
# is the checkpoint.
order()
{
    awk '
        $1 == "write" && $2 == "run/journal.jsonl" { journal = 1 }
        $1 == "sync" && $2 == "run/journal.jsonl" { journal = 0 }
        $1 == "write" { dirty[$2] = 1 }
        $1 == "sync" { dirty[$2] = 0 }
        $1 == "rename" && $3 ~ /state.safetensors$/ { n++; if (journal) bad++ }
        $1 == "rename" && dirty[$2] { bad++ }
        $1 == "rename" { names++ }
        $1 == "open" && $2 ~ /\/\.$/ { folders++ }
        END { exit bad || n < 5 || folders < names }' whole.trace ||
        complain "$last: files take their names before their bytes are safe"
}

# kill_at EVENT ARGUMENTS
kill_at()
{
    at=$1
    shift
    rm -rf run
    train "kill:$at" "$@"
    exits 137
    resume "$@"
    same
}

# signal_at NAME EXIT EVENT ARGUMENTS
signal_at()
{
    name=$1
    expected=$2
    at=$3
    shift 3
    rm -rf run
    train "$name:$at" "$@"
    exits "$expected"
    remarks "^offramp train: interrupted.*continue with: offramp train --resume --out run$"
    resume "$@"
    same
    rm -rf run
    train "$name:$at,int:$((at + 1))" "$@" # the second one ends it at once
    [ "$code" -gt 128 ] || complain "$last: exit $code after two signals"
    [ ! -s err ] || complain "$last: words after the second signal"
    resume "$@"
    same
}

# ---- ConsistentEE: sampled exits, dropout, a sweep of prices ----
# shellcheck disable=SC2086
whole $hard
order
checkpoint='run/checkpoint/state.safetensors'
# shellcheck disable=SC2046,SC2086
for at in 3 $(event 2 "^write $checkpoint") $(event 3 "^sync $checkpoint") \
    $(event 4 "^rename $checkpoint") $(event 9 '^sync run/checkpoint/\.') \
    $(event 2 '^write run/model.safetensors') $(event 1 '^rename run/config.json') \
    $(event 1 '^sync run/README.md'); do
    kill_at "$at" $hard
done
for phase in joint policy task; do
    # shellcheck disable=SC2086
    signal_at int 130 "$(step $phase)" $hard
done
# shellcheck disable=SC2086
signal_at term 143 "$(step joint)" $hard

# ---- the disk fills, writes fail, memory runs out ----
# fail_at FAULT WORDS ARGUMENTS
fail_at()
{
    fault=$1
    words=$2
    shift 2
    rm -rf run
    train "$fault" "$@"
    exits 1
    remarks "^offramp train: .*$words"
    resume "$@"
    same
}
n_writes=$(grep -c '^write' whole.trace)
n_memory=$(sed -n 's/^memory //p' whole.trace)
# shellcheck disable=SC2086
{
    fail_at "write:1" 'train.json: cannot write: No space left on device; make room' $hard
    fail_at "write:3" 'No space left on device; make room.*no checkpoint was written' $hard
    fail_at "write:$((n_writes / 2))+" \
        "make room on that disk; then continue .* with: offramp train --resume --out run" $hard
    fail_at "write:$((n_writes - 1))" "No space.*then continue" $hard
    fail_at "sync:9" "Input/output error.*then continue" $hard
    fail_at "rename:4" "Permission denied.*then continue" $hard
    for part in 2 3 5 7 9; do # tenths of the allocations of the run
        fail_at "memory:$((n_memory * part / 10))" 'out of memory' $hard
    done
    fail_at "memory:$((n_memory - 5))+" 'out of memory' $hard
}

# ---- what is found before the work ----
rm -rf run
train room:20000
exits 1
remarks '^offramp train: run: 0\.0 MB are free on that disk, the run needs 0\.[0-9]* MB'
[ ! -s run/journal.jsonl ] || complain 'there was no room, and it trained'
for what in open write; do
    train "$what:$(grep "^$what " whole.trace | grep -n state.safetensors | head -n 1 |
        cut -d : -f 1)+"
    exits 1
    [ "$what" = write ] || [ ! -s run/journal.jsonl ] ||
        complain "$last: it could not write, and it trained"
    rm -rf run
done
mkdir closed
chmod 755 . start
chmod 644 start/* texts.tsv
chmod 555 closed
nobody='' # root may write everywhere
[ "$(id -u)" -ne 0 ] || nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
# shellcheck disable=SC2086
if $nobody "$offramp" --version >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    $nobody "$offramp" train --model start $data $how --out closed/run >out 2>err
    code=$?
    last='offramp train --out closed/run'
    fails 1 ' train' 'closed/run: cannot create the directory: Permission denied; choose'
else
    echo 'skip read-only folder: root may write everywhere, and setpriv does not run offramp'
fi

# ---- a disk that is full for a while ----
mkdir small
trap 'umount "$work/small" 2>/dev/null; rm -rf "$work"' EXIT
if mount -t tmpfs -o size=2m none small 2>/dev/null; then
    rm -rf run
    ln -s small run
    # shellcheck disable=SC2086
    train "kill:$(step policy)" $hard
    exits 137
    dd if=/dev/zero of=small/filler bs=64k >/dev/null 2>&1
    run train --resume --out run -q
    fails 1 ' train' 'run: 0\.0 MB are free on that disk, the run needs 0\.[0-9]* MB; make room'
    rm small/filler
    # shellcheck disable=SC2086
    resume $hard
    same
    umount small
else
    echo 'skip a full disk: mounting a tmpfs is not permitted'
fi

# ---- sizes of files are limited: an error, no signal ----
rm -rf run
(
    ulimit -f 20
    # shellcheck disable=SC2086
    exec "$offramp" train --model start $data $how $hard --out run
) >out 2>err
code=$?
last='ulimit -f; offramp train'
exits 1
remarks 'File too large; raise the limit'
# shellcheck disable=SC2086
resume $hard
same

# ---- a folder that holds an older run: its checkpoint is not taken for the new one ----
rm -rf run
train ''
exits 0
# shellcheck disable=SC2086
train '' $hard
fails 2 ' train' 'run: holds config.json already, .*another --out, .*--overwrite'
for at in $(event 1 '^[a-z]* run/train.json') $(event 1 '^write run/journal'); do
    # shellcheck disable=SC2086
    train "kill:$at" --overwrite $hard
    exits 137
    for file in config.json model.safetensors README.md predictions.dev.tsv $checkpoint; do
        [ ! -e "run/${file#run/}" ] || complain "kill:$at: $file of the older run"
    done
done
# shellcheck disable=SC2086
resume $hard
same

# ---- an older model in the folder that is given up: never half of each ----
short='--method entropy --joint-epochs 1'
rm -rf run
# shellcheck disable=SC2086
train '' $short --seed 5
exits 0
mv run older
# Its tokenizer is another one: the words are the other way round.
{
    echo '{"normalizer": {"type": "BertNormalizer"}, "pre_tokenizer": {"type": "BertPreTokenizer"},'
    echo '"post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 2], "sep": ["[SEP]", 3]},'
    awk '{ printf "%s\"%s\": %d", (NR > 1 ? ", " : "\"model\": {\"vocab\": {"), $0,
               (NR > 5 ? 21 - NR : NR - 1) }
        END { print "}}}" }' vocab.txt
} >older/tokenizer.json
cp -r older run
# shellcheck disable=SC2086
train '' $short --overwrite
exits 0
mv trace whole.trace
rm -rf whole
mv run whole
[ ! -e whole/tokenizer.json ] || complain 'the tokenizer of the older model stayed'
cp texts.tsv in
run predict --model older
cp out old.out
run predict --model whole
cp out new.out
cmp -s old.out new.out && complain 'two models that answer alike'
first=$(grep -n '^write run/model.safetensors' whole.trace | tail -n 1 | cut -d : -f 1)
seen=''
for at in 1 $first $(grep -n '^rename' whole.trace | cut -d : -f 1) \
    $(grep -n '^sync run/config' whole.trace | tail -n 1 | cut -d : -f 1) $(wc -l <whole.trace); do
    for step in 0 1; do
        [ $((at + step)) -lt "$(wc -l <whole.trace)" ] || continue
        rm -rf run
        cp -r older run
        # shellcheck disable=SC2086
        train "kill:$((at + step))" $short --overwrite
        exits 137
        cp texts.tsv in
        run predict --model run
        case $code in
        0) if cmp -s out old.out; then
               seen="$seen old"
               diff -r -x '*.tmp' -x lock run older || complain "kill:$((at + step)): not all of the old"
           elif cmp -s out new.out; then seen="$seen new"
           else complain "kill:$((at + step)): a mixture answers"; fi ;;
        3) remarks '^offramp predict: run: holds an unfinished run; finish it with .offramp train --resume --out run'
           seen="$seen unfinished" ;;
        *) complain "kill:$((at + step)): exit $code"; cat err ;;
        esac
        : >in
        # shellcheck disable=SC2086
        if cmp -s run/train.json older/train.json; then
            train '' $short --overwrite
        else
            resume $short
        fi
        same
        [ ! -e run/tokenizer.json ] || complain "kill:$((at + step)): the older tokenizer"
    done
done
case $seen in *old*unfinished*new*) ;; *) complain "kills in saving: $seen" ;; esac

# ---- all is trained, and a signal comes while the model is measured ----
# The last event before the model is written is that of the last checkpoint.
measured=$(grep -n '^[a-z]* run/checkpoint' whole.trace | cut -d : -f 1 |
    awk -v f="$first" '$1 < f { last = $1 } END { print last }')
rm -rf run
# shellcheck disable=SC2086
train "int:$measured" $short
exits 130
remarks "^offramp train: interrupted when all was trained; save the model with: offramp train --resume --out run$"
[ ! -e run/model.safetensors ] || complain 'a model that nobody measured'
# shellcheck disable=SC2086
resume $short
same

# ---- a number that is not finite ----
rm -rf run
train '' --lr 10 --weight-decay 10 --schedule constant --joint-epochs 60 --save-steps 1
exits 1
remarks 'the learning rate is probably too high: start again with a lower --lr.*the last good checkpoint was kept, --overwrite'
sed 's/^offramp train: //' err >first
cp run/checkpoint/state.safetensors kept
run train --resume --out run -q
fails 1 ' train' "$(head -c 40 first)"
cmp -s kept run/checkpoint/state.safetensors || complain 'the good checkpoint was lost'

# ---- another method ----
whole --method fastbert --exit-epochs 1
order
for at in $(event 2 "^write $checkpoint") $(event 3 "^rename $checkpoint"); do
    kill_at "$at" --method fastbert --exit-epochs 1
done

# ---- a comparison: the same command goes on, and a disk that was full is tried again ----
# compare FAULT DIR
compare()
{
    mkdir -p "$2"
    last="offramp compare ($1)"
    (cd "$2" && OFFRAMP_FAULT=$1 OFFRAMP_TRACE=trace "$faulty" compare --methods \
        pabee,static --seeds 1 --model ../start --train ../texts.tsv --test ../others.tsv \
        --text review --label verdict --dev-split 0.25 --epochs 2 --batch 16 --lr 0.005 \
        --resamples 100 --threads 1 -q --out c) >out 2>err
    code=$?
}
cp texts.tsv others.tsv
compare '' whole-c
exits 0
cp whole-c/trace whole.trace
for fault in "kill:$(event 1 '^rename c/runs/static.1/sweep')" \
    "kill:$(event 1 '^write c/runs/pabee.1/records')" "kill:$(event 1 '^rename c/report.json')" \
    "write:$(grep '^write' whole.trace | grep -n 'pabee.1/journal' | sed -n 2p |
        cut -d : -f 1)+" \
    "rename:$(grep '^rename' whole.trace | grep -n ' c/records' | cut -d : -f 1)"; do
    rm -rf c2
    compare "$fault" c2
    case $fault in kill*) exits 137 ;; *) exits 1 ;; esac
    compare '' c2
    exits 0
    for file in records.jsonl report.json report.csv runs/pabee.1/model.safetensors \
        runs/static.1/model.safetensors runs/static.1/journal.jsonl; do
        cmp -s "whole-c/c/$file" "c2/c/$file" || complain "$last after $fault: another $file"
    done
    [ -z "$(find c2 -name '*.tmp')" ] || { complain "$fault: left behind"; find c2 -name '*.tmp'; }
done
finish
