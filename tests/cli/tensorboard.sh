#!/bin/sh
# train --tensorboard: the event file holds the numbers of the journal, each once, also
# when the run was interrupted.  The file is read by a decoder of its own.
. "$2/tests/cli/common.inc"
make_start start 3
awk 'BEGIN {
    print "review\tverdict"
    for (i = 0; i < 200; i++)
        print (i % 2 ? "the film is " : "very ") (i * i % 7 < 3 ? "good" : "bad") "\t" \
            (i * i % 7 < 3 ? "pos" : "neg")
}' >texts.tsv
set -- --model start --train texts.tsv --text review --label verdict --dev-split 0.2 \
    --joint-epochs 3 --batch 8 --iterations 1 --policy-epochs 2 --threads 1 -q
name=events.out.tfevents.offramp

run train "$@" --out one --tensorboard board/one
exits 0
[ -s board/one/$name ] || complain 'no event file'

# Interrupted as soon as the journal has lines; --resume needs no --tensorboard again.
interrupt two/journal.jsonl train "$@" --out two --tensorboard board/two
run train --resume --out two -q
exits 0
cmp -s one/journal.jsonl two/journal.jsonl || complain 'resuming changes the journal'
[ "$(wc -c <board/one/$name)" -eq "$(wc -c <board/two/$name)" ] ||
    complain 'the resumed run has another event file'

# A folder that asks for events only when the run is over gets all of them.
run train --resume --out two --tensorboard board/late -q
exits 0

if command -v python3 >/dev/null 2>&1; then
    for run in one two late; do
        journal=$run/journal.jsonl
        [ $run = late ] && journal=two/journal.jsonl
        python3 "$source_dir/tests/cli/tfevents.py" board/$run/$name $journal >$run.txt ||
            complain "board/$run"
    done
    cmp -s one.txt two.txt || complain 'other events after an interruption'
    cmp -s one.txt late.txt || complain 'other events when asked for late'
    for tag in joint/loss policy/lr joint/grad_norm evaluation/score evaluation/mean_exit_layer \
        evaluation/policy_entropy evaluation/layer_accuracy/3 memorize/mean_hardness; do
        grep -q "^[0-9]* $tag " one.txt || complain "no $tag"
    done
else
    echo 'skip decoding: no python3'
fi

: >file
run train "$@" --out three --tensorboard file
fails 2 ' train' '--tensorboard file is a file, expected a directory'
finish
