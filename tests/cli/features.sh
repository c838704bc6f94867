#!/bin/sh
# Keys and shapes of the output (the parity tests compare the numbers).
. "$2/tests/cli/common.inc"
make_model model

# The JSON header of a safetensors file.
header()
{
    dd if="$1" bs=1 skip=8 count=6000 2>/dev/null | tr -d '\000-\037\177-\377 ' >out
}

shape()
{
    says "\"$1\":{\"dtype\":\"F32\",\"shape\":\[$2\]"
}

printf 'the film is good\n\nbad\n' >texts
run features --model model --input texts --output all.safetensors
exits 0
remarks 'all.safetensors: 11 tensors for 3 texts'
header all.safetensors
for l in 0 1 2 3; do
    shape "hidden_states.$l" 3,6,16
done
shape pooled 3,16
shape logits 3,2
for l in 1 2 3; do
    shape "logits.$l" 3,2
done
shape policy.1 3
shape policy.2 3

# The same texts twice give the same bytes, with any number of threads.
run features -q --model model --input texts --output again.safetensors --threads 1
cmp -s all.safetensors again.safetensors || complain 'features depend on the threads'
[ ! -s err ] || complain 'not quiet'

run features --model model --input nowhere.safetensors --output x.safetensors
fails 3 ' features' 'nowhere.safetensors'
run features --model model --input all.safetensors --output x.safetensors
fails 4 ' features' 'input_ids'
printf 'junk' >junk.safetensors
run features --model model --input junk.safetensors --output x.safetensors
fails 4 ' features' 'junk.safetensors'
: >empty
run features --model model --input empty --output x.safetensors
fails 4 ' features' 'empty'
run features --model model --input texts --output nowhere/x.safetensors
[ "$code" -ne 0 ] || complain 'wrote into a folder that does not exist'
[ ! -e x.safetensors ] || complain 'a failed run left something behind'

# Token ids from elsewhere, for every family.
oracle=${OFFRAMP_ORACLE:-$source_dir/../shared/oracle}/encoders
if [ ! -d "$oracle" ]; then
    echo "skip token ids of every family: $oracle not found"
    finish
fi
for family in bert electra albert roberta distilbert; do
    run features --model "$oracle/$family" --input "$oracle/$family/forward.safetensors" \
        --output "$family.safetensors" --json
    exits 0
    says '"n_texts": 5'
    header "$family.safetensors"
    shape hidden_states.0 5,33,48
    shape hidden_states.4 5,33,48
    shape pooled 5,48
    shape logits 5,3
    shape logits.4 5,3
    grep -q '"logits.1"' out && complain "$family: logits of a classifier that is not there"
done
finish
