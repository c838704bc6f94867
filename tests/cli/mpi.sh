#!/bin/sh
# Training on several ranks: the losses of one rank, the same bits each time, one that
# speaks and writes, errors and deaths that end all, wrong launchers, two runs in one
# folder.  Ranks are processes of this machine; skipped aloud without MPI.
. "$2/tests/cli/common.inc"
make_start start 3
make_texts 200 >texts.tsv
data="--train texts.tsv --text review --label verdict --dev-split 0.2"
how="--joint-epochs 2 --batch 16 --iterations 1 --policy-epochs 2 --threads 1"
some="--joint-epochs 40 --batch 16 --iterations 1 --policy-epochs 2 --save-steps 20 --threads 1"
endless="--joint-epochs 10000 --batch 16 --save-steps 20 --threads 1"

# What Open MPI needs in containers and as root; leaks are looked for elsewhere.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl=self,vader OMPI_MCA_btl_vader_single_copy_mechanism=none
export OMPI_MCA_plm_rsh_agent=true OMPI_MCA_rmaps_base_oversubscribe=1
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0"

# ranks N ARGUMENTS: as run, on N ranks.
ranks()
{
    n=$1
    shift
    last="mpirun -np $n offramp $*"
    mpirun -q -np "$n" "$offramp" "$@" <in >out 2>err
    code=$?
}

# One line of ours, whatever mpirun has to say beside it.
one_line()
{
    exits "$1"
    [ "$(grep -c '^offramp' err)" -eq 1 ] || { complain "$last: not one line"; cat err; }
    remarks "$2"
    [ ! -s out ] || complain "$last: output in spite of the error"
}

until_saved()
{
    while kill -0 "$pid" 2>/dev/null && [ ! -s "$1/checkpoint/state.safetensors" ]; do :; done
}

# Two ordinary runs in one folder.
# shellcheck disable=SC2086
"$offramp" train --model start $data $endless --out both -q >out 2>err &
pid=$!
until_saved both
run train --resume --out both -q
fails 2 ' train' "both: process $pid on .* works in this folder"
kill -TERM $pid
wait $pid
[ ! -e both/lock ] || complain 'a lock is left behind'

# A launcher of another MPI: as many runs of one.
# shellcheck disable=SC2086
last='train, started by another launcher'
PMI_SIZE=2 "$offramp" train --model start $data $how --out wrong >out 2>err
code=$?
fails 2 ' train' 'PMI_SIZE=2'
[ ! -e wrong ] || complain 'the wrong launcher, but it began'
last='train --help, started by another launcher'
PMI_SIZE=4 "$offramp" train --help >out 2>err
code=$?
exits 0
says '--joint-epochs'

if ! "$offramp" doctor 2>/dev/null | grep -q 'mpi: yes'; then
    echo 'skip ranks: built without MPI'
    finish
fi
if ! mpirun -q -np 2 true >out 2>err; then
    echo 'skip ranks: mpirun does not work here'
    cat err
    finish
fi

# ---- the same as one rank ------------------------------------------------------------

# shellcheck disable=SC2086
run train --model start $data $how --out one -q
exits 0
for n in 2 2 4; do
    # shellcheck disable=SC2086
    ranks $n train --model start $data $how --out many$n --overwrite -q
    exits 0
    [ "$(wc -l <out)" -eq 1 ] || { complain "$last: other ranks talk"; cat out; }
    [ ! -s err ] || { complain "$last: not quiet"; cat err; }
    [ "$(ls one)" = "$(ls many$n)" ] || { complain "$last: other files"; ls many$n; }
    [ -e before ] && [ "$n" = 2 ] && {
        cmp -s before/model.safetensors many2/model.safetensors || complain 'other bits'
        cmp -s before/journal.jsonl many2/journal.jsonl || complain 'another journal'
    }
    [ "$n" = 2 ] && { rm -rf before; cp -r many2 before; }
    for run in one many$n; do
        sed -n 's/.*"loss":\([^,]*\),.*/\1/p' $run/journal.jsonl >losses.$run
    done
    [ "$(wc -l <losses.one)" -gt 10 ] || complain 'hardly a step'
    paste losses.one losses.many$n | awk '
        { d = $1 - $2; if (d < 0) d = -d
          if (NF != 2 || d > (NR <= 10 ? 1e-6 : 1e-4) * ($1 < 0 ? -$1 : $1)) bad = bad " " NR }
        END { if (bad) { print "steps" bad; exit 1 } }' || complain "$last: other losses"
    for run in one many$n; do
        head=$(od -An -t u4 -N 4 $run/model.safetensors | tr -d ' ')
        od -An -v -w4 -t f4 -j $((head + 8)) $run/model.safetensors >weights.$run
    done
    paste weights.one weights.many$n | awk '
        { d = $1 - $2; if (d < 0) d = -d; if (d > most) most = d }
        END { if (NR < 1000 || most > 1e-3) { print "off by " most; exit 1 } }' ||
        complain "$last: other weights"
