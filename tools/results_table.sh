#!/bin/sh
# results_table.sh RESULTS.jsonl - the table of docs/RESULTS.md from the lines
# that reproduce.sh collected: mean over seeds, +- standard deviation.
set -eu
[ $# -eq 1 ] || { echo "usage: results_table.sh RESULTS.jsonl" >&2; exit 2; }
awk '
# The number behind the first "key": at or after position `from` of the line.
function number(key, from,   rest, at) {
    rest = substr($0, from)
    at = index(rest, "\"" key "\":")
    if (!at) return 0
    rest = substr(rest, at + length(key) + 3)
    return rest + 0
}
function text(key,   at, rest) {
    at = index($0, "\"" key "\":")
    rest = substr($0, at + length(key) + 3)
    sub(/^ *"/, "", rest)
    return substr(rest, 1, index(rest, "\"") - 1)
}
function put(task, name, value) {
    n[task, name]++
    sum[task, name] += value
    squares[task, name] += value * value
}
function mean(task, name) {
    return n[task, name] ? sum[task, name] / n[task, name] : 0
}
function spread(task, name,   m, k) {
    k = n[task, name]
    if (k < 2) return 0
    m = mean(task, name)
    m = (squares[task, name] - k * m * m) / (k - 1)
    return m > 0 ? sqrt(m) : 0
}
{
    task = text("task")
    if (!(task in metric)) { order[++tasks] = task; metric[task] = text("metric") }
    batch = number("batch", 1)
    put(task, "time" batch, 100 * (1 - number("ms_per_text", 1) / number("ms_per_text_full", 1)))
    put(task, "full" batch, number("ms_per_text_full", 1))
    put(task, "ms" batch, number("ms_per_text", 1))
    if (batch != 1) next
    put(task, "score", 100 * number("score", 1))
    put(task, "score_full", 100 * number("score_full", 1))
    put(task, "saved", 100 * number("saved_layers", 1))
    put(task, "floor", 100 * number("score", index($0, "\"random_floor\"")))
    put(task, "fixed", 100 * number("score", index($0, "\"fixed_exit\"")))
}
END {
    print "| task | metric | seeds | full model | ConsistentEE | same exits at random |" \
        " one fixed exit | saved layers | saved time, batch 1 | batch 32 |" \
        " ms per text, batch 1 (full) | batch 32 (full) |"
    print "|---|---|---|---|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= tasks; i++) {
        t = order[i]
        printf "| %s | %s | %d | %.1f ± %.1f | %.1f ± %.1f | %.1f | %.1f | %.0f ± %.0f %% |" \
            " %.0f %% | %.0f %% | %.2f (%.2f) | %.2f (%.2f) |\n", t, metric[t],
            n[t, "score"], mean(t, "score_full"), spread(t, "score_full"),
            mean(t, "score"), spread(t, "score"), mean(t, "floor"), mean(t, "fixed"),
            mean(t, "saved"), spread(t, "saved"), mean(t, "time1"), mean(t, "time32"),
            mean(t, "ms1"), mean(t, "full1"), mean(t, "ms32"), mean(t, "full32")
    }
}' "$1"
