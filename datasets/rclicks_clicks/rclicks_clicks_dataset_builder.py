"""TFDS builder `rclicks_clicks`: click tasks for training and evaluation."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from rclicks_jax.datasets import common

from rclicks_jax.data import packaging, raw


class Builder(common.Packager):
    """Packages click tasks with their photographs; decoding is left to readers."""

    # TFDS would look for it below the package `rclicks_jax`, where an editable
    # installation has no folder `datasets`.
    pkg_dir_path = epath.Path(__file__).parent

    def _info(self) -> tfds.core.DatasetInfo:
        mask = tfds.features.Image(shape=(None, None, 1))
        features = {
            "click_set_id": tfds.features.Text(),
            "image_id": tfds.features.Text(),
            "click_type": tfds.features.Text(),
            "mask_source": tfds.features.Text(),
            "input_device": tfds.features.Text(),
            "problem": tfds.features.Text(),
            "image": tfds.features.Image(),
            "shape": tfds.features.Tensor(shape=(2,), dtype=np.int32),
            # None or one: a first click has no previous mask.
            "gt_mask": tfds.features.Sequence(mask),
            "prev_mask": tfds.features.Sequence(mask),
            "clicks_yx": tfds.features.Tensor(shape=(None, 2), dtype=np.int32),
            # JSON: who made each click; empty where nobody knows.
            "people": tfds.features.Text(),
            # JSON: what was decided or left out, and where.
            "notes": tfds.features.Text(),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _packaged(self, source: raw.RawSource, split: str) -> Iterator[dict[str, Any]]:
        return map(packaging.task_features, source.tasks(split))
