#!/bin/sh
# New models: same seed, same bytes; what is there is not overwritten.
. "$2/tests/cli/common.inc"
make_vocab

run init --shape tiny --vocab vocab.txt --out a --seed 3
exits 0
remarks '6 layers of 128'
[ ! -s out ] || complain "$last: wrote to stdout"
run init --shape tiny --vocab vocab.txt --out b --seed 3 --quiet
exits 0
[ ! -s err ] || complain "$last: not quiet"
cmp -s a/model.safetensors b/model.safetensors || complain 'same seed, other weights'
cmp -s a/config.json b/config.json || complain 'same seed, other config'
cmp -s a/vocab.txt vocab.txt || complain 'vocabulary not copied'
grep -q '"do_lower_case": true' a/tokenizer_config.json || complain 'lower case not noted'
run init --shape tiny --vocab vocab.txt --out c --seed 4 --cased --json
exits 0
says '"family": "bert"'
says '"n_layers": 6'
cmp -s a/model.safetensors c/model.safetensors && complain 'other seed, same weights'
grep -q '"do_lower_case": false' c/tokenizer_config.json || complain 'cased not noted'
mkdir brought
cp vocab.txt brought
echo '{"do_lower_case": true, "cls_token": "[CLS]", "model_max_length": 99}' \
    >brought/tokenizer_config.json
run init --shape tiny --vocab brought --out brought-cased --cased -q
exits 0
for line in '"do_lower_case": false' '"cls_token": "\[CLS\]"' '"model_max_length": 99$'; do
    grep -q -- "$line" brought-cased/tokenizer_config.json || complain "brought: no $line"
done

cat >albert.json <<'END'
{"normalizer": {"type": "Precompiled"}, "pre_tokenizer": {"type": "Metaspace"},
 "post_processor": {"type": "BertProcessing", "cls": ["", 1], "sep": ["", 2]},
 "model": {"type": "Unigram", "unk_id": 0,
           "vocab": [["<unk>", 0], ["[CLS]", 0], ["[SEP]", 0], ["a", -1]]}}
END
run init --shape tiny --family albert --vocab albert.json --out alb --cased
fails 2 ' init' 'albert.json: tokenizer.json of ALBERT says itself what becomes of case'
run init --shape tiny --family albert --vocab albert.json --out alb -q
exits 0

run init --shape tiny --vocab vocab.txt --out a
fails 2 ' init' 'not empty'
run init --shape tiny --vocab vocab.txt --out a --force --seed 4
exits 0
cmp -s a/model.safetensors c/model.safetensors || complain '--force did not write'

# Nothing of a run stays beside random weights; a card of one's own does.
mkdir -p b/checkpoint
echo mine >b/README.md
run init --shape tiny --vocab vocab.txt --out b --force -q
[ -e b/README.md ] || complain '--force took a README.md that is no card'
of_run='train.json journal.jsonl timings.jsonl README.md predictions.dev.tsv origin.json
checkpoint/state.safetensors checkpoint/first.safetensors model.safetensors.index.json'
for file in $of_run; do
    echo '{"out": "b", "method": "pabee"}' >"b/$file"
done
run init --shape tiny --vocab vocab.txt --out b --force -q
exits 0
for file in $of_run; do
    [ ! -e "b/$file" ] || complain "--force left $file of the run"
done
# A train.json of something else is no sign of a run.
not_of_run='train.json journal.jsonl README.md'
for file in $not_of_run; do
    echo '[{"text": "x"}]' >"b/$file"
done
echo mine >b/checkpoint.kept
rm -r b/checkpoint
mv b/checkpoint.kept b/checkpoint
run init --shape tiny --vocab vocab.txt --out b --force -q
exits 0
for file in $not_of_run checkpoint; do
    [ -e "b/$file" ] || complain "--force took $file, which is of no run"
done
rm b/train.json

run info a
exits 0
says '^family *bert'
says '^shape *6 layers, width 128, 2 heads, inner width 512, embeddings 16 x 128'
says '^exits *none yet'
says '^tokenizer *wordpiece, 16 entries'

for family in electra roberta distilbert albert; do
    run init --shape tiny --family $family --vocab vocab.txt --out "$family" --json
    exits 0
    says "\"family\": \"$family\""
    run info "$family" --json
    exits 0
    says "\"family\": \"$family\""
    says '"max_tokens": 512'
done

make_model model
run info model --json
exits 0
says '"labels": \["neg", "pos"\]'
says '"exits": true'
says '"policies": true'

# A run that goes on is not disturbed.
make_texts 100 >texts.tsv
"$offramp" train --model model --train texts.tsv --text review --label verdict --dev-split 0.2 \
    --joint-epochs 10000 --threads 1 --out busy -q >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -s busy/journal.jsonl ]; do :; done
