#!/bin/sh
# doctor: what it shows, what it calls a problem, and that it says what to do next.
. "$2/tests/cli/common.inc"
unset OMP_NUM_THREADS OFFRAMP_DATA OFFRAMP_ORACLE OFFRAMP_VOCAB

run doctor
exits 0
for line in version build options processor built found kernels self-check peak threads \
    caches memory blas model gnuplot data folder; do
    says "^$line  *[^ ]"
done
says '^self-check .*scalar right'
says "^folder  *$(pwd -P), may be written"
says '^threads .*OMP_NUM_THREADS no limit'
! grep -q '^problem' out || complain 'a problem on a machine that has none'
[ ! -s err ] || complain 'talk on standard error'
[ -z "$(ls | grep offramp-doctor)" ] || complain 'left a file behind'

# problem TEXT NEXT: exit 1, one line of error, both on the page.
problem()
{
    exits 1
    says "^problem  *$1"
    says "^ *next: $2"
    [ "$(wc -l <err)" -eq 1 ] || complain "$last: not one line of error"
    remarks '^offramp doctor: 1 problem found'
}

OFR_CPU=sclaar run doctor
problem "OFR_CPU is 'sclaar'" 'set it to scalar, avx2'
# Other verbs go on with all kernels, and say so.
OFR_CPU=sclaar run help-me
fails 2 '' "unknown verb 'help-me'"
OFR_CPU=sclaar run init --shape tiny --vocab nowhere --out x
remarks "^warning: OFR_CPU is 'sclaar', which names no instruction set"
if "$offramp" doctor --json | grep -q '"blas": "none"'; then
    OFR_CPU=blas run doctor
    problem "OFR_CPU is 'blas'" 'set it to scalar, avx2'
else
    OFR_CPU=blas run doctor
    exits 0
    says '^kernels  *blas '
    says '^blas  *[^ ]* [0-9][^ ]*, right, in use'
fi
OMP_NUM_THREADS=junk run doctor
problem "OMP_NUM_THREADS is 'junk'" 'set it to a number'
OFFRAMP_DATA=$work/nowhere run doctor
problem "OFFRAMP_DATA is '$work/nowhere'" 'correct the path'
mkdir gone
(cd gone && rmdir ../gone && exec "$offramp" doctor) >out 2>err
code=$?
problem 'the current folder: ' 'change to a folder'

# What is not there is a note, with what to do.
mkdir -p empty
PATH=$work/empty run doctor
exits 0
says '^gnuplot  *not found'
says '^note  *gnuplot is not installed'
says '^ *next: apt-get install gnuplot-nox'
printf '#!/bin/sh\n' >empty/gnuplot && chmod +x empty/gnuplot
PATH=/nowhere:$work/empty run doctor
says "^gnuplot  *$work/empty/gnuplot"

# Who decides about threads.
OMP_NUM_THREADS=1 run doctor --json
exits 0
says '"threads_omp": 1[,}]'
if [ "$(nproc)" -gt 1 ]; then
    says '"threads_allowed": 1[,}]'
    says '"threads_decided_by": "OMP_NUM_THREADS"'
    if command -v taskset >/dev/null; then
        taskset -c "$(taskset -pc $$ | sed 's/.*: *\([0-9]*\).*/\1/')" "$offramp" doctor \
            --json >out
        says '"threads_affinity": 1[,}]'
        says '"threads_decided_by": "the affinity mask"'
    else
        echo 'skip affinity: taskset is not installed'
    fi
else
    echo 'skip threads: one processor'
fi

OFR_CPU=scalar run doctor --json
exits 0
[ "$(wc -l <out)" -eq 1 ] || complain '--json: not one line'
for key in schema_version version commit build compiler build_options openmp mpi \
    sanitizers processor architecture instruction_sets kernels peak_gflops \
    memory_available_bytes default_model gnuplot data folder folder_writable problems \
    remarks; do
    says "\"$key\": "
done
says '"kernels": "scalar"'
says '"avx2": false'
says '"scalar": {"built": true, "found": true, "allowed": true, "right": true}'
says '"problems": 0'
if [ "$(uname -m)" = x86_64 ] && grep -q ' avx2 ' /proc/cpuinfo; then
    says '"avx2": {"built": true, "found": true, "allowed": false, "right": true}'
fi
finish
