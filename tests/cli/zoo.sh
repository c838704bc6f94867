#!/bin/sh
# The zoo: every rule of the file formats broken once.  One line that names the file,
# the place, what was found, what is allowed, and what to do; the right exit code;
# nothing half written.
. "$2/tests/cli/zoo.inc"

# ---- safetensors ------------------------------------------------------------------

# number N: eight bytes, the lowest first.
number()
{
    n=$1
    for _ in 1 2 3 4 5 6 7 8; do
        printf "\\$(printf '%03o' $((n % 256)))"
        n=$((n / 256))
    done
}

# tensors HEADER DATA FILE: a file with this header, which may hold escapes of printf.
tensors()
{
    printf "$1" >header
    number "$(wc -c <header)" >"$3"
    cat header >>"$3"
    printf '%s' "$2" >>"$3"
}

# header WHAT HEADER DATA PATTERN...: a model with these weights.
header()
{
    broken
    tensors "$2" "$3" bad/model.safetensors
    what=$1
    shift 3
    run predict --model bad
    expect "$what" 4 predict '^offramp predict: bad/model.safetensors' "$@" \
        'again\|convert it\|fewer dimensions\|restore'
}

u8='"dtype":"U8"'
header 'overlap' \
    "{\"a\":{$u8,\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{$u8,\"shape\":[4],\"data_offsets\":[2,6]}}" \
    abcdef 'tensor "b" begins at byte 2 .* overlaps "a", which ends at 4'
header 'gap' \
    "{\"a\":{$u8,\"shape\":[4],\"data_offsets\":[0,4]},\"b\":{$u8,\"shape\":[2],\"data_offsets\":[6,8]}}" \
    abcdefgh 'tensor "b" begins at byte 6 .* expected 4: a gap of 2'
header 'no tensor at the start' "{\"a\":{$u8,\"shape\":[2],\"data_offsets\":[2,4]}}" abcd \
    'tensor "a" begins at byte 2 .* expected 0'
header 'overflowing shape' \
    "{\"a\":{$u8,\"shape\":[4611686018427387904,8],\"data_offsets\":[0,4]}}" abcd \
    'tensor "a" of shape \[4611686018427387904,8\]' 'larger than memory'
header 'unknown dtype' '{"a":{"dtype":"F99","shape":[4],"data_offsets":[0,4]}}' abcd \
    'tensor "a" has the unknown dtype "F99", expected F64'
header 'no dtype' '{"a":{"shape":[4],"data_offsets":[0,4]}}' abcd 'tensor "a": "dtype" is missing'
header 'duplicate key' \
    "{\"a\":{$u8,\"shape\":[2],\"data_offsets\":[0,2]},\"a\":{$u8,\"shape\":[2],\"data_offsets\":[2,4]}}" \
    abcd 'model.safetensors:1:[0-9]*: .*duplicate object key.*"a"'
header 'data outside of the file' "{\"a\":{$u8,\"shape\":[4],\"data_offsets\":[0,4]}}" abc \
    'tensor "a" has data_offsets \[0,4\], outside of the 3 bytes'
header 'name that is not UTF-8' "{\"a\\377\":{$u8,\"shape\":[4],\"data_offsets\":[0,4]}}" abcd \
    'model.safetensors:1:[0-9]*: .*0xff'
header 'negative offset' "{\"a\":{$u8,\"shape\":[4],\"data_offsets\":[-4,0]}}" abcd \
    'tensor "a" has data_offsets \[-4,0\], outside of the 4 bytes'
header 'reversed offsets' "{\"a\":{$u8,\"shape\":[4],\"data_offsets\":[4,0]}}" abcd \
    'tensor "a" has data_offsets \[4,0\]'
header 'one offset' "{\"a\":{$u8,\"shape\":[4],\"data_offsets\":[4]}}" abcd \
    'tensor "a": "data_offsets" is missing or no pair'
header 'size of another shape' \
    '{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}' abcd \
    'tensor "a" of shape \[4\] and dtype F32 needs 16 bytes, its data_offsets span 4'
header 'bytes behind the last tensor' "{\"a\":{$u8,\"shape\":[4],\"data_offsets\":[0,4]}}" \
    abcdef 'the tensors end at byte 4 of the data, the file at 6'
header 'too many dimensions' \
    "{\"a\":{$u8,\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,4]}}" abcd \
    'tensor "a" has rank 9, at most 8'
header 'negative dimension' "{\"a\":{$u8,\"shape\":[-4],\"data_offsets\":[0,4]}}" abcd \
    'tensor "a": "shape" holds something else than integers of at least 0'
header 'shape that is none' "{\"a\":{$u8,\"shape\":4,\"data_offsets\":[0,4]}}" abcd \
    'tensor "a": "shape" is missing or no array'
header 'metadata that is no text' '{"__metadata__":{"format":7}}' '' \
    '"__metadata__" holds a value that is no string for "format"'
header 'header that is no object' '[1,2]' '' "the header does not begin with '{'"
header 'header that is no JSON' '{"a":' '' 'model.safetensors:1:[0-9]*: not valid JSON'

broken
number 100000001 >bad/model.safetensors
printf '{}' >>bad/model.safetensors
run predict --model bad
expect 'header of 100 MB' 4 predict 'bad/model.safetensors' 'claims 100000001 bytes' \
    'at most 100000000' 'damaged'
