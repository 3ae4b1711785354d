"""Checkpoints as `torch.save` writes them, made by Python's pickler without torch."""

import collections
import contextlib
import io
import pickle
import sys
import types
import unittest.mock
import zipfile

import numpy as np

STORAGES = {
    "float32": "FloatStorage",
    "float64": "DoubleStorage",
    "float16": "HalfStorage",
    "bfloat16": "BFloat16Storage",
    "int64": "LongStorage",
    "int32": "IntStorage",
    "int16": "ShortStorage",
    "int8": "CharStorage",
    "uint8": "ByteStorage",
    "bool": "BoolStorage",
}
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


def _rebuild_tensor_v2():
    """Stands for torch's function of this name; only its name is written."""


def _rebuild_parameter():
    """Stands for torch's function of this name; only its name is written."""


class Storage:
    """The numbers of tensors, `array[n]`."""

    def __init__(self, array):
        self.array = array


class Tensor:
    """A view of a storage, as torch pickles it."""

    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, tuple(shape), tuple(strides))

    def __reduce__(self):
        hooks = collections.OrderedDict()
        return _rebuild_tensor_v2, (*self.arguments, False, hooks)


class Parameter:
    """A tensor as torch pickles `torch.nn.Parameter`."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce__(self):
        return _rebuild_parameter, (self.tensor, True, collections.OrderedDict())


def tensor(array):
    """Returns a whole array as a tensor."""
    array = np.asarray(array)
    strides = [stride // array.itemsize for stride in array.strides]
    return Tensor(Storage(array.reshape(-1)), 0, array.shape, strides)


@contextlib.contextmanager
def _names_of_torch():
    """Lets the pickler find what it writes the names of."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for function in (_rebuild_tensor_v2, _rebuild_parameter):
        setattr(utils, function.__name__, function)
    for name in STORAGES.values():
        setattr(torch, name, type(name, (), {"__module__": "torch"}))
    named = {"torch": torch, "torch._utils": utils}
    with (
        unittest.mock.patch.dict(sys.modules, named),
        unittest.mock.patch.object(_rebuild_tensor_v2, "__module__", "torch._utils"),
        unittest.mock.patch.object(_rebuild_parameter, "__module__", "torch._utils"),
    ):
        yield torch


def _pickled(value, protocol, *more):
    """Returns the pickle of a value, and its storages; ids of these end with `more`."""
    stream, storages = io.BytesIO(), []
    with _names_of_torch() as torch:

        class Pickler(pickle.Pickler):
            def persistent_id(self, value):
                if not isinstance(value, Storage):
                    return None
                if value not in storages:
                    storages.append(value)
                kind = getattr(torch, STORAGES[value.array.dtype.name])
                key = str(storages.index(value))
                return "storage", kind, key, "cpu", value.array.size, *more

        Pickler(stream, protocol).dump(value)
    return stream.getvalue(), storages


def parts_of(value, protocol=2, byteorder="little"):
    """Returns the parts of the zip file that `torch.save(value)` writes."""
    pickled, storages = _pickled(value, protocol)
    parts = {"data.pkl": pickled, "byteorder": byteorder.encode()}
    for number, storage in enumerate(storages):
        array = storage.array
        swapped = array.byteswap() if byteorder != sys.byteorder else array
        parts[f"data/{number}"] = swapped.tobytes()
    return {**parts, "version": b"3\n"}


def write_parts(path, parts, compression=zipfile.ZIP_STORED):
    """Writes a zip file as `torch.save` does; returns its path."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(f"{path.stem}/{name}", data)
    return path


def legacy_parts_of(value, protocol=2, view=None, numbers=True):
    """Returns the parts of the file that `torch.save(value)` wrote before PyTorch 1.6.

    Each is a value that is pickled, or bytes. `view` is the last of the facts about a
    storage; without `numbers`, storages have none.
    """
    pickled, storages = _pickled(value, protocol, view)
    sizes = {"short": 2, "int": 4, "long": 4}
    facts = {"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}
    parts = {"magic": LEGACY_MAGIC, "version": 1001, "facts": facts, "data": pickled}
    parts["keys"] = [str(number) for number in range(len(storages))]
    for number, storage in enumerate(storages):
        parts[f"count/{number}"] = storage.array.size.to_bytes(8, "little")
        parts[f"data/{number}"] = storage.array.tobytes() if numbers else b""
    return parts


def write_legacy_parts(path, parts):
    """Writes a file as PyTorch did before 1.6; returns its path."""
    path.write_bytes(
        b"".join(
            part if isinstance(part, bytes) else pickle.dumps(part, 2)
            for part in parts.values()
        )
    )
    return path


def save_legacy(path, value, **options):
    """Writes what `torch.save(value, path)` did before 1.6; returns the path."""
    return write_legacy_parts(path, legacy_parts_of(value, **options))


def save(path, value, **options):
    """Writes what `torch.save(value, path)` would; returns the path."""
    return write_parts(path, parts_of(value, **options))
