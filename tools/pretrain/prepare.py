#!/usr/bin/env python3
"""Texts to one array of tokens, through `offramp tokenize`.

OUT/train.u16 and OUT/dev.u16 hold 16-bit numbers, the lines one after another without
[CLS] and [SEP]: an id in the low 15 bits, and the top bit where a line or a sentence
ends, so that pretrain.py knows where a text may begin.  OUT/meta.json says the rest.
With --xz they are train.u16.xz and dev.u16.xz, to travel.  The last --dev-lines lines are
held out.
"""
import argparse
import gzip
import hashlib
import json
import lzma
import os
import subprocess
import threading
import zlib

import numpy as np

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CUT = 1 << 15
TOKENS = ("train.u16", "dev.u16", "train.u16.xz", "dev.u16.xz")
# What a missing, truncated or damaged text raises.
UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error)


def refuse(path, reason):
    """Ends the program with one line; an OSError repeats the path, which is left out."""
    raise SystemExit(f"prepare.py: {path}: {getattr(reason, 'strerror', None) or reason}")


def open_text(path):
    with open(path, "rb") as file:
        first = file.read(6)
    if first[:2] == b"\x1f\x8b":
        return gzip.open(path, "rb")
    if first == b"\xfd7zXZ\0":
        return lzma.open(path, "rb")
    return open(path, "rb")


def feed(path, pipe, failures):
    """The text without tabs, which would make pairs of its lines.  What goes wrong is
    put into failures, as nobody sees what a thread raises; the pipe is closed in any
    case, since its reader waits for the end."""
    try:
        with pipe, open_text(path) as text:
            last = b"\n"
            while True:
                block = text.read(1 << 20)
                if not block:
                    break
                pipe.write(block.replace(b"\t", b" "))
                last = block[-1:]
            if last != b"\n":
                pipe.write(b"\n")
    except UNREADABLE as failure:
        failures.append(failure)


def token_blocks(offramp, vocab, path):
    """Arrays of ids as tokenize prints them, [CLS] and [SEP] included."""
    try:
        run = subprocess.Popen([offramp, "tokenize", "--vocab", vocab],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    except OSError as failure:
        refuse(offramp, failure)
    failures = []
    feeder = threading.Thread(target=feed, args=(path, run.stdin, failures), daemon=True)
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
    # A program that fails breaks the pipe, so its own failure comes first.
    if run.wait() != 0:
        refuse(path, "offramp tokenize failed on it")
    if failures:
        refuse(path, failures[0])


def mark(ids, stops):
    """ids with [CLS] ... [SEP] around lines -> marked tokens and the lengths of lines."""
    cut = np.isin(ids, stops)
    ends = np.flatnonzero(ids == SPECIAL.index("[SEP]"))
    cut[ends - 1] = True
    inside = (ids != SPECIAL.index("[CLS]")) & (ids != SPECIAL.index("[SEP]"))
    lengths = np.diff(np.concatenate([[0], np.cumsum(inside)[ends]]))
    ids = np.where(ids < len(SPECIAL), SPECIAL.index("[UNK]"), ids) | cut * CUT
    return ids[inside].astype(np.uint16), lengths


def read_vocab(path):
    """The bytes of vocab.txt and its entries."""
    try:
        with open(path, "rb") as file:
            content = file.read()
        entries = content.decode().splitlines()
    except (OSError, UnicodeDecodeError) as failure:
        refuse(path, failure)
    if entries[: len(SPECIAL)] != SPECIAL or len(entries) > CUT:
        refuse(path, f"expected a vocabulary of at most {CUT} entries that begins with "
               + " ".join(SPECIAL))
    return content, entries


def write_folder(folder, files):
    """files: name -> bytes or array.  All of them are complete before the first gets its
    name; the last, which readers look for, is missing in between.  Tokens of an earlier
    call under the other name go."""
    paths = {os.path.join(folder, name): content for name, content in files.items()}
    try:
        os.makedirs(folder, exist_ok=True)
        for path, content in paths.items():
            with open(path + ".tmp", "wb") as file:
                file.write(content)
        if os.path.exists(path):
            os.remove(path)
        for path in paths:
            os.replace(path + ".tmp", path)
        for name in TOKENS:
            if name not in files and os.path.exists(os.path.join(folder, name)):
                os.remove(os.path.join(folder, name))
    except OSError as failure:
        for path in paths:
            if os.path.exists(path + ".tmp"):
                os.remove(path + ".tmp")
        refuse(folder, failure)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--offramp", default="build/offramp", help="the program")
    parser.add_argument("--vocab", required=True, help="vocab.txt made by offramp vocab")
    parser.add_argument("--out", required=True, help="folder to make")
    parser.add_argument("--dev-lines", type=int, default=4000, help="lines held out")
    parser.add_argument("--source", default="",
                        help="what the texts are and their licence, for the card")
    parser.add_argument("--xz", action="store_true", help="pack the tokens")
    parser.add_argument("texts", nargs="+", help="plain, .gz or .xz")
    args = parser.parse_args()

    vocab_bytes, vocab = read_vocab(args.vocab)
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
    n_dev = int(lengths[-args.dev_lines:].sum()) if args.dev_lines > 0 else 0
    n_train = len(tokens) - n_dev
    if not 0 < n_dev < len(tokens):
        raise SystemExit(f"prepare.py: {len(lengths)} lines do not give {args.dev_lines} "
                         "to be held out and some to learn from")
    meta = {"vocab_size": len(vocab), "vocab_sha256": hashlib.sha256(vocab_bytes).hexdigest(),
            "source": args.source, "texts": [os.path.basename(path) for path in args.texts],
            "lines": len(lengths), "dev_lines": args.dev_lines,
            "train_tokens": n_train, "dev_tokens": n_dev,
            "unknown_share": float(np.mean((tokens & (CUT - 1)) == SPECIAL.index("[UNK]")))}
    files = {"train.u16": tokens[:n_train], "dev.u16": tokens[n_train:]}
    if args.xz:
        files = {name + ".xz": lzma.compress(ids) for name, ids in files.items()}
    write_folder(args.out, {**files, "vocab.txt": vocab_bytes,
                            "meta.json": json.dumps(meta, indent=1).encode()})
    print(json.dumps(meta))


if __name__ == "__main__":
    main()
