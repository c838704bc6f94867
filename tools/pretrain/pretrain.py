#!/usr/bin/env python3
"""Pretrains a small encoder by replaced-token detection (ELECTRA).

The schedule follows the clock: the learning rate rises and falls over --minutes of
training, whatever the machine does in that time; compiling lies before it.  The budget
may be spent in several calls: each ends --call-minutes after its start, compiling
included (or at a signal), with a checkpoint, and the next one continues.  Every call
exports the discriminator as a model directory; the card tells whether it is finished.
With --steps instead of --minutes a run is a function of its options alone, and an
interrupted one ends with the same weights.
"""
import argparse
import contextlib
import hashlib
import json
import lzma
import math
import os
import signal
import sys
import time

BEGAN = time.monotonic()  # the call begins before PyTorch, whose import takes seconds

import numpy as np
import torch

import export
import model as nets

CLS, SEP, MASK = 2, 3, 4
N_SPECIAL = 5
CUT = 1 << 15


# ---- data -------------------------------------------------------------------------

def read_data(folder):
    """meta.json and vocab.txt of a folder made by prepare.py."""
    try:
        with open(os.path.join(folder, "meta.json")) as file:
            meta = json.load(file)
        with open(os.path.join(folder, "vocab.txt"), "rb") as file:
            vocab = file.read()
    except (OSError, ValueError) as failure:
        raise SystemExit(f"pretrain.py: {folder}: not made by prepare.py: {failure}")
    if hashlib.sha256(vocab).hexdigest() != meta["vocab_sha256"]:
        raise SystemExit(f"pretrain.py: {folder}: vocab.txt is not the one that meta.json "
                         "and the tokens were made with; prepare.py makes them again")
    return meta, vocab


