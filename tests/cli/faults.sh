#!/bin/sh
# Verbs whose system calls fail, one by one: the files that were there survive bit for
# bit, nothing is left behind, one line names the file, the reason and the next step.
# Memory runs out at many places.  Full and closed disks are found before the work.
# shellcheck disable=SC2086 # $data is several words
. "$2/tests/cli/common.inc"
faulty=$(dirname "$offramp")/tests/offramp_faults
[ -x "$faulty" ] || { echo "skip faults: $faulty is not built"; exit 0; }
# The long tier: PART/PARTS of all allocations (tests/long/faults.sh).
first=1
parts=1
[ -z "${OFFRAMP_LONG:-}" ] || { first=${OFFRAMP_LONG%/*} && parts=${OFFRAMP_LONG#*/}; }
make_model model
make_texts 40 >texts.tsv
make_texts 30 | sed 's/pos$/x/; s/neg$/pos/; s/x$/neg/' >other.tsv
data="--text review --label verdict"

# faulted FAULT ARGUMENTS: the program with a fault; leaves out, err, $code, `missed`.
search=$PATH
faulted()
{
    rm -f missed
    fault=$1
    shift
    last="offramp $* ($fault)"
    OFFRAMP_FAULT=$fault OFFRAMP_MISSED=missed PATH=$search "$faulty" "$@" <in >out 2>err
    code=$?
}

# One line of error with a next step; exit 1.
one_line()
{
    exits 1
    [ "$(grep -c '^offramp ' err)" -eq 1 ] || { complain "$last: the error"; cat err; }
}

# Every file in box is as before (box-old) or, with $1 = either, as it became
# (box-new); the names are those of before, or some of the new ones.
box_is()
{
    for file in $(find box -type f | cut -d / -f 2-); do
        cmp -s "box/$file" "box-old/$file" && continue
        [ "$1" = either ] && cmp -s "box/$file" "box-new/$file" && continue
        complain "$last: box/$file is neither the old nor the new one"
    done
    for file in $(find box-old -type f | cut -d / -f 2-); do
        [ -f "box/$file" ] || complain "$last: box/$file is gone"
    done
}

# each_call either|old ARGUMENTS: every call of every kind fails once and for good.
each_call()
{
    which=$1
    shift
    rm -rf box
    cp -r box-old box
    run "$@"
    exits 0
    rm -rf box-new
    mv box box-new
    n_faults=0
    for kind in open write sync close rename mkdir; do
        for good in '' +; do
            n=1
            while :; do
                rm -rf box
                cp -r box-old box
                faulted "$kind:$n$good" "$@"
                [ -f missed ] && break
                n_faults=$((n_faults + 1))
                n=$((n + 1))
                if [ "$code" -eq 0 ]; then # a folder that is not synced is no harm
                    diff -r box box-new >/dev/null || complain "$last: not the new files"
                    case $kind in open | sync | close | mkdir) ;;
                    *) complain "$last: nobody minds" ;; esac
                    continue
                fi
                one_line
                box_is "$which"
                remarks 'cannot .*: .*; '
                [ "$n" -gt 60 ] && break
            done
        done
    done
    [ "$n_faults" -ge 8 ] || complain "$last: only $n_faults faults"
}

# each_call_timed DIR ARGUMENTS: the same for files that hold times and for pages that
# nobody misses: DIR is never half a file.
each_call_timed()
{
    dir=$1
    shift
    for kind in open write sync close rename mkdir; do
        n=1
        while :; do
            rm -rf box
            cp -r box-old box
            faulted "$kind:$n" "$@"
            [ -f missed ] && break
            n=$((n + 1))
            mkdir -p "$dir"
            [ -z "$(find "$dir" -name '*.tmp')" ] || complain "$last: left behind"
            for file in "$dir"/report.json "$dir"/report.csv "$dir"/report.md \
                "$dir"/records.jsonl; do
                [ ! -f "$file" ] || [ -z "$(tail -c 1 "$file" | tr -d '\n')" ] ||
                    complain "$last: half of $file"
                [ "$code" -ne 0 ] || [ -s "$file" ] || complain "$last: no $file"
            done
            [ "$code" -eq 0 ] && continue
            one_line
            remarks 'cannot .*: .*; '
        done
        [ "$n" -gt 1 ] || complain "$last: no call of $kind"
    done
}

# next_allocation: n moves on, at growing distances and by fours through the last
# $densely; in the long tier by the number of parts, and says so now and then.
densely=0
next_allocation()
{
    if [ -z "${OFFRAMP_LONG:-}" ]; then
        late=$((total - densely))
        if [ "$n" -ge "$late" ]; then
            n=$((n + 4))
        else
            n=$((n + 1 + n / 4))
            [ "$n" -lt "$late" ] || n=$late
        fi
        return
    fi
    [ $((n / 200)) -eq $(((n + parts) / 200)) ] || echo "$1: allocation $n of $total"
    n=$((n + parts))
}

