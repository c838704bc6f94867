#!/bin/sh
# fix_columns.sh FILE... - let clang-format break the lines over 90 columns, and
# leave all others as they are.
set -eu
for file in "$@"; do
    lines=$(LC_ALL=C awk '{
        line = $0
        gsub(/[\200-\277]/, "", line)
        if (length(line) > 90) printf " --lines=%d:%d", FNR, FNR
    }' "$file")
    # shellcheck disable=SC2086
    [ -z "$lines" ] || clang-format -i $lines "$file"
done