broken
number 64 >bad/model.safetensors
printf '{}' >>bad/model.safetensors
run predict --model bad
expect 'header beyond the file' 4 predict 'bad/model.safetensors' 'claims 64 bytes' \
    'the file has 2' 'again'
broken
printf '1234567' >bad/model.safetensors
run predict --model bad
expect 'less than a header' 4 predict 'bad/model.safetensors: 7 bytes' 'at least 8' 'again'
broken
head -c $(($(wc -c <good/model.safetensors) - 1)) good/model.safetensors \
    >bad/model.safetensors
run predict --model bad
expect 'data cut off' 4 predict 'bad/model.safetensors' 'tensor "' 'data_offsets \[' \
    'outside of the [0-9]* bytes' 'again'

# patched WHAT FROM TO PATTERN...: a word of the same length in the header.
patched()
{
    broken
    sed "s/$2/$3/g" good/model.safetensors >bad/model.safetensors
    cmp -s good/model.safetensors bad/model.safetensors && complain "'$2' is not there"
    what=$1
    shift 3
    run quantize --model bad --out made
    expect "$what" 4 quantize 'bad/model.safetensors' "$@"
}
patched 'missing tensor' 'layer.1.output.dense.weight' 'layer.1.output.sense.weight' \
    'tensor "bert.encoder.layer.1.output.dense.weight"' 'is missing' 'bert'
patched 'wrong shape' '"shape":\[2,16\]' '"shape":[16,2]' 'tensor "' \
    'has shape \[16,2\], expected \[2,16\]' 'restore'
patched 'wrong dtype' '"dtype":"F32"' '"dtype":"I32"' 'tensor "' \
    'has type I32, expected F32, F16' 'convert'

# planted MODEL TENSOR BYTES [AT]: bad is MODEL with a number of a tensor changed, the
# first or that at byte AT.
planted()
{
    rm -rf bad
    cp -r "$1" bad
    header_bytes=$(od -An -tu4 -N4 "$1/model.safetensors" | tr -d ' ')
    at=$(head -c $((8 + header_bytes)) "$1/model.safetensors" | tr '{' '\n' |
        grep -a -A 1 "\"$2\":\$" | tail -n 1 | sed -n 's/.*"data_offsets":\[\([0-9]*\),.*/\1/p')
    [ -n "$at" ] || complain "no tensor $2"
    printf "$3" | dd of=bad/model.safetensors bs=1 seek=$((8 + header_bytes + at + ${4:-0})) \
        conv=notrunc 2>/dev/null
}
# wild MODEL TENSOR BYTES VALUE VERB ARGUMENTS...: a number that is not finite.
wild()
{
    planted "$1" "$2" "$3"
    what="$4 in $2 of $1" tensor=$2 value=$4 verb=$5
    shift 4
    run "$@"
    expect "$what" 4 "$verb" "^offramp $verb: bad/model.safetensors: tensor \"$tensor\" holds $value at place 0" \
        'expected finite numbers; restore the file'
}
nan='\000\000\300\177' inf='\000\000\200\177'
for tensor in bert.embeddings.LayerNorm.bias bert.embeddings.position_embeddings.weight \
    bert.encoder.layer.1.attention.self.key.weight offramp.exits.1.policy.dense.weight \
    offramp.exits.2.classifier.bias classifier.weight; do
    wild good $tensor "$nan" nan predict --model bad
done
wild good bert.encoder.layer.0.output.dense.weight "$inf" inf predict --model bad --precision int8
wild good bert.pooler.dense.weight '\000\000\200\377' -inf quantize --model bad --out made
for precision in f16 bf16 int8; do
    run quantize --model good --precision $precision --out $precision
    exits 0
done
# The table stays in the file where it is asked for as it is stored.
wild good bert.embeddings.word_embeddings.weight "$nan" nan predict --model bad --precision f16
wild f16 bert.embeddings.word_embeddings.weight '\000\174' inf predict --model bad --precision f32
wild f16 bert.encoder.layer.2.intermediate.dense.weight '\001\174' nan predict --model bad
wild bf16 bert.encoder.layer.2.attention.output.dense.weight '\200\177' inf predict --model bad
wild int8 bert.encoder.layer.0.attention.self.value.weight_scale "$nan" nan predict --model bad
wild int8 bert.embeddings.word_embeddings.weight_scale "$inf" inf predict --model bad

# Words whose embeddings stay in the file are looked at when they are met: "the" is 5.
for model in good bf16; do
    case $model in good) planted good bert.embeddings.word_embeddings.weight "$nan" 320 ;;
    *) planted bf16 bert.embeddings.word_embeddings.weight '\200\377' 160 ;; esac
    printf 'good film\n' >in
    run predict --model bad
    exits 0
    printf 'the film\n' >in
    run predict --model bad
    expect "a word of $model" 4 predict '^offramp predict: bad/model.safetensors: tensor "bert.embeddings.word_emb' \
        'holds -*[a-z]* at place 80, expected finite numbers; restore the file'
done
printf 'the film\n' >met.txt
printf 'review\tverdict\ngood film\tpos\nthe film\tneg\n' >met.tsv
run eval --model bad --dev met.tsv --text review --label verdict
expect 'a word in an evaluation' 4 eval 'bad/model.safetensors: tensor "bert.embeddings.word_emb' \
    'holds -inf at place 80, expected finite numbers; restore the file'
run features --model bad --output made --input met.txt
expect 'a word in features' 4 features 'bad/model.safetensors: tensor "bert.embeddings.word_emb' \
    'holds -inf at place 80, expected finite numbers; restore the file'
