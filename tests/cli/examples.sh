#!/bin/sh
# The examples run, and say what the program says.
. "$2/tests/cli/common.inc"
examples=$(dirname "$offramp")/examples
make_model model

printf 'the film is good\nbad\n' >in
run predict --model model
exits 0
awk -F '\t' '{ printf "%s\t%.4f\tlayer %d of 3\n", $1, $2, $3 }' out >expected
"$examples/classify" model 'the film is good' bad >out 2>err
code=$?
last='examples/classify'
exits 0
stdout_is expected

awk -F '\t' '{ print $1 "\t" $3 }' expected | sed 's/ of 3//' >agreed
"$examples/threads" model 'the film is good' bad >out 2>err
code=$?
last='examples/threads'
exits 0
stdout_is agreed

"$examples/classify" no-such-model text >out 2>err
code=$?
last='examples/classify no-such-model'
exits 1
remarks 'no-such-model'
finish
