#!/bin/sh
# Comparing methods: tables and records, interruption, a method that fails, shared
# training, growing.
. "$2/tests/cli/common.inc"
make_vocab
cat >shape.json <<'END'
{"model_type": "bert", "vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 4,
 "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 12,
 "type_vocab_size": 2, "initializer_range": 0.1, "hidden_act": "gelu"}
END
run init -q --config shape.json --vocab vocab.txt --out start --seed 7
exits 0

# texts ROWS FIRST: "good" and "bad" decide, but for one text in eight.
texts()
{
    awk -v n="$1" -v first="$2" 'BEGIN {
        split("the film is not very !", w, " ")
        print "review\tverdict"
        for (i = first; i < first + n; i++) {
            line = ""
            for (k = 0; k <= i % 4; k++) line = line w[1 + (i * (k + 3) + k) % 6] " "
            good = i * i % 7 < 3
            print line (good ? "good" : "bad") "\t" (good != (i % 8 == 0) ? "pos" : "neg")
        }
    }'
}
texts 240 0 >train.tsv
texts 90 1000 >test.tsv
how="--model ../start --train ../train.tsv --test ../test.tsv --text review --label verdict
 --dev-split 0.25 --epochs 4 --iterations 1 --batch 16 --lr 0.005 --policy-epochs 3
 --alphas 0.01,0.1 --resamples 100 --threads 1 -q"
three="--methods consistentee,pabee,static,finetune --seeds 1,2"

# compare DIR ARGUMENTS: in a directory of its own, so that paths are the same.
compare()
{
    mkdir -p "$1"
    cd "$1" || exit 1
    shift
    last="offramp compare $*"
    "$offramp" compare "$@" <../in >../out 2>../err
    code=$?
    cd ..
}

# shellcheck disable=SC2086
compare one $three $how --out c
exits 0
grep -v gnuplot err >talk
[ ! -s talk ] || { complain 'not quiet'; cat talk; }
grep -q '<html' one/c/report.html || complain 'no page'
says '^test.tsv: accuracy of 90 texts, 4 layers, 2 seeds'
grep -v '"task": "test.tsv"' one/c/records.jsonl && complain 'records of texts of another name'
for method in consistentee pabee static finetune; do
    says "^| $method  *|"
done
says '^| - at random  *|'
says 'at [0-9.]* % (reference)'
says '^| minus the full model '
says '^| minus consistentee '
says 'first right exit'
for kind in run point curve oracle compare; do
    grep -q "^{\"schema_version\": 1, \"kind\": \"$kind\"" one/c/records.jsonl ||
        complain "no line of kind $kind"
done
[ "$(grep -c '"kind": "run"' one/c/records.jsonl)" -eq 8 ] || complain 'eight runs'
# finetune has no exits of its own: no oracle of them either
[ "$(grep -c '"kind": "oracle"' one/c/records.jsonl)" -eq 12 ] || complain 'twelve oracles'
[ "$(grep -c '"rule": "policy\*"' one/c/records.jsonl)" -eq 2 ] || complain 'no prices'
[ ! -e one/c/runs/pabee.1/checkpoint/state.safetensors ] || complain 'checkpoints stay'

# The commands of the report give the same model: also where static was not trained
# but took over what pabee had trained with the same seed.
grep -A 2 '^# static, seed 2$' one/c/report.md | tail -n 2 >commands
[ "$(wc -l <commands)" -eq 2 ] || complain 'no commands in report.md'
sed -e "s|^offramp|$offramp|" -e 's|c/runs/static.2|again|' -e 's/$/ -q --threads 1/' \
    commands >again.sh
(cd one && sh ../again.sh >../out 2>../err) || { complain 'the commands fail'; cat err; }
cmp -s one/again/model.safetensors one/c/runs/static.2/model.safetensors ||
    complain 'trained again and taken over are different'
cmp -s one/again/config.json one/c/runs/static.2/config.json || complain 'other config'
cmp -s one/c/runs/pabee.2/model.safetensors one/c/runs/static.2/model.safetensors ||
    complain 'one recipe, two trainings'
cmp -s one/c/runs/pabee.2/model.safetensors one/c/runs/pabee.1/model.safetensors &&
    complain 'two seeds, one model'

# Killed, interrupted, and continued: the same bytes.
# stop_at SIGNAL CODE RUN: a signal as soon as the run's journal has lines.
stop_at()
{
    mkdir -p two
    (cd two && exec "$offramp" compare $three $how --out c >../out 2>../err) &
    pid=$!
    while kill -0 $pid 2>/dev/null && [ ! -s "two/c/runs/$3/journal.jsonl" ]; do :; done
    kill "-$1" $pid 2>/dev/null
    wait $pid 2>/dev/null
    code=$?
    if [ "$code" -eq 0 ]; then
        echo "skip $1 in $3: the comparison was over before the signal came"
    else
        last="offramp compare, $1 in $3"
        exits "$2"
    fi
}
stop_at KILL 137 consistentee.1
stop_at INT 130 pabee.1
stop_at KILL 137 consistentee.2
# shellcheck disable=SC2086
compare two $three $how --out c
exits 0
for file in records.jsonl report.json report.csv report.md; do
    cmp -s one/c/$file two/c/$file || complain "$file differs after interruptions"
