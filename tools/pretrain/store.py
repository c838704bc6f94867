"""safetensors files, written and read by hand, so that nothing beyond numpy is needed;
alone or in shards with an index, as Hugging Face names them.

    store.py FROM TO      copies a model directory, its weights in one file
"""
import glob
import json
import os
import shutil
import sys

import numpy as np

DTYPES = {"F16": np.float16, "F32": np.float32, "F64": np.float64, "I32": np.int32,
          "I64": np.int64}
NAMES = {np.dtype(t): name for name, t in DTYPES.items()}


SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"


def order_of(tensors):
    """Widest type first, so that all are aligned, then by name."""
    return sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))


def head_of(tensors):
    """What stands in front of the data."""
    header = {"__metadata__": {"format": "pt"}}
    at = 0
    for name in order_of(tensors):
        array = tensors[name]
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape),
                        "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def write(path, tensors):
    """tensors: name -> array; renamed into place."""
    temporary = path + ".tmp"
    with open(temporary, "wb") as file:
        file.write(head_of(tensors))
        for name in order_of(tensors):
            file.write(np.ascontiguousarray(tensors[name]).tobytes())
    os.replace(temporary, path)


def parts_of(tensors, limit):
    """tensors in pieces whose files have at most limit bytes; a tensor that is larger
    has a file of its own."""
    parts, bytes_ = [{}], 0
    for name in order_of(tensors):
        array = tensors[name]
        head = len(head_of({**parts[-1], name: array}))
        if parts[-1] and head + bytes_ + array.nbytes > limit:
            parts.append({})
            bytes_ = 0
        parts[-1][name] = array
        bytes_ += array.nbytes
    return parts


def write_model(folder, tensors, limit=0):
    """model.safetensors, or shards of at most limit bytes with an index.  Weights that an
    earlier call left in other files go when the new ones are complete."""
    parts = parts_of(tensors, limit) if limit else [tensors]
    made, where = [SINGLE], {}
    if limit:
        made = [f"model-{k + 1:05d}-of-{len(parts):05d}.safetensors"
                for k in range(len(parts))]
    for file, part in zip(made, parts):
        write(os.path.join(folder, file), part)
        where.update(dict.fromkeys(part, file))
    if limit:
        made.append(INDEX)
        total = sum(array.nbytes for array in tensors.values())
        with open(os.path.join(folder, INDEX), "w") as file:
            json.dump({"metadata": {"total_size": total}, "weight_map": where}, file,
                      indent=1, sort_keys=True)
            file.write("\n")
    # the index before its shards, and the file that readers prefer last of all
    shards = glob.glob(os.path.join(glob.escape(folder), "model-*-of-*.safetensors"))
    for file in [INDEX, *map(os.path.basename, shards), SINGLE]:
        if file not in made and os.path.exists(os.path.join(folder, file)):
            os.remove(os.path.join(folder, file))


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
        if last > len(data):
            raise ValueError(f"{path}: {len(data)} bytes of data, {name} ends at {last}")
        array = np.frombuffer(data[first:last], dtype=DTYPES[row["dtype"]])
        tensors[name] = array.reshape(row["shape"])
    return tensors


def read_model(folder):
    """name -> array, from the one file or the shards of a model directory."""
    single, index = os.path.join(folder, SINGLE), os.path.join(folder, INDEX)
    if os.path.exists(single) or not os.path.exists(index):
        return read(single)
    with open(index) as file:
        where = json.load(file)["weight_map"]
    tensors = {}
    for name in sorted(set(where.values())):
        if name != os.path.basename(name):
            raise ValueError(f"{index}: {name} lies in another folder")
        tensors.update(read(os.path.join(folder, name)))
    if set(tensors) != set(where):
        raise ValueError(f"{index}: names other tensors than its files hold")
    return tensors


def join(source, target):
    """A copy of a model directory with its weights in one file."""
    tensors = read_model(source)
    os.makedirs(target, exist_ok=True)
    for name in sorted(os.listdir(source)):
        if not name.endswith(".safetensors") and name != INDEX:
            shutil.copy(os.path.join(source, name), target)
    write_model(target, tensors)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: store.py FROM TO")
    try:
        join(*sys.argv[1:])
    except (OSError, ValueError, KeyError) as failure:
        sys.exit(f"store.py: {sys.argv[1]}: {failure}")
