"""Reading and writing safetensors files with numpy alone."""
import json
import struct

import numpy

KINDS = {"F32": numpy.float32, "I64": numpy.int64}


def read(path):
    """{name: array} of a safetensors file of F32 and I64 tensors."""
    with open(path, "rb") as file:
        size, = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    tensors = {}
    for name, about in header.items():
        if name == "__metadata__":
            continue
        begin, end = about["data_offsets"]
        tensors[name] = numpy.frombuffer(data[begin:end], KINDS[about["dtype"]]).reshape(
            about["shape"])
    return tensors


def write(path, tensors):
    """Write {name: int64 array}."""
    header, at, blocks = {}, 0, []
    for name, array in tensors.items():
        block = numpy.ascontiguousarray(array, numpy.int64).tobytes()
        header[name] = {"dtype": "I64", "shape": list(array.shape),
                        "data_offsets": [at, at + len(block)]}
        at += len(block)
        blocks.append(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blocks))


class Bert:
    """A model directory of offramp as arrays, by layer, with [out, in] matrices."""

    def __init__(self, folder):
        with open(folder + "/config.json") as file:
            config = json.load(file)
        weights = {name.removeprefix("bert."): array
                   for name, array in read(folder + "/model.safetensors").items()}
        self.channels = config["hidden_size"]
        self.heads = config["num_attention_heads"]
        self.inner = config["intermediate_size"]
        self.eps = config["layer_norm_eps"]
        self.tables = [weights["embeddings.%s_embeddings.weight" % which]
                       for which in ("word", "position", "token_type")]
        self.norm = self._pair(weights, "embeddings.LayerNorm")
        self.layers = [self._layer(weights, "encoder.layer.%d." % number)
                       for number in range(config["num_hidden_layers"])]
        self.pooler = self._pair(weights, "pooler.dense")
        self.classifier = self._pair(weights, "classifier")

    @staticmethod
    def _pair(weights, name):
        return weights[name + ".weight"], weights[name + ".bias"]

    def _layer(self, weights, prefix):
        names = {"q": "attention.self.query", "k": "attention.self.key",
                 "v": "attention.self.value", "out": "attention.output.dense",
                 "norm1": "attention.output.LayerNorm", "up": "intermediate.dense",
                 "down": "output.dense", "norm2": "output.LayerNorm"}
        return {short: self._pair(weights, prefix + name) for short, name in names.items()}
