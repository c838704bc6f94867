"""A model directory of offramp as ONNX graphs for ONNX Runtime, without the onnx package.

    python3 onnx_model.py MODEL_DIR OUT_DIR

writes, over weights that the first two share,

    plain.onnx    operators of the ONNX standard alone, as an exporter writes a BERT
                  (ONNX Runtime fuses them when the session is made)
    fused.onnx    com.microsoft's Attention, SkipLayerNormalization, BiasGelu, ...: what
                  ONNX Runtime's own optimiser for transformers leaves
    int8.onnx     the fused graph with dynamic quantisation, as its quantiser leaves it:
                  QAttention and DynamicQuantizeMatMul, int8 weights with one scale per
                  matrix, uint8 activations
    ..._mask.onnx the same with an attention mask, for padded batches

Inputs: input_ids [batch, tokens] int64, attention_mask where there is one.  Outputs:
logits [batch, classes] and last_hidden_state [batch, tokens, channels].

The encoding is protobuf's (https://protobuf.dev/programming-guides/encoding/), the
numbers of the fields are those of onnx.proto3, the operators those of
https://onnx.ai/onnx/operators/ and onnxruntime's docs/ContribOperators.md.
"""
import os
import struct
import sys

import numpy

import tensors

FLOAT, UINT8, INT8, INT32, INT64 = 1, 2, 3, 6, 7  # TensorProto.DataType
KINDS = {"float32": FLOAT, "uint8": UINT8, "int8": INT8, "int32": INT32, "int64": INT64}
INLINE = 1024  # bytes of a tensor up to which it stands in the graph's own file


# ---- protobuf ---------------------------------------------------------------------

def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def whole(field, number):
    return varint(field << 3) + varint(number)


