#!/bin/sh
# tools/pretrain on a CPU with a tiny shape: the loss falls, a run in pieces is the
# run in one, and offramp computes from the export what PyTorch does.
. "$2/tests/cli/common.inc"
python=${OFR_PYTHON:-/usr/bin/python3}
if ! "$python" -c 'import numpy, torch' 2>/dev/null; then
    echo 'skip pretrain: no PyTorch'
    exit 0
fi
tools=$source_dir/tools/pretrain
PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1
export PYTHONDONTWRITEBYTECODE OMP_NUM_THREADS

# Sentences in which a word tells much about its neighbours.
awk 'function pick(words, n) { n = split(words, list, " "); seed = (seed * 69069 + 12345) % 4294967296
         return list[1 + int(seed / 65536) % n] }
     BEGIN { seed = 7
         for (i = 0; i < 1500; i++) {
             animal = pick("cat dog horse sheep")
             printf "the %s %s %s the %s.%s", pick("old young small big"), animal,
                 animal == "cat" || animal == "dog" ? "runs to" : "stands by",
                 pick("house river field road"), i % 3 ? "\n" : " it is very tired! "
         }
         print "" }' >text
"$offramp" vocab -q --size 90 --out vocab.txt text || complain 'no vocabulary'
"$python" "$tools/prepare.py" --offramp "$offramp" --vocab vocab.txt --out data \
    --dev-lines 150 text >meta || { complain 'prepare.py failed'; finish; }
grep -q '"vocab_size": 90,' meta || complain 'meta.json lacks the size'
grep -q '"unknown_share": 0.0' meta || complain 'unknown words in the text learned from'
# 16-bit tokens: as many as tokenize gives, without [CLS] and [SEP]
want=$("$offramp" tokenize --vocab vocab.txt text | awk '{ n += NF - 2 } END { print n }')
have=$(($(wc -c <data/train.u16) / 2 + $(wc -c <data/dev.u16) / 2))
[ "$want" = "$have" ] || complain "prepare.py: $have tokens, expected $want"

# refuses CODE LINE COMMAND: one line that begins so, and nothing is left behind.
refuses()
{
    want=$1 line=$2
    shift 2
    timeout 300 "$@" >out 2>err
    code=$?
    [ "$code" -eq "$want" ] || complain "$*: exit $code"
    [ "$(wc -l <err)" -eq 1 ] && grep -q "^$line" err ||
        { complain "$*: not one line '$line'"; cat err; }
    [ -z "$(ls refused 2>/dev/null)" ] || { complain "$* left files behind"; ls refused; }
}

# prepare TEXT WHY
prepare()
{
    refuses 1 "prepare.py: $1: .*$2" "$python" "$tools/prepare.py" --offramp "$offramp" \
        --vocab vocab.txt --out refused --dev-lines 5 text "$1"
}

# Each text is cut where much of it has been read already.
gzip -c text >text.gz && head -c $(($(wc -c <text.gz) - 9)) text.gz >short.gz
"$python" -c 'import lzma; lzma.open("text.xz", "wb").write(open("text", "rb").read())'
head -c $(($(wc -c <text.xz) - 30)) text.xz >short.xz
{ head -c 200 text.xz; head -c 40 text; tail -c +241 text.xz; } >damaged.xz
prepare nowhere.txt 'No such file'
prepare short.gz 'ended before'
prepare short.xz 'ended before'
prepare damaged.xz 'orrupt'
refuses 1 'prepare.py: vocabulary.txt: No such file' "$python" "$tools/prepare.py" \
    --offramp "$offramp" --vocab vocabulary.txt --out refused text
refuses 1 'prepare.py: nothing: No such file' "$python" "$tools/prepare.py" \
    --offramp nothing --vocab vocab.txt --out refused text
# A disk without room, as a link to one.
mkdir -p refused && ln -s /dev/full refused/train.u16.tmp
timeout 300 "$python" "$tools/prepare.py" --offramp "$offramp" --vocab vocab.txt \
    --out refused --dev-lines 150 text >out 2>err && complain 'written to a full disk'
grep -q '^prepare.py: refused: No space' err || { complain 'a full disk'; cat err; }
[ -z "$(ls refused)" ] || { complain 'a full disk: files are left behind'; ls refused; }

# Arguments and data that cannot be used.
"$python" "$source_dir/tests/cli/pretrain_refusals.py" "$tools" data . ||
    complain 'what pretrain.py refuses'

# pretrain OUT OPTIONS
pretrain()
{
    out_dir=$1
    shift
    "$python" "$tools/pretrain.py" --data data --out "$out_dir" --shape tiny --device cpu \
        --steps 60 --batch 8 --lr 4e-3 --warmup 0.1 --log-every 1 --eval-batches 2 --quiet \
        "$@" 2>log || { complain "pretrain.py $*"; cat log; finish; }
}

