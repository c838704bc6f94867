#!/usr/bin/env python3
"""Texts to one array of tokens, through `offramp tokenize`.

OUT/train.u16 and OUT/dev.u16 hold 16-bit numbers, the lines one after another without
[CLS] and [SEP]: an id in the low 15 bits, and the top bit where a line or a sentence
ends, so that pretrain.py knows where a text may begin.  OUT/meta.json says the rest.
The last --dev-lines lines are held out.
"""
import argparse
import gzip
import hashlib
import json
import lzma
import os
import subprocess
import threading

import numpy as np

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CUT = 1 << 15


def open_text(path):
    with open(path, "rb") as file:
        first = file.read(6)
    if first[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")
    if first == b"\xfd7zXZ\0":
        return lzma.open(path, "rb")
    return open(path, "rb")


def feed(path, pipe):
    """The text without tabs, which would make pairs of its lines."""
    with open_text(path) as text, pipe:
        last = b"\n"
        while True:
            block = text.read(1 << 20)
            if not block:
                break
            pipe.write(block.replace(b"\t", b" "))
            last = block[-1:]
        if last != b"\n":
            pipe.write(b"\n")


def token_blocks(offramp, vocab, path):
    """Arrays of ids as tokenize prints them, [CLS] and [SEP] included."""
    run = subprocess.Popen([offramp, "tokenize", "--vocab", vocab], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
    feeder = threading.Thread(target=feed, args=(path, run.stdin), daemon=True)
    feeder.start()
    rest = b""
    while True:
        block = run.stdout.read(1 << 22)
        end = block.rfind(b"\n") + 1
        text, rest = (rest + block[:end], block[end:]) if block else (rest, b"")
        if text.strip():
            yield np.fromstring(text, dtype=np.int64, sep=" ")
        if not block:
            break
    feeder.join()
    if run.wait() != 0:
        raise SystemExit(f"prepare.py: offramp tokenize failed on {path}")


def mark(ids, stops):
    """ids with [CLS] ... [SEP] around lines -> marked tokens and the lengths of lines."""
    cut = np.isin(ids, stops)
    ends = np.flatnonzero(ids == SPECIAL.index("[SEP]"))
    cut[ends - 1] = True
    inside = (ids != SPECIAL.index("[CLS]")) & (ids != SPECIAL.index("[SEP]"))
    lengths = np.diff(np.concatenate([[0], np.cumsum(inside)[ends]]))
    ids = np.where(ids < len(SPECIAL), SPECIAL.index("[UNK]"), ids) | cut * CUT
    return ids[inside].astype(np.uint16), lengths


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--offramp", default="build/offramp", help="the program")
    parser.add_argument("--vocab", required=True, help="vocab.txt made by offramp vocab")
    parser.add_argument("--out", required=True, help="folder to make")
    parser.add_argument("--dev-lines", type=int, default=4000, help="lines held out")
    parser.add_argument("texts", nargs="+", help="plain, .gz or .xz")
    args = parser.parse_args()

    with open(args.vocab, "rb") as file:
        vocab_bytes = file.read()
    vocab = vocab_bytes.decode().splitlines()
    if vocab[: len(SPECIAL)] != SPECIAL or len(vocab) > CUT:
        raise SystemExit(f"prepare.py: {args.vocab}: expected a vocabulary of at most "
                         f"{CUT} entries that begins with {' '.join(SPECIAL)}")
    stops = [vocab.index(c) for c in ".!?" if c in vocab]
    tokens, lengths = [], []
    for path in args.texts:
        for ids in token_blocks(args.offramp, args.vocab, path):
            block, n = mark(ids, stops)
            tokens.append(block)
            lengths.append(n)
    if not tokens:
        raise SystemExit("prepare.py: the texts are empty")
    tokens, lengths = np.concatenate(tokens), np.concatenate(lengths)
    n_dev = int(lengths[-args.dev_lines:].sum()) if args.dev_lines else 0
    if not 0 < n_dev < len(tokens):
        raise SystemExit(f"prepare.py: {len(lengths)} lines do not give {args.dev_lines} "
                         "to be held out and some to learn from")
    os.makedirs(args.out, exist_ok=True)
    tokens[: len(tokens) - n_dev].tofile(os.path.join(args.out, "train.u16"))
    tokens[len(tokens) - n_dev:].tofile(os.path.join(args.out, "dev.u16"))
    with open(os.path.join(args.out, "vocab.txt"), "wb") as file:
        file.write(vocab_bytes)
    meta = {"vocab_size": len(vocab), "vocab_sha256": hashlib.sha256(vocab_bytes).hexdigest(),
            "texts": [os.path.basename(path) for path in args.texts],
            "lines": len(lengths), "dev_lines": args.dev_lines,
            "train_tokens": len(tokens) - n_dev, "dev_tokens": n_dev,
            "unknown_share": float(np.mean((tokens & (CUT - 1)) == SPECIAL.index("[UNK]")))}
    with open(os.path.join(args.out, "meta.json"), "w") as file:
        json.dump(meta, file, indent=1)
    print(json.dumps(meta))


if __name__ == "__main__":
    main()
