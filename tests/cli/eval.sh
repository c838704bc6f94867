#!/bin/sh
# Evaluation of a model that knows nothing: keys, arithmetic, files, errors.
. "$2/tests/cli/common.inc"
make_model model

# number KEY: value of a top-level key of the JSON in `out`.
number()
{
    grep -o "\"$1\": [-0-9.e]*" out | head -n 1 | sed 's/.*: //'
}

# holds WHAT EXPRESSION: awk finds it true.
holds()
{
    awk "BEGIN { exit !($2) }" || { complain "$last: $1 ($2)"; cat out; }
}

make_texts 150 >dev.tsv

run eval --model model --dev dev.tsv --text review --label verdict --json -q \
    --rule confidence --threshold 0.85 --runs 3 --predictions p.tsv
exits 0
[ "$(wc -l <out)" -eq 1 ] || complain 'one object, one line'
[ ! -s err ] || complain 'not quiet'
for key in schema_version task metric score score_full mean_exit_layer n_layers \
    saved_layers ms_per_text ms_per_text_full exit_histogram layer_accuracy \
    layer_speedup flops_ratio ms_per_text_p95 exit_accuracy easy hard random_floor \
    fixed_exit; do
    says "\"$key\": "
done
says '"metric": "accuracy"'
says '"task": "dev.tsv"'
says '"n_layers": 3'
says '"n_texts": 150'
says '"mismatches": 0}'
says '"timed_runs": 3'
holds 'milliseconds' "$(number ms_per_text) > 0 && $(number ms_per_text_full) > 0"
cp out all.json

# What the object says follows from the lines of the predictions.
[ "$(wc -l <p.tsv)" -eq 151 ] || complain 'a header and a line per text'
head -n 1 p.tsv >header
printf 'id\tlabel\tprediction\texit_layer\tpi_1\tpi_2\tp_1_0\tp_1_1\tp_2_0\tp_2_1\tp_3_0\tp_3_1\n' \
    >expected
cmp -s header expected || { complain 'header of the predictions'; cat header; }
awk -F '\t' 'NR > 1 { right += $2 == $3; sum += $4; n[$4]++
                      full += $2 == ($11 >= $12 ? "neg" : "pos")
                      l = 1; while (l < 3 && ($(5 + 2 * l) > $(6 + 2 * l) ? $(5 + 2 * l) \
                                                     : $(6 + 2 * l)) <= 0.85) l++
                      wrong += l != $4 }
    END { printf "%d %d %d %d %d %d %d\n", right, full, sum, n[1], n[2], n[3], wrong }' \
    p.tsv >sums
read -r right full sum n1 n2 n3 wrong <sums
holds 'score' "($(number score) - $right / 150) ^ 2 < 1e-12"
holds 'score_full' "($(number score_full) - $full / 150) ^ 2 < 1e-12"
holds 'mean exit' "($(number mean_exit_layer) - $sum / 150) ^ 2 < 1e-12"
holds 'saved' "($(number saved_layers) - 1 + $sum / 450) ^ 2 < 1e-12"
says "\"exit_histogram\": \[$n1, $n2, $n3\]"
[ "$n1" -gt 0 ] && [ "$n3" -gt 0 ] || complain 'the test wants early and late exits'
[ "$wrong" -eq 0 ] || complain "$wrong exits are not where the rule says"

# Exits do not depend on batch, threads or seed; the seed deals the floor's exits out.
cut -f 2-4 p.tsv >expected_exits
score=$(number score)
depth=$(number mean_exit_layer)
floor=$(grep -o '"random_floor": {[^}]*}' out)
run eval --model model --dev dev.tsv --text review --label verdict --json -q \
    --rule confidence --threshold 0.85 --runs 0 --predictions p2.tsv --batch 32 --threads 1 \
    --seed 2
exits 0
cut -f 2-4 p2.tsv | cmp -s - expected_exits || complain 'exits depend on batch, threads or seed'
holds 'score of another batch, threads, seed' "$(number score) == $score"
holds 'depth of another batch, threads, seed' "$(number mean_exit_layer) == $depth"
[ "$(grep -o '"random_floor": {[^}]*}' out)" != "$floor" ] ||
    complain 'two seeds, one random floor'
says '"ms_per_text": null'

# Full depth costs what the full model costs.
run eval --model model --dev dev.tsv --text 0 --label 1 --json -q --rule never --runs 0
exits 0
says '"saved_layers": 0,'
says '"flops_ratio": 1,'
holds 'never' "$(number score) == $(number score_full)"

# The page for people.
run eval --model model --dev dev.tsv --text review --label verdict -q --rule policy \
    --threshold 0.2 --runs 2 --batch 8
exits 0
says '^dev.tsv: 150 texts, rule policy at 0.2, batch 8,'
says '^accuracy  '
says '^saved layers '
says '^ms per text, p95 '
says '^hard half '
says '^one fixed exit for all '

# Truncation is counted.
printf 'review\tverdict\nthe film is very very very very very very very very very good\tpos\nbad\tneg\n' >t.tsv
run eval --model model --dev t.tsv --text review --label verdict --json --runs 0
exits 0
says '"n_truncated": 1'
remarks '1 of 2 texts are longer than 12 tokens'

