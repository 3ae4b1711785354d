"""What a process of a `process_pool` runs."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable

import numpy as np

from rclicks_jax.bridge import channel, wire

Frame = tuple[wire.Header, wire.Arrays]
# Makes an array for a frame; a large one is not copied any more.
Empty = Callable[[tuple[int, ...], np.dtype], np.ndarray]
# What a module has as its function `answer`.
Answer = Callable[[wire.Header, wire.Arrays, Empty], Frame]


def main(module: str, requests: str, replies: str) -> None:
    """Answers frames from descriptor 0 on descriptor 1 until the first ends.

    An error ends the process: whoever asked sees that, and asks elsewhere.

    Args:
        module: Name of the module whose function `answer` answers.
        requests: Descriptor of the file that arrays of requests lie in.
        replies: Descriptor of the file that arrays of replies lie in.
    """
    source, output = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What a library prints is no frame.
    os.dup2(2, 1)

    def read(size: int) -> bytes:
        data = source.read(size)
        if len(data) < size:
            raise EOFError
        return data

    pipe = channel.Channel(read, output.write, int(replies), int(requests))
    answer: Answer = importlib.import_module(module).answer
    try:
        while True:
            header, arrays = pipe.receive()
            reply, results = answer(header, arrays, pipe.empty)
            # Their memory is returned with this reply, not with the next.
            del arrays
            pipe.send(reply, results)
            output.flush()
            del results
    except (EOFError, BrokenPipeError):
        # The other side has ended. Nothing here is worth an orderly end.
        os._exit(0)
