#!/bin/sh
# Training: what is written, config files, Ctrl-C and --resume, errors.
. "$2/tests/cli/common.inc"
make_vocab
cat >shape.json <<'END'
{"model_type": "bert", "vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 3,
 "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 12,
 "type_vocab_size": 2, "initializer_range": 0.1, "hidden_act": "gelu"}
END
run init -q --config shape.json --vocab vocab.txt --out start --seed 7
exits 0

# "good" and "bad" decide.
awk 'BEGIN {
    split("the film is not very !", w, " ")
    print "review\tverdict"
    for (i = 0; i < 300; i++) {
        line = ""
        for (k = 0; k <= i % 4; k++) line = line w[1 + (i * (k + 3) + k) % 6] " "
        print line (i * i % 7 < 3 ? "good" : "bad") "\t" (i * i % 7 < 3 ? "pos" : "neg")
    }
}' >texts.tsv
data="--train texts.tsv --text review --label verdict --dev-split 0.2"
how="--joint-epochs 6 --batch 16 --iterations 1 --lr 0.005 --policy-epochs 5 --threads 1"

# shellcheck disable=SC2086
run train --model start $data $how --alphas 0.01,0.1 --out one -q
exits 0
says '^one	dev accuracy [01]\.[0-9]* (all layers 1\.0000), mean exit layer'
says '^alpha	score	mean_exit_layer	saved_layers	reward$'
[ "$(grep -c '^0\.[01]' out)" -eq 2 ] || complain 'two prices, two rows'
[ ! -s err ] || complain 'not quiet'
for file in config.json model.safetensors vocab.txt train.json README.md journal.jsonl \
    predictions.dev.tsv timings.jsonl checkpoint/state.safetensors; do
    [ -s "one/$file" ] || complain "no $file"
done
[ "$(head -n 1 one/README.md)" = --- ] || complain 'the card has no front matter'
grep -q '"rule": "policy"' one/config.json || complain 'no rule in config.json'
[ "$(wc -l <one/predictions.dev.tsv)" -eq 61 ] || complain 'one line per dev text'
for event in step evaluation memorize iteration sweep; do
    grep -q "^{\"event\":\"$event\"" one/journal.jsonl || complain "no $event in the journal"
done
run info one
exits 0
says '^convergence \(converged\|still moving\|oscillating\|degrading\); '
says '^iterations  '
run info one --json
says '"convergence": {"verdict": "'
run eval --model one --dev texts.tsv --text review --label verdict --runs 1 --json -q
exits 0
says '"score_full": 1[,.]'

# Policies of the model it starts from are not those of the new one.
with_policies()
{
    awk -F '\t' 'NR == 1 { while ($++at != "pi_1" && at < NF); next } $at != ""' \
        "$1/predictions.dev.tsv" | wc -l
}
[ "$(with_policies one)" -eq 60 ] || complain 'no policies among the predictions'
# shellcheck disable=SC2086
run train --model one $data --joint-epochs 1 --batch 16 --method pabee --out other -q
exits 0
[ "$(with_policies other)" -eq 0 ] || complain 'the predictions show policies of another model'

# What is there is not taken over: a run, a model, a card of one's own.
mkdir own
echo mine >own/README.md
for taken in one:config.json start:config.json own:README.md; do
    run train --model other --train texts.tsv --dev-split 0.2 --text review --label verdict \
        --joint-epochs 1 --method entropy --out "${taken%:*}"
    fails 2 ' train' "${taken%:*}: holds ${taken#*:} already, .*another --out.*--overwrite"
done
grep -q mine own/README.md || complain 'a card of the own was replaced'

# A train.json that is not of a run tells nothing of the files beside it.
mkdir theirs
echo '[{"text": "x"}]' >theirs/train.json
cp -r theirs texts_alone
echo mine | tee theirs/README.md theirs/model.safetensors >theirs/vocab.txt
cp -r theirs kept_theirs
for taken in theirs:model.safetensors texts_alone:train.json; do
    run train --model other --train texts.tsv --dev-split 0.2 --text review --label verdict \
        --joint-epochs 1 --method entropy --out "${taken%:*}"
    fails 2 ' train' "${taken%:*}: holds ${taken#*:} already, .*another --out.*--overwrite"
