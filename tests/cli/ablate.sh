#!/bin/sh
# Ablations on a toy: what is written, that units are the runs they say they are, that a
# second call trains nothing and a broken one continues, errors.
. "$2/tests/cli/common.inc"
make_vocab
cat >shape.json <<'END_SHAPE'
{"model_type": "bert", "vocab_size": 16, "hidden_size": 16, "num_hidden_layers": 3,
 "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 12,
 "type_vocab_size": 2, "initializer_range": 0.1, "hidden_act": "gelu"}
END_SHAPE
run init -q --config shape.json --vocab vocab.txt --out start --seed 7
exits 0
# "not" turns "good" and "bad" around: some texts are harder than others.
awk 'BEGIN {
    split("the film is very ! un", w, " ")
    print "review\tverdict"
    for (i = 0; i < 400; i++) {
        line = ""
        for (k = 0; k <= i % 4; k++) line = line w[1 + (i * (k + 3) + k) % 6] " "
        good = i * i % 7 < 3
        turn = i % 3 == 0
        print line (turn ? "not " : "") (good ? "good" : "bad") "\t" (good != turn ? "pos" : "neg")
    }
}' >texts.tsv
how="--model start --train texts.tsv --text review --label verdict --dev-split 0.3 --batch 16
    --joint-epochs 3 --lr 0.005 --threads 1"
# Those that not every question looks at.
prices='--prices 0.01,0.1'
phases='--policy-epochs 3 --iterations 1'

ablate()
{
    question=$1
    shift
    case $question in
    gradient) own='' ;;
    iterations) own='--policy-epochs 3' ;;
    *) own="$phases $prices" ;;
    esac
    # shellcheck disable=SC2086
    run ablate "$question" $how $own --out all --seeds 1,2 "$@"
}

for question in reward hardness gradient iterations consistency; do
    ablate $question
    exits 0
    says '^\*\*Conclusion\.\*\* [A-Z]'
    cmp -s out all/$question.md || complain "$question.md is not what was printed"
    cp out first
    ablate $question --json -q
    exits 0
    says "^{\"schema_version\":1,\"ablation\":\"$question\""
    [ ! -s err ] || complain 'not quiet'
    # Options that the question sets itself, or that the method does not look at, at their
    # defaults and at other values.
    case $question in
    reward) useless='--reward hardness' other=plain ;;
    hardness) useless='--hardness memorized' other=entropy ;;
    gradient) useless='--rollouts 8' other=3 ;;
    iterations) useless='--tolerance 0.001' other=0.5 ;;
    consistency) useless='--alpha 0.005' other=0.7 ;;
    esac
    # shellcheck disable=SC2086
    ablate $question $useless --seed 42 --distill 0.9
    exits 0
    stdout_is first
    remarks "^${useless% *} has no effect with ablate $question$"
    remarks '^--seed has no effect; --seeds lists'
    remarks "^--distill has no effect with ablate $question$"
    useless=${useless% *}
    ablate $question "$useless" $other --distill 0.5 --out others
    exits 0
    grep -v '^    offramp' first >wanted
    grep -v '^    offramp' out | cmp -s wanted - || complain "$question: $useless has an effect"
    remarks "^--distill has no effect with ablate $question, but tells units apart: give"
    rm -r others
    ablate $question "$useless" $other
    if grep -q "^$useless has no effect with ablate $question, but tells units apart" err; then
        exits 2
        remarks 'was made with other options'
    else
        exits 0
        remarks "^$useless has no effect with ablate $question$"
    fi
    ablate $question
    grep -q ' trains' err && complain "$question: trained again"
    stdout_is first
done

# One joint phase per seed for all of them, and as many units as there should be.
[ "$(find all -name 'joint-*' | wc -l)" -eq 2 ] || complain 'joint phases'
[ "$(find all/reward -name unit.json | wc -l)" -eq 8 ] || complain 'units of reward'
[ "$(find all/hardness -name unit.json | wc -l)" -eq 28 ] || complain 'units of hardness'
[ "$(find all/gradient -name unit.json | wc -l)" -eq 12 ] || complain 'units of gradient'
[ "$(find all/iterations -name unit.json | wc -l)" -eq 2 ] || complain 'units of iterations'
[ "$(find all/consistency -name unit.json | wc -l)" -eq 8 ] || complain 'units of consistency'

# Both trainings of "consistency" are what they say.
grep -q -- '--task-loss joint' all/consistency/weighted-sum-0.1-s1/unit.json ||
    complain 'the weighted sum is none'
cmp -s all/consistency/weighted-sum-0.1-s1/model.safetensors \
    all/consistency/consistent-0.1-s1/model.safetensors && complain 'two trainings, one model'

# The hardness of a measure is that of as many texts as the others', from 0 to 1.
measure=all/hardness/measure-forgetting-s1/checkpoint/state.safetensors
cp $measure sound.safetensors
# hardness N FIRST: of N texts, all 0 but the first.
hardness()
{
    printf '%-72s' "{\"hardness\":{\"dtype\":\"F64\",\"shape\":[$1],\"data_offsets\":[0,$((8 * $1))]}}" >header
    {
        printf '\110\0\0\0\0\0\0\0'
        cat header
        printf '%b' "$2"
        head -c $((8 * $1 - 8)) /dev/zero
    } >$measure
    ablate hardness
}
hardness 280 '\0\0\0\0\0\0\0\0'
exits 0
hardness 100000 '\0\0\0\0\0\0\0\0'
fails 4 ' ablate' "$measure: has the hardness of 100000 texts, the measure before it of 280;"
hardness 3 '\0\0\0\0\0\0\0\0'
fails 4 ' ablate' "$measure: has the hardness of 3 texts, the measure before it of 280;"
hardness 280 '\0\0\0\0\0\0\370\177'
fails 4 ' ablate' "$measure: 'hardness'\[0\] is nan, expected 0..1;"
cp sound.safetensors $measure

