"""Reads small checkpoints of each layout after mutations, with little memory.

python read_mutations.py FOLDER SEED COUNT

Each result has to be what the file held (or, where nothing in a file tells that its
numbers were changed, other plain values), or a `DataError`. Prints, as JSON, how many
were equal, different and refused for each layout, and what was called or imported.
"""

import json
import pathlib
import random
import resource
import sys
import warnings

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import numpy as np
import pickle_opcodes as op
import safetensors.numpy
from checkpoint_files import (
    Parameter,
    Storage,
    Tensor,
    legacy_parts_of,
    parts_of,
    save,
    save_legacy,
    tensor,
    write_legacy_parts,
    write_parts,
)

from rclicks_jax import errors
from rclicks_jax.weights import foreign, placeholders, torch_files

MEMORY = 256 << 20
WATCHED = (
    *("import", "exec", "compile", "pickle", "os.system", "os.exec", "os.spawn"),
    *("os.posix_spawn", "os.fork", "subprocess", "ctypes", "socket", "os.remove"),
    *("os.rename", "os.mkdir", "os.putenv", "shutil", "marshal"),
)
HARMFUL = op.name("os", "system") + op.tuple_of(op.text("touch harm")) + op.REDUCE
OPCODES = b"()]}RQbtsuaeo.012hqKX\x81\x85\x8f\x90\x91\x92\x93\x94"
PLAIN = (str, bytes, bytearray, int, float, type(None), np.ndarray)


class Loss:
    """Stands for an object of a configuration."""

    def __init__(self):
        self.weight = tensor(np.ones(3, np.float32))


def value():
    """Returns what the files hold: views, dtypes, classes that are not known."""
    storage = Storage(np.arange(12, dtype=np.float32))
    return {
        "state_dict": {
            "a": Tensor(storage, 0, (3, 4), (4, 1)),
            "b": Tensor(storage, 2, (4, 2), (1, 4)),
            "c": Parameter(tensor(np.arange(3, dtype=np.float16))),
            "d": tensor(np.array([True, False])),
            "e": tensor(np.array(7)),
        },
        "config": {"loss": Loss(), "path": pathlib.PurePosixPath("/a")},
        "sizes": {1, 2},
        "meta": ["x", (1, 2.5, None)],
    }


def flipped(data, draw):
    data = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 4))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(data)


def cut(data, draw):
    return data[: draw.randrange(len(data))]


def swapped(data, draw):
    """Replaces bytes by opcodes, and moves, repeats or takes out a piece."""
    data = bytearray(data)
    for _ in range(draw.choice((1, 1, 1, 4))):
        place = draw.randrange(len(data) + 1)
        piece = data[place : place + draw.randint(1, 12)]
        way = draw.randrange(5)
        if way == 0:
            del data[place : place + len(piece)]
        elif way == 1:
            data[place:place] = piece * draw.randint(1, 3)
        elif way == 2:
            data[place:place] = HARMFUL
        elif way == 3:
            place = draw.randrange(len(data) + 1)
            data[place:place] = piece
        else:
            data[place : place + 1] = bytes([draw.choice(OPCODES)])
    return bytes(data)


def mutations(folder, draw):
    """Yields the name of a layout and a mutated file, without end."""
    zip_parts = {protocol: parts_of(value(), protocol) for protocol in (2, 4)}
    legacy_parts = legacy_parts_of(value())
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.ones(2, np.float16)}
    files = {
        "zip": save(folder / "whole.pth", value()).read_bytes(),
        "legacy": save_legacy(folder / "whole.pth", value()).read_bytes(),
        "safetensors": safetensors.numpy.save(arrays),
    }
    while True:
        for layout, data in files.items():
            suffix = ".safetensors" if layout == "safetensors" else ".pth"
            path = folder / f"mutated{suffix}"
            path.write_bytes(draw.choice((flipped, cut))(data, draw))
            yield layout, path
        header_end = 8 + int.from_bytes(files["safetensors"][:8], "little")
        header = swapped(files["safetensors"][8:header_end], draw)
        path.write_bytes(
            len(header).to_bytes(8, "little")
            + header
            + files["safetensors"][header_end:]
        )
        yield "header", path
        parts = zip_parts[draw.choice((2, 4))]
        pickled = draw.choice((flipped, swapped))(parts["data.pkl"], draw)
        path = write_parts(folder / "opcodes.pth", {**parts, "data.pkl": pickled})
        yield "opcodes", path
        pickled = draw.choice((flipped, swapped))(legacy_parts["data"], draw)
        path = folder / "legacy_opcodes.pth"
        yield (
            "legacy_opcodes",
            write_legacy_parts(path, {**legacy_parts, "data": pickled}),
        )


def read(path):
    """Returns all that a file holds, as plain values."""
    checkpoint = foreign.load(path)
    state = {key: array.tolist() for key, array in checkpoint.items()}
    if path.suffix == ".pth":
        check_plain(torch_files.read(path))
    return state


def check_plain(found):
    """Asserts that a value is made of what cannot do anything."""
    left = [found]
    while left:
        part = left.pop()
        if isinstance(part, placeholders.Placeholder):
            left.extend(part.items.values())
        elif type(part) is dict:
            left.extend(part.values())
        elif type(part) in (list, tuple, set, frozenset):
            left.extend(part)
        else:
            module = type(part).__module__
            ours = module.startswith("rclicks_jax.weights")
            assert isinstance(part, PLAIN) or ours, type(part)


def main():
    folder, seed, count = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    warnings.simplefilter("error")
    originals = {
        "zip": read(save(folder / "original.pth", value())),
        "legacy": read(save_legacy(folder / "original.pth", value())),
    }
    draw = random.Random(seed)
    counts, events = {}, []
    watching = False

    def watch(event, arguments):
        if watching and event.startswith(WATCHED):
            events.append([event, repr(arguments)[:200]])

    sys.addaudithook(watch)
    used = int(pathlib.Path("/proc/self/statm").read_text().split()[0]) * 4096
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY,) * 2)
    makers = mutations(folder, draw)
    for number in range(count):
        layout, path = next(makers)
        # Errors of every kind import what prints them.
        watching = number > count // 10
        try:
            equal = read(path) == originals.get(layout)
            result = "equal" if equal else "different"
        except errors.DataError:
            result = "refused"
        watching = False
        tally = counts.setdefault(layout, {"equal": 0, "different": 0, "refused": 0})
        tally[result] += 1
    print(json.dumps({"counts": counts, "events": events}))


if __name__ == "__main__":
    main()
