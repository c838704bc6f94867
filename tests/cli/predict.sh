#!/bin/sh
# Texts in, answers out: order, strange texts, tables, independence of the batch.
. "$2/tests/cli/common.inc"
make_model model

# An empty line, one emoji, spaces, bytes that are no UTF-8, CRLF, no last newline.
printf 'the film is good\n\n\360\237\230\200\n   \n\377\376\nbad!\r\nthe end' >in
run predict --model model
exits 0
[ "$(wc -l <out)" -eq 7 ] || complain "$last: $(wc -l <out) lines for 7"
grep -Evq '^(neg|pos)	[01]\.[0-9]{6}	3$' out && { complain "$last: format"; cat out; }
remarks '^warning: standard input:5: holds bytes that are not UTF-8, as 1 of 7 lines do'
[ "$(wc -l <err)" -eq 1 ] || { complain "$last: other remarks"; cat err; }

# Something to leave early on: find a threshold between the extremes.
run predict --model model --rule confidence --threshold 0.6
exits 0
cut -f3 out | sort -u | grep -q '[12]' || complain 'nobody left early'
cut -f3 out | grep -Evq '^[123]$' && complain 'exit layer out of range'
run predict --model model --rule fixed --threshold 2
cut -f3 out | grep -Evq '^2$' && complain 'fixed exit is not fixed'

# The answer to a text depends on nothing but the text, bit for bit.
i=0
while [ $i -lt 200 ]; do
    set -- the film is good bad not very '!' unbelievable xyz
    shift $((i % 7))
    echo "$* $1 $((i * 7919 % 13)) ${2:-}"
    i=$((i + 1))
done >texts
cp texts in
run predict --model model --rule confidence --threshold 0.7 --batch 32 --json
cp out expected
[ "$(wc -l <out)" -eq 200 ] || complain 'lines were lost'
for options in '--batch 1' '--batch 7' '--batch 200' '--threads 1' '--batch 3 --threads 2' \
    '--batch 4 --regroup 20' '--batch 2 --regroup 60000' '--batch 9 --regroup 8'; do
    # shellcheck disable=SC2086
    run predict --model model --rule confidence --threshold 0.7 --json $options
    stdout_is expected
done
run predict --model model --rule confidence --threshold 0.7 --json texts
stdout_is expected
awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' texts >in
run predict --model model --rule confidence --threshold 0.7 --json
awk '{ line[NR] = $0 } END { for (i = NR; i > 0; i--) print line[i] }' out >turned
cmp -s turned expected || complain 'answers depend on the order'

# JSON lines.
printf 'the film\n' >in
run predict --model model --json
says '"schema_version": 1'
says '"label": "\(neg\|pos\)"'
says '"probability": [01]\.'
says '"exit_layer": 3'
says '"truncated": false'

# 100,000 words: cut, and said so.
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "film "; print "" }' >in
printf 'short\n' >>in
run predict --model model
exits 0
[ "$(wc -l <out)" -eq 2 ] || complain 'one line per text'
remarks '^1 of 2 texts are longer than 12 tokens and were cut$'

# Nothing in, nothing out.
: >in
run predict --model model
exits 0
[ ! -s out ] || complain 'output from nothing'

# Tables.
printf 'id,review\n1,"the film, is\ngood"\n2,bad\n' >t.csv
run predict --model model t.csv --text review
exits 0
[ "$(wc -l <out)" -eq 2 ] || complain 'two rows of CSV'
printf '{"review": "the film"}\n{"review": "bad"}\n' >t.jsonl
run predict --model model t.jsonl --text review
exits 0
[ "$(wc -l <out)" -eq 2 ] || complain 'two rows of JSON lines'
printf 'the film\tgood\n' >t.tsv
run predict --model model t.tsv --no-header --text 0 --text-pair 1
exits 0
run predict --model model t.csv --text nowhere
fails 4 ' predict' 'nowhere'
printf '{"review": "the film"\n' >t.jsonl
run predict --model model t.jsonl --text review
fails 4 ' predict' 't.jsonl:'

# With --pairs a TAB separates two texts, without it is a space.
printf 'the film\tis good\n' >in
run predict --model model --json --pairs
says '"n_tokens": 7'
run predict --model model --json
says '"n_tokens": 6'

# What goes with tables, or with lines.
run predict --model model --no-header
fails 2 ' predict' '--no-header needs --text COL'
run predict --model model t.csv --text review --pairs
fails 2 ' predict' '--pairs is for lines'

# A model of pairs is not asked about half of each, and one of single texts says so.
cp -r model two
sed 's/\("policies": true\)/\1, "pair": true/' model/config.json >two/config.json
run predict --model two t.tsv --no-header --text 0
fails 2 ' predict' 'trained on two texts per row, and one is read; add --text-pair COL'
run predict --model two t.tsv --no-header --text 0 --text-pair 1
exits 0
[ ! -s err ] || complain "$last: remarks"
printf 'the film\tis good\nthe film\n' >in
run predict --model two
exits 0
[ "$(wc -l <out)" -eq 2 ] || complain "$last: not two answers"
remarks '^warning: 1 of 2 lines have no TAB'
cp -r model one
sed 's/\("policies": true\)/\1, "pair": false/' model/config.json >one/config.json
run predict --model one t.tsv --no-header --text 0 --text-pair 1
exits 0
remarks '^warning: the model was trained on one text per row, and two are read'
: >in

# A reader that leaves early is no failure, and nothing is said.  (More than a pipe
# holds, or everything might be written before the reader leaves.)
i=0
while [ $i -lt 60 ]; do
    cat texts
    i=$((i + 1))
done >many
{ "$offramp" predict --model model many; echo $? >code; } 2>err | head -n 1 >out
[ "$(cat code)" -eq 0 ] || complain "broken pipe: exit $(cat code)"
[ ! -s err ] || complain 'broken pipe: not quiet'
"$offramp" predict --model model texts >/dev/full 2>err
[ $? -eq 1 ] || complain 'a full disk must be an error'
grep -q '^offramp predict: standard output' err || complain 'a full disk must be named'

finish