planted good bert.embeddings.LayerNorm.weight '\377\377\177\177'
run predict --model bad
expect 'weights that overflow' 4 predict \
    '^offramp predict: text 1: the result is not finite although all weights are: .*convert the model again'

# ---- the index of shards ----------------------------------------------------------

# shards WHAT MAP PATTERN...: two shards a and b with the tensors x and y.
shards()
{
    broken
    rm bad/model.safetensors
    tensors "{\"x\":{$u8,\"shape\":[4],\"data_offsets\":[0,4]}}" abcd bad/a.safetensors
    tensors "{\"y\":{$u8,\"shape\":[4],\"data_offsets\":[0,4]}}" abcd bad/b.safetensors
    [ "$1" = 'tensor in two shards' ] && cp bad/a.safetensors bad/b.safetensors
    printf '%s' "$2" >bad/model.safetensors.index.json
    what=$1
    shift 2
    run predict --model bad
    expect "$what" 4 predict "$@"
}
index='bad/model.safetensors.index.json'
shards 'path out of the directory' '{"weight_map":{"x":"../a.safetensors"}}' \
    "$index: tensor \"x\": \"../a.safetensors\" is no plain file name; put the shards"
shards 'absolute path' '{"weight_map":{"x":"/etc/passwd"}}' \
    "$index: tensor \"x\": \"/etc/passwd\" is no plain file name; put the shards"
shards 'missing shard' '{"weight_map":{"x":"a.safetensors","z":"c.safetensors"}}' \
    "$index: tensor \"z\" is said to be in bad/c.safetensors, which does not exist; download"
shards 'tensor in two shards' '{"weight_map":{"x":"a.safetensors","y":"b.safetensors"}}' \
    'bad/b.safetensors: tensor "x" is also in bad/a.safetensors; remove one'
shards 'tensor in another shard' '{"weight_map":{"x":"a.safetensors","y":"a.safetensors","q":"b.safetensors"}}' \
    "$index: tensor \"y\" is in bad/b.safetensors, expected in a.safetensors; download"
shards 'tensor in no shard' '{"weight_map":{"x":"a.safetensors","z":"b.safetensors"}}' \
    "$index: tensor \"z\" is not in b.safetensors; download"
shards 'no map' '{"weights":{}}' "$index: \"weight_map\" is missing or empty; restore"
shards 'name that is no text' '{"weight_map":{"x":3}}' \
    "$index: weight_map of tensor \"x\" is no file name; restore"

shards 'name that climbs' '{"weight_map":{"x":"..a.safetensors"}}' \
    "$index: tensor \"x\": \"..a.safetensors\" is no plain file name; put the shards"
shards 'name of the folder' '{"weight_map":{"x":"."}}' \
    "$index: tensor \"x\": \".\" is no plain file name; put the shards"
shards 'name of nothing' '{"weight_map":{"x":""}}' \
    "$index: tensor \"x\": \"\" is no plain file name; put the shards"
broken
rm bad/model.safetensors
printf 'PK' >bad/pytorch_model.bin
run predict --model bad
expect 'a pickle' 4 predict 'bad: pytorch_model.bin is a pickle, which can run code; convert it there: python3' \
    "contiguous.*'model.safetensors')\"\$"
rm bad/pytorch_model.bin
for other in pytorch_model.bin.index.json tf_model.h5; do
    echo x >bad/$other
    run predict --model bad
    expect "$other" 4 predict "bad/$other: only safetensors are read; convert it .*save_pretrained" \
        'transformers: BertForSequenceClassification.from_pretrained('
    rm bad/$other
done
sed 's/"BertForSequenceClassification"/"; import os"/' good/config.json >bad/config.json
: >bad/tf_model.h5
run predict --model bad
expect 'weights of no named class' 4 predict \
    "with its own class .*: AutoModel.from_pretrained('bad', from_tf=True)"

# ---- config.json ------------------------------------------------------------------

# config WHAT SED PATTERN...
config()
{
    broken
    sed "$2" good/config.json >bad/config.json
    cmp -s good/config.json bad/config.json && complain "sed '$2' changed nothing"
    what=$1
    shift 2
    run quantize --model bad --out made
    [ "$code" -eq 0 ] && run predict --model bad # quantize does not ask the rule
    rm -rf made
    expect "$what" 4 '[a-z]*' 'bad/config.json' "$@" \
        'correct the file\|restore\|choose\|calibrate\|rename\|belong\|add it'
}
config 'no layers' 's/\("num_hidden_layers":\) 3/\1 0/' \
    '"num_hidden_layers" is 0, expected 1..512'
config 'fewer layers than none' 's/\("num_hidden_layers":\) 3/\1 -3/' \
    '"num_hidden_layers" is -3, expected 1..512'
config 'heads that do not divide' 's/\("num_attention_heads":\) 2/\1 3/' \
    'width 16 is not a multiple of the 3 attention heads'
config 'absurd number' 's/\("hidden_size":\) 16/\1 99999999999999999999/' \
    'config.json:[0-9]*:[0-9]*: .*too big'
config 'number beyond its range' 's/\("intermediate_size":\) 32/\1 16777216/' \
    '"intermediate_size" is 16777216, expected 1..16777215'
config 'absurd product' \
    's/\("hidden_size":\) 16/\1 16777214/' 'the sizes make [0-9.e+]* parameters, at most 6.87e+10'
config 'wrong type' 's/\("hidden_size":\) 16/\1 "wide"/' \
    '"hidden_size" is a string, expected an integer'
