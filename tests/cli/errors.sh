#!/bin/sh
# Damaged, missing and hostile files: one clear line, the right exit code.
. "$2/tests/cli/common.inc"
make_model good
echo 'the film' >in

# broken NAME: a copy of the model to damage.
broken()
{
    rm -rf bad
    cp -r good bad
}

# ---- model directories ----
run predict --model nowhere
fails 3 ' predict' 'nowhere: no such model directory; check the name'
run info nowhere
fails 3 ' info' 'nowhere'
run predict --model vocab.txt
fails 2 ' predict' 'expected a model directory'
for name in config.json model.safetensors vocab.txt; do
    broken
    rm "bad/$name"
    run predict --model bad
    fails 3 ' predict' 'bad'
    broken
    : >"bad/$name"
    run predict --model bad
    fails 4 ' predict' "$name"
    broken
    printf '\377\376\000garbage\n' >"bad/$name"
    run predict --model bad
    fails 4 ' predict' "$name"
    broken
    rm "bad/$name"
    mkdir "bad/$name"
    run predict --model bad
    [ "$code" -ne 0 ] && [ "$code" -lt 128 ] || complain "$name is a folder: exit $code"
done

# ---- pipes: refused in the place of a file, read where texts are named ----
for name in config.json model.safetensors vocab.txt; do
    broken
    rm "bad/$name"
    mkfifo "bad/$name"
    run predict --model bad
    fails 1 ' predict' "bad/$name: is not a regular file, expected one"
done
printf 'text\tlabel\nthe film\tpos\ngood\tneg\n' >rows.tsv
mkdir taken
mkfifo taken/model.safetensors
run train --model good --train rows.tsv --dev rows.tsv --text text --label label \
    --out taken --overwrite -q
fails 1 ' train' 'taken/model.safetensors: is not a regular file, expected one'
mkfifo pipe
cat rows.tsv >pipe &
writer=$!
run calibrate --model good --data pipe --text text --label label --max-drop 5 --rule confidence
fails 1 ' calibrate' 'not possible with this data: 2 texts'
kill $writer 2>/dev/null # it waits for ever where nobody has opened the pipe
wait
cat in >pipe &
writer=$!
run predict --model good pipe
exits 0
says '^[np][eo][gs]'
kill $writer 2>/dev/null
wait

# ---- outputs that are inputs ----
printf 'text\tlabel\nthe film\tpos\ngood\tneg\nnot bad\tpos\n' >dev.tsv
printf 'the film\nis good\n' >lines
cp dev.tsv dev.kept
cp lines lines.kept
broken
ln dev.tsv link.tsv
for name in dev.tsv link.tsv; do
    run eval --model bad --dev dev.tsv --text text --label label --predictions $name
    fails 2 ' eval' "--predictions and the data are the same file, $name"
done
run eval --model bad --dev dev.tsv --text text --label label --predictions bad/config.json
fails 2 ' eval' '--predictions is config.json of the model'
run features --model bad --input lines --output lines
fails 2 ' features' '--output and --input are the same file, lines'
run features --model bad --input lines --output bad/model.safetensors
fails 2 ' features' '--output is model.safetensors of the model'
run vocab --size 30 --out lines dev.tsv lines
fails 2 ' vocab' '--out and the text are the same file, lines'
cmp -s dev.tsv dev.kept && cmp -s lines lines.kept || complain 'an input was written to'
for name in config.json model.safetensors; do
    cmp -s good/$name bad/$name || complain "$name of the model was written to"
done

# ---- a line without an end ----
head -c 70000000 /dev/zero | tr '\0' a >endless
run predict --model good endless
fails 4 ' predict' 'endless:1: the line is longer than 64 MiB'
rm endless
run predict --model good good
fails 1 ' predict' 'good: is a directory'

# ---- config.json ----
config()
{
    broken
    sed "$1" good/config.json >bad/config.json
    cmp -s good/config.json bad/config.json && complain "sed '$1' changed nothing"
    run predict --model bad
    fails 4 ' predict' "$2"
}
config 's/"num_attention_heads": 2/"num_attention_heads": 3/' 'num_attention_heads\|heads'
config 's/"hidden_size": 16/"hidden_size": -16/' 'hidden_size'
config 's/"hidden_size": 16/"hidden_size": "wide"/' 'hidden_size'
config 's/"hidden_size": 16/"hidden_size": 99999999999999999999/' 'config.json'
config 's/"num_hidden_layers": 3/"num_hidden_layers": 0/' 'num_hidden_layers'
config 's/"num_hidden_layers": 3/"num_hidden_layers": 4/' 'tensor'
config 's/"intermediate_size": 32/"intermediate_size": 64/' 'shape'
config 's/"model_type": "bert"/"model_type": "gpt2"/' 'gpt2'
config 's/"hidden_act": "gelu"/"hidden_act": "swoosh"/' 'swoosh'
config 's/}/,/' 'config.json'
config 's/"vocab_size": 16/"vocab_size": 16, "vocab_size": 16/' 'config.json'
config 's/"vocab_size": 16/"vocab_size": 8/' 'shape\|vocab'

config 's/"max_position_embeddings": 12/"max_position_embeddings": 3/' \
    '"max_position_embeddings" is 3, expected at least 4; correct the file'

