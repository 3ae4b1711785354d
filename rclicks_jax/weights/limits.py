"""How much a foreign file may ask for. Each kind has one limit and one sentence.

Published files stay far below all of them: SAM-H has 594 tensors, a pickle of 0.1 MB
and 40,000 opcodes. A file that does not was made to fill memory.
"""

import dataclasses

from rclicks_jax.weights import faults

_MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Limit:
    """The most of one thing that a file may have.

    Attributes:
        what: The thing, as the subject of the message.
        most: The largest amount that is read.
    """

    what: str
    most: int

    def check(self, amount: int) -> None:
        """Raises `UnreadableError` if there is more than that."""
        if amount > self.most:
            # A hostile number can have millions of digits.
            count = amount if amount < 1 << 64 else "more than 2^64"
            raise faults.UnreadableError(
                f"{self.what}: {count}; at most {self.most} are read"
            )


PICKLE = Limit("bytes of its pickle", 64 * _MIB)
OPCODES = Limit("opcodes of its pickle", 1_000_000)
TEXT = Limit("bytes of a text", 16 * _MIB)
NAME = Limit("bytes of the name of a class", 256)
INTEGER = Limit("bits of a whole number", 512)
DEPTH = Limit("levels of nesting", 100)
# All of a zip file's list of parts; an entry has some 100 bytes.
DIRECTORY = Limit("bytes of its table of contents", 16 * _MIB)
# JSON of safetensors and of a hub's index; an entry has some 130 bytes.
HEADER = Limit("bytes of its header", 16 * _MIB)
SHARDS = Limit("parts of its index", 1000)
TENSORS = Limit("tensors", 200_000)
# Tied weights are in a file once and in the state dict twice or three times.
_REPEATS = 8
_SMALL = 16 * _MIB


def views(length: int) -> Limit:
    """Returns the limit of bytes of all tensors of a file, as views of its numbers.

    A view can repeat a number without end (strides of 0), and many can show the same.

    Args:
        length: Length of the file, bytes.
    """
    what = f"bytes that its tensors would fill, as views of a file of {length} bytes"
    return Limit(what, _SMALL + _REPEATS * length)
