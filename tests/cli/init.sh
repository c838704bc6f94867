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

run init --shape tiny --vocab vocab.txt --out a
fails 2 ' init' 'not empty'
run init --shape tiny --vocab vocab.txt --out a --force --seed 4
exits 0
cmp -s a/model.safetensors c/model.safetensors || complain '--force did not write'

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

finish
