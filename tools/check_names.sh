#!/bin/sh
# check_names.sh [ROOT] - is every source file known by its name alone?
# Names of C files are unique in the whole tree, whatever the case of their letters:
# programs of tests share a folder, traces and reviews name files without it, and
# some file systems do not tell A.c from a.c.  Only examples/ is not looked at: its
# files are for other people's trees.
set -eu
root=${1:-$(dirname "$0")/..}
cd "$root"
LC_ALL=C
export LC_ALL

folders=""
for folder in src include tests fuzz bench tools; do
    [ -d "$folder" ] && folders="$folders $folder"
done

# shellcheck disable=SC2086
find $folders -name '*.[ch]' | sort | awk -F / '
{
    name = tolower($NF)
    if (name in first) {
        printf "file name used twice: %s and %s\n", first[name], $0
        bad++
    }
    else first[name] = $0
    n++
}
END {
    if (n == 0) { print "check_names: no files found"; exit 1 }
    if (bad) exit 1
    printf "names: %d files, no name twice\n", n
}'