config 'unknown family' 's/\("model_type":\) "bert"/\1 "gpt2"/' '"model_type" is "gpt2"' \
    'supported are bert'
config 'no family' 's/"model_type"/"model_kind"/' \
    '"model_type" is absent, expected bert, .*; add it: "model_type": "bert"'
config 'decoder' 's/"vocab_size": 16/"vocab_size": 16, "is_decoder": true/' \
    '"is_decoder" is true, only false is supported; choose'
config 'unknown activation' 's/\("hidden_act":\) "gelu"/\1 "swoosh"/' \
    '"hidden_act" is "swoosh", supported are gelu'
config 'key given twice' 's/"vocab_size": 16/"vocab_size": 16, "vocab_size": 16/' \
    'config.json:[0-9]*:[0-9]*: .*duplicate object key.*vocab_size'
config 'no JSON' 's/}$/,/' 'config.json:[0-9]*:[0-9]*: not valid JSON'
config 'no object' '1s/.*/[/;2,$s/.*/1,/;$s/.*/1]/' 'not a JSON object, expected the keys'
config 'gap in the labels' 's/"1": "pos"/"2": "pos"/' \
    '"id2label" has 2 entries but no "1", expected the keys "0" to "1"'
config 'label given twice' 's/"1": "pos"/"1": "neg"/' \
    '"id2label" calls both "0" and "1" "neg"'
config 'label that is none' 's/"1": "pos"/"1": []/' '"id2label" entry "1" is neither text'
config 'no position' 's/\("max_position_embeddings":\) 12/\1 0/' \
    '"max_position_embeddings" is 0, expected 1..16777215'
config 'padding beyond the vocabulary' 's/\("pad_token_id":\) 0/\1 16/' \
    '"pad_token_id" is 16, the vocabulary has 16'
config 'unknown rule' 's/\("rule":\) "[a-z]*"/\1 "luck"/' '"offramp.rule"' \
    "unknown exit rule 'luck'; known rules: policy" 
config 'threshold beyond its range' \
    's/\("rule":\) "[a-z]*"/\1 "confidence"/;s/\("threshold":\) [0-9.]*/\1 7/' \
    '"offramp.threshold"' "threshold 7 of exit rule 'confidence' is outside 0 .. 1"
config 'rule of other gates' 's/\("rule":\) "[a-z]*"/\1 "lte"/' \
    '"offramp.rule": exit rule .lte. needs gates of kind lte, this model.s are of kind policy'
config 'rule of no table' 's/\("rule":\) "[a-z]*"/\1 "hash"/;s/\("threshold":\) [0-9.]*/\1 0/' \
    '"offramp.rule": exit rule .hash. needs a table of token exits'
config 'layer that is no whole number' \
    's/\("rule":\) "[a-z]*"/\1 "fixed"/;s/\("threshold":\) [0-9.]*/\1 1.5/' \
    '"offramp.threshold": threshold 1.5 of exit rule .fixed. must be a whole number'
config 'unknown precision' 's/\("policies": true\)/\1, "precision": "int4"/' \
    '"offramp.precision" is "int4", expected "f32"'
config 'calibration without numbers' \
    's/\("policies": true\)/\1, "calibration": {"rule": "policy", "threshold": "low"}/' \
    '"offramp.calibration.threshold" is a string, expected a number'
for value in '"x"' -1 '[]'; do
    config "pairs: $value" 's/\("policies": true\)/\1, "pair": '"$value/" \
        '"offramp.pair" is an* [a-z]*, expected true or false'
done

broken
sed 's/"single_label_classification"/"multi_label_classification"/' good/config.json \
    >bad/config.json
run predict --model bad
expect 'several labels per text' 2 predict \
    '^offramp predict: bad: its classifier gives several labels .*expected one; train'

broken
sed 's/"vocab_size": 16/"vocab_size": 8/' good/config.json >bad/config.json
run predict --model bad
expect 'vocabulary of another size' 4 predict 'bad/model.safetensors: tensor "' \
    'has shape \[16,16\], expected \[8,16\]' 'restore'

broken
sed 's/\("weights":\) "[0-9a-f]*"/\1 "0123456789abcdef"/' good/config.json >bad/config.json
run predict --model bad
expect 'weights of another save' 4 predict \
    '^offramp predict: bad: model.safetensors has the content [0-9a-f]*, config.json is of 0123' \
    'of different runs; finish the run .*--resume --out bad., or restore'

# ---- data files -------------------------------------------------------------------

make_start start 2
# data WHAT FILE PATTERN...: train on it.
data()
{
    what=$1 file=$2
    shift 2
    run train --model start --train "$file" --dev "$file" --text review --label verdict \
        --out made -q
    expect "$what" 4 train "^offramp train: $file" "$@"
}
printf 'review\tverdict\ngood\tpos\nbad\n' >fields.tsv
data 'a field is missing' fields.tsv ':3: found 1 field, expected 2; correct the line'
printf 'review\tverdict\ngood\tpos\tmore\n' >many.tsv
data 'a field too many' many.tsv ':2: found 3 fields, expected 2; correct the line'
printf 'review,verdict\n"good,pos\nbad,neg\n' >quote.csv
data 'quote that never ends' quote.csv ':2:1: a quote is opened and never closed; close it'
printf 'review,verdict\n"good"x,pos\n' >behind.csv
data 'text behind a quote' behind.csv ':2:7: found text behind a closing quote, expected'
printf 'text\tverdict\ngood\tpos\n' >column.tsv
data 'no such column' column.tsv ":1: no column 'review'; the header has: text, verdict; give"
for column in -1 'zzz|0' 'text|review'; do
    run train --model start --train column.tsv --dev column.tsv --text "$column" \
        --label verdict --out made -q
    expect "column $column" 4 train \
        "column.tsv:1: no column '$column'; the header has: text, verdict; give"