pretrain whole
[ "$(grep -c '"event": "step"' whole/log.jsonl)" -eq 60 ] || complain 'not 60 steps'
grep '"event": "step"' whole/log.jsonl | sed 's/.*"loss": \([^,]*\),.*/\1/' |
    awk '{ x[NR] = $1 } END { for (i = 1; i <= 5; i++) { a += x[i] / 5; b += x[NR - i + 1] / 5 }
         if (!(b < 0.8 * a)) { print "loss from " a " to " b; exit 1 } }' ||
    complain 'the loss does not fall'
grep -q '"event": "eval".*"accuracy": 0\.[0-9]*.*"balanced_accuracy"' whole/log.jsonl ||
    complain 'no evaluation'

pretrain parts --call-steps 25
remark=$(cat log)
case $remark in *'continues'*) ;; *) complain 'does not say how to continue' ;; esac
# What is there is exported, since nobody may be able to continue, and says what it is.
grep -q 'Budget not spent: 25 of 60 steps' parts/model/README.md ||
    complain 'the card does not say that the budget is not spent'
run info parts/model
exits 0
pretrain parts
grep -q 'Budget' parts/model/README.md && complain 'the card of a finished run'
cmp -s whole/model/model.safetensors parts/model/model.safetensors ||
    complain 'a run in two parts has other weights'

# Compiling is not training.
"$python" "$source_dir/tests/cli/pretrain_clock.py" "$tools" data . >out 2>&1 ||
    { complain 'the schedule by another clock'; cat out; }

# The export: readable, small, and the same numbers.
run info whole/model
exits 0
says 'electra'
says '2 layers, width 64, 4 heads'
"$python" "$tools/parity.py" --model whole/model --offramp "$offramp" \
    --reference reference.safetensors >parity || { complain 'parity.py'; cat parity; }
grep -q '^20 texts, worst' parity || complain 'parity.py compared nothing'
[ -s reference.safetensors ] || complain 'no reference'
# Other weights do not agree with the reference; the right ones do.
parity()
{
    "$python" "$tools/parity.py" --model "$1" --offramp "$offramp" \
        --against reference.safetensors >parity
}
parity whole/model || { complain 'the stored reference differs'; cat parity; }
pretrain other --steps 4 --call-steps 2 --no-export-unfinished
[ ! -e other/model ] || complain 'exported in spite of --no-export-unfinished'
pretrain other --steps 2
parity other/model && complain 'parity.py finds no difference in other weights'

# A GPU that is there for minutes only, played by this processor: three steps, the middle
# one with what travels alone and no program.
gpu()
{
    step=$1
    shift
    PYTHON=$python sh "$tools/on_gpu.sh" "$step" "$@" >gpu.log 2>&1
}
gpu prepare --work home --offramp "$offramp" --size 90 --dev-lines 150 \
    --source 'sentences of a script' text ||
    { complain 'on_gpu.sh prepare'; cat gpu.log; finish; }
[ "$(ls home/tokens | tr '\n' ' ')" = 'dev.u16.xz meta.json train.u16.xz vocab.txt ' ] ||
    { complain 'what travels'; ls home/tokens; }
"$python" -c 'import lzma; print(lzma.open("home/tokens/train.u16.xz").read() ==
    open("data/train.u16", "rb").read())' | grep -q True || complain 'other tokens when packed'
mkdir away && cp -r home/tokens away
gpu train --work away --out back --minutes 1 --shard-mib 0.05 -- --no-compile --device cpu \
    --shape tiny --batch 8 --no-last-call --steps 20 --eval-batches 2 --quiet ||
    { complain 'on_gpu.sh train'; cat gpu.log; finish; }
shards=$(ls back/model/model-*-of-*.safetensors | wc -l)
[ "$shards" -gt 1 ] || complain 'no shards'
[ "$(find back -type f | wc -l)" -eq $((shards + 6)) ] ||
    { complain 'other files come back than expected'; find back; }
[ -z "$(find back -size +52428c)" ] || { complain 'a file is too large'; ls -l back/model; }
gpu finish --work home --from back --offramp "$offramp" --models models --name small \
    --reference states.safetensors || { complain 'on_gpu.sh finish'; cat gpu.log; finish; }
grep -q '^20 texts, worst' gpu.log || complain 'on_gpu.sh finish compared nothing'
[ "$(ls models/small | tr '\n' ' ')" = \
    'README.md config.json model.safetensors tokenizer_config.json vocab.txt ' ] ||
    { complain 'what is put in place'; ls models/small; }
