"""Pickles by hand: opcodes of objects of classes that nobody has.

Source: Python, Lib/pickletools.py.
"""

import struct

NONE, TRUE, MARK, STOP = b"N", b"\x88", b"(", b"."
DICT, LIST, TUPLE_0, SET = b"}", b"]", b")", b"\x8f"
REDUCE, BUILD, NEWOBJ, NEWOBJ_EX, OBJ = b"R", b"b", b"\x81", b"\x92", b"o"
SETITEMS, APPENDS, ADDITEMS, FROZENSET = b"u", b"e", b"\x90", b"\x91"


def pickled(*opcodes, protocol=4):
    """Returns a whole pickle."""
    return bytes([0x80, protocol]) + b"".join(opcodes) + STOP


def name(module, name):
    return f"c{module}\n{name}\n".encode()


def inst(module, name, *arguments):
    return MARK + b"".join(arguments) + f"i{module}\n{name}\n".encode()


def text(value):
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def number(value):
    return b"J" + struct.pack("<i", value)


def tuple_of(*parts):
    return MARK + b"".join(parts) + b"t"


def items(*pairs):
    """Returns opcodes that set items on what lies on the stack."""
    return MARK + b"".join(text(key) + value for key, value in pairs) + SETITEMS


def put(place):
    return b"q" + bytes([place])


def get(place):
    return b"h" + bytes([place])


def tensor(key, count, kind="FloatStorage", shape=None, strides=None, offset=0):
    """Returns opcodes of a tensor, by default one that is its whole storage."""
    shape = (count,) if shape is None else shape
    strides = (1,) * len(shape) if strides is None else strides
    storage = tuple_of(
        text("storage"), name("torch", kind), text(key), text("cpu"), long(count)
    )
    arguments = tuple_of(
        storage + b"Q",
        long(offset),
        tuple_of(*map(long, shape)),
        tuple_of(*map(long, strides)),
        b"\x89",
        name("collections", "OrderedDict") + TUPLE_0 + REDUCE,
    )
    return name("torch._utils", "_rebuild_tensor_v2") + arguments + REDUCE


def long(value):
    """Returns a whole number of any size."""
    encoded = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
    return b"\x8a" + bytes([len(encoded)]) + encoded