# A unit is the run that its command gives, bit for bit, although it was forked.
unit=all/hardness/forgetting-0.1-s2
command=$(sed -n 's/^ *"command": "offramp \(.*\)",$/\1/p' $unit/unit.json)
run $(echo "$command" | sed "s#--out $unit#--out alone#") -q
exits 0
cmp -s $unit/model.safetensors alone/model.safetensors || complain 'other weights than alone'
cmp -s $unit/journal.jsonl alone/journal.jsonl || complain 'another journal than alone'

# Right answers in the table are those of unit.json.
right=$(awk '/"right": \[/ { at = 1; next } at && /\]/ { exit } at { gsub(/[ ",]/, ""); print }' \
    all/iterations/five-s1/unit.json | wc -l)
[ "$right" -eq 120 ] || complain "$right rows of right answers, expected 120"

# What is missing is trained again, and only that; the result is the same.
cp all/reward.md first
rm all/reward/plain-0.1-s1/unit.json
rm -r all/reward/hardness-0.1-s2
ablate reward
exits 0
[ "$(grep -c ' trains\| continues' err)" -eq 2 ] || complain 'not just the missing ones'
stdout_is first

# Where all texts are easy nothing is said of hard ones.
awk -F '\t' -v OFS='\t' 'NR > 1 { $2 = NR > 2 ? "pos" : "neg" } NR <= 60' texts.tsv >easy.tsv
# shellcheck disable=SC2086
run ablate reward $how $phases --train easy.tsv --joint-epochs 2 --policy-epochs 1 --out easy \
    --seeds 1 --prices 0.1 -q
exits 0
says 'whether hard texts leave later can not be said'

# Units of texts that have changed since stand beside no others; those of an earlier
# version, which do not tell, are taken.
cp texts.tsv before.tsv
sed 's/pos$/x/;s/neg$/pos/;s/x$/neg/' before.tsv >texts.tsv
ablate iterations
fails 2 ' ablate' 'unit.json: was made with another texts.tsv ("train_hash" is [0-9a-f]\{16\}, now it is'
cp before.tsv texts.tsv
for unit in all/reward/*/unit.json; do
    grep -q '"train_hash"' "$unit" || complain "$unit does not tell its texts"
    sed 's/"train_hash"/"other"/' "$unit" >old.json
    cp old.json "$unit"
done
ablate reward
exits 0
grep -q ' trains' err && complain 'units of an earlier version are trained again'

# Policies that learn the opposite of what the dev texts want: no reward to reach, which
# even the run without a gradient would have.  Here it does move.
sed 's/pos$/x/;s/neg$/pos/;s/x$/neg/' texts.tsv >opposite.tsv
ablate gradient --out down --seeds 1 --dev-split 0 --dev opposite.tsv --weight-decay 0.5 -q
exits 0
[ "$(grep -c '^| [er][a-z0-9-]* |.* | | 0 | -' out)" -eq 6 ] || { complain 'steps downhill'; cat out; }
says 'so that run moves by --weight-decay alone'

# Long seeds are seeds of their own; --overwrite does not look at what was there.
# shellcheck disable=SC2086
long="ablate iterations $how --policy-epochs 3 --joint-epochs 1 --out long --seeds 20240101,20240102 -q"
# shellcheck disable=SC2086
run $long
exits 0
[ -e long/iterations/five-s20240101/unit.json ] || complain 'the first of two long seeds'
[ -e long/iterations/five-s20240102/unit.json ] || complain 'the second of two long seeds'
echo >long/iterations/five-s20240101/checkpoint/state.safetensors
# shellcheck disable=SC2086
run $long --overwrite
exits 0

ablate reward --joint-epochs 2
fails 2 ' ablate' 'was made with other options'
ablate hardness --joint-epochs 0 --out none
fails 2 ' ablate' 'forgetting is counted over the joint epochs'
# refused PATTERN ARGUMENTS: what leaves a question nothing to compare, at once.
refused()
{
    pattern=$1
    shift
    ablate "$@" --out none
    fails 2 ' ablate' "$pattern"
    [ ! -e none ] || complain "$last: it has begun"
}
refused '--hardness none makes both rewards plain' reward --hardness none
refused '--reward plain takes no account of hardness' hardness --reward plain
refused '--hardness forgetting is counted while a model trains' gradient --hardness forgetting
refused '--entropy-bonus 1: what a gradient is' gradient --entropy-bonus 1
refused '--task-epochs 0 has no task phases' iterations --task-epochs 0
refused '--iterations 0 has no consistent' consistency --iterations 0
refused '--task-epochs 0 has no consistent' consistency --task-epochs 0
refused '--task-loss joint is what' consistency --task-loss joint
run ablate hardness --model start --task stsb --train texts.tsv --dev-split 0.3 --out none
fails 2 ' ablate' 'stsb is a regression'
[ ! -e none ] || complain 'a regression has begun'
ablate rewards
fails 2 ' ablate' "did you mean 'reward'"
run ablate --out x
fails 2 ' ablate' 'needs a question'
run ablate reward --model start
fails 2 ' ablate' 'needs --out'
ablate reward --seeds 1,1
fails 2 ' ablate' '--seeds names 1 twice'
ablate reward --seeds 1.5
fails 2 ' ablate' 'no whole number'
ablate reward --prices x
fails 2 ' ablate' "'x' is no number"
ablate reward --alphas 1
fails 2 ' ablate' '--alphas is for train'
finish