done
run info theirs
fails 3 ' info' 'theirs/config.json'
diff -r kept_theirs theirs || complain 'files of somebody else were replaced'

# The same options from a file; the same bits.
cat >options.json <<'END'
{"train": "texts.tsv", "text": "review", "label": "verdict", "dev-split": 0.2, "batch": 16,
 "joint_epochs": 6, "iterations": 1, "lr": 0.005, "policy-epochs": 5, "alphas": "0.01,0.1"}
END
run train --model start --config options.json --out two --json -q
exits 0
says '"saved_layers": '
says '"verdict": "'
cmp -s one/model.safetensors two/model.safetensors || complain 'a config file changes bits'
cmp -s one/journal.jsonl two/journal.jsonl || complain 'a config file changes the journal'

# What is in it and of no use is remarked on, but a train.json holds everything.
echo '{"alpha": 0.07, "distill": 0.5, "dropout": 0.1}' >useless.json
# shellcheck disable=SC2086
run train --model start $data --method pabee --joint-epochs 1 --config useless.json \
    --iterations 2 --out useless
exits 0
remarks '--alpha has no effect with --method pabee'
remarks '--distill has no effect with --method pabee'
[ "$(grep -c 'has no effect' err)" -eq 3 ] || { complain 'other remarks'; cat err; }
run train --config other/train.json --out again
exits 0
! grep 'has no effect' err || complain 'remarks on what nobody asked for'

# Ctrl-C as soon as the journal has lines, then --resume: the same bits.
# shellcheck disable=SC2086
if interrupt three/journal.jsonl train --model start $data $how --alphas 0.01,0.1 \
    --out three -q; then
    remarks 'continue with: offramp train --resume --out three$'
    # shellcheck disable=SC2086
    run train --model start $data $how --out three
    fails 2 ' train' 'unfinished run'
    for verb in info 'predict --model' 'eval --task sst2 --data . --model'; do
        # shellcheck disable=SC2086
        run $verb three
        fails 3 " ${verb%% *}" \
            'three: holds an unfinished run; finish it with .offramp train --resume --out three'
    done
fi
run train --resume --out three -q
exits 0
cmp -s one/model.safetensors three/model.safetensors || complain 'resuming changes bits'
cmp -s one/journal.jsonl three/journal.jsonl || complain 'resuming changes the journal'
run train --resume --out one --seed 2
fails 2 ' train' 'the run in one has --seed 42, now it is 2; .*--overwrite'
run train --resume --out one --seed 42 -q
exits 0
# A config file on the way: other options are refused, and those of the call are taken.
run train --resume --config options.json --out one -q
exits 0
printf '{"policy_epochs": 4}' >other.json
run train --resume --config other.json --out one
fails 2 ' train' 'the run in one has --policy-epochs 5, now it is 4'
printf '{"threads": 1, "save-steps": "x"}' >other.json
run train --resume --config other.json --out one
fails 2 ' train' 'other.json: --save-steps: got .x.'
run train --resume --overwrite --out one
fails 2 ' train' '--resume .*--overwrite .*give one'
run train --resume --out nowhere
fails 3 ' train' 'nowhere: holds no run to go on with'

# The terminal goes away: as Ctrl-C; under nohup it does not matter.  The command to go
# on is quoted for the shell.
# shellcheck disable=SC2086
"$offramp" train --model start $data $how --out "it's" -q >out 2>err &
pid=$!
while kill -0 $pid 2>/dev/null && [ ! -s "it's/journal.jsonl" ]; do :; done
kill -HUP $pid 2>/dev/null
wait $pid
code=$?
if [ "$code" -eq 0 ]; then
    echo 'skip hanging up: the run was over before the signal came'
else
    last='offramp train, hung up'
    exits 129
    remarks "continue with: offramp train --resume --out 'it'\\\\''s'\$"
fi
# shellcheck disable=SC2086
(trap '' HUP; exec "$offramp" train --resume --out "it's" -q) >out 2>err &
pid=$!
kill -HUP $pid
wait $pid
code=$?
last='offramp train, hung up under nohup'
exits 0