# ---- less room than special tokens take ----
printf 'the film\tis good\n' >pair
run predict --model good --max-length 3 pair
fails 2 ' predict' '--max-length is 3, expected 0 or at least 4'
run features --model good --max-length 1 --input pair --output never
fails 2 ' features' '--max-length is 1, expected 0 or at least 4'
run train --model good --train pair --max-length 3 --out never
fails 2 ' train' '--max-length'
broken
sed 's/"max_tokens": 0/"max_tokens": 1/' good/config.json >bad/config.json
run predict --model bad --pairs --batch 1 --json pair
exits 0
says '"n_tokens": 4, "truncated": true'

# ---- more weights claimed than there are: none is made room for ----
sed 's/"hidden_size": 16/"hidden_size": 16384/
     s/"num_hidden_layers": 3/"num_hidden_layers": 48/' good/config.json >bad/config.json
run quantize --model bad --out never --precision f16
fails 4 ' quantize' 'model.safetensors: tensor .* has shape \[16,16\], expected \[16,16384\]'

# ---- model.safetensors ----
size=$(wc -c <good/model.safetensors)
for keep in 1 7 8 100 $((size / 2)) $((size - 1)); do
    broken
    head -c "$keep" good/model.safetensors >bad/model.safetensors
    run predict --model bad
    fails 4 ' predict' 'model.safetensors'
done
broken
printf 'x' >>bad/model.safetensors
run predict --model bad
fails 4 ' predict' 'model.safetensors'
# patch FROM TO: same length, in the header.
patch()
{
    broken
    LC_ALL=C sed "s/$1/$2/" good/model.safetensors >bad/model.safetensors
    cmp -s good/model.safetensors bad/model.safetensors && complain "'$1' is not there"
    run predict --model bad
    fails 4 ' predict' "$3"
}
patch 'layer.1.output.dense.weight' 'layer.1.output.sense.weight' 'layer.1.output.dense.weight'
patch '"dtype":"F32"' '"dtype":"F99"' 'model.safetensors'
patch '"shape":\[16\]' '"shape":[17]' 'model.safetensors'
patch '"data_offsets":\[0,' '"data_offsets":[4,' 'model.safetensors'
broken
printf '\377\377\377\377\377\377\377\177{}' >bad/model.safetensors
run predict --model bad
fails 4 ' predict' 'model.safetensors'
broken
rm bad/model.safetensors
printf '{"weight_map": {"a": "../../etc/passwd"}}' >bad/model.safetensors.index.json
run predict --model bad
fails 4 ' predict' 'index.json'
broken
rm bad/model.safetensors
printf 'PK' >bad/pytorch_model.bin
run predict --model bad
fails 4 ' predict' 'pytorch_model.bin'

# ---- what a model can not do ----
run init -q --shape tiny --vocab vocab.txt --out backbone
run predict --model backbone
fails 2 ' predict' 'offramp train'
run eval --model backbone --dev x.tsv --text a --label b
fails 2 ' eval' 'offramp train'
run predict --model good --rule entropy --threshold -1
fails 2 ' predict' 'threshold'
run predict --model good --threshold abc
fails 2 ' predict' 'a number'

# ---- data ----
data()
{
    run eval --model good --dev "$1" --text review --label verdict --runs 0
    fails 4 ' eval' "$2"
}
: >t.tsv
data t.tsv 't.tsv'
printf 'review\tverdict\n' >t.tsv
data t.tsv 't.tsv'
printf 'review\tverdict\ngood\tpos\nbad\n' >t.tsv
data t.tsv 't.tsv:3'
printf 'review\tverdict\ngood\tpos\nb\377d\tneg\n' >t.tsv
data t.tsv 't.tsv:3'
printf 'review\tverdict\ngood\t\n' >t.tsv
data t.tsv 't.tsv:2: the label is empty'
printf 'review,verdict\n"good,pos\n' >t.csv
data t.csv 't.csv:2'
printf '{"review": "good", "verdict": "pos"}\n{"review": "bad", \n' >t.jsonl
data t.jsonl 't.jsonl:2'
printf '[1, 2]\n' >t.jsonl
data t.jsonl 't.jsonl:1'
printf 'review\tverdict\ngood\tpos\nbad\nbad\tneg\n' >t.tsv
run eval --model good --dev t.tsv --text review --label verdict --runs 0 --json \
    --skip-bad-rows
exits 0
says '"n_bad_rows": 1'
says '"n_texts": 2'
printf '\357\273\277review\tverdict\r\ngood\tpos\r\nbad\tneg' >t.tsv
run eval --model good --dev t.tsv --text review --label verdict --runs 0 --json
exits 0
says '"n_texts": 2'
run predict --model good .
fails 1 ' predict' 'directory'
run predict --model good nowhere
fails 3 ' predict' 'nowhere'

# A folder that cannot be listed may hold anything.
mkdir shut
cp good/config.json good/vocab.txt shut
chmod 755 . good
chmod 644 good/*
chmod 666 shut/*
chmod 333 shut
nobody='' # root may list everything
[ "$(id -u)" -ne 0 ] || nobody='setpriv --reuid=65534 --regid=65534 --clear-groups'
# shellcheck disable=SC2086
if $nobody "$offramp" --version >/dev/null 2>&1; then
    # shellcheck disable=SC2086
    $nobody "$offramp" init -q --config good/config.json --vocab good --out shut \
        --seed 3 >out 2>err
    code=$?
    last='offramp init --out shut'
    fails 1 ' init' 'shut: cannot read: Permission denied; give yourself the right'
    cmp -s good/config.json shut/config.json || complain "$last: what was there is gone"
else
    echo 'skip a folder that cannot be listed: root may, and setpriv does not run offramp'
fi
chmod 755 shut

finish
