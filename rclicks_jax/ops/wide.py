"""Non-negative integers below 2^48 as pairs of 32-bit words, for devices.

JAX has 64-bit integers only in a mode that changes the meaning of everything else, and
accelerators emulate them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

_BITS = np.uint32(16)
_LOW = np.uint32(0xFFFF)
_LONGEST_CHUNK = 1 << 15


class Wide(NamedTuple):
    """An integer `high * 2^16 + low`.

    Attributes:
        high: `u32[...]`, below 2^32.
        low: `u32[...]`, below 2^16.
    """

    high: jax.Array
    low: jax.Array


def _carried(high: jax.Array, low: jax.Array) -> Wide:
    """Returns `high * 2^16 + low` for any `low` of 32 bits."""
    return Wide(high + (low >> _BITS), low & _LOW)


def total(values: jax.Array) -> Wide:
    """Sums integers below 2^16, `u32[r c]`; up to 2^31 of them.

    Rows are added first, which on accelerators is an addition of registers.
    """
    # Sums of chunks of rows fit 32 bits, and so do sums of the halves of these.
    rows, columns = values.shape
    chunk = min(max(rows, 1), _LONGEST_CHUNK)
    padded = jnp.pad(values, ((0, -rows % chunk), (0, 0)))
    sums = padded.reshape(-1, chunk, columns).sum(axis=1, dtype=jnp.uint32)
    high = (sums >> _BITS).sum(dtype=jnp.uint32)
    return _carried(high, (sums & _LOW).sum(dtype=jnp.uint32))


def times(number: Wide, factor: jax.Array | np.uint32) -> Wide:
    """Multiplies by an integer below 2^16, `u32`."""
    return _carried(number.high * factor, number.low * factor)


def plus(number: Wide, addend: int | jax.Array) -> Wide:
    """Adds an integer below 2^31; an array is `u32`."""
    return _carried(number.high, number.low + jnp.asarray(addend, jnp.uint32))


def minus(number: Wide, subtrahend: Wide) -> Wide:
    """Subtracts an integer that is not larger."""
    borrow = (number.low < subtrahend.low).astype(jnp.uint32)
    high = number.high - subtrahend.high - borrow
    return Wide(high, (number.low + (borrow << _BITS)) - subtrahend.low)


def at_least(number: Wide, other: Wide) -> jax.Array:
    """Tells whether a number is at least another one, `bool`."""
    equal = number.high == other.high
    return jnp.where(equal, number.low >= other.low, number.high > other.high)


def where(condition: jax.Array, number: Wide, other: Wide) -> Wide:
    """Returns a number where a condition holds, and another one elsewhere."""
    return Wide(
        jnp.where(condition, number.high, other.high),
        jnp.where(condition, number.low, other.low),
    )


def divide(number: Wide, divisor: jax.Array | np.uint32) -> tuple[Wide, jax.Array]:
    """Divides by an integer in 1..2^16; returns the quotient and the rest, `u32`."""
    high, rest = number.high // divisor, number.high % divisor
    # A rest below 2^16 leaves room for the low half.
    joined = (rest << _BITS) | number.low
    return _carried(high, joined // divisor), joined % divisor