done
printf 'review\treview\ngood\tpos\n' >twice.tsv
data 'column given twice' twice.tsv ':1: columns 1 and 2 are both called "review"; rename'
printf 'review\tverdict\ngo\377od\tpos\n' >utf8.tsv
data 'text that is not UTF-8' utf8.tsv ':2:3: byte 0xff is not valid UTF-8; save'
printf 'review\tverdict\ngood\tp\0s\nbad\tneg\n' >nul.tsv
data 'NUL in a label' nul.tsv ":2: label 'p' holds a byte 0x00, expected text; correct"
printf 'review\tverdict\ngood\tpos\nfine\tpos\n' >one.tsv
data 'one class' one.tsv ": only one class ('pos') in 2 rows, expected at least two; give"
printf 'review\tverdict\ngood\t\nbad\t\n' >none.tsv
data 'no label at all' none.tsv ': the label of all 2 rows is empty; give another --label'
: >empty.tsv
data 'empty file' empty.tsv ': the file is empty, expected a line with the names'
printf 'review\tverdict\n' >header.tsv
data 'only a header' header.tsv ': no rows of data; give a file with texts'
printf '{"review": "a", "verdict": "p"}\n{"review": "b",\n' >json.jsonl
data 'line that is no JSON' json.jsonl ':2:[0-9]*: not valid JSON: .*expected one object per line'
printf '{"review": "a", "verdict": "p"}\n7\n' >seven.jsonl
data 'line that is no object' seven.jsonl ':2:1: not valid JSON: .*expected one object per line'
printf '[{"review": "a"}]\n' >array.jsonl
data 'array' array.jsonl ':1: found an array, expected one object .*convert'
printf '{"review": "a", "review": "b"}\n' >keys.jsonl
data 'key given twice in a line' keys.jsonl ':1:[0-9]*: not valid JSON: duplicate object key'
printf 'review\tverdict\ngood\t1e60\n' >range.tsv
run train --model start --train range.tsv --dev range.tsv --text review --label verdict \
    --regression --out made -q
expect 'value out of range' 4 train "range.tsv:2: label '1e60' is no finite number up to 3.4e38" \
    'correct it'
printf 'review\tverdict\ngood\tsplendid\n' >unknown.tsv
run eval --model good --dev unknown.tsv --text review --label verdict --predictions made
expect 'unknown label' 4 eval "unknown.tsv:2: label 'splendid' was never seen in training" \
    'known: neg, pos' 'correct it'
run predict --model good --text 9 unknown.tsv
expect 'no such column of texts' 4 predict "unknown.tsv:1: no column '9'; the header has: review, verdict"
run predict --model good --text 2 --no-header unknown.tsv
expect 'no such column without names' 4 predict "unknown.tsv: no column '2'" 'columns are 0 to 1'
run predict --model good --text 0 --no-header empty.tsv
expect 'no column at all' 4 predict 'empty.tsv: no rows of data; give a file with texts'

# ---- token ids for features -------------------------------------------------------

# ids WHAT HEADER DATA PATTERN...
ids()
{
    tensors "$2" '' ids.safetensors
    printf "$3" >>ids.safetensors
    what=$1
    shift 3
    run features --model good --output made --input ids.safetensors
    expect "$what" 4 features '^offramp features: ids.safetensors' "$@"
}
two='"shape":[1,2],"data_offsets":[0,8]}'
next='"shape":[1,2],"data_offsets":[8,16]}'
ids 'id beyond the vocabulary' "{\"input_ids\":{\"dtype\":\"I32\",$two}" \
    '\002\000\000\000\143\000\000\000' 'input_ids\[0,1\] is 99, expected 0 to 15' 'correct'
ids 'type beyond the model' \
    "{\"input_ids\":{\"dtype\":\"I32\",$two,\"token_type_ids\":{\"dtype\":\"I32\",$next}" \
    '\002\000\000\000\003\000\000\000\000\000\000\000\007\000\000\000' \
    'token_type_ids\[0,1\] is 7, expected 0 to 1' 'correct'
ids 'nothing but padding' \
    "{\"input_ids\":{\"dtype\":\"I32\",$two,\"attention_mask\":{\"dtype\":\"I32\",$next}" \
    '\002\000\000\000\003\000\000\000\000\000\000\000\000\000\000\000' \
    'row 0 has no token with mask 1' 'leave it out'
ids 'ids that are no integers' "{\"input_ids\":{\"dtype\":\"F32\",$two}" \
    '\002\000\000\000\003\000\000\000' 'tensor "input_ids" is F32, expected I64 or I32' 'convert'
ids 'mask of another shape' \
    "{\"input_ids\":{\"dtype\":\"I32\",$two,\"attention_mask\":{\"dtype\":\"I32\",\"shape\":[2,1],\"data_offsets\":[8,16]}}" \
    '\002\000\000\000\003\000\000\000\001\000\000\000\001\000\000\000' \
    'tensor "attention_mask" has shape \[2,1\], input_ids \[1,2\]' 'expected'
