"""The files of a packaged split, as TFDS reads them."""

import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tqdm

from rclicks_jax import errors


def open_split(folder: pathlib.Path, split: str) -> Sequence[Any]:
    """Opens one split with random access.

    Photographs stay encoded. So do the masks of the objects of an image, of which there
    may be hundreds.
    """
    import tensorflow_datasets as tfds

    class Encoded(tfds.decode.SkipDecoding):
        """Leaves a sequence of encoded images as it is."""

        def decode_batch_example_np(self, examples: Any) -> list[bytes]:
            return [bytes(encoded) for encoded in examples]

    builder: Any = tfds.builder_from_directory(str(folder))
    skip: dict[str, Any] = {"image": tfds.decode.SkipDecoding()}
    if "objects" in builder.info.features:
        skip["objects"] = {"mask": Encoded()}
    return builder.as_data_source(split=split, decoders=skip)


def read_back(
    folder: pathlib.Path, splits: Iterable[str]
) -> Iterator[tuple[str, int, Any]]:
    """Yields the split, position and encoded features of all packaged examples.

    Raises:
        DataError: The files are not as they were written.
        OSError: The disk cannot be read.
    """
    try:
        for split in splits:
            source = open_split(folder, split)
            what = f"Checking {split}"
            for position in tqdm.trange(len(source), desc=what, leave=False):
                yield split, position, source[position]
    except (OSError, errors.RClicksError):
        raise
    except Exception as error:
        # TFDS and array_record raise errors of any type.
        raise errors.DataError(
            f"What was packaged in {folder} cannot be read back ({error}). The disk or "
            "the network file system may have a fault. Run the same command again: it "
            "is packaged anew."
        ) from error
