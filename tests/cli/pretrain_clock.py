"""The schedule of pretrain.py by a clock of ours: pretrain_clock.py TOOLS DATA OUT.

A step takes a second; the first use of a length takes 100, as if it were compiled.  Half
a minute of training, in one call or two, must rise and fall as if nothing were compiled.
"""
import json
import os
import sys

tools, data, out = sys.argv[1:]
sys.path.insert(0, tools)
import torch

import export
import pretrain

STEP, COMPILE, RATE, WARM = 1.0, 100.0, 4e-3, 0.2


class Clock:
    def __init__(self):
        self.now, self.calls = 1000.0, 0

    def __call__(self):
        return self.now

    def compile(self, net, **options):
        """Instead of torch.compile."""
        seen = set()

        def loss(ids, *more):
            self.now += STEP if ids.shape in seen else COMPILE
            seen.add(ids.shape)
            self.calls += 1
            return net(ids, *more)
        return loss


def call(clock, folder, *more):
    """One call of the program: whether the budget is spent, the seconds trained, and
    what the card says about the rest."""
    args = pretrain.options(["--data", data, "--out", os.path.join(out, folder),
                             "--shape", "tiny", "--device", "cpu", "--minutes", "0.5",
                             "--batch", "4", "--lr", str(RATE), "--warmup", str(WARM),
                             "--log-every", "1", "--eval-seconds", "0", "--compile",
                             "--save-seconds", "1e9", "--quiet", *more])
    run = pretrain.Run(args, clock=clock, began=clock.now)
    done = run.run()
    return done, run.seconds, export.unfinished(run).partition(":")[2].partition(".*")[0]


def rates(folder):
    with open(os.path.join(out, folder, "log.jsonl")) as file:
        lines = [json.loads(line) for line in file]
    return [line["lr"] for line in lines if line["event"] == "step"]


def check(what, have, want):
    if have != want:
        print(f"{what}: {have}, expected {want}")
        sys.exit(1)


# 30 seconds, a fifth of them rising
want = [RATE * (s / 6 if s < 6 else (30 - s) / 24) for s in range(30)]
want = [float(f"{rate:.6g}") for rate in want]
clock = Clock()
torch.compile = clock.compile
check("one call", call(clock, "clock1"), (True, 30.0, ""))
check("rates in one call", rates("clock1"), want)
check("the clock", clock.now, 1000 + 3 * COMPILE + 30 * STEP)

# The limit of a call counts from its start: compiling, and then 11 steps until more
# than 5 minutes and 10 seconds are over.
limit = ("--call-minutes", str(310 / 60))
check("first call", call(clock, "clock2", *limit), (False, 11.0, " 0.2 of 0.5 minutes"))
check("second call", call(clock, "clock2", *limit), (False, 22.0, " 0.4 of 0.5 minutes"))
check("third call", call(clock, "clock2", *limit), (True, 30.0, ""))
check("rates in three calls", rates("clock2"), want)

# A last call: what compiling leaves of 5 minutes and 30 seconds is the budget.
last = ("--last-call", "--call-minutes", "5.5")
check("a last call", call(clock, "clock4", *last), (True, 30.0, ""))
check("rates in a last call", rates("clock4"), want)
check("a last call after another", (call(clock, "clock5", *limit),
      call(clock, "clock5", *last)), ((False, 11.0, " 0.2 of 0.5 minutes"), (True, 41.0, "")))
check("its last rate", rates("clock5")[-1], float(f"{RATE / 41 / (1 - WARM):.6g}"))


def broken(net, **options):
    def loss(*arguments):
        raise RuntimeError("no compiler")
    return loss


torch.compile = broken
check("without a compiler", call(Clock(), "clock3", "--steps", "2")[0], True)
with open(os.path.join(out, "clock3", "log.jsonl")) as file:
    check("what the log says", "RuntimeError: no compiler" in file.readline(), True)
