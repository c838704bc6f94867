#!/bin/sh
# Models whose exits are of another kind: what predict says of a saved one is what eval
# wrote down for the same texts, one by one; features knows the students; the tensors.
. "$2/tests/cli/common.inc"
make_start start 4
# A third of the texts says nothing about its label.
awk 'BEGIN {
    split("the film is not very !", w, " ")
    print "review\tverdict"
    for (i = 0; i < 180; i++) {
        line = ""
        for (k = 0; k <= i % 5; k++) line = line w[1 + (i * (k + 3) + k * k) % 6] " "
        good = i * i % 7 < 3
        print line (i % 3 ? (good ? "good" : "bad") : "") "\t" (good ? "pos" : "neg")
    }
}' >texts.tsv
columns='--text review --label verdict'

for method in fastbert hashee; do
    # shellcheck disable=SC2086
    run train --model start --train texts.tsv --dev-split 0.2 $columns --joint-epochs 8 \
        --batch 16 --lr 0.003 --method $method --threads 1 --out $method -q
    exits 0
    rule=speed
    more='--threshold 0.3'
    [ $method = hashee ] && rule=hash more='--threshold -1'
    for threshold in '' "$more"; do
        # shellcheck disable=SC2086
        run eval --model $method --dev texts.tsv $columns --rule $rule $threshold --runs 0 \
            --batch 7 --predictions said.tsv --json -q
        exits 0
        says '"mismatches": 0'
        # shellcheck disable=SC2086
        run predict --model $method texts.tsv --text review --rule $rule $threshold \
            --batch 5 -q
        exits 0
        tail -n +2 said.tsv | cut -f 3,4 >want
        cut -f 1,3 out >got
        cmp -s want got || { complain "$method $threshold: predict is not eval"; diff want got; }
        [ "$(cut -f 2 got | sort -u | wc -l)" -ge 2 ] || complain "$method: all leave at one layer"
    done
done

printf 'the film is good\nbad\n' >lines
run features --model fastbert --input lines --output all.safetensors -q
exits 0
dd if=fastbert/model.safetensors bs=1 skip=8 count=12000 2>/dev/null |
    tr -d '\000-\037\177-\377 ' >out
for tensor in in.weight\":{\"dtype\":\"F32\",\"shape\":\\[128,16\\] query.bias out.weight \
    top.weight 'classifier.weight":{"dtype":"F32","shape":\[2,128\]'; do
    says "offramp.exits.3.student.$tensor"
done
grep -q 'offramp.exits.1.classifier' out && complain 'pooled classifiers beside students'
dd if=hashee/model.safetensors bs=1 skip=8 count=12000 2>/dev/null |
    tr -d '\000-\037\177-\377 ' >out
says 'offramp.tokens.exit_layer":{"dtype":"F32","shape":\[16\]'

# A sweep runs the texts at each value of the knob: from one where nobody leaves early.
# shellcheck disable=SC2086
run sweep --model hashee --dev texts.tsv $columns --json -q
exits 0
grep '"knob": 3,' out >point || complain 'no knob of 3'
grep -q '"mean_exit_layer": 4,' point || { complain 'with 3 more layers nobody leaves early'; cat point; }
[ "$(grep -c '"knob": -*[0-3],' out)" -ge 7 ] || complain 'seven values of the knob'
grep '"knob": 0,' out | grep -q '"random_score": null' || complain 'exits at random'
# shellcheck disable=SC2086
run eval --model hashee --dev texts.tsv $columns --runs 0 --json
depth=$(sed 's/.*"mean_exit_layer": \([0-9.]*\), "n_layers".*/\1/' out)
# shellcheck disable=SC2086
run sweep --model hashee --dev texts.tsv $columns --json -q
grep '"knob": 0,' out | grep -q "\"mean_exit_layer\": $depth," ||
    complain "eval has mean exit $depth, sweep another"

# shellcheck disable=SC2086
run eval --model fastbert --dev texts.tsv $columns --rule hash
fails 2 ' eval' 'table of token exits'
# shellcheck disable=SC2086
run eval --model hashee --dev texts.tsv $columns --rule hash --threshold 0.5
fails 2 ' eval' 'whole number'
# shellcheck disable=SC2086
run eval --model hashee --dev texts.tsv $columns --rule entropy
fails 2 ' eval' 'internal classifiers'
# shellcheck disable=SC2086
run train --model start --train texts.tsv --dev-split 0.2 $columns --method hashee \
    --hash-first 5 --out bad -q
fails 2 ' train' 'hash-first 5'

# An option that has no effect makes no exits of classifiers that nobody trained.
# shellcheck disable=SC2086
run train --model start --train texts.tsv --dev-split 0.2 $columns --method hashee \
    --all-exits --joint-epochs 1 --batch 16 --threads 1 --out claims
exits 0
remarks '--all-exits has no effect with --method hashee'
grep -q '"exits": false' claims/config.json || complain 'exits that were not trained'
grep -q '"layer_accuracy":\[null,null,null,' claims/journal.jsonl ||
    complain 'accuracies of exits that were not trained'
finish