# The card has the facts of the run, and the losses that the log ends with.
for fact in '^license: apache-2.0' '^# offramp-small$' 'sentences of a script: text; ' \
    'f32; PyTorch' '^## Fine-tuned' '^<!-- scores -->$'; do
    grep -q "$fact" models/small/README.md || complain "the card lacks '$fact'"
done
grep '"event": "eval"' back/log.jsonl | tail -1 |
    sed 's/.*"generator_loss": \([^,]*\), "discriminator_loss": \([^,]*\),.*/\1 \2/' |
    awk '{ print $1 + 50 * $2 }' >loss
sed -n 's/^| loss: .* x discriminator | \(.*\) |/\1/p' models/small/README.md >>loss
awk '{ x[NR] = $1 } END { d = x[1] - x[2]; exit !(NR == 2 && d * d < 1e-5) }' loss ||
    { complain 'another loss in the card'; cat loss models/small/README.md; }
# Shards and the one file are the same model, for parity.py and for the program.
for model in back/model models/small; do
    "$python" "$tools/parity.py" --model $model --offramp "$offramp" \
        --against states.safetensors >parity || { complain "parity of $model"; cat parity; }
    [ "$(grep -c '^layer' parity)" -eq 3 ] || { complain 'not three layers'; cat parity; }
done
gpu finish --work home --from back --offramp "$offramp" --models models --name small \
    --reference states.safetensors && complain 'a model is replaced'
grep -q 'models/small exists' gpu.log || { complain 'why not replaced'; cat gpu.log; }

# A shard that was cut short or lost on the way is noticed.
last_shard=$(ls back/model/model-*-of-*.safetensors | tail -n 1)
for fault in 'cut short' lost; do
    rm -rf torn && cp -r back torn
    case $fault in
    lost) rm "torn/${last_shard#back/}" ;;
    *) head -c 9000 "$last_shard" >"torn/${last_shard#back/}" ;;
    esac
    gpu finish --work home --from torn --offramp "$offramp" --models models --name torn \
        --reference torn.safetensors && complain "a shard $fault: put in place"
    [ "$(wc -l <gpu.log)" -eq 1 ] && grep -q "^store.py: torn/model: .*$(basename "$last_shard")" \
        gpu.log || { complain "a shard $fault: not one line"; cat gpu.log; }
    [ ! -e models/torn ] && [ ! -e torn.safetensors ] || complain "a shard $fault: left behind"
done

# The table of scores: 80 and 82 have mean 81 and deviation sqrt(2); the gain is over the
# one seed that both starts have.
mkdir scores
score()
{
    printf '{"commit": "c0ffee", "metric": "accuracy", "score_full": %s, "metric2": %s}\n' \
        "$2" "${3:-null}" >scores/"$1".json
}
score mrpc-1-pretrained 0.80 '"f1", "score2_full": 0.9'
score mrpc-2-pretrained 0.82 '"f1", "score2_full": 0.9'
score mrpc-2-scratch 0.7 '"f1", "score2_full": 0.8'
score rte-1-scratch 0.5
for _ in 1 2; do # the second table takes the place of the first
    "$python" "$tools/scores_table.py" models/small scores --limit-train 9 >table ||
        complain 'scores_table.py'
done
sed -n '/^<!-- scores/,/^<!-- .scores/p' models/small/README.md | sed '1d;$d' >have
cat >want <<'END'
| task | metric | seeds | from scratch | pretrained | gain |
|---|---|---|---|---|---|
| rte | accuracy | 0 | 50.0 |  |  |
| mrpc | accuracy | 1 | 70.0 | 81.0 ± 1.4 | +12.0 |
| mrpc | f1 | 1 | 80.0 | 90.0 ± 0.0 | +10.0 |

END
sed '/^Full model/d' have | cmp -s - want || { complain 'the table of scores'; cat have; }
grep -q '^Full model.* c0ffee, with `--limit-train 9`.$' have ||
    complain 'what the table says about itself'
grep -q '^## Licence' models/small/README.md || complain 'the card lost its end'

# The weights of the repository, where they are there, still give what PyTorch computed.
if [ -e "$source_dir/models/offramp-small/config.json" ]; then
    "$python" "$tools/parity.py" --model "$source_dir/models/offramp-small" \
        --offramp "$offramp" --against "$source_dir/tests/parity/offramp-small.safetensors" \
        >parity || { complain 'offramp-small differs from its reference'; cat parity; }
fi

printf 'text\tlabel\n' >train.tsv
for _ in 1 2 3 4 5 6 7 8; do
    printf 'the old cat runs to the house.\tpet\nthe big horse stands by the road.\tfarm\n'
done >>train.tsv
run train -q --model whole/model --method finetune --train train.tsv --dev train.tsv \
    --text text --label label --joint-epochs 1 --out tuned
exits 0
[ -s tuned/model.safetensors ] || complain 'nothing was trained'
finish
