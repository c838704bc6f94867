#!/bin/sh
# scaling.sh PARAMETERS EMBEDDINGS STEP_MS UPDATE_MS - the model of docs/DISTRIBUTED.md:
# how much faster R ranks should be than one, as a row of its table per network.
# PARAMETERS that move and how many of them are EMBEDDINGS; STEP_MS of a step on one rank,
# of which UPDATE_MS do not become less with more ranks.
set -eu
[ $# -eq 4 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 2; }
awk -v P="$1" -v E="$2" -v t1="$3" -v u="$4" '
function more(x) { return x > 0 ? x : 0 }
function step(R, rate,   w, sum) {
    w = (t1 - u) / R                        # forward and back
    sum = 2 * (R - 1) / R * 4 * P / rate * 1000
    return u + w + sum * E / P + more(sum * (1 - E / P) - w * 2 / 3)
}
BEGIN {
    split("0.11 1.1 11", rates, " ")
    for (i = 1; i <= 3; i++) {
        printf "| %s GB/s ", rates[i]
        for (R = 2; R <= 16; R *= 2)
            printf "| %.2f ", t1 / step(R, rates[i] * 1e9)
        print "|"
    }
}'
