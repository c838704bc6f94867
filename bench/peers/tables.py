"""Records of run.sh as Markdown tables, alone and in the documentation.

    python3 tables.py RECORDS.jsonl TABLES.md [DOCUMENT.md]

TABLES.md gets all tables.  In the document, whatever stands between

    <!-- table NAME --> and <!-- end -->

is replaced by the table of that name.  Where the project promised a number, a column
says so, and whether it was kept.
"""
import json
import re
import sys

# Runs before those that count: tells what run.sh measured a record for.
WARMUP = {"memory": 1, "isa": 2, "halfway": 4, "share": 5}
F32 = {"onnxruntime": ("plain", "fused"), "pytorch": ("eager", "fast", "jit")}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def verdict(value, wanted, at_most=False):
    """'>= 1.2' with a mark; nothing was promised: a dash."""
    if wanted is None:
        return "-"
    kept = value <= wanted if at_most else value >= wanted
    return "%s %g: %s" % ("<=" if at_most else ">=", wanted, "yes" if kept else "**no**")


def number(value):
    """Four figures, never an exponent."""
    return "%.0f" % value if value >= 1000 else "%.4g" % value


class Records:
    def __init__(self, path):
        with open(path) as file:
            self.all = [json.loads(line) for line in file]

    def kind(self, kind, **wanted):
        return [r for r in self.all if r["bench"] == kind and
                all(r.get(key) == value for key, value in wanted.items())]

    def settings(self):
        """(shape, threads, batch, tokens) -> {(program, variant): median ms}."""
        found = {}
        for r in self.kind("shape"):
            key = r["shape"], r["threads"], r["batch"], r["tokens"]
            found.setdefault(key, {})[r["program"], r["variant"]] = r["median_ms"]
        return found


def fastest(times, program, variants):
    found = [(times[program, v], v) for v in variants if (program, v) in times]
    return min(found) if found else None


def shape_name(record):
    return {256: "small", 768: "base"}.get(record["hidden_size"], record["hidden_size"])


def promise_f32(shape, threads, batch, tokens):
    if threads == 1:
        return 1.25 if shape == "small" and batch == 1 and tokens <= 32 else 0.97
    if batch == 8:
        return 1.2 if shape == "small" else 1.05
    if shape == "small":
        return {16: 1.6, 32: 1.4}.get(tokens, 1.25)
    return 1.15 if tokens <= 32 else 1.2


def promise_f16(shape, threads, batch, tokens):
    if shape != "base" or threads != 2 or batch != 1:
        return None
    return 1.4 if tokens == 16 else 1.25


def compare(records, own, peers, promise):
    rows = []
    for key, times in records.settings().items():
        mine = times.get(("offramp", own))
        best = [fastest(times, program, variants) for program, variants in peers.items()]
        best = [one for one in best if one]
        if mine is None or not best:
            continue
        ratio = min(best)[0] / mine
        cells = ["%s %s" % (number(ms), variant) for ms, variant in best]
        whole = times.get(("offramp", "whole")) if own == "f32" else None
        rows.append(list(key) + [number(mine)] + cells +
                    ["%.2f" % ratio, verdict(round(ratio, 2), promise(*key))] +
                    (["%.2f" % (min(best)[0] / whole)] if whole else []))
    head = ["shape", "threads", "batch", "tokens", "offramp ms"]
    head += [{"onnxruntime": "ONNX Runtime ms", "pytorch": "PyTorch ms"}[p] for p in peers]
    head += ["times as fast as the faster", "promised"]
    if rows and len(rows[0]) > len(head):
        head.append("whole layers: times as fast")
    return table(head, rows)


def f32(records):
    return compare(records, "f32", F32, promise_f32)


def f16(records):
    return compare(records, "f16", F32, promise_f16)


def int8(records):
    return compare(records, "int8", {"onnxruntime": ("int8",)},
                   lambda shape, *_: 1.4 if shape == "small" else 1.1)


def int8_pytorch(records):
    return compare(records, "int8", {"pytorch": ("int8",)}, lambda *_: None)


