"""PyTorch's side of the comparison: requests as JSON lines on standard input, answers as
JSON lines.  See drive.py for what is asked.

    python3 torch_peer.py MODEL_DIR

Variants: eager (matrix products and functions as one writes them), fast (torch's own
TransformerEncoder, whose fused path serves in inference), jit (eager, traced and
frozen), int8 (eager, linear layers quantised dynamically).
"""
import json
import sys
import time

import numpy
import torch
from torch import nn

import tensors


def linear(pair):
    weight, bias = (torch.tensor(array) for array in pair)
    layer = nn.Linear(weight.shape[1], weight.shape[0])
    layer.weight.data, layer.bias.data = weight, bias
    return layer


def layer_norm(pair, eps):
    norm = nn.LayerNorm(len(pair[0]), eps=eps)
    norm.weight.data, norm.bias.data = (torch.tensor(array) for array in pair)
    return norm


class Layer(nn.Module):
    def __init__(self, bert, layer):
        super().__init__()
        self.heads = bert.heads
        self.scale = (bert.channels // bert.heads) ** -0.5
        self.qkv = linear([numpy.concatenate([layer[which][part] for which in "qkv"])
                           for part in (0, 1)])
        self.out, self.up, self.down = (linear(layer[name])
                                        for name in ("out", "up", "down"))
        self.norm1 = layer_norm(layer["norm1"], bert.eps)
        self.norm2 = layer_norm(layer["norm2"], bert.eps)

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind()
        scores = q @ k.transpose(-1, -2) * self.scale
        att = (scores.softmax(-1) @ v).transpose(1, 2).reshape(b, t, c)
        x = self.norm1(x + self.out(att))
        return self.norm2(x + self.down(nn.functional.gelu(self.up(x))))


def fast_layer(bert, layer):
    made = nn.TransformerEncoderLayer(bert.channels, bert.heads, bert.inner, dropout=0.0,
                                      activation="gelu", batch_first=True,
                                      layer_norm_eps=bert.eps)
    own = Layer(bert, layer)
    made.self_attn.in_proj_weight.data = own.qkv.weight.data
    made.self_attn.in_proj_bias.data = own.qkv.bias.data
    made.self_attn.out_proj.weight.data = own.out.weight.data
    made.self_attn.out_proj.bias.data = own.out.bias.data
    made.linear1, made.linear2 = own.up, own.down
    made.norm1, made.norm2 = own.norm1, own.norm2
    return made


class Model(nn.Module):
    def __init__(self, bert, make_layer):
        super().__init__()
        self.word, self.position, self.token_type = (
            nn.Embedding.from_pretrained(torch.tensor(table)) for table in bert.tables)
        self.norm = layer_norm(bert.norm, bert.eps)
        self.layers = nn.ModuleList([make_layer(bert, layer) for layer in bert.layers])
        self.pooler = linear(bert.pooler)
        self.classifier = linear(bert.classifier)

    def forward(self, ids):
        positions = torch.arange(ids.shape[1], device=ids.device)
        x = self.word(ids) + self.position(positions) + self.token_type(torch.zeros_like(ids))
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x)
        return self.classifier(torch.tanh(self.pooler(x[:, 0]))), x


class Peer:
    def __init__(self, folder):
        self.folder = folder
        self.models = {}

    def model(self, variant):
        if variant not in self.models:
            bert = tensors.Bert(self.folder)
            made = Model(bert, fast_layer if variant == "fast" else Layer).eval()
            if variant == "jit":
                example = torch.ones((2, 9), dtype=torch.int64)
                made = torch.jit.freeze(torch.jit.trace(made, example))
            if variant == "int8":
                if torch.backends.quantized.engine == "none":
                    torch.backends.quantized.engine = "qnnpack"
                made = torch.ao.quantization.quantize_dynamic(made, {nn.Linear})
            self.models[variant] = made
        return self.models[variant]

    def open(self, variant, threads):
        torch.set_num_threads(threads)
        start = time.perf_counter()
        self.model(variant)
        return {"open_ms": 1e3 * (time.perf_counter() - start)}

    def close(self):
        self.models.clear()
        return {}

    def time(self, variant, threads, batch, tokens, repeat, warmup):
        torch.set_num_threads(threads)
        model = self.model(variant)
        ids = (torch.arange(batch * tokens).view(batch, tokens) * 37) % 20000 + 1000
        samples = []
        for i in range(-warmup, repeat):
            start = time.perf_counter()
            model(ids)
            if i >= 0:
                samples.append(1e3 * (time.perf_counter() - start))
        return {"samples_ms": samples}

    def answer(self, variant, threads, ids):
        torch.set_num_threads(threads)
        logits, hidden = self.model(variant)(torch.tensor(ids))
        return {"logits": logits.flatten().tolist(), "hidden": hidden.flatten().tolist()}


def main():
    peer = Peer(sys.argv[1])
    with torch.inference_mode():
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = getattr(peer, request.pop("op"))(**request)
            except Exception as error:  # the driver reports it and goes on
                answer = {"error": "%s: %s" % (type(error).__name__, error)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