done

# ---- one fails, all end ---------------------------------------------------------------

ranks 2 train --alpah 1
one_line 2 "did you mean '--alpha'"
ranks 2 eval --model one --dev texts.tsv --text review --label verdict
one_line 2 'only train shares its work; start eval once'
ranks 2 train --help
exits 0
[ "$(grep -c '^usage:' out)" -eq 1 ] || complain 'help is printed by all'
# shellcheck disable=SC2086
ranks 3 train --model nowhere $data --out x
one_line 3 'nowhere'

# two COMMAND...: rank 0 trains, rank 1 is the command.
two()
{
    last="rank 1 of 2: $*"
    # shellcheck disable=SC2086
    mpirun -q -np 1 "$offramp" train --model start $data $how --out x -q : -np 1 "$@" \
        <in >out 2>err
    code=$?
}
printf 'review\tverdict\ngood\tpos\nbad\n' >bad.tsv
two "$offramp" train --model start --train bad.tsv --dev-split 0.2 --text review \
    --label verdict --out x
one_line 4 'rank 1: bad.tsv:3: found 1 field'
# shellcheck disable=SC2086
two "$offramp" train --model start $data $how --seed 7 --out x
one_line 2 'rank 1: begins with other data or settings than rank 0'
rm -rf x
cp -r one x
keep=$how
how="$how --overwrite"
# shellcheck disable=SC2086
two env OFR_CPU=scalar "$offramp" train --model start $data $how --out x
how=$keep
if "$offramp" doctor | grep -q '^kernels *scalar'; then
    exits 0
else
    one_line 2 "rank 1: computes with kernels 'scalar', rank 0 with"
    rm -f x/lock # of a rank that was ended
    diff -r one x || complain "$last: the old run was given up"
fi
rm -rf x

# Memory for the messages is short: blocks 4 to 6.
faulty=$(dirname "$offramp")/tests/offramp_faults
if [ -x "$faulty" ]; then
    # shellcheck disable=SC2086
    two env OFFRAMP_FAULT=memory:4 "$faulty" train --model start $data $how --out x
    one_line 1 'rank 1: out of memory (asked for .* for messages of ranks)'
    last='both ranks are short of memory'
    # shellcheck disable=SC2086
    OFFRAMP_FAULT=memory:6 mpirun -q -np 2 "$faulty" train --model start $data $how \
        --out x <in >out 2>err
    code=$?
    one_line 1 '^offramp train: out of memory (asked for .* for messages of ranks)'
fi

# OMP_NUM_THREADS is for each rank, not to be shared among them.
if [ "$(nproc)" -ge 4 ]; then
    # shellcheck disable=SC2086
    OMP_NUM_THREADS=2 mpirun -q -np 2 --bind-to none "$offramp" train --model start $data \
        --joint-epochs 1 --out x <in >out 2>err
    code=$?
    exits 0
    remarks '2 ranks share each batch; this one has 2 threads'
fi
rm -rf x

# ---- one is stopped, all stop; one dies, all die ---------------------------------------

# stop SIGNAL DIR [-q]: to rank 1, once there is a checkpoint.
stop()
{
    last="rank 1 gets $1"
    rm -f pid
    # shellcheck disable=SC2086
    mpirun ${3:-} -np 1 "$offramp" train --model start $data $some --out "$2" -q : \
        -np 1 sh -c 'echo $$ >pid; exec "$@"' sh "$offramp" train --model start $data \
        $some --out "$2" -q <in >out 2>err &
    pid=$!
    until_saved "$2"
    kill "-$1" "$(cat pid)"
    wait $pid
    code=$?
}

# on N DIR: the run goes on with N ranks to its end.
on()
{
    ranks "$1" train --resume --out "$2"
    exits 0
}

same_as_whole()
{
    cmp -s whole/model.safetensors "$1/model.safetensors" || complain "$1: other bits"
    cmp -s whole/journal.jsonl "$1/journal.jsonl" || complain "$1: another journal"
}

# shellcheck disable=SC2086
ranks 2 train --model start $data $some --out whole -q
exits 0
stop TERM stopped -q
exits 143
remarks "^offramp train: interrupted after .*: mpirun -np 2 offramp train --resume --out stopped"
cp -r stopped elsewhere
on 2 stopped
same_as_whole stopped
stop KILL killed
[ "$code" -ne 0 ] || complain 'a rank was killed, and all is well'
remarks 'process rank 1 .* signal 9'
on 2 killed
same_as_whole killed

# With another number of ranks it goes on as well, and says what that means.
on 1 elsewhere
remarks 'was written by 2 ranks and goes on with 1'
finish