ids 'no ids' "{\"ids\":{\"dtype\":\"I32\",$two}" '\002\000\000\000\003\000\000\000' \
    'no tensor "input_ids" among 1' 'give'

# ---- checkpoints ------------------------------------------------------------------

make_texts 40 >t.tsv
cp t.tsv others.tsv
train()
{
    run train --model start --train t.tsv --dev t.tsv --text review --label verdict \
        --method entropy --joint-epochs 1 --batch 8 --out run -q "$@"
}
train
exits 0
state=run/checkpoint/state.safetensors
cp "$state" sound
# resumed WHAT CODE PATTERN...: the run with what now is its checkpoint.
resumed()
{
    what=$1 want=$2
    shift 2
    cp run/model.safetensors before
    run train --resume --out run -q
    expect "$what" "$want" train "$@"
    cmp -s before run/model.safetensors || complain "$what: the model was changed"
    cp sound "$state"
}
head -c 5000 sound >"$state"
resumed 'checkpoint cut off' 4 "$state: tensor \"" 'outside of the [0-9]* bytes' 'again'
cp good/model.safetensors "$state"
resumed 'checkpoint of something else' 4 "$state: holds no 'fingerprint'" 'other settings' \
    'remove it to start again'
size=$(wc -c <sound)
{ head -c $((size - 100)) sound; printf '\125'; tail -c 99 sound; } >"$state"
cmp -s sound "$state" && complain 'no byte was turned'
resumed 'a byte turned' 4 "$state: tensor \"checksum\": the numbers have [0-9a-f]*, expected" \
    'damaged' 'remove it to start again'
sed 's/"position"/"posixion"/' sound >"$state"
resumed 'counter renamed' 4 "$state: " 'damaged\|position' 'remove it to start again'
: >"$state"
resumed 'empty checkpoint' 4 "$state: 0 bytes" 'at least 8' 'again'
cp run/journal.jsonl journal
: >run/journal.jsonl
resumed 'journal cut off' 4 'run/journal.jsonl: has 0 bytes' "it had $(wc -c <journal)" \
    'restore'
cp journal run/journal.jsonl
cp run/train.json options
sed 's/"batch": 8/"batch": 4/' options >run/train.json
resumed 'other options' 2 "$state: was made with other data or other settings" \
    'give the same'
printf '{"batch": 8,\n' >run/train.json
resumed 'options that are no JSON' 4 'run/train.json:[0-9]*:[0-9]*: not valid JSON' 'restore'
printf '{"batsh": 8}\n' >run/train.json
resumed 'options that there are not' 2 'run/train.json: unknown option "batsh"' \
    'did you mean "batch"'
printf '{"batch": "many"}\n' >run/train.json
resumed 'option of the wrong kind' 2 'run/train.json: --batch: got .many., expected an integer from'
printf '{"batch": [8]}\n' >run/train.json
resumed 'option that is a list' 2 'run/train.json: "batch" is no text, number'
printf '[8]\n' >run/train.json
resumed 'options that are no object' 2 'run/train.json: expected an object of options'
cp options run/train.json

# ---- what ablate and compare left for the calls that continue them ---------------------

# ablation ARGUMENTS: two units that fork from one joint phase.
ablation()
{
    run ablate reward --model start --train t.tsv --dev t.tsv --text review --label verdict \
        --seeds 1 --prices 0.1 --joint-epochs 1 --policy-epochs 1 --iterations 0 --batch 8 \
        --threads 1 -q "$@"
}
ablation --out ablated
exits 0
unit=ablated/reward/plain-0.1-s1/unit.json
cp "$unit" unit.json
# unit WHAT SED PATTERN...: the same call, which reads it again.
unit()
{
    sed "$2" unit.json >"$unit"
    cmp -s unit.json "$unit" && complain "sed '$2' changed nothing"
    what=$1
    shift 2
    ablation --out ablated
    expect "$what" 4 ablate "^offramp ablate: $unit" "$@" 'restore\|correct\|overwrite'
}
unit 'unit that is no JSON' '1s/{/[/' ':[0-9]*:[0-9]*: not valid JSON'
unit 'unit without a command' 's/"command"/"kommand"/' 'has no "command" as text'
unit 'unit without layers' 's/"n_layers"/"m_layers"/' 'has 0 layers'
unit 'unit of no layer' 's/"n_layers": 2/"n_layers": 0/' '"n_layers" is 0, expected 1..512'
unit 'unit without a score' 's/"score": [0-9.]*/"score": "good"/' '"score" is no number'
unit 'unit with a score beyond 1' 's/"score_full": [0-9.]*/"score_full": 2/' \
    '"score_full" is 2, expected -1..1'
unit 'unit whose texts are fewer' 's/"exit_layer": \[/&1,/' '"memorized" has 40 entries, expected 41'
unit 'unit with a layer that is none' 's/"memorized": \[/"memorized": [9,/;s/"exit_layer": \[/&1,/' \
    '"memorized"\[0\] is 9, expected a layer from 1 to 2'
unit 'unit with answers to other layers' 's/"right": \[/&"111",/;s/"exit_layer": \[/&1,/;s/"memorized": \[/&1,/' \
    '"right"\[0\] is 111, expected 0 or 1 for each of 2 layers'
unit 'unit of other texts' 's/"right": \[/&"11",/;s/"exit_layer": \[/&1,/;s/"memorized": \[/&1,/' \
    'has 41 texts and 2 layers, the units before it 40 and 2'
