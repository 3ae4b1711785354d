"""A million damaged frames: each is refused or read, and nothing else happens."""

import time

import damaged_frames
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("frames", "refused_of"),
    [
        (1_000_000, damaged_frames.refused_by_the_decoder),
        (200_000, damaged_frames.refused_by_a_channel),
    ],
)
def test_damaged_frames_raise_what_they_should(capsys, frames, refused_of):
    seed = time.time_ns()
    print(f"seed {seed}")
    refused = refused_of(frames, np.random.default_rng(seed))
    took = (time.time_ns() - seed) / 1e9
    with capsys.disabled():
        print(f"\n{refused_of.__name__}: {refused} of {frames} refused in {took:.0f} s")
    assert frames / 2 < refused < frames
