#!/bin/sh
# Ids of a vocabulary made here, exactly.
. "$2/tests/cli/common.inc"
make_vocab

# BOM, CRLF, an empty line, unknown words, case, accents, no last newline.
printf '\357\273\277The FILM is good!\r\n\nunbelievables xyz\nth\303\251 bad' >in
cat >expected <<'END'
2 5 6 7 8 13 3
2 3
2 14 15 12 1 3
2 5 9 3
END
run tokenize --vocab vocab.txt
exits 0
stdout_is expected

# Cased: The and th\303\251 are unknown.
cat >expected <<'END'
2 1 1 7 8 13 3
2 3
2 14 15 12 1 3
2 1 9 3
END
run tokenize --vocab vocab.txt --cased
stdout_is expected

# Bytes that are not UTF-8 are left out, aloud.
printf 'the film\nth\377e\n\303\n' >in
printf '2 5 6 3\n2 5 3\n2 3\n' >expected
run tokenize --vocab vocab.txt
exits 0
stdout_is expected
remarks '^warning: standard input:2: holds bytes that are not UTF-8, as 2 of 3 lines do'
[ "$(wc -l <err)" -eq 1 ] || complain 'more than one warning'

printf 'the film\tis very very good\nthe film is\tbad\n' >in
cat >expected <<'END'
{"schema_version": 1, "ids": [2, 5, 6, 3, 7, 11, 3], "type_ids": [0, 0, 0, 0, 1, 1, 1], "truncated": true}
{"schema_version": 1, "ids": [2, 5, 6, 7, 3, 9, 3], "type_ids": [0, 0, 0, 0, 0, 1, 1], "truncated": false}
END
run tokenize --vocab vocab.txt --json --max-length 7
stdout_is expected

# From a file, and from a model directory that says cased.
make_model model
printf 'the film\n' >texts
printf '2 5 6 3\n' >expected
run tokenize --vocab vocab.txt texts
stdout_is expected
run tokenize --model model texts
stdout_is expected
run tokenize --vocab vocab.txt - <texts
cp texts in
run tokenize --vocab vocab.txt -
stdout_is expected
printf '{"do_lower_case": false}\n' >model/tokenizer_config.json
printf 'The film\n' >in
printf '2 1 6 3\n' >expected
run tokenize --model model
stdout_is expected
printf '2 5 6 3\n' >expected
run tokenize --model model --lower
stdout_is expected

run tokenize --vocab nowhere.txt
fails 3 ' tokenize' 'nowhere.txt'
run tokenize --vocab vocab.txt nowhere
fails 3 ' tokenize' 'nowhere'
printf 'a\nb\n' >other.txt
run tokenize --vocab other.txt
fails 4 ' tokenize' 'other.txt'
printf '[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n' >other.txt
run tokenize --vocab other.txt
fails 4 ' tokenize' 'other.txt'
: >other.txt
run tokenize --vocab other.txt
fails 4 ' tokenize' 'other.txt'


run tokenize --vocab -
fails 2 ' tokenize' '--vocab reads no standard input'
run tokenize --vocab vocab.txt --max-length 3
fails 2 ' tokenize' '--max-length is 3, expected 0 or at least 4'

finish