done

# Nothing is done twice; other options are refused; more seeds are welcome.
touch stamp
# shellcheck disable=SC2086
compare two $three $how --out c
exits 0
[ -z "$(find two/c/runs -newer stamp -name model.safetensors)" ] || complain 'done twice'
# shellcheck disable=SC2086
compare two $three $how --timed 2 --out c
exits 0
remarks 'pabee, seed 2 was done without --timed .* give --timed 2 to its sweep command'
# shellcheck disable=SC2086
compare two $three $how --alpha 0.5 --out c
fails 2 ' compare' "have --alpha '0.005', now it is '0.5'"
# shellcheck disable=SC2086
compare two --methods pabee --seeds 1,3 $how --out c
exits 0
says '2 seeds'

# Nor are runs of texts that have changed since beside others: neither those that runs
# learn from nor those that they report on.
cp train.tsv train.before
cp test.tsv test.before
sed 's/pos$/x/;s/neg$/pos/;s/x$/neg/' train.before >train.tsv
# shellcheck disable=SC2086
compare two --methods pabee --seeds 1,4 $how --out c
fails 2 ' compare' 'c/compare.json: was made with another ../train.tsv ("train_hash" is [0-9a-f]\{16\}, now'
cp train.before train.tsv
head -n 50 test.before >test.tsv
# shellcheck disable=SC2086
compare two --methods pabee --seeds 1,4 $how --out c
fails 2 ' compare' 'c/compare.json: was made with another ../test.tsv ("dev_hash" is [0-9a-f]\{16\}, now'
[ ! -e two/c/runs/pabee.4 ] || complain 'it has begun'
cp test.before test.tsv
sed 's/_hash"/_other"/' two/c/compare.json >old.json
cp old.json two/c/compare.json
# shellcheck disable=SC2086
compare two --methods pabee --seeds 1,3 $how --out c
exits 0

# A method that can not run: a file lies where its directory should be.  Without a
# full model there are no losses and no differences to it.
mkdir -p three/c/runs
echo in the way >three/c/runs/pabee.1
echo in the way >three/c/runs/finetune.1
# shellcheck disable=SC2086
compare three --methods static,pabee,finetune --seeds 1 $how --out c
exits 0
says '^failed: pabee, seed 1: .*c/runs/pabee.1'
says '^| static  *|  *- |  *- |  *- | *[0-9]'
says '^| static  *|  *- |  *- |  *- |  *- |$'
grep -q '"status": "failed", "message": ".*pabee.1' three/c/records.jsonl ||
    complain 'the failure is not recorded'
rm three/c/runs/pabee.1 three/c/runs/finetune.1
# shellcheck disable=SC2086
compare three --methods static,pabee --seeds 1 $how --out c
exits 0
grep -q '^failed' out && complain 'still failed'
says '^| pabee  *|'
mkdir -p four/c
echo >four/c/runs
# shellcheck disable=SC2086
compare four --methods static --seeds 1 $how --out c
[ "$code" -ne 0 ] || complain 'no run succeeded, and all is well?'
remarks 'no run succeeded'

# Mistakes are told before anything is trained.
# shellcheck disable=SC2086
run compare --methods pabee,magic $how --out x
fails 2 ' compare' "unknown method 'magic'"
# shellcheck disable=SC2086
run compare --methods pabee,pabee $how --out x
fails 2 ' compare' 'twice'
# shellcheck disable=SC2086
run compare --methods pabee --seeds 1,x $how --out x
fails 2 ' compare' "'x' is no seed"
run compare --methods pabee --out x
fails 2 ' compare' ''
run compare --methods pabee --model start --task sst2 --data . --out x
fails 3 ' compare' 'dev.tsv'
run compare --model start --out x
fails 2 ' compare' 'needs --methods'
run compare --methods pabee,consistentee --model start --train train.tsv --test test.tsv \
    --text review --label verdict --epochs 2 --out x
fails 2 ' compare' '--epochs 2: the task phases of consistentee take 2 .*--epochs 3'
run compare --methods pabee --model start --train train.tsv --test ./train.tsv --text review \
    --label verdict --out x
fails 2 ' compare' '--test is ./train.tsv, and the training file is train.tsv, the same'
[ ! -e x ] || complain 'a mistake leaves a directory'
# shellcheck disable=SC2086
compare one --methods finetune $how --test - --out x
fails 2 ' compare' '--test is standard input'

# Options that others displace, or no method looks at.
# shellcheck disable=SC2086
compare one --methods finetune $how --joint-epochs 9 --seed 7 --seeds 1 --distill 0.5 \
    --max-loss 1 --out remarks
exits 0
remarks '^--joint-epochs has no effect without --epochs 0'
remarks '^--seed has no effect beside --seeds'
remarks '^--distill has no effect with --methods finetune'

finish
