import importlib

import pytest
import tensorflow_datasets as tfds
from helpers import make_folder

from rclicks_jax.data import specs
from rclicks_jax.data.raw import layouts

BUILDERS = ("rclicks_clicks", "rclicks_instances")


def builder_of(name):
    module = f"rclicks_jax.datasets.{name}.{name}_dataset_builder"
    return importlib.import_module(module).Builder


@pytest.mark.parametrize("name", BUILDERS)
def test_there_is_a_configuration_for_every_dataset(name, tmp_path):
    builder = builder_of(name)
    assert builder.name == name
    assert {config.name for config in builder.BUILDER_CONFIGS} == set(specs.KINDS)
    for kind, layout in layouts.LAYOUTS.items():
        text = builder.MANUAL_DOWNLOAD_INSTRUCTIONS
        assert f"{kind}: manual_dir is the folder {kind}/ of {layout.archive}" in text
    info = builder(config="sample", data_dir=str(tmp_path)).info
    assert "antonov2024rclicks" in info.citation
    assert info.description


def test_a_builder_is_used_as_any_of_tfds(tmp_path):
    folder = make_folder(tmp_path / "mine")
    builder = builder_of("rclicks_instances")(
        config="folder", data_dir=str(tmp_path / "data"), file_format="array_record"
    )
    manual = tfds.download.DownloadConfig(manual_dir=str(folder))
    builder.download_and_prepare(download_config=manual)
    source = builder.as_data_source(split="test")
    assert len(source) == 3
    assert source[0]["image"].shape == (48, 64, 3)
    assert source[0]["objects"]["mask"][0].shape == (48, 64, 1)
