import hypothesis
import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np

from rclicks_jax.ops import wide

numbers = st.integers(0, 2**44)
small = st.integers(1, 2**16 - 1)


def of(number):
    return wide.Wide(jnp.uint32(number >> 16), jnp.uint32(number & 0xFFFF))


def value(number):
    return (int(number.high) << 16) + int(number.low)


@hypothesis.given(numbers, numbers)
@hypothesis.settings(deadline=None)
def test_sums_differences_and_order_are_those_of_integers(first, second):
    low, high = sorted((first, second))
    assert value(wide.minus(of(high), of(low))) == high - low
    assert bool(wide.at_least(of(first), of(second))) == (first >= second)
    assert value(wide.plus(of(first), 77777)) == first + 77777
    assert value(wide.times(of(first), jnp.uint32(10))) == first * 10


@hypothesis.given(numbers, st.one_of(small, st.just(2**16)))
@hypothesis.settings(deadline=None)
def test_quotients_are_those_of_integers(number, divisor):
    quotient, rest = wide.divide(of(number), jnp.uint32(divisor))
    assert (value(quotient), int(rest)) == divmod(number, divisor)


def test_totals_are_exact_beyond_32_bits():
    for rows, columns in ((0, 3), (1, 1), (7, 5), (32768, 1), (32769, 3), (401, 749)):
        values = np.random.default_rng(rows).integers(0, 2**16, (rows, columns))
        values[rows // 2 :] = 65535
        assert value(wide.total(jnp.asarray(values, jnp.uint32))) == values.sum()
