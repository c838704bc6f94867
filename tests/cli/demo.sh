#!/bin/sh
# demo.sh PROGRAM SOURCE - the whole demo for its default seed: does it keep what it
# promises?  Everything is measured on sentences that were in no lesson.
. "$2/tests/cli/common.inc"

run demo --help
exits 0
says '--seed'
says 'saved_layers'

run demo surplus
fails 2 ' demo' "unexpected argument 'surplus'"
run demo --seed nothing
fails 2 ' demo' 'nothing'
: >file
run demo --keep file/inside
fails 1 ' demo' 'file: exists and is not a directory'

mkdir full
echo mine >full/vocab.txt
run demo --keep full
fails 2 ' demo' 'full: is not empty; choose another --keep'
[ "$(cat full/vocab.txt)" = mine ] || complain 'a file in the folder was overwritten'

# Whoever interrupts the lessons may give the same command again.
"$offramp" demo --keep late >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && ! grep -q 'may answer\.$' err; do :; done
kill $pid
wait $pid
grep -q '^them learn together' err || { complain 'a lesson of one line'; cat err; }
[ -z "$(ls -A late)" ] || complain 'an interrupted demo left files in its folder'

# An instrumented or unoptimised program would take many minutes.
if ! "$offramp" doctor | grep -q Release; then
    echo "skip demo: not a Release build"
    finish
fi

run demo --json --quiet --keep kept
exits 0
[ ! -s err ] || { complain "--quiet: talk on standard error"; cat err; }
[ "$(wc -l <out)" -eq 1 ] || complain "not one line of JSON"
cp out demo.json

# number KEY: its value.
number()
{
    sed -n "s/.*\"$1\": *\([-0-9.e]*\).*/\1/p" demo.json
}

# holds WHAT EXPRESSION: an awk condition.
holds()
{
    awk "BEGIN { exit !($2) }" || complain "$1: $2"
}

score=$(number score)
full=$(number score_full)
holds "at most 1 point below the full model" "$score >= $full - 0.01"
holds "the full model has learned the task" "$full >= 0.93"
holds "at least 40 % of the layers saved" "$(number saved_layers) >= 0.4"
holds "at least 6 layers" "$(number n_layers) >= 6"
holds "saved layers and mean exit agree" \
    "($(number saved_layers) - 1 + $(number mean_exit_layer) / $(number n_layers)) ^ 2 < 1e-9"
holds "better than the same exits at random" "$score > $(number score_random_exits)"

# Rounding differs between processors and carries on through training, so levels
# that lie close together may change places by a little; the whole must rise.
exits_by_level=$(sed -n 's/.*"exit_by_difficulty": *\[\([^]]*\)\].*/\1/p' demo.json)
echo "$exits_by_level" | tr ',' '\n' | awk '
    NR == 1 { first = $1 }
    NR > 1 && $1 < last - 0.15 { bad = 1 }
    { last = $1 }
    END { exit NR != 5 || bad || last < first + 0.25 }' ||
    complain "mean exit does not rise with difficulty: $exits_by_level"

# The kept model and sentences give the same result to the other verbs.
run eval --model kept --dev kept/test.tsv --text text --label label --runs 0 --json
exits 0
again=$(sed -n 's/.*"metric": "accuracy", "score": *\([-0-9.e]*\).*/\1/p' out)
[ "$again" = "$score" ] || complain "eval on the kept model: $again, the demo said $score"
printf 'i found the film dull on monday .\n' >in
run predict --model kept
says negative
finish