run init --shape tiny --vocab vocab.txt --out busy --force
fails 2 ' init' "busy: process $pid on .* works in this folder"
for file in train.json journal.jsonl; do
    [ -s "busy/$file" ] || complain "--force took $file of a run that goes on"
done
kill -TERM $pid
wait $pid

# Of a trained model's config.json the shape alone is taken: the weights are random.
sed '$s/}$/, "offramp": {"method": "pabee", "rule": "patience", "threshold": 2,\n\
 "token_exits": true, "precision": "int8", "calibration": {"rule": "patience", "risk": "net",\n\
 "threshold": 2, "max_drop": 1, "confidence": 0.9}}}/' shape.json >trained.json
run init --config trained.json --vocab vocab.txt --out shaped --seed 7 -q
exits 0
diff -r shaped model || complain 'more than the shape of a trained model'

# A tokenizer that is refused does not hide the rest.
cp -r model refused
echo '{"model": {"type": "WordLevel"}}' >refused/tokenizer.json
run info refused
exits 0
says '^labels *neg, pos'
says '^tokenizer *none that offramp reads; refused/tokenizer.json: '
run info refused --json
exits 0
says '"tokenizer": null, "tokenizer_size": 0, "tokenizer_error": "refused/tokenizer.json: '

# A shape may come through a pipe, as all that a user names.
cp shape.json in
run init --config - --vocab vocab.txt --out piped --seed 7
exits 0
cmp -s piped/config.json model/config.json || complain 'another shape from standard input'
echo '{' >in
run init --config - --vocab vocab.txt --out d
fails 4 ' init' 'standard input:2:0: not valid JSON'
: >in

# What another tokenizer left in the folder would be read instead of the new one.
# bert FILE LOWERCASE: a tokenizer.json of the vocabulary.
bert()
{
    awk -v lower="$2" 'BEGIN { printf "{\"normalizer\": {\"type\": \"BertNormalizer\", \"lowercase\": %s},\n", lower
        printf "\"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"}, "
        printf "\"post_processor\": {\"type\": \"BertProcessing\", "
        printf "\"cls\": [\"[CLS]\", 2], \"sep\": [\"[SEP]\", 3]}, \"model\": {\"vocab\": {" }
        { printf "%s\"%s\": %d", (NR > 1 ? ", " : ""), $0, NR - 1 } END { print "}}}" }' vocab.txt >"$1"
}
bert tokenizer.json false
tokenizer_files='tokenizer.json vocab.txt vocab.json merges.txt spiece.model
tokenizer_config.json added_tokens.json special_tokens_map.json'
mkdir stale
for file in $tokenizer_files; do
    echo '{}' >stale/$file
done
echo mine >stale/notes.txt
cp -r stale stale2
run init --shape tiny --vocab vocab.txt --out stale --force
exits 0
has='' # the files of the eight
for file in $tokenizer_files; do
    [ -e stale/$file ] && has="$has $file"
done
[ "$has" = ' vocab.txt tokenizer_config.json' ] || complain "init --force left $has"
grep -q BertTokenizer stale/tokenizer_config.json || complain 'the old settings stayed'
[ -e stale/notes.txt ] || complain 'a file that is no tokenizer was removed'
echo 'the FILM' >in
run tokenize --model stale
exits 0
says '^2 5 6 3$'

# A single tokenizer.json keeps what it says of case, and its name.
cp tokenizer.json mine.json
run init --shape tiny --vocab mine.json --out stale2 --force
exits 0
cmp -s stale2/tokenizer.json mine.json || complain 'tokenizer.json was not copied'
for file in vocab.txt tokenizer_config.json added_tokens.json; do
    [ ! -e stale2/$file ] || complain "a stale $file"
done
run tokenize --model stale2
exits 0
says '^2 5 1 3$'
: >in

run init --shape tiny --config shape.json --vocab vocab.txt --out d
fails 2 ' init' '--shape'
run init --shape gigantic --vocab vocab.txt --out d
fails 2 ' init' 'gigantic'
run init --shape tiny --vocab nowhere.txt --out d
fails 3 ' init' 'nowhere.txt'
run init --config nowhere.json --vocab vocab.txt --out d
fails 3 ' init' 'nowhere.json'
run init --shape tiny --vocab vocab.txt --out vocab.txt
fails 2 ' init' 'is a file'
run init --shape tiny --vocab vocab.txt --out vocab.txt/d
[ "$code" -ne 0 ] || complain 'made a directory inside a file'
[ ! -e d ] || complain 'a failed init left something behind'

run init --config shape.json --family albert --vocab vocab.txt --out d
fails 2 ' init' '--family goes with --shape'

finish
