#!/bin/sh
# include/offramp.h stands alone, in C and in C++, and the shared library exports
# the functions that it declares: these, all of them, and nothing else.
. "$2/tests/cli/common.inc"
build=$(dirname "$offramp")
header=$source_dir/include/offramp.h

cat >alone.c <<'EOF'
#include <offramp.h>
#include <offramp.h>
const char *(*text_of)(ofr_status) = ofr_status_text;
ofr_session_options options = {0, 0, 0, {"policy", 0.5, 0, 0}};
EOF
cp alone.c alone.cpp
for compiler in gcc clang g++ clang++; do
    if ! command -v $compiler >/dev/null; then
        echo "skip the header with $compiler: not found"
        continue
    fi
    case $compiler in
    *++) set -- -std=c++17 alone.cpp ;;
    *) set -- -std=c11 -Wstrict-prototypes alone.c ;;
    esac
    $compiler -Wall -Wextra -Wpedantic -Werror -I"$source_dir/include" -fsyntax-only "$@" \
        >err 2>&1 || { complain "$compiler $*"; cat err; }
done

# Declarations are what ends in a semicolon; a type's function pointers have their
# names in brackets.
${CC:-cc} -E -P "$header" | tr '\n' ' ' | tr ';' '\n' | grep -v typedef |
    sed -n 's/.*[ *]\(ofr_[a-z0-9_]*\)(.*/\1/p' | LC_ALL=C sort >declared
[ "$(wc -l <declared)" -ge 20 ] || complain 'declarations were not found'
# Names that begin with __ belong to the compiler (sanitizers, coverage).
nm -D --defined-only "$build/libofframp.so" | awk '$NF !~ /^__/ { print $NF }' |
    LC_ALL=C sort >exported
cmp -s declared exported || { complain 'declared < > exported'; diff declared exported; }

last="libofframp.so"
readelf -d "$build/libofframp.so" >out
says 'SONAME.*\[libofframp\.so\.0\]'
"$offramp" --version >out
says "$(sed -n 's/#define OFR_VERSION_MAJOR //p' "$header")\.$(
    sed -n 's/#define OFR_VERSION_MINOR //p' "$header")\.$(
    sed -n 's/#define OFR_VERSION_PATCH //p' "$header")"

# Running needs nothing that trains.
ar t "$build/libofframp.a" | sed 's/\.o$//' >members
for folder in data train method eval report cli; do
    for file in "$source_dir/src/$folder"/*.c; do
        grep -qx "$(basename "$file")" members && complain "libofframp.a holds $file"
    done
done
grep -qx api.c members || complain 'members of libofframp.a were not found'
finish
