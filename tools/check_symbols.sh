#!/bin/sh
# check_symbols.sh [BUILD] - what do the libraries define and call?
# Every external symbol begins with ofr_; the libraries below the command line
# neither print nor exit.  Exit 1 on a breach, 2 when nothing was built.
set -eu
build=${1:-$(dirname "$0")/../build}
bad=0
n=0

for archive in "$build"/*.a; do
    [ -e "$archive" ] || continue
    n=$((n + 1))
    # Names that begin with __ belong to the compiler (sanitizers, coverage).
    wrong=$(nm -A -g --defined-only "$archive" 2>/dev/null |
        awk '$NF !~ /^(ofr_|__)/ { print "  " $0 }')
    if [ -n "$wrong" ]; then
        printf '%s: symbols without the prefix ofr_:\n%s\n' "$archive" "$wrong"
        bad=1
    fi
    case $archive in
    *_cli.a) continue ;;
    esac
    wrong=$(nm -A -u "$archive" 2>/dev/null |
        awk '$NF ~ /^(_?exit|quick_exit|v?printf|__v?printf_chk|puts|putchar|perror)$/ {
            print "  " $0 }')
    if [ -n "$wrong" ]; then
        printf '%s: prints or exits; only cli/ may:\n%s\n' "$archive" "$wrong"
        bad=1
    fi
done

if [ "$n" = 0 ]; then
    echo "check_symbols: no libraries in $build; run ./run build first" >&2
    exit 2
fi
[ "$bad" = 0 ] || exit 1
echo "symbols: $n libraries define ofr_* only, and do not print"
