#!/bin/sh
# Sweeps of a model that knows nothing: one pass, points that eval confirms, files,
# tuning texts, mistakes.
. "$2/tests/cli/common.inc"
make_model model

make_texts 150 >dev.tsv
head -n 81 dev.tsv >tune.tsv
own="--text review --label verdict"

# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --rules policy,entropy,confidence,patience,fixed \
    --out swept -q
exits 0
says '^dev.tsv, accuracy of 150 texts, 3 layers'
says 'figures of a dev set'
says '^| entropy  *|'
says '^| - at random  *|'
says '^| oracle: first-correct '
says '^| oracle: consistency '
says '^cost: 150 texts through all layers for [0-9]* points, 1.00 full evaluations'
says '^command: offramp sweep --model model --dev dev.tsv --text review --label verdict'
grep -v gnuplot err >talk
[ ! -s talk ] || complain 'not quiet'
grep -q '<html' swept/report.html || complain 'no page'
cmp -s out swept/report.md || complain 'report.md is not what was printed'

# value KEY: of the line in `line`.
value()
{
    grep -o "\"$1\": [-0-9.e]*" line | head -n 1 | sed 's/.*: //'
}

for rule in policy entropy confidence; do
    n=$(grep '"kind": "point"' swept/records.jsonl | grep -c "\"rule\": \"$rule\"")
    [ "$n" -ge 16 ] || complain "$rule: only $n points"
done
for kind in run point curve oracle; do
    grep -q "^{\"schema_version\": 1, \"kind\": \"$kind\", \"task\": \"dev.tsv\"" \
        swept/records.jsonl || complain "no line of kind $kind"
done
grep '"kind": "run"' swept/records.jsonl | grep -q '"passes": 1,' || complain 'passes'

# What nobody knows of a model is null, not a seed of 0.
grep -v '"method": "", "seed": null, "model": "model", "run": null,' swept/records.jsonl &&
    complain 'a training that never was'
sed 1d swept/report.csv | grep -v '^"dev.tsv",accuracy,,,' && complain 'a seed in report.csv'
mkdir foreign
cp model/* foreign
sed 's/"method": ""/"method": "pabee"/' model/config.json >foreign/config.json
# shellcheck disable=SC2086
run sweep --model foreign --dev dev.tsv $own --rules patience --json -q
exits 0
grep -v '"method": "pabee", "seed": null, "model": "foreign", "run": "pabee",' out &&
    complain 'a seed without train.json'
n=$(grep -c '"kind": "point"' swept/records.jsonl)
[ "$(wc -l <swept/report.csv)" -eq $((n + 1)) ] || complain 'a row per point'
awk -F, 'NF != 26 { exit 1 }' swept/report.csv || complain 'columns of report.csv'

# Some points once more, by the real runner.
for rule in policy entropy confidence patience; do
    grep '"kind": "point"' swept/records.jsonl | grep "\"rule\": \"$rule\"" |
        grep -v '"knob": null' >points
    [ -s points ] || complain "$rule: no points"
    sed -n "$(($(wc -l <points) / 2 + 1))p" points >line
    knob=$(value knob)
    # shellcheck disable=SC2086
    run eval --model model --dev dev.tsv $own --rule "$rule" --threshold "$knob" --runs 0 \
        --json -q
    exits 0
    for key in score mean_exit_layer saved_layers flops_ratio; do
        says "\"$key\": $(value $key),"
    done
    grep -o '"exit_histogram": [^]]*]' line >expected
    grep -o '"exit_histogram": [^]]*]' out | cmp -s - expected ||
        complain "$rule at $knob: other exits than eval"
done

# The records again, as JSON lines on standard output; nothing depends on threads.
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --rules policy,entropy,confidence,patience,fixed \
    --out swept --json -q --threads 1
exits 0
sed 's/"threads": [0-9]*//' out >one
sed 's/"threads": [0-9]*//' swept/records.jsonl | cmp -s - one || complain 'not the records'

# A rule that saves nothing has no area and takes none from the others.
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --rules entropy,never --json -q
exits 0
grep '"kind": "curve"' out >curves
grep '"rule": "never"' curves | grep -q '"area": null' || complain 'an area of never'
grep '"rule": "entropy"' curves | grep -q '"area": [0-9]' || complain 'no area of entropy'

# Other texts to choose knobs on; timings.
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --tune tune.tsv --timed 3 --runs 2 --out tuned -q
exits 0
says 'knobs chosen on 80 other texts (tune.tsv), figures of dev.tsv'
says '230 texts through all layers'
grep -q '"tuned": true' tuned/records.jsonl || complain 'not tuned'
[ "$(grep -c '"ms_per_text": [0-9]' tuned/records.jsonl)" -ge 2 ] || complain 'no timings'

# Mistakes.
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --rules entropy,sometimes
fails 2 ' sweep' 'sometimes'
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --rules lte
fails 2 ' sweep' "'lte'"
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --tune-held
fails 2 ' sweep' 'has no train.json'
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --alphas 0.1
fails 2 ' sweep' 'has no train.json'
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --tune tune.tsv --tune-held
fails 2 ' sweep' 'exclude each other'
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --tune ./dev.tsv
fails 2 ' sweep' '--tune is ./dev.tsv, and reported is dev.tsv, the same file'
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --values 3
fails 2 ' sweep' 'from 15 to'
# shellcheck disable=SC2086
run sweep --model nowhere --dev dev.tsv $own
fails 3 ' sweep' 'nowhere'
# shellcheck disable=SC2086
run sweep --model model --dev dev.tsv $own --tune nowhere.tsv
fails 3 ' sweep' 'nowhere.tsv'
run sweep --dev dev.tsv
fails 2 ' sweep' 'needs --model'
# A regression of an earlier version has its limit in train.json alone.
awk -F '\t' -v OFS='\t' 'NR == 1 { print "review", "stars"; next } { print $1, NR % 5 }' dev.tsv >stars.tsv
stars="--text review --label stars"
# shellcheck disable=SC2086
run train --model model --train stars.tsv --dev stars.tsv $stars --regression --method pabee \
    --joint-epochs 1 --error-limit 1000 --out regression -q
exits 0
for limit in kept absent; do
    # shellcheck disable=SC2086
    run sweep --model regression --dev stars.tsv $stars --rules patience --out "$limit" -q
    exits 0
    grep '"kind": "point"' "$limit/records.jsonl" >points
    [ -s points ] || complain "$last: no points"
    ! grep -v '"accuracy": 1,' points || complain "$last: errors below 1000 are not right"
    sed 's/"error_limit"/"other"/' regression/config.json >without
    cp without regression/config.json
done
finish
