#!/bin/sh
# Calibration: a promise kept and stored, one that can not be given, what other verbs say.
. "$2/tests/cli/common.inc"
make_model model

# Labels are what the full model answers, so accuracy at full depth is 1.
awk 'BEGIN {
    split("the film is good bad not very un !", w, " ")
    print "review"
    for (i = 0; i < 2000; i++) {
        line = ""
        for (k = 0; k <= i % 5; k++) line = line w[1 + (i * (2 * k + 3) + int(i / 7) + k) % 9] " "
        print line
    }
}' >texts.tsv
run predict --model model texts.tsv --text review --rule never -q
exits 0
awk -F '\t' '{print $1}' out >answers
{ printf 'review\tverdict\n'; tail -n +2 texts.tsv | paste - answers; } >labelled.tsv
cp model/config.json before.json

run calibrate --model model --data labelled.tsv --text review --label verdict \
    --max-drop 0.05 --rule confidence
fails 1 ' calibrate' 'not possible with this data: 2000 texts, and 5990 are needed'
run calibrate --model model --data labelled.tsv --text review --label verdict \
    --max-drop 1 --bound hoeffding --rule confidence
fails 1 ' calibrate' 'not possible with this data: 2000 texts, and 14979 are needed'
cmp -s before.json model/config.json || complain 'config.json changed without a promise'

run calibrate --model model --data labelled.tsv --text review --label verdict \
    --max-drop 20 --rule confidence --dry-run --json
exits 0
says '"stored": false'
cmp -s before.json model/config.json || complain 'config.json changed by a dry run'

run calibrate --model model --data labelled.tsv --text review --label verdict \
    --max-drop 20 --rule confidence -q
exits 0
says '^model	rule confidence, threshold 0\.[0-9]*: accuracy at most 20 points below'
threshold=$(sed 's/.*threshold \([0-9.]*\):.*/\1/' out)
grep -q "\"threshold\": $threshold" model/config.json || complain 'no threshold stored'
grep -q '"calibration": {' model/config.json || complain 'no guarantee stored'
grep -q '"data_hash": "[0-9a-f]\{16\}"' model/config.json || complain 'no hash stored'
grep -q '"max_drop": 20' model/config.json || complain 'no max_drop stored'

# What was promised, measured on the same texts, and said.
run eval --model model --data labelled.tsv --text review --label verdict --runs 0
exits 0
remarks "calibrated: accuracy at most 20 points below that of the full model, 95 % sure"
run eval --model model --data labelled.tsv --text review --label verdict --runs 0 --json -q
awk 'match($0, /"accuracy": [0-9.]+/) { split(substr($0, RSTART, RLENGTH), a, ": ")
    ok = a[2] > 0.8 && a[2] < 1 } END { exit !ok }' out || complain 'the drop is not below 0.2'
run predict --model model texts.tsv --text review
remarks 'was calibrated'
run info model
says '^guarantee   threshold 0\.[0-9]* of rule .confidence. was calibrated: accuracy at most'
run info model --json
says '"calibration": {"rule": "confidence", "threshold": 0\.[0-9]*, .*"max_drop": 20'
says '"precision": "f32"'
run predict --model model texts.tsv --text review --threshold 0.9
remarks 'is not the calibrated one'
run predict --model model texts.tsv --text review --precision int8
remarks 'precision int8 is not the calibrated one (f32): no guarantee'
run eval --model model --data labelled.tsv --text review --label verdict --runs 0 --max-length 4
remarks 'texts cut to 4 tokens are not the calibrated ones (cut to 12): no guarantee'

# Without labels; another promise replaces the first.
run calibrate --model model --data texts.tsv --text review --max-drop 20 \
    --rule confidence --risk disagreement -q
exits 0
says 'at most 20 % of answers differ'
grep -q '"measured_drop": null' model/config.json || complain 'a drop without labels'
[ "$(grep -c '"calibration"' model/config.json)" -eq 1 ] || complain 'two guarantees'

