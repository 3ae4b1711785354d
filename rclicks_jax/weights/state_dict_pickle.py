"""The pickle of a state dict, as `torch.save` writes it: made without pickle."""

import math
import struct
from collections.abc import Iterable


def encode(tensors: Iterable[tuple[str, str, tuple[int, ...]]]) -> bytes:
    """Returns the pickle of a state dict whose tensors are whole storages.

    Args:
        tensors: Name, type of the storage (`FloatStorage`) and shape of each; the
            storages are numbered in this order.
    """
    entries = [
        _text(name) + _tensor(kind, number, shape)
        for number, (name, kind, shape) in enumerate(tensors)
    ]
    return b"\x80\x02" + _EMPTY_ORDERED_DICT + b"(" + b"".join(entries) + b"u."


def _tensor(kind: str, number: int, shape: tuple[int, ...]) -> bytes:
    strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    storage = (
        *(_text("storage"), _name("torch", kind), _text(str(number)), _text("cpu")),
        _integer(math.prod(shape)),
    )
    arguments = (
        _tuple(storage) + b"Q",
        _integer(0),
        _tuple(map(_integer, shape)),
        _tuple(map(_integer, strides)),
        b"\x89" + _EMPTY_ORDERED_DICT,
    )
    return _name("torch._utils", "_rebuild_tensor_v2") + _tuple(arguments) + b"R"


def _name(module: str, name: str) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode()


def _text(text: str) -> bytes:
    encoded = text.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def _integer(number: int) -> bytes:
    return b"\x8a\x08" + struct.pack("<q", number)


def _tuple(items: Iterable[bytes]) -> bytes:
    return b"(" + b"".join(items) + b"t"


_EMPTY_ORDERED_DICT = _name("collections", "OrderedDict") + b")R"
