#!/usr/bin/env python3
"""Does offramp compute what PyTorch computes from the same stored weights?

Reads a model directory (ELECTRA, F16 or F32), computes the hidden states of twenty
texts in f32 with the modules of model.py, and writes them as --reference, a safetensors
file for tests: input_ids, attention_mask, token_type_ids [B,T] and hidden_states.0 .. L
[B,T,C], zero behind the end of a text; --brief keeps the first, the middle and the last
of the states, as all of them would be larger than the weights.  Then the program's own states are compared with
them.  --against compares with such a file instead, which needs no PyTorch.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

import store

TEXTS = """\
The ferry leaves at noon.
It was raining when we reached the old harbour, and nobody had thought of umbrellas.
What is the capital of Mongolia?
He never answered the letter; perhaps it never arrived.
A proof by induction needs a first case and a step.
I would not recommend this film to anyone.
One of the warmest, funniest comedies of the year!
The committee will meet again on 14 March 2031 in room 7.
Water boils at 100 degrees Celsius at sea level.
How do I reverse a list in place?\tReversing a list without copying it
A man is playing a guitar on the street.\tSomeone plays music outdoors.
The company reported a loss.\tThe company made a profit last quarter.
Two dogs run through the snow.\tThe dogs are asleep.
Caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u2014 accents and dashes.
Remind me to call my sister tomorrow at five
transfer 300 dollars from savings to checking please
no
unbelievably counterproductive microarchitectures
"Quotes", (brackets), [more brackets] and 50% off...
The small encoder was trained on plain text for less than half an hour, and this sentence \
goes on for a while so that at least one of the twenty texts comes near the longest that \
such a small network may be asked to read in one piece, commas, clauses and all."""


def tokenize(offramp, folder, texts, length):
    """Padded ids, mask and types."""
    run = subprocess.run([offramp, "tokenize", "--model", folder, "--json",
                          "--max-length", str(length)], input=texts.encode(), check=True,
                         stdout=subprocess.PIPE)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    T = max(len(row["ids"]) for row in rows)
    ids, mask, types = (np.zeros((len(rows), T), np.int64) for _ in range(3))
    for b, row in enumerate(rows):
        n = len(row["ids"])
        ids[b, :n], mask[b, :n], types[b, :n] = row["ids"], 1, row["type_ids"]
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}


def load(folder):
    """The backbone of a model directory, in f32, and its shape."""
    import torch
    import model as nets
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    shape = nets.shape_of(config)
    net = nets.Pretrainer(config["vocab_size"], shape, 0.0).eval()
    stored = store.read_model(folder)
    with torch.no_grad():
        for name, value in nets.discriminator_tensors(net).items():
            if name.startswith("electra."):
                value.copy_(torch.from_numpy(stored[name].astype(np.float32)))
    return net, shape


def hidden_states(net, arrays):
    """[L+1] arrays [B,T,C]; each text on its own, without its padding."""
    import torch
    B, T = arrays["input_ids"].shape
    states = []
    for b, n in enumerate(arrays["attention_mask"].sum(1)):
        keep = []
        ids, types = (torch.from_numpy(arrays[name][b:b + 1, :n])
                      for name in ("input_ids", "token_type_ids"))
        with torch.no_grad():
            net.body(net.embeddings(ids, types), keep)
        for l, x in enumerate(keep):
            if b == 0:
                states.append(np.zeros((B, T, x.shape[2]), np.float32))
            states[l][b, :n] = x[0].numpy()
    return states


def program_states(offramp, folder, arrays):
    """What `offramp features` says about the same tokens."""
    with tempfile.TemporaryDirectory() as scratch:
        given = os.path.join(scratch, "given.safetensors")
        made = os.path.join(scratch, "made.safetensors")
        store.write(given, arrays)
        subprocess.run([offramp, "features", "-q", "--model", folder, "--input", given,
                        "--output", made], check=True)
        return store.read(made)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="model directory")
    parser.add_argument("--offramp", default="build/offramp", help="the program")
    parser.add_argument("--reference", help="safetensors file to write")
    parser.add_argument("--brief", action="store_true", help="three layers in the file")
    parser.add_argument("--against", help="such a file, to compare with")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    args = parser.parse_args()

    if args.against:
        arrays = store.read(args.against)
    else:
        net, shape = load(args.model)
        arrays = tokenize(args.offramp, args.model, TEXTS + "\n", shape["length"])
        for l, state in enumerate(hidden_states(net, arrays)):
            arrays[f"hidden_states.{l}"] = state
    inputs = {n: arrays[n] for n in ("input_ids", "attention_mask", "token_type_ids")}
    layers = sorted(int(n.rpartition(".")[2]) for n in arrays.keys() - inputs.keys())
    if args.reference:
        L = layers[-1]
        kept = (0, L // 2, L) if args.brief else layers
        store.write(args.reference, {**inputs, **{f"hidden_states.{l}":
                                                  arrays[f"hidden_states.{l}"] for l in kept}})
    other = program_states(args.offramp, args.model, inputs)
    worst = 0.0
    for l in layers:
        name = f"hidden_states.{l}"
        difference = float(np.abs(arrays[name] - other[name]).max())
        largest = float(np.abs(arrays[name]).max())
        print(f"layer {l:2d}: largest difference {difference:.2e}, largest value "
              f"{largest:.2f}")
        worst = max(worst, difference if np.isfinite(difference) else float("inf"))
    print(f"{len(arrays['input_ids'])} texts, worst {worst:.2e}, allowed "
          f"{args.tolerance:.0e}")
    sys.exit(worst > args.tolerance)


if __name__ == "__main__":
    main()
