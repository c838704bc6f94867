"""What pretrain.py refuses, in one process: pretrain_refusals.py TOOLS DATA SCRATCH."""
import contextlib
import io
import os
import shutil
import sys

tools, data, scratch = sys.argv[1:]
sys.path.insert(0, tools)
import torch

import pretrain

sys.argv[0] = "pretrain.py"
bad, out = os.path.join(scratch, "bad"), os.path.join(scratch, "refused-run")
failures = 0


def refuses(code, line, *more, folder=data):
    """One line that holds `line`, this exit code, and nothing made."""
    global failures
    given = ["--data", folder, "--out", out, "--shape", "tiny", "--device", "cpu",
             "--quiet", *more]
    err, found = io.StringIO(), None
    with contextlib.redirect_stderr(err):
        try:
            pretrain.Run(pretrain.options(given))
        except SystemExit as end:
            # a text is printed and means 1
            found = (end.code, err.getvalue()) if isinstance(end.code, int) else (
                1, f"{end.code}\n")
    good = (found and found[0] == code and found[1].startswith("pretrain.py: ") and
            found[1].count("\n") == 1 and line in found[1] and not os.path.exists(out))
    if not good:
        print(f"{' '.join(more)}: {found}, expected {code} and '{line}'")
        failures += 1


refuses(2, "argument --minutes: '0' is not a number above 0", "--minutes", "0")
refuses(2, "argument --minutes: 'nan' is not a number above 0", "--minutes", "nan")
refuses(2, "argument --minutes: 'inf' is not a number above 0", "--minutes", "inf")
refuses(2, "argument --eval-batches: '0' is not a whole number of at least 1",
        "--eval-batches", "0")
refuses(2, "argument --batch: '0' is not a whole number", "--batch", "0")
refuses(2, "argument --batch: '1.5' is not a whole number", "--batch", "1.5")
refuses(2, "argument --log-every: '0' is not", "--log-every", "0")
refuses(2, "argument --warmup: '1' is not a number of at least 0 and below 1",
        "--warmup", "1")
refuses(2, "argument --steps: '-1' is not", "--steps=-1")
refuses(2, "argument --device: invalid choice: 'toaster'", "--device", "toaster")
refuses(2, "--last-call needs --call-minutes", "--last-call")
refuses(2, "unrecognized arguments: --nonsense", "--nonsense")
if not hasattr(torch, "compile"):
    refuses(2, f"--compile needs PyTorch 2, this is {torch.__version__}", "--compile")
if not torch.cuda.is_available():
    refuses(2, "--device cuda: PyTorch finds no CUDA GPU", "--device", "cuda")

# Before anything is trained, not when it is exported.
refuses(1, "bad: not made by prepare.py: ", folder=bad)
shutil.copytree(data, bad)
with open(os.path.join(bad, "vocab.txt"), "ab") as file:
    file.write(b"more\n")
refuses(1, "bad: vocab.txt is not the one", folder=bad)
shutil.copy(os.path.join(data, "vocab.txt"), bad)
with open(os.path.join(bad, "train.u16"), "ab") as file:
    file.write(b"\1\0")
refuses(1, "tokens up to", folder=bad)
os.truncate(os.path.join(bad, "train.u16"), os.path.getsize(os.path.join(data, "train.u16")))
with open(os.path.join(bad, "train.u16"), "r+b") as file:
    file.write(b"\xff\x7f")
refuses(1, "tokens up to 32767, but meta.json says", folder=bad)
os.remove(os.path.join(bad, "train.u16"))
refuses(1, "train.u16: No such file", folder=bad)
sys.exit(failures > 0)
