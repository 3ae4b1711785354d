"""The pickle inside a PyTorch checkpoint: interpreted and written, never unpickled.

Only opcodes that make plain values are known. A name that the pickle asks for is
looked up in a table; nothing is imported, and nothing outside the table is called.

Source: Python, Lib/pickletools.py, which describes every opcode.
"""

import math
import pickletools
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

_PUSHED = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
}
_LITERALS = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_WITHOUT_EFFECT = {"PROTO", "FRAME", "STOP"}


class UnreadableError(ValueError):
    """A pickle asks for something other than plain values and tensors."""


class Named(NamedTuple):
    """A name of the table, and the value that it stands for."""

    name: str
    value: object


class Machine:
    """The stack, the marks and the memo that opcodes work on."""

    def __init__(
        self, names: Mapping[str, object], load: Callable[[object], object]
    ) -> None:
        """Starts empty.

        Args:
            names: What `module.name` stands for: a function that may be called, or a
                value that a persistent id may name.
            load: Returns what a persistent id stands for.
        """
        self._names = names
        self._load = load
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, object] = {}

    def run(self, data: bytes) -> object:
        """Returns the value of a pickle.

        Raises:
            UnreadableError: It holds something else than `names` allows.
            ValueError: It is damaged; `TypeError` and `LookupError` mean the same.
        """
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name in _PUSHED:
                self._stack.append(_PUSHED[opcode.name]())
            elif opcode.name in _LITERALS:
                self._stack.append(argument)
            elif opcode.name not in _WITHOUT_EFFECT:
                self._step(opcode.name, argument)
        return self._stack.pop()

    def _step(self, opcode: str, argument: Any) -> None:
        stack = self._stack
        match opcode:
            case "MARK":
                self._marks.append(len(stack))
            case "TUPLE":
                stack.append(tuple(self._since(self._marks.pop())))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self._since(len(stack) - _TUPLES[opcode])))
            case "APPEND":
                self._extend(len(stack) - 1)
            case "APPENDS":
                self._extend(self._marks.pop())
            case "SETITEM":
                self._update(len(stack) - 2)
            case "SETITEMS":
                self._update(self._marks.pop())
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "GLOBAL":
                stack.append(self._find(argument.replace(" ", ".")))
            case "STACK_GLOBAL":
                stack.append(self._find(".".join(self._since(len(stack) - 2))))
            case "REDUCE":
                stack.append(self._call(*self._since(len(stack) - 2)))
            case "BUILD":
                # Attributes of a dictionary: PyTorch keeps versions of modules there.
                stack.pop()
                self._top(dict)
            case "BINPERSID":
                stack.append(self._load(stack.pop()))
            case _:
                raise UnreadableError(f"it has the opcode {opcode}")

    def _since(self, first: int) -> list[Any]:
        """Takes the values from position `first` on off the stack."""
        if not 0 <= first <= len(self._stack):
            raise IndexError("an opcode finds too few values")
        values = self._stack[first:]
        del self._stack[first:]
        return values

    def _extend(self, first: int) -> None:
        items = self._since(first)
        self._top(list).extend(items)

    def _update(self, first: int) -> None:
        items = self._since(first)
        self._top(dict).update(_pairs(items))

    def _top(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise UnreadableError(
                f"it changes a {type(self._stack[-1]).__name__} as if it were a "
                f"{kind.__name__}"
            )
        return self._stack[-1]

    def _find(self, name: str) -> Named:
        if name not in self._names:
            raise UnreadableError(f"it asks for {name}")
        return Named(name, self._names[name])

    def _call(self, function: object, arguments: object) -> object:
        if not isinstance(function, Named) or not callable(function.value):
            name = getattr(function, "name", type(function).__name__)
            raise UnreadableError(f"it calls {name}")
        if not isinstance(arguments, tuple):
            raise TypeError("arguments of a call are no tuple")
        return function.value(*arguments)


def _pairs(items: list[Any]) -> dict[Any, Any]:
    """Returns alternating keys and values as a dictionary; keys are plain."""
    keys, values = items[::2], items[1::2]
    for key in keys:
        # Nested tuples could take for ever to hash.
        if not isinstance(key, (str, int, float, bool, type(None))):
            raise UnreadableError(f"it has a {type(key).__name__} as a key")
    return dict(zip(keys, values, strict=True))


def state_dict(tensors: Iterable[tuple[str, str, tuple[int, ...]]]) -> bytes:
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
