"""The pickle inside a PyTorch checkpoint: interpreted, never unpickled.

Only opcodes that make plain values are known. A name that the pickle asks for is
looked up in a table; whatever is not there is a placeholder. Nothing is imported, and
nothing outside the table is called.

Source: Python, Lib/pickletools.py, which describes every opcode.
"""

import pickletools
from collections.abc import Callable, Mapping
from typing import IO, Any, cast

from rclicks_jax.weights import faults, limits
from rclicks_jax.weights.placeholders import Placeholder

_PUSHED = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "EMPTY_SET": set,
}
_INTEGERS = {"BININT", "BININT1", "BININT2", "LONG1", "LONG4"}
_TEXTS = {
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    # Texts of Python 2, and bytes.
    *("BINSTRING", "SHORT_BINSTRING"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_OTHERS = {
    *("PROTO", "FRAME", "STOP", "BINFLOAT", "MARK", "POP", "POP_MARK", "DUP"),
    *("TUPLE", "APPEND", "APPENDS", "SETITEM", "SETITEMS", "ADDITEMS", "FROZENSET"),
    *("BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET"),
    *("GLOBAL", "STACK_GLOBAL", "BINPERSID"),
    *("REDUCE", "BUILD", "NEWOBJ", "NEWOBJ_EX", "OBJ", "INST"),
}
_KNOWN = {*_PUSHED, *_INTEGERS, *_TEXTS, *_TUPLES, *_OTHERS}
_OPCODES = {info.code.encode("latin-1"): info for info in pickletools.opcodes}
# Their arguments are read here: pickletools would obey escapes in them.
_NAMING = {"GLOBAL", "INST"}
_KEY_PARTS = 16
_KEY_BITS = 60


class Named:
    """A name of the table, and the value that it stands for."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: object) -> None:
        """Keeps both."""
        self.name = name
        self.value = value


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
        self._copied = 0

    def run(self, stream: IO[bytes]) -> object:
        """Returns the value of the pickle that begins here, and stops behind it.

        Args:
            stream: Bytes in memory, no more than `limits.PICKLE`.

        Raises:
            UnreadableError: It holds something else than is read.
            ValueError: It is damaged; `TypeError`, `LookupError` and `EOFError` mean
                the same.
        """
        count = 0
        while True:
            count += 1
            limits.OPCODES.check(count)
            code = stream.read(1)
            if not code:
                raise EOFError("its pickle has no end")
            info = _OPCODES.get(code)
            if info is None or info.name not in _KNOWN:
                name = info.name if info else f"{code!r}"
                raise faults.UnreadableError(f"it has the opcode {name}")
            if info.name == "STOP":
                return self._stack.pop()
            argument = None
            if info.name in _NAMING:
                argument = f"{_line(stream)}.{_line(stream)}"
            elif info.arg is not None:
                argument = info.arg.reader(stream)
            self._step(info.name, argument)

    def _step(self, opcode: str, argument: Any) -> None:
        stack = self._stack
        if opcode in _PUSHED:
            stack.append(_PUSHED[opcode]())
        elif opcode in _INTEGERS:
            limits.INTEGER.check(argument.bit_length())
            stack.append(argument)
        elif opcode in _TEXTS:
            limits.TEXT.check(len(argument))
            stack.append(argument)
        elif opcode in _TUPLES:
            stack.append(tuple(self._since(len(stack) - _TUPLES[opcode])))
        else:
            self._other_step(opcode, argument)

    def _other_step(self, opcode: str, argument: Any) -> None:
        stack = self._stack
        match opcode:
            case "PROTO" | "FRAME":
                pass
            case "BINFLOAT":
                stack.append(argument)
            case "MARK":
                self._marks.append(len(stack))
            case "POP":
                stack.pop()
            case "POP_MARK":
                self._since(self._marks.pop())
            case "DUP":
                stack.append(stack[-1])
            case "TUPLE":
                stack.append(tuple(self._since(self._marks.pop())))
            case "APPEND":
                self._extend(len(stack) - 1)
            case "APPENDS":
                self._extend(self._marks.pop())
            case "SETITEM":
                self._update(len(stack) - 2)
            case "SETITEMS":
                self._update(self._marks.pop())
            case "ADDITEMS":
                self._add(self._marks.pop())
            case "FROZENSET":
                members = self._since(self._marks.pop())
                stack.append(frozenset(map(_hashable, members)))
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "GLOBAL":
                stack.append(self._find(argument))
            case "STACK_GLOBAL":
                stack.append(self._find_in(*self._since(len(stack) - 2)))
            case "BINPERSID":
                stack.append(self._load(stack.pop()))
            case _:
                self._make(opcode, argument)

    def _make(self, opcode: str, argument: Any) -> None:
        """Does what makes objects, of names of the table and of placeholders alone."""
        stack = self._stack
        match opcode:
            case "REDUCE":
                stack.append(self._call(*self._since(len(stack) - 2)))
            case "NEWOBJ":
                stack.append(self._call(self._since(len(stack) - 2)[0], ()))
            case "NEWOBJ_EX":
                stack.append(self._call(self._since(len(stack) - 3)[0], ()))
            case "OBJ":
                stack.append(self._call(self._since(self._marks.pop())[0], ()))
            case "INST":
                self._since(self._marks.pop())
                stack.append(self._call(self._find(argument), ()))
            case "BUILD":
                # The state of a placeholder; and attributes of a dictionary: PyTorch
                # keeps versions of modules there.
                stack.pop()
                self._top(dict)
            case _:
                raise AssertionError(opcode)

    def _since(self, first: int) -> list[Any]:
        """Takes the values from position `first` on off the stack."""
        if not 0 <= first <= len(self._stack):
            raise IndexError("an opcode finds too few values")
        values = self._stack[first:]
        del self._stack[first:]
        return values

    def _extend(self, first: int) -> None:
        items = self._since(first)
        top = self._top(list)
        if not isinstance(top, Placeholder):
            top.extend(items)

    def _update(self, first: int) -> None:
        items = self._since(first)
        top = self._top(dict)
        target = top.items if isinstance(top, Placeholder) else top
        count = len(target)
        target.update(_pairs(items))
        if len(target) != count + len(items) // 2:
            raise faults.UnreadableError("a dictionary in it has a key twice")

    def _add(self, first: int) -> None:
        members = self._since(first)
        top = self._top(set)
        if not isinstance(top, Placeholder):
            top.update(map(_hashable, members))

    def _top(self, kind: type) -> Any:
        """Returns the last value, which is of a kind or a placeholder."""
        top = self._stack[-1]
        if type(top) is not kind and not isinstance(top, Placeholder):
            raise faults.UnreadableError(
                f"it changes a {type(top).__name__} as if it were a {kind.__name__}"
            )
        return top

    def _find_in(self, module: object, name: object) -> Named | Placeholder:
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("the name of a class is no text")
        limits.NAME.check(len(module) + len(name))
        return self._find(f"{module}.{name}")

    def _find(self, name: str) -> Named | Placeholder:
        if name in self._names:
            return Named(name, self._names[name])
        return Placeholder(name)

    def _call(self, function: object, arguments: object) -> object:
        """Makes an object: a placeholder's is one too, whatever its arguments are."""
        if isinstance(function, Placeholder):
            return Placeholder(function.name)
        if not isinstance(function, Named) or not callable(function.value):
            name = getattr(function, "name", type(function).__name__)
            raise faults.UnreadableError(f"it calls {name}")
        if not isinstance(arguments, tuple):
            raise TypeError("arguments of a call are no tuple")
        given = cast("tuple[Any, ...]", arguments)
        # A long list can be the argument of many calls, each of which goes through it.
        lists = [cast("list[Any]", a) for a in given if isinstance(a, (list, tuple))]
        self._copied += sum(map(len, lists))
        limits.OPCODES.check(self._copied)
        return function.value(*given)


def _line(stream: IO[bytes]) -> str:
    line = stream.readline(limits.NAME.most + 1)
    limits.NAME.check(len(line))
    if not line.endswith(b"\n"):
        raise EOFError("a name has no end")
    return line[:-1].decode()


def pairs_of(items: object) -> dict[Any, Any]:
    """Returns the dictionary of a list of pairs, as older pickles make one.

    Raises:
        TypeError: It is no list of pairs.
    """
    if not isinstance(items, list):
        raise TypeError("the items of a dictionary are no list")
    flat: list[Any] = []
    for pair in cast("list[object]", items):
        if not isinstance(pair, (list, tuple)) or len(cast("list[Any]", pair)) != 2:
            raise TypeError("an item of a dictionary is no pair")
        flat.extend(cast("list[Any]", pair))
    return _pairs(flat)


def set_of(members: object) -> set[Any]:
    """Returns the set of a list of plain members; raises `TypeError` if it is none."""
    if not isinstance(members, list):
        raise TypeError("the members of a set are no list")
    return set(map(_hashable, cast("list[Any]", members)))


def _pairs(items: list[Any]) -> dict[Any, Any]:
    """Returns alternating keys and values as a dictionary."""
    keys, values = items[::2], items[1::2]
    return dict(zip(map(_hashable, keys), values, strict=True))


def _hashable(key: Any) -> Any:
    """Returns a key of a dictionary or a member of a set if it is plain.

    Nested tuples could take for ever to hash, long ones long, and large numbers can be
    chosen to have equal hashes. Placeholders are told apart by identity.
    """
    parts = cast("tuple[Any, ...]", key) if type(key) is tuple else (key,)
    if len(parts) > _KEY_PARTS or not all(map(_is_plain, parts)):
        kind = type(cast("object", key)).__name__
        raise faults.UnreadableError(f"it has a {kind} as a key")
    return cast(Any, key)


def _is_plain(part: object) -> bool:
    if isinstance(part, int):
        return part.bit_length() <= _KEY_BITS
    return isinstance(part, (str, bytes, float, type(None), Placeholder))