def texts(records):
    groups, padding = {}, {}
    for r in records.kind("texts"):
        key = r["shape"], r["data"], r["batch"]
        name = "own" if r["program"] == "offramp" else r["order"]
        group = groups.setdefault(key, {})
        group[name] = max(group.get(name, 0), r["texts_per_s"])
        padding.setdefault(key, {})[name] = r["computed_tokens"]
    rows = []
    for key, rate in groups.items():
        in_file, in_order = rate["own"] / rate["file"], rate["own"] / rate["sorted"]
        padded = ["%.2f" % padding[key][order] for order in ("file", "sorted")]
        rows.append(list(key) + padded +
                    [number(rate[n]) for n in ("own", "file", "sorted")] +
                    ["%.2f" % in_file, verdict(round(in_file, 2), 1.6), "%.2f" % in_order,
                     verdict(round(in_order, 2), 1.2)])
    return table(["shape", "data", "batch", "padded / real tokens, file order", "sorted",
                  "offramp texts/s", "ORT, file order",
                  "ORT, sorted", "against file order", "promised", "against sorted",
                  "promised"], rows)


def exits(records):
    """Every layer whole: time in proportion to layers.  Asking halfway: less."""
    halfway = {(r["hidden_size"], r["batch"], r["tokens"], r["mean_exit_layer"]): r
               for r in records.kind("forward", exit="at", whole_layers=False)}
    rows = []
    for r in records.kind("forward", exit="at", whole_layers=True):
        apart = 100 * abs(r["time_share"] / r["layer_share"] - 1)
        other = halfway[r["hidden_size"], r["batch"], r["tokens"], r["mean_exit_layer"]]
        rows.append([shape_name(r), r["batch"], number(r["tokens"]),
                     "%g" % r["mean_exit_layer"], "%.1f" % (100 * r["layer_share"]),
                     number(r["median_ms"]), "%.1f" % (100 * r["time_share"]),
                     "%.1f" % apart,
                     verdict(round(apart, 1), 5 if r["batch"] == 1 else 8, True),
                     number(other["median_ms"]), "%.1f" % (100 * other["time_share"])])
    return table(["shape", "batch", "tokens", "exit layer", "% of layers",
                  "whole layers: ms", "% of time", "apart, %", "promised",
                  "asking halfway: ms", "% of time"], rows)


def mix(records):
    rows = []
    for r in records.kind("forward", exit="mix", regroup=0):
        if r["texts"] != r["batch"] or r["warmup"] == WARMUP["halfway"]:
            continue
        gain = 1 / r["time_share"]
        rows.append([shape_name(r), r["batch"], number(r["tokens"]),
                     "whole" if r["whole_layers"] else "in halves",
                     "%.2f" % r["mean_exit_layer"], number(r["texts_per_s"]),
                     "%.2f" % gain, verdict(round(gain, 2), 1.8)])
    return table(["shape", "batch", "tokens", "layers", "mean exit layer", "texts/s",
                  "times the throughput of full depth", "promised"], rows)


def halfway(records):
    found = {}
    for r in records.kind("forward", exit="mix", warmup=WARMUP["halfway"]):
        key = (r["hidden_size"], r["batch"], r["tokens"], r["mean_exit_layer"])
        best = found.setdefault(key, {}).setdefault(r["whole_layers"], r)
        if r["median_ms"] < best["median_ms"]:
            found[key][r["whole_layers"]] = r
    return table(["shape", "batch", "tokens", "mean exit layer", "whole layers: ms",
                  "asking halfway: ms", "times as fast"],
                 [[shape_name(r[True]), key[1], number(key[2]), "%.2f" % key[3],
                   number(r[True]["median_ms"]), number(r[False]["median_ms"]),
                   "%.2f" % (r[True]["median_ms"] / r[False]["median_ms"])]
                  for key, r in found.items()])


def regroup(records):
    rows, without = [], {}
    for r in records.kind("forward", exit="mix"):
        if r["texts"] == r["batch"] or r["warmup"] == WARMUP["halfway"]:
            continue
        key = r["hidden_size"], r["batch"], r["tokens"]
        if r["regroup"] == 0:
            without[key] = r["median_ms"]
        rows.append([shape_name(r), r["batch"], number(r["tokens"]), r["texts"],
                     "%.2f" % r["mean_exit_layer"], r["regroup"], number(r["median_ms"]),
                     "%.3f" % (without[key] / r["median_ms"])])
    return table(["shape", "batch", "tokens", "texts", "mean exit layer",
                  "tokens that wait, below", "ms", "times as fast as without"], rows)


