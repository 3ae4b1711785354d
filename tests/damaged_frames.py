"""Frames with some bytes changed, perhaps cut: each is refused or read, no more."""

import io
import os

import numpy as np

from rclicks_jax.bridge import channel, memory, wire


def reader(data):
    """Returns a function that reads from bytes as `wire.unpack` wants it."""
    stream = io.BytesIO(data)

    def read(size):
        part = stream.read(size)
        if len(part) < size:
            raise EOFError
        return part

    return read


def refused_by_the_decoder(frames, random):
    """Decodes so many damaged frames; returns how many were refused."""
    arrays = {"a": np.arange(9, dtype=np.int32), "b": np.zeros((3, 4), bool)}
    frame = b"".join(wire.pack({"action": "predict", "number": 3}, arrays))
    return _refused(frames, random, frame, wire.unpack)


def refused_by_a_channel(frames, random):
    """The same with an array that lies in shared memory."""
    descriptors = memory.open_file(), memory.open_file()
    sent = []
    near = channel.Channel(None, sent.append, *descriptors)
    near.send({"action": "x"}, {"a": np.ones(70_000, np.uint8), "b": np.arange(5)})

    def receive(read):
        channel.Channel(read, None, *descriptors[::-1]).receive()

    try:
        return _refused(frames, random, b"".join(sent), receive)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _refused(frames, random, frame, receive):
    refused = 0
    for _ in range(frames):
        damaged = bytearray(frame)
        for _ in range(int(random.integers(1, 9))):
            damaged[int(random.integers(len(frame)))] = int(random.integers(256))
        if random.integers(4) == 0:
            del damaged[int(random.integers(len(frame))) :]
        try:
            receive(reader(bytes(damaged)))
        except (wire.WireError, EOFError):
            refused += 1
    return refused