unit 'unit whose digest is an integer' 's/"train_hash": "[0-9a-f]*"/"train_hash": 7/' \
    '"train_hash" is an integer, expected a string'
cp unit.json "$unit"
ablation --out ablated --lr 0.01
expect 'unit of another command' 2 ablate 'unit.json: was made with other options; give the same'

# comparison ARGUMENTS
comparison()
{
    run compare --methods finetune --model start --train t.tsv --test others.tsv \
        --dev-split 0.25 --text review --label verdict --epochs 1 --batch 8 --threads 1 -q "$@"
}
mkdir compared
# options WHAT TEXT PATTERN...: compare.json of an earlier call.
options()
{
    printf '%s' "$2" >compared/compare.json
    what=$1
    shift 2
    comparison --out compared
    expect "$what" 4 compare '^offramp compare: compared/compare.json' "$@" 'restore\|correct'
    [ ! -e compared/runs ] || complain "$what: it ran"
}
options 'comparison that is no JSON' '{"alpha": ' ':1:[0-9]*: not valid JSON'
options 'comparison that is no object' '[1]' ': expected an object of options'
options 'comparison with a number' '{"alpha": 0.1}' ': "alpha" is a number, expected a string'
options 'comparison whose digest is an integer' '{"dev_hash": 7}' ': "dev_hash" is an integer, expected a string'
printf '{"alpha": "0.5"}' >compared/compare.json
comparison --out compared
expect 'comparison of other options' 2 compare \
    "compared/compare.json: the runs there have --alpha '0.5', now it is '0.005'; give the same"
rm -r compared
comparison --out compared
exits 0
rundir=$(echo compared/runs/finetune.*)
cp $rundir/records.jsonl sound.jsonl
printf '{"kind": "run"\n' >>$rundir/records.jsonl
comparison --out compared
expect 'records of a run cut off' 4 compare "$rundir/records.jsonl:[0-9]*:[0-9]*: not valid" \
    "restore .* remove $rundir/records.jsonl to make"
cp sound.jsonl $rundir/records.jsonl
head -c 200 $rundir/sweep.safetensors >cut
mv cut $rundir/sweep.safetensors
comparison --out compared
expect 'answers of a run cut off' 4 compare "$rundir/sweep.safetensors: " 'remove it to start again'
rm $rundir/sweep.safetensors
comparison --out compared
exits 0

# ---- what report reads --------------------------------------------------------------

run eval --model good --dev t.tsv --text review --label verdict --runs 0 --json \
    --predictions p.tsv
exits 0
cp out e.json
# record WHAT FILE PATTERN...: lines of a sweep.
record()
{
    what=$1 file=$2
    shift 2
    run report --curves "$file" --out made
    expect "$what" 4 report "^offramp report: $file" "$@"
}
printf '{"kind": "run", "method": "x", "status": "done"}\n{"kind": \n' >r1.jsonl
record 'record that is no JSON' r1.jsonl ':2:[0-9]*: not valid JSON'
printf '{"kind": "point", "method": "x", "rule": "y", "score": 1}\n' >r2.jsonl
record 'point without a number' r2.jsonl ':1: a "point" line without the number "saved_layers"' \
    'restore\|again'
printf '{"score": 1}\n' >r3.jsonl
record 'line without a kind' r3.jsonl ':1: no object with a "kind"; expected a line of records'
head -c 68000000 /dev/zero | tr '\0' x >r4.jsonl
record 'line without an end' r4.jsonl ':1: the line is longer than 64 MiB, expected text'
rm r4.jsonl
printf '{"kind": "run", "method": "x", "status": "done"}\n' | gzip | head -c 40 >r5.jsonl
record 'packed records cut off' r5.jsonl ': the gzip data end too early, behind line [01]; restore'

# evaluation WHAT SED PATTERN...: of the object that eval printed.
evaluation()
{
    sed "$2" e.json >bad.json
    cmp -s e.json bad.json && complain "sed '$2' changed nothing"
    what=$1
    shift 2
    run report --eval bad.json --predictions p.tsv --out made
    expect "$what" 4 report 'bad.json\|p.tsv' "$@"
}
evaluation 'no metric' 's/"metric":/"metrik":/' 'bad.json: no "metric"; give it an object'
evaluation 'other number of layers' 's/"n_layers": 3/"n_layers": 2/' \
    'bad.json: "[a-z_]*" .*expected 1..2\|has 3 entries, "n_layers" is 2' 'correct\|damaged'
evaluation 'score beyond 1' 's/"score": [0-9.]*/"score": 7/' \
    'bad.json: "score" is 7, expected -1..1; correct'
evaluation 'other number of texts' 's/"n_texts": 40/"n_texts": 41/' \
    'p.tsv: has 40 texts, the evaluation 41; both have to come'
cp e.json same.json
# predictions WHAT SED PATTERN...
predictions()
{
    sed "$2" p.tsv >bad.tsv
    cmp -s p.tsv bad.tsv && complain "sed '$2' changed nothing"
    what=$1
    shift 2
    run report --eval same.json --predictions bad.tsv --out made
    expect "$what" 4 report '^offramp report: bad.tsv' "$@"
}
tab=$(printf '\t')
predictions 'other columns' '1s/exit_layer/layer/' ':1: .*expected the columns id, label' 'give'
predictions 'layer that there is not' "2s/^\\([^$tab]*$tab[^$tab]*$tab[^$tab]*$tab\\)[0-9]*/\\19/" \
    ":2: exit_layer is '9', expected a layer from 1 to 3" 'give'
