"""The same shapes through offramp, ONNX Runtime and PyTorch, in turn.

    python3 drive.py --offramp PROGRAM --build DIR --out FILE.jsonl [--quick] [PART...]

Called by run.sh, which installs what is needed.  Parts: check shapes texts cold; all
of them by default.  Every program is a process of its own that stays open and answers
one request at a time, so nothing runs beside what is measured; they take turns, round
after round, and a short pause lets the threads of the one before fall asleep.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import numpy

import tensors

HERE = os.path.dirname(os.path.abspath(__file__))
SHAPES = {"small": (256, 4, 1024), "base": (768, 12, 3072)}  # channels, heads, inner
PAUSE = 0.03     # seconds between programs
VISIT = 0.15     # seconds that a visit should last at least
VISIT_CALLS = 12
ORT = ("plain", "fused", "int8")
TORCH = ("eager", "fast", "jit", "int8")

class Process:
    """A child that answers lines with lines of JSON."""

    def __init__(self, command, environment=None):
        self.child = subprocess.Popen(command, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True,
                                      env={**os.environ, **(environment or {})})

    def ask(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        if not answer:
            raise RuntimeError("%s ended" % self.child.args[0])
        return json.loads(answer)

    def close(self):
        self.child.stdin.close()
        self.child.wait()


class Peer:
    """ort_peer.mjs or torch_peer.py."""

    def __init__(self, command, environment=None):
        self.process = Process(command, environment)

    def ask(self, op, **request):
        answer = self.process.ask(json.dumps({"op": op, **request}))
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def close(self):
        self.process.close()


class Offramp:
    """`offramp bench` in one precision, fed with lines of settings."""

    def __init__(self, program, model, precision, *more):
        self.process = Process([program, "bench", "--model", model, "--precision",
                                precision, "--settings", "-", "--json", "--samples",
                                *more])

    def ask(self, **settings):
        line = " ".join("%s=%s" % (key.replace("_", "-"), value)
                        for key, value in settings.items())
        return self.process.ask(line)

    def time(self, threads, batch, tokens, repeat, warmup):
        return self.ask(threads=threads, batch=batch, tokens=tokens, repeat=repeat,
                        warmup=warmup)

    def close(self):
        self.process.close()


class Bench:
    def __init__(self, args):
        self.args = args
        self.out = open(args.out, "a")
        self.commit = subprocess.run([args.offramp, "--version"], capture_output=True,
                                     text=True).stdout.split()[-1].strip("()")
        self.processor = json.loads(subprocess.run(
            [args.offramp, "doctor", "--json"], capture_output=True, text=True).stdout)

    def write(self, kind, **record):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        head = {"bench": kind, "time": now, "commit": self.commit,
                "processor": self.processor["processor"],
                "kernels": self.processor["kernels"]}
        self.out.write(json.dumps({**head, **record}) + "\n")
        self.out.flush()

    def model(self, shape):
        return os.path.join(self.args.build, shape)

    def onnx(self, shape):
        return os.path.join(self.args.build, "onnx-" + shape)

    def ort(self, shape):
        return Peer(["node", os.path.join(HERE, "ort_peer.mjs"), self.args.build,
                     self.onnx(shape)])

    def torch(self, shape):
        # OpenBLAS takes AVX2 on processors that it does not know; with AVX-512 its
        # SkylakeX kernels are faster (measured), so the peer gets them.
        core = {}
        if self.processor["avx512"] and "OPENBLAS_CORETYPE" not in os.environ:
            core = {"OPENBLAS_CORETYPE": "SkylakeX"}
        return Peer([sys.executable, "-B", os.path.join(HERE, "torch_peer.py"),
                     self.model(shape)], core)

    def prepare(self, shape):
        """Random weights of the shape, for everybody."""
        channels, heads, inner = SHAPES[shape]
        folder, path = self.model(shape), self.model(shape) + ".json"
        if not os.path.exists(os.path.join(folder, "config.json")):
            with open(path, "w") as file:
                json.dump({"model_type": "bert", "vocab_size": 30522,
                           "hidden_size": channels, "num_hidden_layers": 12,
                           "num_attention_heads": heads, "intermediate_size": inner,
                           "max_position_embeddings": 512, "type_vocab_size": 2,
                           "hidden_act": "gelu", "initializer_range": 0.02,
                           "layer_norm_eps": 1e-12, "id2label": {"0": "no", "1": "yes"},
                           "label2id": {"no": 0, "yes": 1}}, file)
            subprocess.run([self.args.offramp, "init", "-q", "--config", path, "--vocab",
                            self.args.vocab, "--out", folder, "--force"], check=True)
        if not os.path.exists(os.path.join(self.onnx(shape), "int8_mask.onnx")):
            subprocess.run([sys.executable, "-B", os.path.join(HERE, "onnx_model.py"),
                            folder, self.onnx(shape)], check=True)


# ---- check: is it the same function? ------------------------------------------------

def offramp_features(bench, shape, ids):
    source = os.path.join(bench.args.build, "ids.safetensors")
    target = os.path.join(bench.args.build, "features.safetensors")
    tensors.write(source, {"input_ids": numpy.array(ids)})
    subprocess.run([bench.args.offramp, "features", "-q", "--model", bench.model(shape),
                    "--input", source, "--output", target], check=True)
    found = tensors.read(target)
    return {"logits": found["logits"].flatten(),
            "hidden": found["hidden_states.12"].flatten()}


def check(bench, shape):
    ids = [[(i * 7919 + 13 * b) % 30000 + 100 for i in range(24)] for b in range(3)]
    want = offramp_features(bench, shape, ids)
    failures = 0
    peers = [("onnxruntime", bench.ort(shape), ORT + tuple(v + "_mask" for v in ORT)),
             ("pytorch", bench.torch(shape), TORCH)]
    for program, peer, variants in peers:
        for variant in variants:
            got = peer.ask("answer", variant=variant, threads=2, ids=ids)
            apart = {key: float(abs(numpy.array(got[key]) - want[key]).max())
                     for key in want}
            # int8 is another function; it must only be near.
            limit = {"logits": 0.05, "hidden": 0.5} if "int8" in variant else {
                "logits": 1e-3, "hidden": 1e-3}
            fine = all(apart[key] <= limit[key] for key in want)
            failures += not fine
            print("%-5s %-11s %-10s logits %.1e, hidden states %.1e apart: %s" % (
                shape, program, variant, apart["logits"], apart["hidden"],
                "ok" if fine else "NOT THE SAME FUNCTION"), flush=True)
            bench.write("check", shape=shape, program=program, variant=variant,
                        logits=apart["logits"], hidden=apart["hidden"], ok=fine)
        peer.close()
    return failures


# ---- shapes: batches without padding --------------------------------------------------

def flops(shape, batch, tokens, whole):
    """Of all layers; not whole: of the last one, what other rows than the first do after
    their keys and values is left out, as offramp leaves it out."""
    channels, _, inner = SHAPES[shape]
    products = channels ** 2 + 2 * channels * inner  # behind the attention
    row = 2 * (3 * channels ** 2 + products) + 4 * tokens * channels
    rest = 2 * products + 4 * tokens * channels
    return batch * (12 * tokens * row - (0 if whole else (tokens - 1) * rest))


def programs(bench, shape):
    """[(name, variant, ask)] with ask(threads, batch, tokens, repeat, warmup) -> ms."""
    found, ort, torch = [], bench.ort(shape), bench.torch(shape)
    children = [ort, torch]
    for precision in bench.args.precision.split(","):
        own = Offramp(bench.args.offramp, bench.model(shape), precision)
        children.append(own)
        found.append(("offramp", precision, own.time))
    # The last layer on all tokens, too, as the others compute it.
    whole = Offramp(bench.args.offramp, bench.model(shape), "f32", "--whole-layers")
    children.append(whole)
    found.append(("offramp", "whole", whole.time))
    for name, peer, variants in (("onnxruntime", ort, ORT), ("pytorch", torch, TORCH)):
        for variant in variants:
            found.append((name, variant, lambda threads, batch, tokens, repeat, warmup,
                          p=peer, v=variant: p.ask(
                              "time", variant=v, threads=threads, batch=batch,
                              tokens=tokens, repeat=repeat, warmup=warmup)))
    return found, children


def measure_shape(bench, shape, found, threads, batch, tokens, rounds):
    samples = {(name, variant): [] for name, variant, _ in found}
    calls = {}
    for turn in range(rounds + 1):  # the first round says how long a call takes
        order = found[turn % len(found):] + found[:turn % len(found)]
        for name, variant, ask in order:
            key = name, variant
            n = calls.get(key, 1)
            # A call that fills a visit by itself needs no other to warm up for it.
            warmup = 0 if turn > 0 and n == 1 else 1
            times = ask(threads, batch, tokens, n, warmup)["samples_ms"]
            calls[key] = min(VISIT_CALLS, max(1, int(1e3 * VISIT / min(times))))
            samples[key] += times
            time.sleep(PAUSE)
    for (name, variant), times in samples.items():
        times.sort()
        median = statistics.median(times)
        bench.write("shape", shape=shape, threads=threads, batch=batch, tokens=tokens,
                    program=name, variant=variant, calls=len(times),
                    median_ms=round(median, 4), min_ms=round(times[0], 4),
                    p95_ms=round(times[int(0.95 * (len(times) - 1))], 4),
                    gflops=round(flops(shape, batch, tokens, name != "offramp" or
                                       variant == "whole") / median / 1e6, 1))
    best = {name: min((statistics.median(t), v) for (n, v), t in samples.items()
                      if n == name and v not in ("int8", "f16", "whole"))
            for name in ("offramp", "onnxruntime", "pytorch")}
    print("%-5s %d threads %d x %-3d  " % (shape, threads, batch, tokens) + "  ".join(
        "%s %s %.2f ms" % (name, v, ms) for name, (ms, v) in best.items()), flush=True)


def shapes(bench, shape):
    found, children = programs(bench, shape)
    quick = bench.args.quick
    for threads in (1, 2):
        for batch in (1, 8):
            for tokens in (16, 128) if quick else (16, 32, 64, 128):
                long = batch * tokens >= 256 and shape == "base"
                rounds = 2 if quick or long else 4
                measure_shape(bench, shape, found, threads, batch, tokens, rounds)
    for child in children:
        child.close()


# ---- texts: batches of real lengths ---------------------------------------------------

DATA = {"SST-2": ("glue/SST-2/dev.tsv", (0,)), "RTE": ("glue/RTE/dev.tsv", (1, 2))}
CHUNK = 8  # batches before the next program has its turn


def lengths_of(bench, name):
    """Tokens of every text of a dev set, in the order of the file, at most 128."""
    path, columns = DATA[name]
    path = os.path.join(bench.args.data, path)
    if not os.path.exists(path):
        print("skip %s: %s not found" % (name, path))
        return None
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()[1:]
    texts = "\n".join("\t".join(line.split("\t")[c] for c in columns) for line in lines)
    ids = subprocess.run([bench.args.offramp, "tokenize", "--vocab", bench.args.vocab,
                          "--max-length", "128"], input=texts, capture_output=True,
                         text=True, check=True).stdout
    return [len(line.split()) for line in ids.splitlines()]


def chunks(lengths, size):
    batches = [lengths[i:i + size] for i in range(0, len(lengths), size)]
    return [batches[i:i + CHUNK] for i in range(0, len(batches), CHUNK)]


def texts(bench, shape):
    variants = ("fused_mask", "plain_mask")
    if bench.args.quick or shape == "base": # minutes; they differ by 2 % there
        variants = variants[:1]
    ort = bench.ort(shape)
    own = Offramp(bench.args.offramp, bench.model(shape), "f32")
    for name in DATA:
        lengths = lengths_of(bench, name)
        if lengths is None:
            continue
        if bench.args.quick:
            lengths = lengths[:128]
        path = os.path.join(bench.args.build, "lengths-%s.txt" % name)
        with open(path, "w") as file:
            file.write("".join("%d\n" % n for n in lengths))
        for size in (8, 32):
            measure_texts(bench, shape, name, lengths, path, size, ort, variants, own)
    ort.close()
    own.close()


def measure_texts(bench, shape, name, lengths, path, size, ort, variants, own):
    ms = {}
    warm = {"threads": 2, "batches": [lengths[:size]] * 2}
    for variant in variants:
        ort.ask("batches", variant=variant, **warm)
    ordered = sorted(lengths)
    first = 0
    for in_file, in_order in zip(chunks(lengths, size), chunks(ordered, size)):
        for variant in variants:
            for order, batches in (("file", in_file), ("sorted", in_order)):
                key = "onnxruntime", variant, order
                ms.setdefault(key, 0.0)
                ms[key] += sum(ort.ask("batches", variant=variant, threads=2,
                                       batches=batches)["samples_ms"])
        time.sleep(PAUSE)
        n = sum(len(batch) for batch in in_file)
        full = len(in_file) if n == size * len(in_file) else 1
        answer = own.ask(threads=2, batch=min(size, n), lengths=path, first=first,
                         texts=size if full > 1 else n, repeat=full, warmup=1)
        key = "offramp", "f32", "file"
        ms[key] = ms.get(key, 0.0) + sum(answer["samples_ms"])
        first += n
        time.sleep(PAUSE)
    for (program, variant, order), total in ms.items():
        padded = 1.0
        if program != "offramp":
            batches = sum(chunks(lengths if order == "file" else ordered, size), [])
            padded = sum(len(b) * max(b) for b in batches) / sum(lengths)
        bench.write("texts", shape=shape, data=name, texts=len(lengths), batch=size,
                    threads=2, program=program, variant=variant, order=order,
                    mean_tokens=round(statistics.fmean(lengths), 2),
                    computed_tokens=round(padded, 3),
                    texts_per_s=round(1e3 * len(lengths) / total, 2))
        print("%-5s %-5s batch %-2d  %s %s, %s order: %.1f texts/s" % (
            shape, name, size, program, variant, order, 1e3 * len(lengths) / total),
            flush=True)


# ---- cold: from nothing to an answer --------------------------------------------------

def quantised(bench, shape, precision):
    """A directory of the model that holds this precision."""
    folder = bench.model(shape)
    if precision == "f32":
        return folder
    made = "%s-%s" % (folder, precision)
    if not os.path.exists(os.path.join(made, "config.json")):
        subprocess.run([bench.args.offramp, "quantize", "-q", "--model", folder, "--out",
                        made, "--precision", precision], stdout=subprocess.DEVNULL,
                       check=True)
    return made


def cold(bench, shape):
    times = {}
    for _ in range(2 if bench.args.quick else 5):
        for precision in bench.args.precision.split(","):
            answer = json.loads(subprocess.run(
                [bench.args.offramp, "bench", "--model",
                 quantised(bench, shape, precision), "--cold", "--precision", precision,
                 "--tokens", "16", "--repeat", "1", "--threads", "2", "--json"],
                capture_output=True, text=True, check=True).stdout)
            times.setdefault(("offramp", precision), []).append(
                (answer["open_ms"], answer["total_ms"], answer["second_answer_ms"]))
        for variant in ORT:
            peer = bench.ort(shape)
            opened = peer.ask("open", variant=variant, threads=2)["open_ms"]
            first, second = peer.ask("time", variant=variant, threads=2, batch=1,
                                     tokens=16, repeat=2, warmup=0)["samples_ms"]
            times.setdefault(("onnxruntime", variant), []).append(
                (opened, opened + first, second))
            peer.close()
            time.sleep(PAUSE)
    for (program, variant), runs in times.items():
        opened, total, second = (statistics.median(column) for column in zip(*runs))
        bench.write("cold", shape=shape, program=program, variant=variant, threads=2,
                    runs=len(runs), open_ms=round(opened, 2), total_ms=round(total, 2),
                    second_answer_ms=round(second, 2))
        print("%-5s cold start, %s %s: opened in %.0f ms, first answer after %.0f ms" % (
            shape, program, variant, opened, total), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--offramp", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--vocab", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--precision", default="f32,f16,int8", help="of offramp")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--shape", choices=SHAPES, help="only this one")
    parser.add_argument("part", nargs="*", help="check shapes texts cold")
    args = parser.parse_args()
    parts = {"check": check, "shapes": shapes, "texts": texts, "cold": cold}
    unknown = set(args.part) - set(parts)
    if unknown:
        parser.error("unknown part: " + " ".join(sorted(unknown)))
    bench = Bench(args)
    failures = 0
    for shape in [args.shape] if args.shape else SHAPES:
        bench.prepare(shape)
        for name, part in parts.items():
            if not args.part or name in args.part:
                failures += part(bench, shape) or 0
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
