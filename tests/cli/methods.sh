#!/bin/sh
# Every method from the command line: trained, measured by its own rule, its model
# read back; what does not fit is refused with one line.
. "$2/tests/cli/common.inc"
make_vocab
cat >shape.json <<'EOF'
{"model_type": "bert", "vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 3,
 "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 12,
 "type_vocab_size": 2, "initializer_range": 0.1, "hidden_act": "gelu"}
EOF
run init -q --config shape.json --vocab vocab.txt --out start --seed 7
exits 0
awk 'BEGIN {
    split("the film is not very !", w, " ")
    print "review\tverdict\tstars"
    for (i = 0; i < 120; i++) {
        line = ""
        for (k = 0; k <= i % 4; k++) line = line w[1 + (i * (k + 3) + k) % 6] " "
        good = i * i % 7 < 3
        print line (good ? "good" : "bad") "\t" (good ? "pos" : "neg") "\t" (good ? 4.5 : 1)
    }
}' >texts.tsv
text="--text review"
classes="$text --label verdict"
stars="$text --label stars --regression"
how="--train texts.tsv --dev-split 0.2 --joint-epochs 1 --batch 16 --threads 1 -q"
methods=$("$offramp" train --help | sed -n '/--method NAME/,/--task/p' | tr -s ' \n' '  ' |
    sed 's/.*one of //; s/;.*//')
[ "$(echo "$methods" | wc -w)" -ge 14 ] || complain "methods of the help: $methods"

# rule_of METHOD: what the model must say.
rule_of()
{
    case $1 in
    consistentee) echo policy ;; finetune) echo never ;; static) echo fixed ;;
    deebert | romebert | entropy) echo entropy ;; confidence) echo confidence ;;
    pabee) echo patience ;; fastbert) echo speed ;; berxit) echo lte ;;
    pcee) echo pcee ;; palbert) echo ponder ;; cosee) echo energy ;;
    hashee) echo hash ;; *) echo 'a rule that this script does not know' ;;
    esac
}

for method in $methods; do
    # shellcheck disable=SC2086
    run train --model start $how $classes --method "$method" --out "m-$method" \
        --iterations 0 --policy-epochs 1
    exits 0
    says "^m-$method	dev accuracy "
    grep -q "\"rule\": \"$(rule_of "$method")\"" "m-$method/config.json" ||
        complain "$method: another rule in config.json"
    grep -q '"exit_histogram"' "m-$method/journal.jsonl" ||
        complain "$method: the journal does not say where texts leave"
    # shellcheck disable=SC2086
    run eval --model "m-$method" --dev texts.tsv $classes --runs 0 --json
    exits 0
    [ ! -s err ] || { complain "$method: eval remarks"; cat err; }
    echo 'the film is good' >in
    run predict --model "m-$method"
    exits 0
    : >in
done
grep -q 'offramp.lte.weight' m-berxit/model.safetensors || complain 'no LTE in the weights'
grep -q '"gate": "lte"' m-berxit/config.json || complain 'no gate in config.json'

# A rule needs its gates, and an option its method.
# shellcheck disable=SC2086
run eval --model m-pabee --dev texts.tsv $classes --runs 0 --rule lte
fails 2 ' eval' "exit rule 'lte' needs gates of kind lte.*--method berxit"
# shellcheck disable=SC2086
run eval --model m-berxit --dev texts.tsv $classes --runs 0 --rule policy
fails 2 ' eval' "exit rule 'policy' needs gates of kind policy.*--method consistentee"
# shellcheck disable=SC2086
run eval --model m-pabee --dev texts.tsv $classes --runs 0 --rule pcee --threshold 0.3
fails 2 ' eval' "threshold 0.3 of exit rule 'pcee' is outside 1 \.\. 512"
# shellcheck disable=SC2086
run train --model start --train texts.tsv --dev-split 0.2 --joint-epochs 1 $classes \
    --method pabee --alpha 0.1 --prior 0.2 --out remarks
exits 0
remarks '--alpha has no effect with --method pabee'
remarks '--prior has no effect with --method pabee'
! grep -q -- '--joint-epochs has no effect' err || complain '--joint-epochs has an effect'

# A short model of its own.
# shellcheck disable=SC2086
run train --model start $how $classes --method finetune --layers 2 --out short
exits 0
grep -q '"num_hidden_layers": 2' short/config.json || complain '--layers 2 left others'
# shellcheck disable=SC2086
run eval --model short --dev texts.tsv $classes --runs 0
exits 0
# shellcheck disable=SC2086
run train --model start $how $classes --method finetune --layers 4 --out long
fails 2 ' train' '--layers 4: the model has only 3'
# shellcheck disable=SC2086
run train --model start $how $classes --method pabbe --out typo
fails 2 ' train' "unknown method 'pabbe'; known: .*pabee"

# A regression: some methods, some rules.
for method in deebert romebert entropy confidence pcee cosee fastbert; do
    # shellcheck disable=SC2086
    run train --model start $how $stars --method "$method" --out "r-$method"
    fails 2 ' train' "method $method looks at the probabilities of classes.*pabee"
done
for method in static pabee berxit palbert; do
    # shellcheck disable=SC2086
    run train --model start $how $stars --method "$method" --out "r-$method"
    exits 0
    says "^r-$method	dev pearson "
    # shellcheck disable=SC2086
    run eval --model "r-$method" --dev texts.tsv $text --label stars --runs 0
    exits 0
done
# What counts as right is for a sweep what it was in training.
# shellcheck disable=SC2086
run train --model start $how $stars --method static --error-limit 1000 --out r-wide
exits 0
# shellcheck disable=SC2086
run sweep --model r-wide --dev texts.tsv $text --label stars --rules fixed --json -q
exits 0
grep '"kind": "point"' out >points
[ "$(grep -c '"accuracy": 1,' points)" -eq "$(wc -l <points)" ] ||
    complain 'a sweep with another error limit than training had'
# shellcheck disable=SC2086
run eval --model r-wide --dev texts.tsv $text --label stars --runs 0 --json -q
exits 0
says '"accuracy": 1, "accuracy_full": 1, "error_limit": 1000,'
run quantize --model r-wide --out r-wide-int8 -q
exits 0
# shellcheck disable=SC2086
run eval --model r-wide-int8 --dev texts.tsv $text --label stars --runs 0 --json -q
exits 0
says '"accuracy": 1, "accuracy_full": 1, "error_limit": 1000,'
# shellcheck disable=SC2086
run sweep --model r-wide-int8 --dev texts.tsv $text --label stars --rules fixed --json -q
exits 0
grep '"kind": "point"' out >points
[ "$(grep -c '"accuracy": 1,' points)" -eq "$(wc -l <points)" ] ||
    complain 'a sweep with another error limit than config.json has'
run calibrate --model r-wide --data texts.tsv $text --label stars --max-drop 50 \
    --dry-run --rule fixed
fails 2 ' calibrate' 'they prove nothing about'
for rule in entropy speed confidence energy pcee; do
    # shellcheck disable=SC2086
    run eval --model r-pabee --dev texts.tsv $text --label stars --runs 0 --rule "$rule"
    fails 2 ' eval' "exit rule '$rule' looks at the probabilities of classes"
done
finish
