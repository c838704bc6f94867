#!/bin/sh
# Precisions of a running model, and directories in fewer bits that stand alone.
. "$2/tests/cli/common.inc"
make_model model
printf 'the film is good\nbad\nnot very good !\n\nunbelievable the end is good\n' >texts

# run's answers as label, probability, layer in file $1
answers()
{
    name=$1
    shift
    cp texts in
    run predict "$@"
    exits 0
    cp out "$name"
}

# near A B LIMIT: the same labels and layers, probabilities at most LIMIT apart.
near()
{
    paste "$1" "$2" | awk -F'\t' -v limit="$3" '
        { d = $2 - $5; if (d < 0) d = -d; if ($1 != $4 || $3 != $6 || d > limit) bad = 1 }
        END { exit bad || NR == 0 }' || { complain "$1 and $2 differ"; paste "$1" "$2"; }
}

answers f32 --model model
answers same --model model --precision f32
cmp -s f32 same || complain 'f32 is not what runs without --precision'
for precision in f16 bf16 int8; do
    answers "$precision" --model model --precision $precision
    answers "$precision.b1" --model model --precision $precision --batch 1 --threads 1
    cmp -s $precision $precision.b1 || complain "$precision depends on batch or threads"
    run quantize --model model --out "q-$precision" --precision $precision --json
    exits 0
    grep -q "\"precision\": \"$precision\"" out || complain "$last: $(cat out)"
done
# Sixteen channels do not average the rounding away; tests/kernels bounds it.
near f32 f16 0.005
near f32 bf16 0.05
near f32 int8 0.25

# The directory stands alone, is opened as it is stored, and gives the same bits as
# rounding while opening.
mv model away
for precision in f16 bf16 int8; do
    answers stored --model "q-$precision"
    cmp -s stored $precision || { complain "$precision: stored differs"; diff stored $precision; }
    run info "q-$precision"
    exits 0
    says "^precision   $precision, "
    run info "q-$precision" --json
    says "\"calibration\": null, \"precision\": \"$precision\""
done
answers back --model q-int8 --precision f32
near back int8 0.25
run features --model q-int8 -i texts -o features.safetensors
exits 0
mv away model

# int8 gives the same whole numbers on every processor; here only the last digits of
# the activation functions may differ.
for cpu in scalar avx2 avx512 avx512vnni; do
    export OFR_CPU=$cpu
    answers "int8.$cpu" --model model --precision int8
    unset OFR_CPU
    near int8.$cpu int8 0.002
done

# Sizes: matrices and word embeddings make up most of a model.
size() { wc -c <"$1/model.safetensors"; }
run init -q --shape tiny --vocab vocab.txt --out tiny
for precision in f16 int8; do
    run quantize -q --model tiny --out tiny-$precision --precision $precision
    exits 0
done
[ "$(size tiny-f16)" -lt "$(($(size tiny) * 57 / 100))" ] || complain 'f16 is not half'
[ "$(size tiny-int8)" -lt "$(($(size tiny) * 33 / 100))" ] || complain 'int8 is large'

# What is refused.
run quantize --model q-int8 --out again
fails 2 ' quantize' 'q-int8: holds int8 weights'
printf 'sentence\tlabel\ngood\tpos\nbad\tneg\n' >data.tsv
cp data.tsv texts.tsv
run train --model q-int8 --train data.tsv --dev data.tsv --text sentence --label label \
    --out trained
fails 2 ' train' 'q-int8: holds int8 weights, which are for running'
run quantize --model model --out q-int8
fails 2 ' quantize' 'holds a model already'

# A copy knows how its model was trained, but is no run that goes on.
run train --model model --train data.tsv --dev data.tsv --text sentence --label label \
    --method pabee --joint-epochs 1 --seed 5 --out run -q
exits 0
run quantize --model run --out run-int8 -q
exits 0
cmp -s run/train.json run-int8/origin.json || complain 'another origin'
run sweep --model run-int8 --dev texts.tsv --text sentence --label label --rules patience \
    --json -q
exits 0
says '"seed": 5, "model": "run-int8", "run": "pabee.5",'
says '"train_command": "offramp train .*--out run --method'
run train --resume --out run-int8
fails 3 ' train' 'run-int8: holds no run to go on with'
mkdir unfinished
cp run/train.json unfinished
run quantize --model run --out unfinished
fails 2 ' quantize' 'holds a run already'
cp texts in
run predict --model model --precision int4
fails 2 ' predict' "'int4', expected f32, f16, bf16 or int8"
sed 's/"precision": *"int8"/"precision": "int3"/' q-int8/config.json >config.json
mv config.json q-int8/config.json
run predict --model q-int8
fails 4 ' predict' 'precision'
finish
