"""TFDS builder `rclicks_instances`: photographs with all their objects."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from rclicks_jax.datasets import common

from rclicks_jax.data import packaging, raw


class Builder(tfds.core.GeneratorBasedBuilder):
    """Packages photographs and masks; decoding photographs is left to readers."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = common.CONFIGS
    MANUAL_DOWNLOAD_INSTRUCTIONS = common.INSTRUCTIONS
    # TFDS would look for it below the package `rclicks_jax`, where an editable
    # installation has no folder `datasets`.
    pkg_dir_path = epath.Path(__file__).parent

    def _info(self) -> tfds.core.DatasetInfo:
        an_object = {
            "instance_id": tfds.features.Text(),
            "problem": tfds.features.Text(),
            "input_device": tfds.features.Text(),
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
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features), disable_shuffling=True
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> Any:
        source = common.open_source(self.builder_config, dl_manager)
        examples = {
            split: self._generate_examples(source, split)
            for split in source.split_names
        }
        return common.not_empty(examples)

    def _generate_examples(
        self, source: raw.RawSource, split: str
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        features = map(packaging.image_features, source.images(split))
        return common.with_progress(features, source.name, split)
