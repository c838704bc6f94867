#!/bin/sh
# seed_intervals.sh RECORDS.jsonl TASK - what the seeds of a comparison say: the first
# method minus each other one in points, at full depth and at 25, 50 and 75 % of the
# layers saved; mean over seeds [95 % interval of Student's t, paired by seed], and a
# star where it excludes 0.  RECORDS is what `offramp compare` leaves in its folder.
set -eu
[ $# -eq 2 ] || { sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2; }
awk -v task="$2" '
function text(key,   at, rest) {
    at = index($0, "\"" key "\": ")
    if (at == 0) return "null"
    rest = substr($0, at + length(key) + 4)
    sub(/^"/, "", rest)
    sub(/[",}].*/, "", rest)
    return rest
}
BEGIN {
    split("12.706 4.303 3.182 2.776 2.571 2.447 2.365 2.306 2.262", quantile, " ")
}
text("task") != task { next }
text("kind") == "run" && text("score_full") != "null" {
    m = text("method")
    if (!(m in known)) { known[m] = 1; methods[++n_methods] = m }
    if (!(text("seed") in asked)) { asked[text("seed")] = 1; seeds[++n_seeds] = text("seed") }
    score[m, text("seed"), 0] = text("score_full")
}
text("kind") == "curve" {
    list = $0
    sub(/.*"score_at_saved": \[/, "", list)
    split(list, at, /[],] */)
    for (i = 1; i <= 3; i++)
        if (at[i] != "null") score[text("method"), text("seed"), i] = at[i]
}
# The cell of method m at depth i: "-" where a seed has no figure.
function cell(m, i,   s, d, sum, squares, mean, half, n) {
    n = n_seeds
    for (s = 1; s <= n; s++) {
        if (!((m, seeds[s], i) in score) || !((methods[1], seeds[s], i) in score)) return "-"
        d = 100 * (score[methods[1], seeds[s], i] - score[m, seeds[s], i])
        sum += d
        squares += d * d
    }
    mean = sum / n
    squares = (squares - n * mean * mean) / (n - 1)
    half = quantile[n - 1] * sqrt((squares > 0 ? squares : 0) / n)
    return sprintf("%+.2f [%+.2f, %+.2f]%s", mean, mean - half, mean + half,
        mean > half || mean < -half ? " *" : "")
}
END {
    if (n_methods < 2 || n_seeds < 2 || n_seeds > 10) {
        print "seed_intervals: " task ": two methods and 2 to 10 seeds are needed" >"/dev/stderr"
        exit 1
    }
    print "| " methods[1] " minus | full depth | at 25 % | at 50 % | at 75 % |"
    print "|---|---|---|---|---|"
    for (k = 2; k <= n_methods; k++) {
        m = methods[k]
        print "| " m " | " cell(m, 0) " | " cell(m, 1) " | " cell(m, 2) " | " cell(m, 3) " |"
    }
}' "$1"
