"""Image files of kinds that OpenCV does not write."""

import io
import struct
import zlib

import numpy as np
from PIL import Image


def _chunk(name, content):
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))


def png(values, depth, palette=None, claimed=None):
    """Returns a PNG of grey values or, with a palette, of indices.

    Args:
        values: `int[h w]`.
        depth: Bits of each: 1, 2, 4, 8 or 16.
        palette: RGB colours.
        claimed: Height and width that the header says; the true ones by default.
    """
    height, width = claimed or values.shape
    shifts = np.arange(depth)[::-1]
    bits = (np.asarray(values)[..., None] >> shifts & 1).astype(np.uint8)
    rows = np.packbits(bits.reshape(len(values), -1), axis=1)
    lines = b"".join(b"\0" + row.tobytes() for row in rows)
    kind = 0 if palette is None else 3
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [_chunk(b"IHDR", head)]
    if palette is not None:
        chunks.append(_chunk(b"PLTE", bytes(np.asarray(palette, np.uint8))))
    chunks += [_chunk(b"IDAT", zlib.compress(lines)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def saved(array, kind, **options):
    """Returns what Pillow saves of an array."""
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, kind, **options)
    return stream.getvalue()


def with_tags(tiff, changes):
    """Returns a little-endian TIFF whose short tags have other values.

    Args:
        tiff: The file.
        changes: New value by number of the tag; all of several values are changed.
    """
    content = bytearray(tiff)
    (start,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, start)
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, length, offset = struct.unpack_from("<HHII", content, place)
        if tag in changes:
            assert kind == 3
            where = place + 8 if length <= 2 else offset
            struct.pack_into(f"<{length}H", content, where, *[changes[tag]] * length)
    return bytes(content)