# A standard file that is closed is not replaced by one of ours.
# shellcheck disable=SC2086
"$offramp" train --model start $data $how --alphas 0.01,0.1 --out four >&- 2>err
code=$?
last='offramp train >&-'
exits 1
remarks 'standard output: cannot write: Bad file descriptor'
[ ! -s four/lock ] || complain 'the result went into the lock'
cmp -s one/journal.jsonl four/journal.jsonl || complain 'closed output changes the journal'
# A reader that goes away is no failure.
last='offramp train | true'
{ "$offramp" train --resume --out four -q 2>err; echo $? >ended; } | true
code=$(cat ended)
exits 0
[ ! -s err ] || { complain 'a reader went away, and there is something to say'; cat err; }
# shellcheck disable=SC2086
run train --model start $data $how --out five --tensorboard texts.tsv
fails 2 ' train' '--tensorboard texts.tsv is a file'
[ ! -e five ] || complain 'a refused option leaves a folder'

# shellcheck disable=SC2086
run train --model start $data --joint-epochs 1 --method finetune --out plain -q
exits 0
says 'saved layers 0.0 %'

# A run that cannot begin gives nothing up.
overwrite()
{
    # shellcheck disable=SC2086
    run train --model start $data --joint-epochs 1 --method finetune --out plain --overwrite \
        -q "$@"
}
measured='unit.json records.jsonl points.csv sweep.safetensors report.html report.json report.csv'
for file in $measured; do
    echo '{}' >"plain/$file"
done
cp -r plain kept
overwrite --tensorboard texts.tsv/events
fails 1 ' train' 'texts.tsv: exists and is not a directory'
diff -r kept plain || complain "$last: it has begun"
for name in config.json origin.json unit.json; do
    rm -rf plain
    cp -r kept plain
    rm -f "plain/$name"
    mkdir "plain/$name"
    overwrite
    fails 1 ' train' "plain/$name: is a directory in the place of a file"
    cmp -s kept/model.safetensors plain/model.safetensors || complain "$last: the model is gone"
done
rm -r plain
cp -r kept plain
rm -r plain/checkpoint
echo mine >plain/checkpoint
overwrite
fails 1 ' train' 'plain/checkpoint: exists and is not a directory'
cmp -s kept/config.json plain/config.json || complain "$last: the model is gone"
rm plain/checkpoint

# What was measured on a model that is given up goes with it.
# shellcheck disable=SC2086
run train --model start $data --joint-epochs 1 --policy-epochs 1 --iterations 0 --max-loss 1 \
    --gradient reinforce --rollouts 1 --out plain --overwrite -q
exits 0
remarks '--max-loss has no effect without --alphas'
remarks '--rollouts 1: .* the policies learn nothing'
for file in $measured; do
    [ ! -e "plain/$file" ] || complain "$file is of a model that is gone"
done

run train --model start --out x
fails 2 ' train' 'needs --task NAME'
run train --task sst2 --data . --out x
fails 2 ' train' 'needs --model'
run train --model start --task sst --data . --out x
fails 2 ' train' "did you mean 'sst2'"
run train --model start --task sst2 --data . --out x
fails 3 ' train' 'train.tsv'
run train --model start --task sst2 --data . --no-header --out x
fails 2 ' train' '--task knows its columns; leave out .*--no-header'
run eval --model one --task sst2 --data . --no-header
fails 2 ' eval' 'task sst2 knows its columns; leave out .*--no-header'
# shellcheck disable=SC2086
run train --model start $data --out start
fails 2 ' train' 'same directory'
# shellcheck disable=SC2086
run train --model nowhere $data --out x
fails 3 ' train' 'nowhere'
# shellcheck disable=SC2086
run train --model start $data --method magic --out x
fails 2 ' train' 'known: consistentee, finetune'
# shellcheck disable=SC2086
run train --model start $data --alpah 1 --out x
fails 2 ' train' "did you mean '--alpha'"
printf '{"alpah": 1}' >bad.json
run train --model start --config bad.json --out x
fails 2 ' train' 'bad.json: unknown option "alpah"; did you mean "alpha"'
mv bad.json in
run train --model start --config - --out x
fails 2 ' train' 'standard input: unknown option "alpah"; did you mean "alpha"'
printf '{"alpha": -1}' >bad.json
run train --model start --config bad.json --out x
fails 2 ' train' 'bad.json'
# shellcheck disable=SC2086
run train --model start $data --hardness forgetting --joint-epochs 0 --out x
fails 2 ' train' '--hardness forgetting .* --joint-epochs is 0'
# Policies that learn from the 60 dev texts, also when a sweep fits them to more prices.
# shellcheck disable=SC2086
run train --model start $data $how --policy-data dev --out lessons -q
exits 0
grep '"event":"memorize"' lessons/journal.jsonl | grep -q '"texts":60,' ||
    complain 'the policies have other lessons than the dev texts'
