#!/bin/sh
# check_style.sh [ROOT] - the parts of STYLE.md that a script can see.
# 90 columns, no tabs, no trailing blanks, a comment first, a newline last, no #if inside
# a function (a body stands between braces in the first column), no TODO without the
# number of an issue ("TODO #12").
set -eu
root=${1:-$(dirname "$0")/..}
cd "$root"
LC_ALL=C
export LC_ALL
bad=0

folders=""
for folder in src include tests fuzz bench tools examples; do
    [ -d "$folder" ] && folders="$folders $folder"
done

# Columns are characters: the continuation bytes of UTF-8 do not count.
# shellcheck disable=SC2086
find $folders -name '*.[ch]' | sort | xargs awk '
function complain(text)
{
    printf "%s:%d: %s\n", FILENAME, FNR, text
    bad++
}
FNR == 1 && !/^\/\*/ { complain("a file begins with a comment that says what and why") }
FNR == 1 || /^}/ { in_body = 0 }
/^{/ { in_body = 1 }
in_body && /^[ \t]*#[ \t]*(if|el|endif)/ {
    complain("#if inside a function; define the function, or what it calls, twice")
}
/\t/ { complain("tab; use four spaces (or \\t in a string)") }
/[ \r]$/ { complain("blank at the end of the line") }
/(^|[^A-Za-z])(TODO|FIXME|XXX)([^A-Za-z]|$)/ && !/(TODO|FIXME|XXX) ?[ (]#[0-9]/ {
    complain("TODO without an issue; write TODO #12")
}
{
    line = $0
    gsub(/[\200-\277]/, "", line)
    if (length(line) > 90) complain("line of " length(line) " columns; 90 is the limit")
}
END { exit bad > 0 }' || bad=1

# shellcheck disable=SC2086
unfinished=$(find $folders -name '*.[ch]' -size +0 | sort | while read -r file; do
    [ -z "$(tail -c 1 "$file")" ] || echo "$file: no newline at the end"
done)
if [ -n "$unfinished" ]; then
    echo "$unfinished"
    bad=1
fi

[ "$bad" = 0 ] || exit 1
echo "style: ok"