predictions 'class that there is not' "2s/^\\([^$tab]*$tab\\)[a-z]*/\\1odd/" \
    ":2: label is 'odd', expected the name of a class" 'give'
predictions 'probability that is none' '3s/[^\t]*$/many/' \
    ":3: p_3_1 is 'many', expected a number" 'give'
predictions 'probability beyond 1' '3s/[^\t]*$/8.33333/' \
    ":3: p_3_1 is '8.33333', expected a probability, 0 to 1" 'give'
cp run/journal.jsonl journal
{ cat journal; echo '{"event": '; } >run/journal.jsonl
lines=$(wc -l <run/journal.jsonl)
run report --run run --out made
expect 'journal that is no JSON' 4 report "run/journal.jsonl:$lines:[0-9]*: not valid JSON" 'restore'
cp journal run/journal.jsonl
printf '64\n0\n' >lengths
run bench --model good --lengths lengths
expect 'length of nothing' 4 bench "lengths:2: '0', expected a number of tokens"

# ---- values on the command line -----------------------------------------------------

# option PATTERN VERB ARGUMENTS
option()
{
    pattern=$1 verb=$2
    shift
    run "$@"
    expect "$*" 2 "$verb" "$pattern"
}
texts='--model start --train t.tsv --dev t.tsv --text review --label verdict'
split='--model start --train t.tsv --dev-split 0.25 --test others.tsv --text review --label verdict'
awk 'NR > 1 { $0 = $0; sub(/pos$/, "1"); sub(/neg$/, "0.5") } { print }' t.tsv >n.tsv
# shellcheck disable=SC2086
run train $texts --joint-epochs 1 --policy-epochs 1 --iterations 0 --batch 8 --out run/priced -q
exits 0
# shellcheck disable=SC2086
{
planted start bert.embeddings.LayerNorm.bias "$nan"
run train --model bad --train t.tsv --dev t.tsv --text review --label verdict --out made -q
expect 'a model to start from that is damaged' 4 train \
    'bad/model.safetensors: tensor "bert.embeddings.LayerNorm.bias" holds nan at place 0'
option "--threads: got 'x', expected an integer from 0 to 64" predict --model good --threads x
option "--threads: got '65', expected an integer from 0 to 64" predict --model good --threads 65
option "--batch: 'x' in the list, expected whole numbers from 1 to" bench --model good --batch 1,x
option "--exit-mix: 2 weights .*expected one for each of 3 layers" bench --model good --tokens 4 --exit-mix 1,2
option "--confidence: got '2', expected a number from" calibrate --model good --confidence 2
option "--risk: got 'luck', expected one of accuracy|disagreement|net" calibrate --model good --risk luck
option "--seed: got '-1', expected an integer from 0 to 9007199254740991" train --model start --seed -1
option "--alphas: 'x' is no price of a layer, expected a number" \
    train $texts --alphas 0.1,x --out made -q
option "--layers 99: the model has only 2" train $texts --layers 99 --out made -q
option "consistentee needs a model with at least 2 layers, not 1" \
    train $texts --layers 1 --out made -q
option "--hash-first 3: the model has only 2 layers" \
    train $texts --method hashee --hash-first 3 --out made -q
option "method entropy looks at the probabilities of classes" \
    train --model start --train n.tsv --dev n.tsv --text review --label verdict --regression \
    --method entropy --out made -q
option "--hardness entropy needs classes" \
    train --model start --train n.tsv --dev n.tsv --text review --label verdict --regression \
    --hardness entropy --out made -q
option "--alphas: 'x' is no price of a layer" \
    compare --methods consistentee $split --alphas x --out made
option "--layers 99: the model has only 2" \
    compare --methods finetune $split --layers 99 --out made
option "--seeds: 'x' is no number from 0 to 9007199254740991" ablate reward $texts --seeds x --out made
option "--seeds: 1.5 is no whole number" ablate reward $texts --seeds 1.5 --out made
option "--prices: 'y' is no number from 0 to 9007199254740991" ablate reward $texts --prices 0.1,y --out made
option "--alphas is for train" ablate reward $texts --alphas 0.1 --out made
option "--layers 99: the model has only 2" ablate reward $texts --layers 99 --out made -q
option "--iterations 0 has no consistent training" \
    ablate consistency $texts --iterations 0 --out made
option "unknown exit rule 'luck'; known rules:" \
    sweep --model good --dev t.tsv --text review --label verdict --rules never,luck --out made
option "--tune FILE and --tune-held exclude each other" \
    sweep --model good --dev t.tsv --text review --label verdict --tune t.tsv --tune-held --out made
option "has no train.json" \
    sweep --model good --dev t.tsv --text review --label verdict --alphas 0.1 --out made
option "--alphas: 'x' is no price of a layer" \
    sweep --model run/priced --dev t.tsv --text review --label verdict --alphas x --out made
option "unknown option '--modle'; did you mean '--model'" predict --modle good
option "unknown exit rule 'luck'; known rules:" predict --model good --rule luck
option "threshold 7 of exit rule 'confidence' is outside 0 .. 1" \
    predict --model good --rule confidence --threshold 7
option "--seeds: 'x' is no seed, expected whole numbers" \
    compare --methods finetune --seeds 1,x --model start --train t.tsv --test others.tsv --text review --label verdict --out made
option "unknown task 'sst3', did you mean 'sst2'" eval --model good --task sst3 --data .
option "--model: a value is missing" predict --model
}

zoo_finish 190
