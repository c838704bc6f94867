"""Decodes a TensorBoard event file with nothing but the standard library, and prints
one line "STEP TAG VALUE" for each scalar; with a journal as second argument, checks
that the file holds exactly the journal's numbers.  tests/cli/tensorboard.sh runs it.
"""
import json
import struct
import sys


def crc32c(data):
    table = []
    for i in range(256):
        c = i
        for _ in range(8):
            c = (c >> 1) ^ 0x82F63B78 if c & 1 else c >> 1
        table.append(c)
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(data):
    at = 0
    while at < len(data):
        n, crc = struct.unpack_from("<QI", data, at)
        assert crc == masked(data[at:at + 8]), "CRC of a length"
        body = data[at + 12:at + 12 + n]
        assert struct.unpack_from("<I", data, at + 12 + n)[0] == masked(body), "CRC"
        yield body
        at += n + 16


def fields(data):
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        n = {1: 8, 5: 4}[kind] if kind != 2 else varint()
        yield key >> 3, data[at:at + n]
        at += n


def scalars(path):
    found = []
    for i, body in enumerate(records(open(path, "rb").read())):
        event = dict(fields(body))
        if i == 0:
            assert event[3] == b"brain.Event:2", "version"
            continue
        for number, value in fields(event[5]):
            assert number == 1
            scalar = dict(fields(value))
            found.append((event[2], scalar[1].decode(), struct.unpack("<f", scalar[2])[0]))
    return found


def expected(path):
    found = []
    for line in open(path):
        row = json.loads(line)
        group = row["phase"] if row["event"] == "step" else row["event"]
        for key, value in row.items():
            if key in ("step", "epoch", "iteration"):
                continue
            values = value if isinstance(value, list) else [value]
            for i, x in enumerate(values):
                if not isinstance(x, (int, float)):
                    continue
                tag = f"{group}/{key}" + (f"/{i + 1}" if isinstance(value, list) else "")
                found.append((row["step"], tag, struct.unpack("<f", struct.pack("<f", x))[0]))
    return found


got = scalars(sys.argv[1])
if len(sys.argv) > 2:
    want = expected(sys.argv[2])
    assert got == want, f"{len(got)} scalars in the file, {len(want)} in the journal"
for row in got:
    print(*row)