# Training from it forgets the promise.
cp labelled.tsv dev.tsv
cp labelled.tsv aside.tsv
run train --model model --train labelled.tsv --dev dev.tsv --text review \
    --label verdict --joint-epochs 0 --policy-epochs 1 --iterations 0 --out again
exits 0
remarks 'does not hold for the new one'
grep -q '"calibration"' again/config.json && complain 'a guarantee that does not hold'

# Texts that made the model prove nothing.
run calibrate --model again --data labelled.tsv --text review --label verdict --max-drop 99
fails 2 ' calibrate' 'labelled.tsv: the training of again has learned from these texts'
run calibrate --model again --data dev.tsv --text review --label verdict --max-drop 99
fails 2 ' calibrate' 'dev.tsv: the training of again was followed on these texts'
run calibrate --model again --data aside.tsv --text review --label verdict --max-drop 99 \
    --dry-run
exits 0
grep -q 'never seen' err && complain 'remarks on a training that is known'
run calibrate --model model --data aside.tsv --text review --label verdict --max-drop 99 \
    --rule confidence --dry-run
exits 0
remarks 'model does not say what it was trained on: aside.tsv was taken for texts that'
# Standard input and pipes have no digest, least of all that of a file called "-".
cp aside.tsv in
cp labelled.tsv ./-
cp -r model piped
run calibrate --model piped --dev - --text review --label verdict --max-drop 99 \
    --rule confidence --json
exits 0
says '"data": "standard input", "data_hash": null'
grep -q '"data_hash": null' piped/config.json || complain 'a digest of standard input'
remarks 'standard input is no file .*: it was taken for texts that piped has never seen'
rm ./-
: >in
run quantize --model again --out again-int8 -q
exits 0
run calibrate --model again-int8 --data labelled.tsv --text review --label verdict \
    --max-drop 99
fails 2 ' calibrate' 'labelled.tsv: the training of again-int8 has learned from these'

# What a regression promises is about an error limit.
awk -F '\t' -v OFS='\t' 'NR == 1 { print "review", "stars"; next }
    NR < 300 { print $1, NR % 5 }' labelled.tsv >stars.tsv
cp stars.tsv new.tsv
stars="--text review --label stars"
# shellcheck disable=SC2086
run train --model model --train stars.tsv --dev-split 0.2 $stars --regression \
    --method pabee --joint-epochs 1 --out regression -q
exits 0
# shellcheck disable=SC2086
run calibrate --model regression --data new.tsv $stars --max-drop 20 --error-limit 100 -q
exits 0
says 'full model.s, 95 % sure, errors below 100 counted as right ('
grep -q '"error_limit": 100' regression/config.json || complain 'no error limit stored'
# shellcheck disable=SC2086
run eval --model regression --dev new.tsv $stars --runs 0
remarks '95 % sure, errors below 100 counted as right; no guarantee for the error limit'
run info regression
says '^guarantee .* errors below 100 counted as right; .* limit of the model, 0\.5'
# shellcheck disable=SC2086
run calibrate --model regression --data new.tsv $stars --max-drop 20 --risk disagreement \
    --error-limit 0.5 --json -q
exits 0
says '"error_limit": 0\.5'
run predict --model regression new.tsv --text review
remarks '95 % sure, differences below 0\.5 counted as none$'

# Rounded weights give other answers, for which nothing was promised.
run quantize --model model --out rounded
exits 0
remarks 'does not hold for the new one'
grep -q '"calibration"' rounded/config.json && complain 'a guarantee for rounded weights'

run calibrate --model model --data labelled.tsv --text review --label verdict
fails 2 ' calibrate' 'needs --max-drop'
run calibrate --model model --data labelled.tsv --text review --max-drop 1
fails 2 ' calibrate' 'needs --label'
run calibrate --model model --data labelled.tsv --text review --label verdict \
    --max-drop 1 --rule never
fails 2 ' calibrate' "rule 'never' has no threshold"
run calibrate --max-drop 1
fails 2 ' calibrate' 'needs --model'
run calibrate --model model --data nothing.tsv --text review --label verdict --max-drop 1
fails 3 ' calibrate' 'nothing.tsv'
finish