# So are rows without a label.
printf 'premise\thypothesis\tlabel\ngood\tfilm\tpos\nbad\tfilm\t-\nbad\tgood\tneg\n' >t.tsv
run eval --model model --dev t.tsv --task snli --json --runs 0
exits 0
says '"n_texts": 2, .*"n_bad_rows": 0, "n_unlabelled": 1'
remarks "1 rows with the label '-' were left out"

# Exits that nobody trained say nothing: on the card, in figures, answers and reports.
run train --model model --train dev.tsv --dev-split 0.2 --text review --label verdict \
    --method finetune --joint-epochs 1 --threads 1 --out plain -q
exits 0
grep -q '^| 1 | 0 | not trained |$' plain/README.md || complain 'the card has figures of exit 1'
grep -q '^| 3 | [0-9]* | 0\.[0-9]* |$' plain/README.md || complain 'the card has none of exit 3'
run eval --model plain --dev dev.tsv --text review --label verdict --json -q --runs 0 \
    --predictions plain.tsv
exits 0
says '"layer_accuracy": \[null, null, 0\.[0-9]*\], "layer_score": \[null, null, 0'
says '"layer_calibration_error": \[null, null, 0'
says '"overthinking": null'
says '"easy": {"n": null, "memorized_from": null, "memorized_to": null, "accuracy": null,'
says '"fixed_exit": {"layer": 3, "score": 0\.'
says '"oracle": {"accuracy": null, "mean_exit_layer": null}'
cp out plain.json
grep '"event":"evaluation"' plain/journal.jsonl >evaluations
[ -s evaluations ] || complain 'the journal has no evaluation'
grep -vq '"layer_accuracy":\[null,null,[01]' evaluations &&
    complain 'the journal has figures of exits that are not trained'
for file in plain.tsv plain/predictions.dev.tsv; do
    awk -F '\t' 'NR > 1 && ($7 $8 $9 $10 != "" || $11 + $12 < 0.99) { exit 1 }' "$file" ||
        complain "$file: what untrained exits say"
done
run report --eval plain.json --predictions plain.tsv --out page -q
exits 0
grep -q hardness-section page/report.html && complain 'the page knows memorized layers'
run report --run plain --out page -q
exits 0
run eval --model plain --dev dev.tsv --text review --label verdict -q --runs 0
exits 0
says '^    1       0     0.0%         -             -             -$'
says '^classifiers below the last layer were not trained'
grep -qE '^(hard half|first right layer)' out && complain 'groups by untrained exits'

# Mistakes.
run eval --model model --dev dev.tsv
fails 2 ' eval' '--task'
run eval --model model --dev dev.tsv --text review
fails 2 ' eval' '--label'
run eval --model model --text review --label verdict
fails 2 ' eval' '--dev'
run eval --model model --task sst22 --dev dev.tsv
fails 2 ' eval' "did you mean 'sst2'"
run eval --model model --task sst2
fails 2 ' eval' '--data'
run eval --model model --task sst2 --data nowhere
fails 3 ' eval' 'nowhere'
run eval --model model --dev nowhere.tsv --text review --label verdict
fails 3 ' eval' 'nowhere.tsv'
run eval --model model --dev dev.tsv --text review --label nowhere
fails 4 ' eval' 'nowhere'
run eval --model model --dev dev.tsv --text review --label verdict --rule sometimes
fails 2 ' eval' 'sometimes'
run eval --model model --dev dev.tsv --text review --label verdict --rule policy \
    --threshold 7
fails 2 ' eval' 'threshold 7'
run eval --model model --dev dev.tsv --text review --label verdict --rule fixed \
    --threshold 9
fails 2 ' eval' 'threshold 9'
printf 'review\tverdict\ngood\tsplendid\n' >t.tsv
run eval --model model --dev t.tsv --text review --label verdict
fails 4 ' eval' "t.tsv:2: label 'splendid' was never seen in training"
run eval --model model --dev dev.tsv --text review --label verdict --task sst2
fails 2 ' eval' '--task'

# Half of the pairs that a model was trained on is no measure of it.
mkdir two
cp model/* two
sed 's/\("policies": true\)/\1, "pair": true/' model/config.json >two/config.json
for verb in 'eval --runs 0' 'calibrate --max-drop 20' sweep; do
    # shellcheck disable=SC2086
    run $verb --model two --dev dev.tsv --text review --label verdict
    fails 2 " ${verb%% *}" 'trained on two texts per row, and one is read; add --text-pair COL'
done
run eval --runs 0 --model two --dev dev.tsv --text review --text-pair review --label verdict
exits 0

# Standard input has no digest, least of all that of a file called "-".
cp dev.tsv in
echo decoy >./-
run eval --runs 0 --model model --dev - --text review --label verdict --json
exits 0
says '"task": "standard input"'
says '"data_sha256": null'
rm ./-
: >in

# Options that others displace.
run eval --runs 0 --model model --dev dev.tsv --data . --text review --label verdict
exits 0
remarks '^--data has no effect beside --dev'
run calibrate --model model --dev dev.tsv --text review --label verdict --max-drop 20 --error-limit 3
fails 2 ' calibrate' '--error-limit is for regressions'
run bench --model model --tokens 4 --threshold 0.5
fails 2 ' bench' '--threshold needs --rule'

finish
