import hypothesis
import hypothesis.strategies as st
import numpy as np

from rclicks_jax.ops import buckets


@hypothesis.given(st.integers(1, 10_000_000))
def test_a_bucket_holds_its_length_and_wastes_at_most_half(length):
    bucket = buckets.bucket_length(length)
    assert length <= bucket < 1.5 * length + 1


def test_there_are_few_buckets():
    assert len({buckets.bucket_length(length) for length in range(1, 100_000)}) < 40


@hypothesis.given(st.integers(1, 100_000))
def test_a_fine_bucket_wastes_at_most_an_eighth(length):
    height, width = buckets.fine_shape((length, 1))
    assert length <= height < 1.125 * length + 1
    assert width == 1


def test_there_are_eight_fine_buckets_between_powers_of_two():
    fine = {buckets.fine_shape((length, 1))[0] for length in range(257, 513)}
    assert fine == set(range(288, 513, 32))


def test_arrays_of_any_shapes_share_rows():
    first, second = (
        np.arange(6, dtype=np.uint16).reshape(2, 3),
        np.ones((1, 5), np.uint16),
    )
    rows = buckets.flatten([first, second])
    assert rows.tolist() == [[0, 1, 2, 3, 4, 5], [1, 1, 1, 1, 1, 0]]
