"""Tensors of PyTorch's files: what the names in their pickles stand for.

Source: pytorch/pytorch, torch/_utils.py.
"""

# A file decides what functions of its pickle are given, whatever their types say.
# pyright: reportUnnecessaryIsInstance=false

import math
from collections.abc import Mapping
from typing import Any, cast

import jax.numpy as jnp
import numpy as np

from rclicks_jax.weights import faults, limits, torch_pickle

DTYPES = {
    "FloatStorage": np.dtype(np.float32),
    "DoubleStorage": np.dtype(np.float64),
    "HalfStorage": np.dtype(np.float16),
    "BFloat16Storage": np.dtype(jnp.bfloat16),
    "LongStorage": np.dtype(np.int64),
    "IntStorage": np.dtype(np.int32),
    "ShortStorage": np.dtype(np.int16),
    "CharStorage": np.dtype(np.int8),
    "ByteStorage": np.dtype(np.uint8),
    "BoolStorage": np.dtype(np.bool_),
}


class Storage:
    """The numbers that tensors are views of, `array[n]`."""

    __slots__ = ("array",)

    def __init__(self, array: np.ndarray) -> None:
        """Keeps them."""
        self.array = array


class Tensors:
    """Makes the tensors of one file, and counts what they would fill."""

    def __init__(self, length: int) -> None:
        """Starts with none.

        Args:
            length: Length of the file, bytes.
        """
        self._limit = limits.views(length)
        self._bytes = 0
        self._count = 0

    def names(self) -> Mapping[str, object]:
        """Returns what names of a pickle stand for: functions, and dtypes."""
        return {
            "collections.OrderedDict": _ordered_dict,
            "__builtin__.set": _set,
            "builtins.set": _set,
            "__builtin__.frozenset": _set,
            "builtins.frozenset": _set,
            "torch._utils._rebuild_tensor": self._tensor,
            "torch._utils._rebuild_tensor_v2": self._tensor,
            "torch._utils._rebuild_parameter": _parameter,
            "torch._utils._rebuild_parameter_with_state": _parameter,
            **{f"torch.{name}": dtype for name, dtype in DTYPES.items()},
        }

    def _tensor(
        self,
        storage: Storage,
        offset: int,
        shape: tuple[int, ...],
        strides: tuple[int, ...],
        needs_gradient: bool = False,
        hooks: object = None,
        flags: object = None,
    ) -> np.ndarray:
        """Returns a view of a storage; offset and strides are in numbers."""
        del needs_gradient, hooks
        if not isinstance(storage, Storage) or flags:
            raise faults.UnreadableError("it has a tensor of another kind than dense")
        self._count += 1
        limits.TENSORS.check(self._count)
        array = _view(storage.array, offset, shape, strides)
        self._bytes += math.prod(array.shape) * array.itemsize
        self._limit.check(self._bytes)
        return array


def dtype_of(named: object) -> np.dtype[Any]:
    """Returns the dtype that a persistent id names; raises `UnreadableError`."""
    dtype = named.value if isinstance(named, torch_pickle.Named) else None
    if not isinstance(dtype, np.dtype):
        name = getattr(named, "name", type(named).__name__)
        raise faults.UnreadableError(
            f"it has a tensor of the type {faults.shown(name)}; read are "
            f"{', '.join(DTYPES)}"
        )
    return cast("np.dtype[Any]", dtype)


def is_size(number: object) -> bool:
    """Tells whether a value of a pickle is a whole number that a size can be."""
    return type(number) is int and 0 <= number < 1 << 63


def as_bools(array: np.ndarray) -> np.ndarray:
    """Returns the same array; where it is of bools, any byte but 0 is True."""
    return array.view(np.uint8) != 0 if array.dtype == bool else array


def _view(
    array: np.ndarray, offset: object, shape: object, strides: object
) -> np.ndarray:
    if not isinstance(shape, tuple) or not isinstance(strides, tuple):
        raise TypeError("the shape or the strides of a tensor are no tuple")
    sides = cast("tuple[int, ...]", shape)
    steps = cast("tuple[int, ...]", strides)
    if not all(map(is_size, (offset, *sides, *steps))):
        raise TypeError("the shape or the strides of a tensor are no whole numbers")
    start = cast(int, offset)
    if 0 in sides:
        return np.empty(sides, array.dtype)
    # The stride along a side of 1 can be anything, and means nothing.
    steps = [step if side > 1 else 0 for side, step in zip(sides, steps, strict=True)]
    reach = sum((side - 1) * step for side, step in zip(sides, steps, strict=True))
    if start + reach >= array.size:
        raise ValueError(
            f"a tensor of shape {sides}, strides {tuple(steps)} and offset {start} "
            f"reaches beyond its storage of {array.size}"
        )
    return np.lib.stride_tricks.as_strided(
        array[start:],
        sides,
        [step * array.itemsize for step in steps],
        writeable=False,
    )


def _ordered_dict(items: object = None) -> dict[object, object]:
    return {} if items is None else torch_pickle.pairs_of(items)


def _set(members: object = None) -> set[object]:
    return set() if members is None else torch_pickle.set_of(members)


def _parameter(
    array: object, needs_gradient: object, hooks: object, state: object = None
) -> object:
    del needs_gradient, hooks, state
    return array
