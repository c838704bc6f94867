#!/bin/sh
# check_options.sh [PROGRAM] [ROOT] - are the options in the documents those of the program?
# Every --name that stands behind `offramp VERB` in a document is in that verb's help;
# so is every one in the examples of the helps.  Exit 1 on one that is not.
set -eu
root=${2:-$(dirname "$0")/..}
program=${1:-$root/build/offramp}
folder=$(mktemp -d "${TMPDIR:-/tmp}/offramp-options-XXXXXX")
trap 'rm -rf "$folder"' EXIT

# "VERB --name" for each option of each verb, of [no-]name both.
"$program" help | sed -n 's/^  \([a-z]*\)  *[A-Z].*/\1/p' >"$folder/verbs"
while read -r verb; do
    "$program" "$verb" --help >"$folder/help-$verb"
    sed -n "s/^  \(-., \|    \)--\([][a-z0-9-]*\).*/$verb --\2/p" "$folder/help-$verb"
done <"$folder/verbs" | sed 's/^\(.*\)\[no-\]\(.*\)/\1\2\n\1no-\2/' >"$folder/options"
sed 's/$/ --help/' "$folder/verbs" >>"$folder/options"
printf 'help --man\nhelp --completion\n' >>"$folder/options"

# A command may go on behind a backslash, and in a span of code, on the next line.
cd "$root"
find README.md CONTRIBUTING.md CHANGELOG.md docs examples bindings bench src -name '*.md' \
    2>/dev/null | LC_ALL=C sort >"$folder/documents"
# shellcheck disable=SC2046
awk '
FILENAME == ARGV[1] { known[$0] = verbs[$1] = 1; next }
FNR == 1 { open = "" }
/^ *```/ { open = ""; next }
{
    line = open $0
    ticks = gsub(/`/, "`", line)
    if (sub(/\\$/, "", line) || ticks % 2 == 1 && $0 != "") { open = line " "; next }
    open = ""
    n = split(line, piece, /offramp /)
    for (i = 2; i <= n; i++) {
        text = piece[i]
        sub(/[`|;&#()].*/, "", text)
        m = split(text, word, /[ \[\]=,."'\'']+/)
        if (!(word[1] in verbs)) continue
        for (j = 2; j <= m; j++) {
            if (word[j] !~ /^--[a-z]/) continue
            n_seen++
            if ((word[1] " " word[j]) in known) continue
            printf "%s:%d: offramp %s has no option %s\n", FILENAME, FNR, word[1], word[j]
            bad++
        }
    }
}
END {
    if (!n_seen) print "check_options: no use of an option found"
    if (bad || !n_seen) exit 1
    printf "options: %d uses in documents and examples, all in the helps\n", n_seen
}' "$folder/options" $(cat "$folder/documents") "$folder"/help-*
