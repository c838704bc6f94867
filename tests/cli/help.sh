#!/bin/sh
# Help, version, suggestions: what a newcomer types first.
. "$2/tests/cli/common.inc"

run
exits 0
says '^usage: offramp VERB'
# Names are a contract: verbs are added, never renamed.
for verb in demo init train eval predict bench calibrate sweep compare report quantize \
    ablate features tokenize vocab info doctor; do
    says "^  $verb "
done
verbs=$(sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p' out)
cp out verbs
run --help
exits 0
stdout_is verbs
run help
stdout_is verbs

run --version
exits 0
says '^offramp [0-9]*\.[0-9]*\.[0-9]*'

for verb in $verbs; do
    run "$verb" --help
    exits 0
    says "^usage: offramp $verb"
    says '^example:'
    says '--help'
    says '^exit codes:'
    [ ! -s err ] || complain "$last: wrote to stderr"
    cp out page
    run "$verb" -h
    stdout_is page
    run help "$verb"
    stdout_is page
done

run predcit
fails 2 '' "did you mean 'predict'"
run frobnicate
fails 2 '' 'lists the verbs'
run --frobnicate
fails 2 '' 'unknown option'
run predict --modle x
fails 2 ' predict' "did you mean '--model'"
run eval --batch many
fails 2 ' eval' 'expected an integer'
run eval --batch 0
fails 2 ' eval' 'from 1 to'
run init --family gpt
fails 2 ' init' 'bert|electra'
run tokenize
fails 2 ' tokenize' '--vocab'
run predict
fails 2 ' predict' '--model'
run features --model x
fails 2 ' features' '--input'
run info
fails 2 ' info' 'model directory'
run info a b
fails 2 ' info' "unexpected argument 'b'"

run doctor
exits 0
says '^version '
says '^kernels '
OFR_CPU=scalar "$offramp" doctor --json >out || complain 'doctor --json'
says '"kernels": "scalar"'
says '"threads_allowed": [1-9]'

finish