class Tokens:
    """train or dev of a folder made by prepare.py, on the device."""

    def __init__(self, folder, part, meta, device):
        path = os.path.join(folder, part + ".u16")
        if not os.path.exists(path) and os.path.exists(path + ".xz"):
            path += ".xz"
        try:
            with (lzma.open if path.endswith(".xz") else open)(path, "rb") as file:
                raw = np.frombuffer(file.read(), dtype=np.uint16).astype(np.int32)
        except (OSError, EOFError, ValueError, lzma.LZMAError) as failure:
            reason = getattr(failure, "strerror", None) or failure
            raise SystemExit(f"pretrain.py: {path}: {reason}")
        count, largest = meta[part + "_tokens"], int((raw & (CUT - 1)).max(initial=0))
        if len(raw) != count or largest >= meta["vocab_size"]:
            raise SystemExit(f"pretrain.py: {path}: {len(raw)} tokens up to {largest}, but "
                             f"meta.json says {count} below {meta['vocab_size']}")
        raw = torch.from_numpy(raw).to(device)
        self.ids, self.cut = raw & (CUT - 1), raw >= CUT
        self.starts = torch.nonzero(self.cut).flatten() + 1  # sentences begin here
        self.device = device

    def batch(self, B, T):
        """Ids and types [B,T]: [CLS] a [SEP] in one half of the rows, [CLS] a [SEP] b
        [SEP] in the other, cut between two sentences.  Rows are full.  Draws from
        PyTorch's generator."""
        last = len(self.ids) - T
        if last < 0:
            raise SystemExit(f"pretrain.py: {len(self.ids)} tokens are too few")
        at = torch.randint(0, max(1, len(self.starts)), (B,), device=self.device)
        start = self.starts[at] if len(self.starts) else at * 0
        start = torch.where(start > last, torch.randint_like(start, 0, last + 1), start)
        j = torch.arange(T, device=self.device)
        window = start[:, None] + j
        ids, cut = self.ids[window].long(), self.cut[window]
        # k tokens in the first part; where there is no place to cut, one part
        allowed = cut & (j >= T // 8) & (j < T - 3 - T // 8)
        score = torch.rand(B, T, device=self.device).masked_fill(~allowed, -1.0)
        best = score.max(1)
        pair = (best.values >= 0) & (torch.rand(B, device=self.device) < 0.5)
        k = torch.where(pair, best.indices + 1, torch.full_like(best.indices, T - 2))
        k = k[:, None]
        from_ = torch.where(j <= k, j - 1, j - 2).clamp(min=0)
        row = ids.gather(1, from_)
        row[:, 0] = CLS
        row = torch.where(j == k + 1, torch.full_like(row, SEP), row)
        row[:, T - 1] = SEP
        return row, (j > k + 1).long()


def lengths(length):
    """Those of rows: most batches are full, some short, as many texts will be."""
    return length, length // 2, length // 4


def draw_length(step, length):
    share = step * 0.6180339887 % 1.0
    return lengths(length)[0 if share < 0.8 else 1 if share < 0.9 else 2]


# ---- training ---------------------------------------------------------------------

class Run:
    """clock: seconds, as time.monotonic; began: when this call did, by that clock."""

    def __init__(self, args, clock=time.monotonic, began=BEGAN):
        self.args, self.clock, self.began = args, clock, began
        self.device = torch.device(args.device)
        self.meta, self.vocab = read_data(args.data)
        self.shape = dict(nets.SHAPES[args.shape])
        self.train, self.dev = (Tokens(args.data, part, self.meta, self.device)
                                for part in ("train", "dev"))
        torch.manual_seed(args.seed)
        self.net = nets.Pretrainer(self.meta["vocab_size"], self.shape, args.dropout)
        self.net.to(self.device)
        self.optimizer = self.make_optimizer()
        self.step, self.tokens, self.seconds = 0, 0, 0.0
        self.stop = False
        os.makedirs(args.out, exist_ok=True)
        self.checkpoint = os.path.join(args.out, "checkpoint.pt")
        if os.path.exists(self.checkpoint):
            self.load()
        self.log = open(os.path.join(args.out, "log.jsonl"), "a")
        self.loss = self.net
        if args.compile:
            self.loss = torch.compile(self.net, dynamic=False)

    def make_optimizer(self):
        groups = [{"params": [], "weight_decay": self.args.weight_decay},
                  {"params": [], "weight_decay": 0.0}]
        for p in self.net.parameters():
            groups[p.dim() < 2]["params"].append(p)
        more = {}
        if self.device.type == "cuda":
            more["fused"] = True
        return torch.optim.AdamW(groups, lr=self.args.lr, betas=(0.9, 0.98), eps=1e-6,
                                 **more)

    def load(self):
        saved = torch.load(self.checkpoint, map_location=self.device)
        if saved["shape"] != self.shape or saved["vocab"] != self.meta["vocab_sha256"]:
            raise SystemExit(f"pretrain.py: {self.checkpoint} has another shape or "
                             "vocabulary; choose another --out")
        self.net.load_state_dict(saved["net"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step, self.tokens = saved["step"], saved["tokens"]
        self.seconds = saved["seconds"]
        self.tell("resume", step=self.step, seconds=self.seconds)

    def save(self):
        finite = torch.stack([p.detach().sum() for p in self.net.parameters()]).isfinite()
        if not finite.all():
            self.diverged()
        saved = {"net": self.net.state_dict(), "optimizer": self.optimizer.state_dict(),
                 "step": self.step, "tokens": self.tokens, "seconds": self.seconds,
                 "shape": self.shape, "vocab": self.meta["vocab_sha256"]}
        torch.save(saved, self.checkpoint + ".tmp")
        os.replace(self.checkpoint + ".tmp", self.checkpoint)

    def diverged(self):
        raise SystemExit(f"pretrain.py: numbers are not finite any more at step {self.step}; "
                         "the last checkpoint is good, try a lower --lr")

    def tell(self, event, **more):
        line = {"event": event}
        for key, value in more.items():
            line[key] = float(f"{value:.6g}") if isinstance(value, float) else value
        text = json.dumps(line)
        if hasattr(self, "log"):
            self.log.write(text + "\n")
            self.log.flush()
        if not self.args.quiet:
            print(text, file=sys.stderr, flush=True)

    def autocast(self):
        if self.device.type == "cuda":
            return torch.autocast("cuda", dtype=torch.bfloat16)
        return contextlib.nullcontext()

    def set_budget(self):
        """self.budget seconds of training, over all calls; a last call has what it has
        left, so that the schedule ends with it, however long compiling took."""
        args = self.args
        self.budget = 60.0 * args.minutes
        if args.last_call:
            left = 60.0 * args.call_minutes - (self.clock() - self.began)
            self.budget = self.seconds + max(1.0, left)

    def progress(self):
        """0 at the beginning, 1 when the budget is spent."""
        if self.args.steps:
            return self.step / self.args.steps
        return self.seconds / self.budget

    def learning_rate(self):
        p, warm = min(1.0, self.progress()), self.args.warmup
        return self.args.lr * (p / warm if p < warm else (1.0 - p) / (1.0 - warm))

    def gradient(self, T):
        """Of a new batch whose rows have T tokens; also how many these are."""
        B = self.args.batch * self.shape["length"] // T
        ids, types = self.train.batch(B, T)
        with self.autocast():
            loss, told = self.loss(ids, types, N_SPECIAL, MASK)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        return loss, told, B * T

    def touch(self):
        """Every shape of a batch once.  Weights and what later steps draw stay."""
        for T in lengths(self.shape["length"]):
            self.gradient(T)
        self.optimizer.zero_grad(set_to_none=True)
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def warm_up(self):
        """Compiles and begins to use the device, so that neither is counted as training.
        Where compiling fails, training goes on without: time on a GPU may be short."""
        try:
            self.touch()
        except Exception as failure:
            if self.loss is self.net:
                raise
            self.tell("not compiled", reason=f"{type(failure).__name__}: {failure}"[:500])
            self.loss = self.net
            self.touch()
        self.tell("ready", after=self.clock() - self.began)

    def one_step(self):
        args, T = self.args, draw_length(self.step, self.shape["length"])
        rate = self.learning_rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        # Everything that is drawn in a step is a function of seed and step.
        torch.manual_seed(args.seed * 1000003 + self.step)
        loss, told, tokens = self.gradient(T)
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), args.clip)
        self.optimizer.step()
        self.step += 1
        self.tokens += tokens
        return rate, loss, told, norm

    def evaluate(self):
        """Means over fixed batches of the held-out text."""
        self.net.eval()
        torch.manual_seed(12345)
        total = 0.0
        with torch.no_grad(), self.autocast():
            for _ in range(self.args.eval_batches):
                ids, types = self.dev.batch(self.args.batch, self.shape["length"])
                total = total + self.net(ids, types, N_SPECIAL, MASK)[1].double()
        self.net.train()
        found = dict(zip(nets.TOLD, (total / self.args.eval_batches).tolist()))
        replaced, right = found["replaced_share"], found.pop("replaced_found_share")
        # recall of the two kinds of tokens, and their mean: 0.5 is guessing
        found["recall_replaced"] = right / max(1e-9, replaced)
        found["recall_original"] = (found["accuracy"] - right) / max(1e-9, 1 - replaced)
        found["balanced_accuracy"] = (found["recall_replaced"] +
                                      found["recall_original"]) / 2
        self.tell("eval", step=self.step, tokens=self.tokens, seconds=self.seconds,
                  **found)
        return found

    def run(self):
        """True when the budget is spent."""
        args = self.args
        self.net.train()
        self.warm_up()
        self.set_budget()
        begin, before = self.clock(), self.seconds
        saved = evaluated = begin
        while self.progress() < 1.0 and not self.stop:
            rate, loss, told, norm = self.one_step()
            if self.step % args.log_every == 0 or self.step == 1:
                # reading the numbers waits for the device, so that the clock is true
                values = dict(zip(nets.TOLD, told.tolist()))
                if not math.isfinite(loss.item()):
                    self.diverged()
                values.pop("replaced_found_share")
                self.tell("step", step=self.step, tokens=self.tokens,
                          seconds=before + self.clock() - begin, lr=rate,
                          loss=loss.item(), grad_norm=norm.item(), **values)
            now = self.clock()
            self.seconds = before + now - begin
            if args.eval_seconds and now - evaluated > args.eval_seconds:
                self.evaluate()
                evaluated = self.clock()
            if now - saved > args.save_seconds:
                self.save()
                saved = self.clock()
            if args.call_minutes and not args.last_call and now - self.began > 60.0 * args.call_minutes:
                self.stop = True
            if args.call_steps and self.step % args.call_steps == 0:
                self.stop = True
        self.save()
        return self.progress() >= 1.0


# ---- command line -----------------------------------------------------------------

class Parser(argparse.ArgumentParser):
    def error(self, message):
        """Without the usage, which is a page."""
        self.exit(2, f"{self.prog}: {message}; --help lists the options\n")


def number(kind, at_least=None, above=None, below=math.inf):
    """A converter of arguments that knows their range."""
    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        low = value > above if above is not None else value >= at_least
        if not (low and value < below):
            wanted = "a whole number" if kind is int else "a number"
            wanted += f" above {above}" if above is not None else f" of at least {at_least}"
            wanted += f" and below {below}" if below < math.inf else ""
            raise argparse.ArgumentTypeError(f"'{text}' is not {wanted}")
        return value
    return convert


def options(argv=None):
    parser = Parser(description=__doc__.split("\n")[0],
                    formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = parser.add_argument
    count, positive = number(int, at_least=1), number(float, above=0)
    count0, positive0 = number(int, at_least=0), number(float, at_least=0)
    share = number(float, at_least=0, below=1)
    add("--data", required=True, help="folder made by prepare.py")
    add("--out", required=True, help="folder for checkpoint.pt and log.jsonl")
    add("--export", help="model directory to write at the end; default OUT/model")
    add("--export-unfinished", action=argparse.BooleanOptionalAction, default=True,
        help="export also when the call ends before the budget does")
    add("--name", help="of the model in its card; default: that of its directory")
    add("--shard-mib", type=positive0, default=0.0,
        help="weights in files of at most so many MiB; 0: in one")
    add("--shape", choices=sorted(nets.SHAPES), default="small")
    add("--minutes", type=positive, default=25.0, help="of training, over all calls")
    add("--call-minutes", type=positive0, default=0.0,
        help="end this call so long after its start, compiling included; 0: no")
    add("--last-call", action=argparse.BooleanOptionalAction, default=False,
        help="instead of --minutes: train for what is left of --call-minutes after "
        "compiling, and end the schedule with it")
    add("--steps", type=count0, default=0, help="so many steps instead of minutes; 0: no")
    add("--call-steps", type=count0, default=0,
        help="end a call at multiples of this; 0: no")
    add("--batch", type=count, default=512, help="texts of full length per step")
    add("--lr", type=positive, default=1e-3, help="highest learning rate")
    add("--warmup", type=share, default=0.03, help="share of the budget")
    add("--weight-decay", type=positive0, default=0.01)
    add("--clip", type=positive, default=1.0, help="norm of the gradient")
    add("--dropout", type=share, default=0.1)
    add("--seed", type=count0, default=1)
    add("--device", choices=("cuda", "cpu"), help="default: cuda where there is one")
    add("--compile", action=argparse.BooleanOptionalAction, default=False,
        help="torch.compile (PyTorch 2)")
    add("--log-every", type=count, default=50, help="steps")
    add("--eval-batches", type=count, default=8)
    add("--eval-seconds", type=positive0, default=120.0,
        help="between evaluations; 0: end only")
    add("--save-seconds", type=positive0, default=120.0, help="between checkpoints")
    add("--quiet", action="store_true", help="the log goes to its file only")
    args = parser.parse_args(argv)
    if args.last_call and not args.call_minutes:
        parser.error("--last-call needs --call-minutes, the time that the call may take")
    if args.last_call and args.steps:
        parser.error("--last-call goes by the clock, --steps does not; give one of them")
    if args.compile and not hasattr(torch, "compile"):
        parser.error(f"--compile needs PyTorch 2, this is {torch.__version__}")
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: PyTorch finds no CUDA GPU here")
    args.device = args.device or ("cuda" if torch.cuda.is_available() else "cpu")
    args.export = args.export or os.path.join(args.out, "model")
    args.name = args.name or os.path.basename(os.path.abspath(args.export))
    return args


def main():
    args = options()
    torch.set_float32_matmul_precision("high")
    run = Run(args)

    def on_signal(number, frame):
        run.stop = True
        signal.signal(number, signal.SIG_DFL)

    signal.signal(signal.SIGINT, on_signal)
    signal.signal(signal.SIGTERM, on_signal)
    finished = run.run()
    if finished or args.export_unfinished:
        export.write(run, args.export, run.evaluate())
    if not finished:
        run.tell("stop", step=run.step, seconds=run.seconds)
        print("pretrain.py: stopped with a checkpoint; the same command continues",
              file=sys.stderr)


if __name__ == "__main__":
    main()