def decide(records):
    rows = [[shape_name(r), r["batch"], r["tokens"], number(r["layer_ms"]),
             number(1e3 * r["decide_ms"]), "%.2f" % r["percent_of_layer"]] +
            [verdict(round(r["percent_of_layer"], 2), 1 if shape_name(r) == "base" else None,
                     True)] for r in records.kind("decide")]
    return table(["shape", "batch", "tokens", "layer ms", "deciding, microseconds",
                  "% of a layer", "promised"], rows)


def profile(records):
    groups = {}
    for r in records.kind("profile"):
        key = shape_name(r), r["threads"], r["batch"], r["tokens"]
        groups.setdefault(key, []).append(r)
    rows, parts = [], []
    for key, found in groups.items():
        parts = [r["part"] for r in found]
        cells = ["%.1f" % r["percent_of_time"] +
                 (" (%.0f)" % r["percent_of_peak"] if r["gflops"] else "") for r in found]
        rows.append(list(key) + [number(sum(r["ms"] for r in found))] + cells)
    return table(["shape", "threads", "batch", "tokens", "ms"] + parts, rows)


def memory(records):
    rows = []
    for r in records.kind("forward", exit="full", warmup=WARMUP["memory"], tokens=128):
        allowed = 1.15 * r["weights_bytes"] + 60e6
        used = max(r["peak_bytes"], r["open_peak_bytes"])
        promised = shape_name(r) == "base" and r["precision"] != "f16"
        rows.append([shape_name(r), r["precision"]] +
                    ["%.0f" % (x / 1e6) for x in (r["weights_bytes"],
                                                  r["open_peak_bytes"], r["peak_bytes"])] +
                    [verdict(round(used / 1e6), round(allowed / 1e6) if promised else None,
                             True)])
    return table(["shape", "precision", "weights MB", "at most while opening MB",
                  "at most at 8 x 128 MB", "promised"], rows)


def cold(records):
    """Against opening the same precision; ONNX Runtime has no f16 here."""
    ort = {}
    for r in records.kind("cold", program="onnxruntime"):
        key = r["shape"], "int8" if r["variant"] == "int8" else "f32"
        ort[key] = min(ort.get(key, 1e9), r["open_ms"])
    rows = []
    for r in records.kind("cold"):
        if "program" not in r:
            continue
        own = r["program"] == "offramp"
        opening = ort.get((r["shape"], r["variant"])) if own else None
        share = r["total_ms"] / opening if opening else 0
        promised = opening and r["shape"] == "base" and r["variant"] == "f32"
        rows.append([r["shape"], r["program"], r["variant"], number(r["open_ms"]),
                     number(r["total_ms"]), number(r["second_answer_ms"]),
                     "%.2f" % share if opening else "-",
                     verdict(round(share, 2), 0.5 if promised else None, True)])
    return table(["shape", "program", "variant", "opened ms", "first answer after ms",
                  "second answer ms", "first answer / ONNX Runtime's opening, same precision",
                  "promised"], rows)


def peaks(records):
    return table(["threads", "multiply-adds in registers, GFLOP/s", "memory read, GB/s"],
                 [[r["threads"], "%.1f" % r["peak_gflops"],
                   "%.1f" % r["memory_gbytes_per_s"]] for r in records.kind("peaks")])


def layer_sizes(shape):
    """Multiply-adds per row and weights of the products of a layer."""
    channels, inner = {"small": (256, 1024), "base": (768, 3072)}[shape]
    return channels, 4 * channels ** 2 + 2 * channels * inner


def roofline(records):
    peak = {r["threads"]: r for r in records.kind("peaks")}
    rows = []
    for (shape, threads, batch, tokens), times in records.settings().items():
        if threads not in peak or ("offramp", "whole") not in times:
            continue
        channels, weights = layer_sizes(shape)
        rows_in = batch * tokens
        flops = 12 * (2 * rows_in * weights + 4 * rows_in * tokens * channels)
        compute = flops / peak[threads]["peak_gflops"] / 1e6
        read = 12 * 4 * weights / peak[threads]["memory_gbytes_per_s"] / 1e6
        measured = times["offramp", "whole"]
        rows.append([shape, threads, batch, tokens, "%.3g" % (flops / 1e9),
                     number(compute), number(read), number(measured),
                     "%.0f" % (100 * max(compute, read) / measured)])
    return table(["shape", "threads", "batch", "tokens", "GFLOP", "arithmetic ms",
                  "weights from memory ms", "measured ms", "% of the larger floor"], rows)


