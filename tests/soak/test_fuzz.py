"""A million damaged frames: each is refused or read, and nothing else happens."""

import io

import numpy as np

from rclicks_jax.bridge import wire

FRAMES = 1_000_000


def test_a_million_damaged_frames():
    random = np.random.default_rng()
    arrays = {"a": np.arange(9, dtype=np.int32), "b": np.zeros((3, 4), bool)}
    frame = b"".join(wire.pack({"action": "predict", "number": 3}, arrays))
    refused = 0
    for _ in range(FRAMES):
        damaged = bytearray(frame)
        for _ in range(int(random.integers(1, 9))):
            damaged[int(random.integers(len(damaged)))] = int(random.integers(256))
        stream = io.BytesIO(bytes(damaged[: int(random.integers(1, len(damaged) + 1))]))

        def read(size, stream=stream):
            part = stream.read(size)
            if len(part) < size:
                raise EOFError
            return part

        try:
            wire.unpack(read)
        except (wire.WireError, EOFError):
            refused += 1
    assert refused > FRAMES // 2