def block(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def real(field, number):
    return varint(field << 3 | 5) + struct.pack("<f", number)


def attribute(name, value):
    if isinstance(value, float):
        return block(1, name) + real(2, value) + whole(20, 1)
    if isinstance(value, int):
        return block(1, name) + whole(3, value) + whole(20, 2)
    return block(1, name) + b"".join(whole(8, v) for v in value) + whole(20, 7)


def value_info(name, kind, shape):
    dims = b"".join(block(1, block(2, d) if isinstance(d, str) else whole(1, d))
                    for d in shape)
    return block(1, name) + block(2, block(1, whole(1, kind) + block(2, dims)))


# ---- graphs -----------------------------------------------------------------------

class Weights:
    """The file of large tensors; equal names are written once."""

    def __init__(self, folder):
        self.name = "weights.bin"
        self.file = open(os.path.join(folder, self.name), "wb")
        self.at = {}

    def place(self, name, data):
        if name not in self.at:
            self.file.write(b"\0" * (-self.file.tell() % 4096))
            self.at[name] = self.file.tell()
            self.file.write(data)
        return self.at[name]


class Graph:
    def __init__(self, weights, with_mask):
        self.weights = weights
        self.with_mask = with_mask
        self.nodes, self.initializers, self.known = [], [], set()
        self.n_values = 0

    def constant(self, name, array):
        """The name, after making sure that the graph holds the array."""
        if name in self.known:
            return name
        self.known.add(name)
        array = numpy.asarray(array)
        data = numpy.ascontiguousarray(array).tobytes()
        tensor = b"".join(whole(1, d) for d in array.shape)
        tensor += whole(2, KINDS[array.dtype.name]) + block(8, name)
        if len(data) <= INLINE:
            tensor += block(9, data)
        else:
            where = {"location": self.weights.name,
                     "offset": str(self.weights.place(name, data)),
                     "length": str(len(data))}
            for key, value in where.items():
                tensor += block(13, block(1, key) + block(2, value))
            tensor += whole(14, 1)  # data_location: external
        self.initializers.append(tensor)
        return name

    def add(self, op, inputs, outputs=1, domain="", **attributes):
        """Append a node; the name of its output, or the list of them."""
        names = outputs if isinstance(outputs, list) else []
        while isinstance(outputs, int) and len(names) < outputs:
            names.append("v%d" % self.n_values)
            self.n_values += 1
        node = b"".join(block(1, name) for name in inputs)
        node += b"".join(block(2, name) for name in names)
        node += block(3, "n%d" % len(self.nodes)) + block(4, op)
        node += b"".join(block(5, attribute(*item)) for item in attributes.items())
        if domain:
            node += block(7, domain)
        self.nodes.append(node)
        return names[0] if len(names) == 1 else names

    def fused(self, op, inputs, outputs=1, **attributes):
        return self.add(op, inputs, outputs, "com.microsoft", **attributes)

    def save(self, path, classes, channels):
        inputs = [value_info("input_ids", INT64, ["batch", "tokens"])]
        if self.with_mask:
            inputs.append(value_info("attention_mask", INT64, ["batch", "tokens"]))
        outputs = [value_info("logits", FLOAT, ["batch", classes]),
                   value_info("last_hidden_state", FLOAT, ["batch", "tokens", channels])]
        graph = b"".join(block(1, node) for node in self.nodes) + block(2, "bert")
        graph += b"".join(block(5, tensor) for tensor in self.initializers)
        graph += b"".join(block(11, one) for one in inputs)
        graph += b"".join(block(12, one) for one in outputs)
        model = whole(1, 8) + block(2, "offramp") + block(7, graph)
        model += block(8, block(1, "") + whole(2, 17))
        model += block(8, block(1, "com.microsoft") + whole(2, 1))
        with open(path, "wb") as file:
            file.write(model)


def matrix(graph, x, name, weight, bias):
    """x weight^T + bias in two standard nodes."""
    product = graph.add("MatMul", [x, graph.constant(name + ".t", weight.T)])
    return graph.add("Add", [product, graph.constant(name + ".b", bias)])


def finish(graph, bert, x):
    """From the last hidden states to the outputs."""
    graph.add("Identity", [x], ["last_hidden_state"])
    cls = graph.add("Gather", [x, graph.constant("zero", numpy.int64(0))], axis=1)
    pooled = graph.add("Tanh", [matrix(graph, cls, "pooler", *bert.pooler)])
    head = matrix(graph, pooled, "classifier", *bert.classifier)
    graph.add("Identity", [head], ["logits"])


# ---- standard operators ---------------------------------------------------------------

def norm(graph, x, name, pair, eps):
    return graph.add("LayerNormalization", [x, graph.constant(name + ".g", pair[0]),
                                            graph.constant(name + ".b", pair[1])],
                     axis=-1, epsilon=eps)


def positions(graph):
    """Row numbers 0 .. tokens - 1, shape [1, tokens]."""
    shape = graph.add("Shape", ["input_ids"])
    tokens = graph.add("Gather", [shape, graph.constant("one", numpy.int64(1))], axis=0)
    counted = graph.add("Range", [graph.constant("zero", numpy.int64(0)), tokens,
                                  graph.constant("one", numpy.int64(1))])
    return graph.add("Unsqueeze", [counted, graph.constant("axis0", numpy.array([0]))])


def plain_mask(graph):
    """[batch, 1, 1, tokens]: 0 where a token stands, -10000 for padding."""
    as_real = graph.add("Cast", ["attention_mask"], to=FLOAT)
    spread = graph.add("Unsqueeze", [as_real, graph.constant("axes12",
                                                             numpy.array([1, 2]))])
    missing = graph.add("Sub", [graph.constant("one.f", numpy.float32(1)), spread])
    return graph.add("Mul", [missing, graph.constant("far", numpy.float32(-10000))])


def plain_attention(graph, bert, x, layer, name, mask):
    width = bert.channels // bert.heads
    split = graph.constant("split", numpy.array([0, 0, bert.heads, width]))
    parts = {}
    for which in "qkv":
        flat = matrix(graph, x, name + which, *layer[which])
        apart = graph.add("Reshape", [flat, split])
        parts[which] = graph.add("Transpose", [apart],
                                 perm=[0, 2, 3, 1] if which == "k" else [0, 2, 1, 3])
    scores = graph.add("MatMul", [parts["q"], parts["k"]])
    scores = graph.add("Div", [scores, graph.constant("scale",
                                                      numpy.float32(width ** 0.5))])
    if mask:
        scores = graph.add("Add", [scores, mask])
    mixed = graph.add("MatMul", [graph.add("Softmax", [scores], axis=-1), parts["v"]])
    joined = graph.add("Transpose", [mixed], perm=[0, 2, 1, 3])
    return graph.add("Reshape", [joined, graph.constant(
        "join", numpy.array([0, 0, bert.channels]))])


def gelu(graph, x):
    inside = graph.add("Erf", [graph.add("Div", [x, graph.constant(
        "root2", numpy.float32(2 ** 0.5))])])
    inside = graph.add("Add", [inside, graph.constant("one.f", numpy.float32(1))])
    return graph.add("Mul", [graph.add("Mul", [x, inside]),
                             graph.constant("half", numpy.float32(0.5))])


def plain(graph, bert):
    rows = [graph.add("Gather", [graph.constant("word", bert.tables[0]), "input_ids"]),
            graph.add("Gather", [graph.constant("position", bert.tables[1]),
                                 positions(graph)])]
    x = graph.add("Add", rows)
    x = graph.add("Add", [x, graph.constant("type0", bert.tables[2][0])])
    x = norm(graph, x, "norm", bert.norm, bert.eps)
    mask = plain_mask(graph) if graph.with_mask else None
    for number, layer in enumerate(bert.layers):
        name = "l%d." % number
        att = plain_attention(graph, bert, x, layer, name, mask)
        out = matrix(graph, att, name + "out", *layer["out"])
        x = norm(graph, graph.add("Add", [out, x]), name + "norm1", layer["norm1"],
                 bert.eps)
        mid = gelu(graph, matrix(graph, x, name + "up", *layer["up"]))
        out = matrix(graph, mid, name + "down", *layer["down"])
        x = norm(graph, graph.add("Add", [out, x]), name + "norm2", layer["norm2"],
                 bert.eps)
    finish(graph, bert, x)


# ---- com.microsoft --------------------------------------------------------------------

def quantise(weight):
    """int8 and scale of a matrix: symmetric, one scale for all of it."""
    scale = numpy.float32(abs(weight).max() / 127)
    return numpy.clip(numpy.rint(weight / scale), -127, 127).astype(numpy.int8), scale


def int8_weight(graph, name, weight):
    """Names of the quantised weight^T, its scale and its zero point."""
    small, scale = quantise(weight)
    return [graph.constant(name + ".q", small.T), graph.constant(name + ".s", scale),
            graph.constant("zero8", numpy.int8(0))]


def fused_product(graph, x, name, weight, int8):
    if not int8:
        return graph.add("MatMul", [x, graph.constant(name + ".t", weight.T)])
    return graph.fused("DynamicQuantizeMatMul", [x] + int8_weight(graph, name, weight))


def fused_attention(graph, bert, x, layer, name, mask, int8):
    weight = numpy.concatenate([layer[which][0] for which in "qkv"])
    bias = graph.constant(name + "qkv.b",
                          numpy.concatenate([layer[which][1] for which in "qkv"]))
    if not int8:
        inputs = [x, graph.constant(name + "qkv.t", weight.T), bias]
        return graph.fused("Attention", inputs + ([mask] if mask else []),
                           num_heads=bert.heads)
    small, scale, zero = int8_weight(graph, name + "qkv", weight)
    x8, x_scale, x_zero = graph.add("DynamicQuantizeLinear", [x], 3)
    return graph.fused("QAttention", [x8, small, bias, x_scale, scale, mask or "", x_zero,
                                      zero], num_heads=bert.heads)


def skip_norm(graph, bert, x, skip, layer, which, bias, name):
    return graph.fused("SkipLayerNormalization",
                       [x, skip, graph.constant(name + which + ".g", layer[which][0]),
                        graph.constant(name + which + ".b", layer[which][1]),
                        graph.constant(name + bias + ".b", layer[bias][1])],
                       epsilon=bert.eps)


def fused(graph, bert, int8=False):
    ids = graph.add("Cast", ["input_ids"], to=INT32)
    types = graph.add("Mul", [ids, graph.constant("zero32", numpy.int32(0))])
    x, _ = graph.fused("EmbedLayerNormalization",
                       [ids, types] + [graph.constant(name, table) for name, table in
                                       zip(("word", "position", "type"), bert.tables)] +
                       [graph.constant("norm.g", bert.norm[0]),
                        graph.constant("norm.b", bert.norm[1])], 2, epsilon=bert.eps)
    mask = graph.add("Cast", ["attention_mask"], to=INT32) if graph.with_mask else None
    for number, layer in enumerate(bert.layers):
        name = "l%d." % number
        att = fused_attention(graph, bert, x, layer, name, mask, int8)
        out = fused_product(graph, att, name + "out", layer["out"][0], int8)
        x = skip_norm(graph, bert, out, x, layer, "norm1", "out", name)
        mid = fused_product(graph, x, name + "up", layer["up"][0], int8)
        mid = graph.fused("BiasGelu", [mid, graph.constant(name + "up.b", layer["up"][1])])
        out = fused_product(graph, mid, name + "down", layer["down"][0], int8)
        x = skip_norm(graph, bert, out, x, layer, "norm2", "down", name)
    finish(graph, bert, x)


def main():
    folder, out = sys.argv[1:3]
    bert = tensors.Bert(folder)
    os.makedirs(out, exist_ok=True)
    weights = Weights(out)
    kinds = {"plain": plain, "fused": fused,
             "int8": lambda graph, model: fused(graph, model, int8=True)}
    for with_mask in (False, True):
        for name, build in kinds.items():
            graph = Graph(weights, with_mask)
            build(graph, bert)
            graph.save(os.path.join(out, name + ("_mask" if with_mask else "") + ".onnx"),
                       len(bert.classifier[1]), bert.channels)
    weights.file.close()


if __name__ == "__main__":
    main()