def precisions(records):
    rows = []
    for key, times in records.settings().items():
        own = {v: ms for (program, v), ms in times.items() if program == "offramp"}
        if "f32" in own:
            rows.append(list(key) + [number(own["f32"])] + [
                "%.2f" % (own["f32"] / own[v]) if v in own else "-"
                for v in ("f16", "int8")])
    return table(["shape", "threads", "batch", "tokens", "f32 ms", "f16: times as fast",
                  "int8: times as fast"], rows)


def isa(records):
    times = {}
    for r in records.kind("forward", exit="full", warmup=WARMUP["isa"], batch=1):
        key = shape_name(r), r["threads"], r["batch"], number(r["tokens"])
        times.setdefault(key, {})[r["kernels"]] = r["median_ms"]
    rows = [list(key) + ["%s %s" % (name, number(ms)) for name, ms in found.items()]
            for key, found in times.items()]
    width = max([len(row) for row in rows], default=4) - 4
    return table(["shape", "threads", "batch", "tokens"] + ["kernels, ms"] * width, rows)


def share(records):
    rows = []
    for r in records.kind("forward", exit="full", warmup=WARMUP["share"]):
        percent = r["percent_of_peak"]
        rows.append([shape_name(r), r["threads"], r["batch"], number(r["tokens"]), number(r["median_ms"]),
                     number(r["gflops"]), "%.1f" % percent,
                     verdict(round(percent, 1), 87 if r["threads"] == 1 else 82)])
    return table(["shape", "threads", "batch", "tokens", "ms", "GFLOP/s", "% of peak",
                  "promised"], rows)


def check(records):
    return table(["shape", "program", "variant", "logits apart", "hidden states apart"],
                 [[r["shape"], r["program"], r["variant"], "%.1e" % r["logits"],
                   "%.1e" % r["hidden"]] for r in records.kind("check")])


TABLES = {f.__name__: f for f in (
    peaks, check, f32, f16, int8, int8_pytorch, texts, share, roofline, precisions, isa,
    exits, mix, halfway, regroup, decide, profile, memory, cold)}


# What records of a kind are in the document, where the kind is no table's name.
MADE = {"shape": "f32, f16, int8 and the roofline but for its peaks",
        "cold": "cold start", "share": "share of the peak", "forward": "leaving early"}


def stamp(records):
    """Tables of another time or program than the first record are named with it."""
    r = next(r for r in records.all if r.get("commit") and r.get("processor"))
    kinds = {}
    for other in records.all:
        if "commit" not in other:
            continue
        what = other["bench"]
        what = "share" if other.get("warmup") == WARMUP["share"] else what
        kinds.setdefault((other["time"][:10], other["commit"]), set()).add(
            MADE.get(what, what))
    first = (r["time"][:10], r["commit"])
    later = [" (%s: %s, commit %s)" % (", ".join(sorted(what)), *when)
             for when, what in kinds.items() if when != first]
    return "%s, commit %s%s, %s, kernels %s" % (*first, "".join(later), r["processor"],
                                                r["kernels"])


def main():
    records = Records(sys.argv[1])
    made = {name: make(records) for name, make in TABLES.items()}
    made["stamp"] = "Measured " + stamp(records) + "."
    with open(sys.argv[2], "w") as file:
        for name, text in made.items():
            file.write("## %s\n\n%s\n\n" % (name, text))
    if len(sys.argv) > 3:
        with open(sys.argv[3]) as file:
            document = file.read()
        for name, text in made.items():
            document = re.sub(
                r"(<!-- table %s -->\n).*?(<!-- end -->)" % name,
                lambda m, t=text: m.group(1) + "\n" + t + "\n\n" + m.group(2), document,
                flags=re.DOTALL)
        with open(sys.argv[3], "w") as file:
            file.write(document)


if __name__ == "__main__":
    main()
