#!/bin/sh
# check_symbols.sh [BUILD] - what do the libraries define and call?
# Every external symbol begins with ofr_, in the tests' own library with support_; the
# libraries below the command line do not write to a stream or descriptor, and none ends
# the process.  Exit 1 on a breach, 2 when nothing was built.
set -eu
build=${1:-$(dirname "$0")/../build}
bad=0
n=0

ends='_?exit|_Exit|quick_exit|abort|raise|kill|__assert(_fail)?|v?errx?|MPI_Abort'
prints='(__)?v?[fd]?printf(_chk)?|f?putw?[cs]|putw?char|puts|perror|psignal|v?warnx?|v?syslog'
prints="$prints|fwrite|p?writev?|p?write64|(fputc|fputs|fwrite)_unlocked|_IO_putc|std(out|err)"

# Files that may, and what: they write to a file or a pipe of theirs, report a promise of
# ours that is broken (builds for debugging), end a job of ranks; the tests' plain loops.
# Compilers take fwrite for fputs and for fprintf.
allowed='
os.c        write
lock.c      pwrite(64)?
rss.c       fputs|fwrite
plot_run.c  fwrite
status.c    abort|fprintf|fwrite|stderr
comm_mpi.c  MPI_Abort
ref_attn.c  abort
'

for archive in "$build"/*.a "$build"/tests/*.a; do
    [ -e "$archive" ] || continue
    n=$((n + 1))
    prefix='ofr_'
    calls="$ends|$prints"
    case $archive in
    *_cli.a) calls=$ends ;;
    */libsupport_*.a) prefix='support_' calls='' ;;
    esac
    # Names that begin with __ belong to the compiler (sanitizers, coverage).
    wrong=$(nm -A -g --defined-only "$archive" 2>/dev/null |
        awk -v good="^($prefix|__)" '$NF !~ good { print "  " $0 }')
    if [ -n "$wrong" ]; then
        printf '%s: symbols without the prefix %s:\n%s\n' "$archive" $prefix "$wrong"
        bad=1
    fi
    [ -n "$calls" ] || continue
    wrong=$(nm -A -u "$archive" 2>/dev/null | awk -v calls="^($calls)\$" -v allowed="$allowed" '
        BEGIN {
            n = split(allowed, word, /[ \n]+/)
            for (i = 2; i < n; i += 2) may[word[i] ".o"] = "^(" word[i + 1] ")$"
        }
        {
            object = $1
            sub(/:$/, "", object)
            sub(/.*:/, "", object)
            name = $NF
            sub(/@.*/, "", name)
            if (name ~ calls && !(object in may && name ~ may[object])) print "  " $0
        }')
    if [ -n "$wrong" ]; then
        printf '%s: writes to a stream or ends the process:\n%s\n' "$archive" "$wrong"
        bad=1
    fi
done

if [ "$n" = 0 ]; then
    echo "check_symbols: no libraries in $build; run ./run build first" >&2
    exit 2
fi
[ "$bad" = 0 ] || exit 1
echo "symbols: $n libraries define ofr_* only, do not print and do not end the process"