# but_the_clock FILE: what a verb printed, without the line that says how long it took.
but_the_clock()
{
    grep -v ' by the clock (' "$1"
}

# some_memory ARGUMENTS: allocations fail, once or for good in turn.
some_memory()
{
    rm -rf box
    cp -r box-old box
    OFFRAMP_TRACE=trace PATH=$search "$faulty" "$@" <in >out 2>err
    code=$?
    last="offramp $*"
    exits 0
    but_the_clock out >want
    rm -rf box-new
    mv box box-new
    total=$(sed -n 's/^memory //p' trace)
    [ "$total" -ge 40 ] || complain "$last: only $total allocations"
    n=$first
    good=''
    while :; do
        rm -rf box
        cp -r box-old box
        faulted "memory:$n$good" "$@"
        [ -f missed ] && break
        if [ "$code" -eq 0 ]; then
            but_the_clock out | cmp -s - want ||
                complain "$last: other output than with memory"
            diff -r box box-new >/dev/null || complain "$last: other files than with memory"
        else
            one_line
            remarks 'out of memory'
            box_is either
        fi
        next_allocation "$1"
        [ "$good" ] && good='' || good=+
    done
    [ "$n" -gt "$total" ] || complain "$last: allocation $n of $total is not reached"
}

new_box()
{
    rm -rf box-old
    mkdir box-old
}

# ---- verbs that write ----
new_box
run vocab --size 60 --min-count 1 --out box-old/v.txt other.tsv
exits 0
each_call old vocab --size 64 --min-count 1 --out box/v.txt texts.tsv -q
some_memory vocab --size 64 --min-count 1 --threads 1 --out box/v.txt texts.tsv -q

new_box
printf 'old\n' >box-old/p.tsv
each_call old eval --model model --dev texts.tsv $data --runs 0 --predictions box/p.tsv -q
some_memory eval --model model --dev texts.tsv $data --runs 0 --threads 1 \
    --predictions box/p.tsv -q

# The score of a regression needs room for ranks.
sed 's/"id2label".*/"id2label": {"0": "stars"}, "label2id": {"stars": 0}}/' shape.json \
    >value.json
"$offramp" init -q --config value.json --vocab vocab.txt --out value --seed 7 ||
    complain 'init of a regression'
awk -F '\t' -v OFS='\t' 'NR > 1 { $2 = NR % 7 / 2 } { print }' texts.tsv >stars.tsv
new_box
densely=80
some_memory eval --model value --dev stars.tsv $data --runs 0 --threads 1 -q

# A page without charts: gnuplot, which would draw them, is not found.
run train --model model --train texts.tsv --dev texts.tsv $data --method deebert \
    --joint-epochs 1 --exit-epochs 1 --out page -q
exits 0
mkdir empty
search=$work/empty
new_box
some_memory report --run page --out box/page -q
search=$PATH
densely=0

new_box
echo 'the film is good' >lines.txt
printf 'old\n' >box-old/f.safetensors
each_call old features --model model --input lines.txt --output box/f.safetensors -q
some_memory features --model model --input lines.txt --output box/f.safetensors \
    --threads 1 -q

new_box
each_call either quantize --model model --out box/q --precision int8 -q
some_memory quantize --model model --out box/q --precision int8 -q

new_box
each_call either init -q --config shape.json --vocab vocab.txt --out box/m --seed 8
# With settings of a tokenizer that are read again, and stay what they are.
run init -q --cased --config shape.json --vocab vocab.txt --out cased
exits 0
some_memory init -q --cased --config shape.json --vocab cased --out box/m --seed 8

new_box
cp -r model box-old/m
each_call old calibrate --model box/m --dev texts.tsv $data --rule entropy \
    --max-drop 60 --confidence 0.5 -q
some_memory calibrate --model box/m --dev texts.tsv $data --rule entropy \
    --max-drop 60 --confidence 0.5 --threads 1 -q

new_box
# shellcheck disable=SC2086
each_call_timed box/s sweep --model model --dev texts.tsv $data --rules entropy --out box/s -q
some_memory sweep --model model --dev texts.tsv $data --rules entropy --threads 1 -q

new_box
cp lines.txt in
some_memory predict --model model --threads 1
: >in

# ---- writes that are cut short change nothing ----
rm -rf box box-new
mkdir box box-new
run quantize --model model --out box-new/q -q
exits 0
OFFRAMP_FAULT=short:100 "$faulty" quantize --model model --out box/q -q ||
    complain 'short writes'
diff -r box box-new || complain 'short writes change bits'

# ---- standard output ----
if [ -c /dev/full ]; then
    "$offramp" info model >/dev/full 2>err
    code=$?
    last='offramp info >/dev/full'
    exits 1
    remarks 'standard output: cannot write: No space left on device; make room'
fi
finish
