#!/bin/sh
# bench/peers/tables.py on records made by hand: ratios, promises, the document's places.
. "$2/tests/cli/common.inc"
python=${PYTHON:-python3}
command -v "$python" >/dev/null || { echo "skip $python: not found"; exit 0; }

shape()
{
    printf '{"bench": "shape", "time": "2026-01-02T03:04:05Z", "commit": "abc", "processor": "P", '
    printf '"kernels": "avx2", "shape": "small", "threads": 2, "batch": 1, "tokens": 16, '
    printf '"program": "%s", "variant": "%s", "median_ms": %s}\n' "$1" "$2" "$3"
}

# cold PROGRAM VARIANT OPENED ANSWERED, measured later.
cold()
{
    printf '{"bench": "cold", "time": "2026-01-03T03:04:05Z", "commit": "def", "shape": "base", '
    printf '"program": "%s", "variant": "%s", "open_ms": %s, "total_ms": %s, ' "$@"
    printf '"second_answer_ms": 3}\n'
}

# Against the faster of 2.6 (fused, not plain) and 5: 1.3 times, promised 1.6.
# int8 against ONNX Runtime's int8: 1.5 times, promised 1.4.
{
    shape offramp f32 2.0
    shape offramp whole 2.5
    shape offramp int8 1.0
    shape onnxruntime plain 3.0
    shape onnxruntime fused 2.6
    shape onnxruntime int8 1.5
    shape pytorch jit 5.0
    shape pytorch int8 0.5
    # Whole layers: 7 % of the time for 8.3 % of the layers, 16 % apart.  Halfway: 3 %.
    for row in '7, "time_share": 0.07, "whole_layers": true' \
        '3, "time_share": 0.03, "whole_layers": false'; do
        printf '{"bench": "forward", "exit": "at", "hidden_size": 768, "batch": 1, "texts": 1, '
        printf '"tokens": 16, "mean_exit_layer": 1, "layer_share": 0.0833333, "regroup": 0, '
        printf '"median_ms": %s}\n' "$row"
    done
    # Opening: f32 against the faster of two in f32, int8 against int8, f16 against none.
    cold offramp f32 20 24
    cold offramp f16 20 24
    cold offramp int8 20 24
    cold onnxruntime plain 96 99
    cold onnxruntime fused 80 90
    cold onnxruntime int8 16 18
    # 0.305 GFLOP at 300 GFLOP/s, 37.7 MB of weights at 20 GB/s: memory is the floor.
    printf '{"bench": "peaks", "threads": 2, "peak_gflops": 300, "memory_gbytes_per_s": 20}\n'
} >records.jsonl
cat >document.md <<'END'
Before.
<!-- table f32 -->
old numbers
<!-- end -->
Between.
<!-- table stamp -->
<!-- end -->
<!-- table unknown -->
stays
<!-- end -->
END
"$python" -B "$source_dir/bench/peers/tables.py" records.jsonl tables.md document.md ||
    complain 'tables.py failed'

has()
{
    grep -qF -- "$2" "$1" || { complain "$1 does not say '$2'"; cat "$1"; }
}
row='| small | 2 | 1 | 16 | 2 | 2.6 fused | 5 jit | 1.30 | >= 1.6: **no** | 1.04 |'
has tables.md "$row"
has document.md "$row"
has tables.md '| small | 2 | 1 | 16 | 1 | 1.5 int8 | 1.50 | >= 1.4: yes |'
has tables.md '| small | 2 | 1 | 16 | 1 | 0.5 int8 | 0.50 | - |'
has tables.md '| base | 1 | 16 | 1 | 8.3 | 7 | 7.0 | 16.0 | <= 5: **no** | 3 | 3.0 |'
# 12 layers: 16 rows x 786,432 x 2 and attention 4 x 16 x 16 x 256 each.
has tables.md '| small | 2 | 1 | 16 | 0.305 | 1.017 | 1.887 | 2.5 | 75 |'
has tables.md '| base | offramp | f32 | 20 | 24 | 3 | 0.30 | <= 0.5: yes |'
has tables.md '| base | offramp | f16 | 20 | 24 | 3 | - | - |'
has tables.md '| base | offramp | int8 | 20 | 24 | 3 | 1.50 | - |'
has document.md 'Measured 2026-01-02, commit abc (cold start: 2026-01-03, commit def), P, kernels avx2.'
has document.md 'stays'
has document.md 'Between.'
grep -q 'old numbers' document.md && complain 'the old table is still there'

# The project's own tables are those of its records, byte for byte.
results=$source_dir/bench/results
cp "$source_dir/docs/PERFORMANCE.md" own.md
"$python" -B "$source_dir/bench/peers/tables.py" "$results/performance.jsonl" tables.md own.md ||
    complain 'tables.py failed on the records of the project'
cmp tables.md "$results/performance.md" || complain 'performance.md is not of its records'
cmp own.md "$source_dir/docs/PERFORMANCE.md" || complain 'PERFORMANCE.md is not of its records'

finish
