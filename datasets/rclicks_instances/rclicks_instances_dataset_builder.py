"""TFDS builder `rclicks_instances`: photographs with all their objects."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from rclicks_jax.datasets import common

from rclicks_jax.data import packaging, raw


class Builder(common.Packager):
    """Packages photographs and masks; decoding photographs is left to readers."""

    # TFDS would look for it below the package `rclicks_jax`, where an editable
    # installation has no folder `datasets`.
    pkg_dir_path = epath.Path(__file__).parent

    def _info(self) -> tfds.core.DatasetInfo:
        an_object = {
            "instance_id": tfds.features.Text(),
            "problem": tfds.features.Text(),
            "input_device": tfds.features.Text(),
            "category": tfds.features.Text(),
            "mask": tfds.features.Image(shape=(None, None, 1)),
        }
        features = {
            "image_id": tfds.features.Text(),
            "problem": tfds.features.Text(),
            "image": tfds.features.Image(),
            "shape": tfds.features.Tensor(shape=(2,), dtype=np.int32),
            "objects": tfds.features.Sequence(an_object),
            # Rows of (number of the object, y, x).
            "user_clicks": tfds.features.Tensor(shape=(None, 3), dtype=np.int32),
            # JSON: what was decided or left out, and where.
            "notes": tfds.features.Text(),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _packaged(self, source: raw.RawSource, split: str) -> Iterator[dict[str, Any]]:
        return map(packaging.image_features, source.images(split))
