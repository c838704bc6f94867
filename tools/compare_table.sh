#!/bin/sh
# compare_table.sh OUT/TASK... - one small table per comparison, for docs/RESULTS.md, from
# the first two tables of report.md as `offramp compare` writes it.
set -eu
[ $# -gt 0 ] || { sed -n '2,3s/^# \{0,1\}//p' "$0" >&2; exit 2; }
for folder; do
    awk -F ' *[|] *' '
    NR == 1 { print "**" $0 "**"; print "" }
    $2 == "method" { table++; next }
    # "84.90 +- 0.85" without the deviation
    function mean(cell) { sub(/ .*/, "", cell); return cell }
    table == 1 && $2 ~ /^- at random/ { chance[last] = mean($8); next }
    table == 1 && $3 ~ /[0-9]/ {
        last = $2
        order[++n] = $2
        line[$2] = sprintf("%s | %s | %s | %s | %s", $3, mean($4), mean($5), mean($6), mean($8))
    }
    table == 2 && $6 ~ /%/ { trained[$2] = $6 }
    END {
        print "| method | full depth | at 25 % | at 50 % | at 75 % | area | area at random | as trained |"
        print "|---|---|---|---|---|---|---|---|"
        for (i = 1; i <= n; i++)
            printf "| %s | %s | %s | %s |\n", order[i], line[order[i]], chance[order[i]], trained[order[i]]
        print ""
    }' "$folder/report.md"
done