head -n 200 texts.tsv >others.tsv
run sweep --model lessons --dev others.tsv --text review --label verdict --tune-held \
    --alphas 0.1 --out prices -q
exits 0
grep -q '"alpha": 0.1,' prices/records.jsonl || complain 'no policies of another price'
# 36 of the 240 training texts were held out for them, 60 are the dev texts.
run sweep --model one --dev others.tsv --text review --label verdict --alphas 0.1 \
    --rules policy -q
exits 0
says 'and 36 texts to fit the policies to, 60 to follow them$'
# PALBERT reads no --policy-data, and its gates are no policies that have a price.
# shellcheck disable=SC2086
run train --model start $data $how --method palbert --policy-data dev --out ponders -q
exits 0
run sweep --model ponders --dev texts.tsv --text review --label verdict --rules ponder
exits 0
! grep 'have learned from these' err || complain 'palbert learned nothing from dev texts'
run sweep --model ponders --dev others.tsv --text review --label verdict --alphas 0.1
fails 2 ' sweep' '--alphas fits the policies of ConsistentEE, and this model has none'
# Nothing is chosen on the file that is reported, and no policy learns from it.
cp -l texts.tsv linked.tsv 2>/dev/null || ln -s texts.tsv linked.tsv
run sweep --model lessons --dev linked.tsv --text review --label verdict --tune-held
fails 2 ' sweep' '--tune-held: .* texts.tsv, and reported is linked.tsv, .*--dev-split'
run sweep --model lessons --dev texts.tsv --text review --label verdict --alphas 0.1
fails 2 ' sweep' '--alphas: .*--policy-data dev .* texts.tsv, and reported is texts.tsv'
run sweep --model lessons --dev texts.tsv --text review --label verdict --rules policy
exits 0
remarks 'texts.tsv: the policies have learned from these texts'
# shellcheck disable=SC2086
run train --model start $data $how --policy-data dev --task-updates-policy --out x -q
fails 2 ' train' '--policy-data dev'

# Figures are of the dev file, and have its name.
head -n 41 texts.tsv >dev.tsv
run train --model start --train texts.tsv --dev dev.tsv --text review --label verdict \
    --method entropy --joint-epochs 1 --out named --json -q --dev-split 0.3 --data nowhere
exits 0
remarks '^--dev-split has no effect beside --dev$'
remarks '^--data has no effect beside --train and --dev$'
says '"task": "dev.tsv"'
grep -q '^      name: "dev.tsv"' named/README.md || complain 'the card names other texts'

for option in train dev; do
    run train --model start --train texts.tsv --dev dev.tsv "--$option" - --text review \
        --label verdict --out x
    fails 2 ' train' "--$option is standard input, .*; write them to a file"
done
printf 'review\tverdict\ngood\tpos\nbad\tpos\n' >same.tsv
run train --model start --train same.tsv --dev same.tsv --text review --label verdict --out x
fails 4 ' train' 'only one class'
printf 'review\tverdict\ngood\tpos\nbad\tugly\n' >new.tsv
run train --model start --train texts.tsv --dev new.tsv --text review --label verdict --out x
fails 4 ' train' "new.tsv:3: label 'ugly' was never seen in training"
: >empty.tsv
run train --model start --train empty.tsv --dev new.tsv --text review --label verdict --out x
fails 4 ' train' 'empty.tsv'
finish
