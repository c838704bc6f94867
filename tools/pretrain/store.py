"""safetensors files, written and read by hand, so that nothing beyond numpy is needed."""
import json
import os

import numpy as np

DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I32": np.int32,
          "I64": np.int64}
NAMES = {np.dtype(t): name for name, t in DTYPES.items()}


def write(path, tensors):
    """tensors: name -> array.  Widest type first, then by name; renamed into place."""
    header = {"__metadata__": {"format": "pt"}}
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    at = 0
    for name in order:
        array = tensors[name]
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    temporary = path + ".tmp"
    with open(temporary, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name in order:
            file.write(np.ascontiguousarray(tensors[name]).tobytes())
    os.replace(temporary, path)


def read(path):
    """name -> array."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    tensors = {}
    for name, row in header.items():
        if name == "__metadata__":
            continue
        first, last = row["data_offsets"]
        array = np.frombuffer(data[first:last], dtype=DTYPES[row["dtype"]])
        tensors[name] = array.reshape(row["shape"])
    return tensors
