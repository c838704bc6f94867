#!/usr/bin/env python3
"""Training step of PyTorch on the shapes of bench_train.c, for comparison.

Forward, backward and AdamW of a post-LN BERT encoder with one internal
classifier after each layer (shared pooler, joint loss), float32, no dropout:
the same work as a joint step of `offramp train`.

    apt-get install python3-torch
    python3 bench/peers/train_step.py --shape small --batch 32 --tokens 64
    python3 bench/peers/train_step.py --shape small --lengths lengths.txt

--lengths names a file with one number of tokens per line (docs/RESULTS.md says
how to make it); batches of --batch texts are drawn in random order and padded
to their longest text, as PyTorch needs it.  Prints one JSON line.
"""
import argparse
import json
import random
import statistics
import time

import torch
from torch import nn

SHAPES = {  # layers, channels, heads, inner width, embedding width
    "mini": (12, 128, 4, 512, 128),
    "small": (12, 256, 4, 1024, 128),
    "base": (12, 768, 12, 3072, 768),
}


class Encoder(nn.Module):
    def __init__(self, shape, vocabulary, classes):
        super().__init__()
        n_layers, c, heads, inner, e = SHAPES[shape]
        self.word = nn.Embedding(vocabulary, e)
        self.position = nn.Embedding(512, e)
        self.token_type = nn.Embedding(2, e)
        self.norm = nn.LayerNorm(e, eps=1e-12)
        self.project = nn.Linear(e, c) if e != c else nn.Identity()
        self.layers = nn.ModuleList([
            nn.TransformerEncoderLayer(c, heads, inner, dropout=0.0, activation="gelu",
                                       batch_first=True, layer_norm_eps=1e-12)
            for _ in range(n_layers)])
        self.pooler = nn.Linear(c, c)
        self.heads = nn.ModuleList([nn.Linear(c, classes) for _ in range(n_layers)])

    def forward(self, ids, padding):
        positions = torch.arange(ids.shape[1]).unsqueeze(0)
        x = self.word(ids) + self.position(positions) + self.token_type(torch.zeros_like(ids))
        x = self.project(self.norm(x))
        logits = []
        for layer, head in zip(self.layers, self.heads):
            x = layer(x, src_key_padding_mask=padding)
            logits.append(head(torch.tanh(self.pooler(x[:, 0]))))
        return logits


def batches(args):
    generator = random.Random(args.seed)
    if not args.lengths:
        while True:
            yield [args.tokens] * args.batch
    with open(args.lengths) as file:
        lengths = [int(line) for line in file]
    while True:
        generator.shuffle(lengths)
        for i in range(0, len(lengths) - args.batch + 1, args.batch):
            yield lengths[i:i + args.batch]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--shape", choices=SHAPES, default="small")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--lengths")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warmup", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = Encoder(args.shape, 30522, 2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    weights = [float(i + 1) for i in range(len(model.layers))]
    source = batches(args)
    times, tokens = [], 0
    for step in range(args.warmup + args.steps):
        lengths = next(source)
        longest = max(lengths)
        ids = torch.randint(1000, 30000, (len(lengths), longest))
        padding = torch.arange(longest).unsqueeze(0) >= torch.tensor(lengths).unsqueeze(1)
        mask = padding if bool(padding.any()) else None
        labels = torch.randint(0, 2, (len(lengths),))
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = sum(w * nn.functional.cross_entropy(z, labels)
                   for w, z in zip(weights, model(ids, mask))) / sum(weights)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step >= args.warmup:
            times.append(1000.0 * (time.perf_counter() - start))
            tokens += sum(lengths)
    print(json.dumps({
        "bench": "train_step", "program": "pytorch " + torch.__version__,
        "shape": args.shape, "batch": args.batch, "threads": args.threads,
        "tokens_per_step": tokens / len(times), "real_lengths": bool(args.lengths),
        "steps": len(times), "ms_min": round(min(times), 2),
        "ms_median": round(statistics.median(times), 2),
        "ms_mean": round(statistics.fmean(times), 2)}))


if __name__ == "__main__":
    main()
