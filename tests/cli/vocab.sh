#!/bin/sh
# A vocabulary computed by hand, from every kind of file; what is measured; errors.
. "$2/tests/cli/common.inc"

# tests/unit/test_learn.c explains the numbers.
printf 'low low low low Low lower lower\nnewest newest newest\r\n\n' >one
printf 'newest newest n\303\251west\nwidest widest widest' >two
printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' e w s t l o n d i r \
    '##e' '##w' '##s' '##t' '##l' '##o' '##n' '##d' '##i' '##r' \
    '##es' '##est' lo low ne '##west' newest wi '##dest' widest '##er' lower >expected

same_vocab()
{
    cmp -s "$1" expected || { complain "$last: other vocabulary"; diff "$1" expected; }
}

run vocab --size 100 --min-count 2 --out v.txt one two
exits 0
remarks 'v.txt: 37 entries from 16 words, 4 different ones; 10 of 10 characters'
remarks '37 entries instead of 100'
[ ! -s out ] || complain 'standard output without --json or --check'
same_vocab v.txt
cat one >in
run vocab -q --size 37 --min-count 2 --out v2.txt - two --threads 1
same_vocab v2.txt
[ ! -s err ] || complain 'not quiet'
cat one two >in
run vocab -q --size 37 --out v3.txt --threads 3 --json
same_vocab v3.txt
cat >line <<'END2'
{"schema_version": 1, "vocab": "v3.txt", "entries": 37, "lines": 5, "words": 16, "distinct_words": 4, "words_forgotten": 0, "words_too_long": 0, "words_outside_alphabet": 0, "characters": 10, "alphabet": 10}
END2
stdout_is line
: >in
if command -v gzip >/dev/null; then
    gzip -c one >one.gz
    run vocab -q --size 37 --out v4.txt one.gz two
    same_vocab v4.txt
else
    echo 'skip packed by gzip: not found'
fi
if command -v xz >/dev/null; then
    xz -c two >two.xz
    run vocab -q --size 37 --out v5.txt one two.xz
    same_vocab v5.txt
    dd if=two.xz of=cut.xz bs=1 count=60 2>/dev/null
    run vocab --out v6.txt one cut.xz
    fails 4 ' vocab' 'cut.xz'
    [ ! -e v6.txt ] || complain 'a failed run left something behind'
else
    echo 'skip packed by xz: not found'
fi

# newest, low, s ##l ##o ##w, and an unknown !
printf 'newest low\nslow!\n' >text
run vocab --vocab v.txt --check text
exits 0
printf 'text: 1.7500 pieces per word, 4 words, 7 pieces, 1 unknown\n' >line
stdout_is line
run vocab -q --size 37 --out v7.txt one two --check text
stdout_is line
run vocab --vocab v.txt --check text --json
printf '{"schema_version": 1, "check": "text", "check_words": 4, "check_pieces": 7, "check_unknown": 1, "pieces_per_word": 1.75}\n' >line
stdout_is line

# What was learned is a tokenizer.
printf 'Lower low newest\n' >in
printf '2 36 28 31 3\n' >line
run tokenize --vocab v.txt
stdout_is line
: >in

run vocab
fails 2 ' vocab' '--out'
run vocab --out v8.txt
fails 2 ' vocab' 'no words'
run vocab --out v8.txt nowhere
fails 3 ' vocab' 'nowhere'
run vocab --size 24 --out v8.txt one two
fails 2 ' vocab' '24 entries do not hold'
run vocab --vocab v.txt
fails 2 ' vocab' '--check'
run vocab --vocab v.txt --check text one
fails 2 ' vocab' '--vocab is for measuring'
run vocab --vocab v.txt --check in
fails 2 ' vocab' 'holds no words'
[ ! -e v8.txt ] || complain 'a failed run left something behind'

# English: what is promised about pieces per word, on text that was not learned from.
texts=${OFFRAMP_DATA:-$source_dir/../shared/data}/text
if [ ! -f "$texts/wiki-01.txt.xz" ] || ! command -v xz >/dev/null; then
    echo "skip pieces per word of English: $texts/wiki-01.txt.xz not found"
    finish
fi
xz -dc "$texts/wiki-00.txt.xz" 2>/dev/null | head -n 60000 >learn.txt
xz -dc "$texts/wiki-01.txt.xz" 2>/dev/null | head -n 10000 >held-out.txt
run vocab -q --out english.txt learn.txt --check held-out.txt
exits 0
[ "$(wc -l <english.txt)" -eq 16384 ] || complain 'english.txt has not 16384 entries'
awk '{ exit !($2 > 1 && $2 < 1.35) }' out || { complain 'too many pieces'; cat out; }
finish
