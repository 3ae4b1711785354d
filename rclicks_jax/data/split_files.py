"""The files of a packaged split, as TFDS reads them."""

import pathlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tqdm

from rclicks_jax import errors


def open_split(folder: pathlib.Path, split: str) -> Sequence[Any]:
    """Opens one split for reading at random.

    Photographs stay encoded, and so do the masks of the objects of an image: hundreds
    of them would need more memory than anything else.
    """
    import tensorflow_datasets as tfds

    class Encoded(tfds.decode.SkipDecoding):
        """Leaves a sequence of encoded images as it is."""

        def decode_batch_example_np(self, examples: Any) -> list[bytes]:
            return [bytes(each) for each in examples]

    builder: Any = tfds.builder_from_directory(str(folder))
    skip: dict[str, Any] = {"image": tfds.decode.SkipDecoding()}
    if "objects" in builder.info.features:
        skip["objects"] = {"mask": Encoded()}
    return builder.as_data_source(split=split, decoders=skip)


def read_back(
    folder: pathlib.Path, splits: Iterable[str]
) -> Iterator[tuple[str, int, Any]]:
    """Yields the split, position and encoded features of all that was packaged.

    Raises:
        DataError: It is not what was written.
        OSError: The disk does not give it.
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
        # TFDS and array_record raise whatever they meet.
        raise errors.DataError(
            f"What was packaged in {folder} cannot be read back ({error}). The disk or "
            "the network file system may have a fault. Run the same command again: it "
            "is packaged anew."
        ) from error
