#!/bin/sh
# The scripts behind docs/RESULTS.md.  tools/reproduce.sh, whose runs take hours, has a
# stand-in for the program that trains nothing and fails when it is told to: a run counts
# when both of its evaluations are done, and once, however often the script was stopped.
. "$2/tests/cli/common.inc"

cat >stand-in <<'END'
#!/bin/sh
# "Trains" a folder; evaluates unless the file `fail` names its run and batch.
verb=$1
while [ $# -gt 0 ]; do
    case $1 in
    --out) out=$2 ;; --model) model=$2 ;; --task) task=$2 ;; --batch) batch=$2 ;;
    esac
    shift
done
case $verb in
init | train) mkdir -p "$out" ;;
eval)
    [ "$(cat fail)" != "$model $batch" ] || exit 1
    echo "{\"task\": \"$task\", \"metric\": \"accuracy\", \"score\": 0.${model#*-}," \
        "\"batch\": $batch, \"ms_per_text\": 1, \"ms_per_text_full\": 4}"
    ;;
esac
END
chmod +x stand-in

# reproduce [TASK...]
reproduce()
{
    last="reproduce.sh $*"
    OFFRAMP=./stand-in SEEDS='3 4' sh "$source_dir/tools/reproduce.sh" data vocab.txt o "$@" \
        >out 2>err
    code=$?
}

# lines N: so many evaluations were collected, each batch of each run once.
lines()
{
    [ "$(wc -l <o/results.jsonl)" -eq "$1" ] || complain "$last: $(wc -l <o/results.jsonl) lines"
    [ -z "$(sort o/results.jsonl | uniq -d)" ] || complain "$last: a line twice"
}

for stop in 'o/mcid-3 1' 'o/mcid-3 32' 'o/mcid-4 32'; do
    echo "$stop" >fail
    reproduce mcid
    exits 1
    [ ! -e o/results.jsonl ] || complain "$last: results in spite of the failure"
    [ ! -e "${stop% *}.jsonl" ] || complain "$last: ${stop% *} is done in spite of it"
done
echo none >fail
reproduce mcid
exits 0
lines 4
grep -q '^{"train_seed":4,"shape":"mini","task": "mcid",.*"batch": 32,' o/results.jsonl ||
    { complain 'what a line holds'; cat o/results.jsonl; }
# 30 and 40: their mean and deviation; three quarters of the time saved.
says '^| mcid | accuracy | 2 | .* | 35\.0 ± 7\.1 | .* | 75 % | 75 % |'
cp o/results.jsonl before
reproduce mcid
cmp -s before o/results.jsonl || complain 'other results when nothing was to be done'
reproduce sst2 mcid
lines 8
reproduce mcid nonsense
exits 2
remarks "no recipe for 'nonsense'"
[ ! -s out ] || complain "$last: results"

# Seeds that differ by 1 and 3 points: 2 +- 12.706 * sqrt(2) / sqrt(2).
cat >records <<'END'
{"kind": "run", "task": "t", "method": "ours", "seed": 1, "score_full": 0.5}
{"kind": "curve", "task": "t", "method": "ours", "seed": 1, "score_at_saved": [0.81, 0.5, null]}
{"kind": "run", "task": "t", "method": "ours", "seed": 2, "score_full": 0.5}
{"kind": "curve", "task": "t", "method": "ours", "seed": 2, "score_at_saved": [0.83, 0.5, 0.5]}
{"kind": "run", "task": "t", "method": "theirs", "seed": 1, "score_full": 0.75}
{"kind": "curve", "task": "t", "method": "theirs", "seed": 1, "score_at_saved": [0.8, 0.5, 0.5]}
{"kind": "run", "task": "t", "method": "theirs", "seed": 2, "score_full": 0.75}
{"kind": "curve", "task": "t", "method": "theirs", "seed": 2, "score_at_saved": [0.8, 0.5, 0.5]}
{"kind": "run", "task": "t", "method": "theirs", "seed": 3, "status": "failed", "message": "disk full"}
{"kind": "run", "task": "other", "method": "theirs", "seed": 3, "score_full": 0.1}
END
sh "$source_dir/tools/seed_intervals.sh" records t >out 2>err || complain 'seed_intervals.sh'
last=seed_intervals.sh
cell='+0.00 \[+0.00, +0.00\]'
says "^| theirs | -25.00 \[-25.00, -25.00\] \* | +2.00 \[-10.71, +14.71\] | $cell | - |\$"
finish
