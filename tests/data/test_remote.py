"""Buckets, played by a file system in memory."""

import errno

import fsspec
import numpy as np
import pytest
from etils import epath
from fsspec.implementations import memory
from helpers import make_folder

from rclicks_jax import cache, errors, files
from rclicks_jax.data import packages, remote, specs
from rclicks_jax.networks import cards, clickability
from rclicks_jax.settings import networks


class FakeBucket(memory.MemoryFileSystem):
    @classmethod
    def _strip_protocol(cls, path):
        return super()._strip_protocol(str(path).removeprefix("gs:/"))


@pytest.fixture
def bucket(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    FakeBucket.store.clear()
    fsspec.register_implementation("gcs", FakeBucket, clobber=True)
    yield epath.Path("gs://bucket")
    FakeBucket.store.clear()


def upload(folder, target):
    for path in folder.rglob("*"):
        if path.is_file():
            place = target / str(path.relative_to(folder))
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(path.read_bytes())


def test_a_dataset_in_a_bucket_is_the_dataset_here(bucket, tmp_path):
    make_folder(tmp_path / "data" / "mine")
    (tmp_path / "data" / "notes.bin").write_bytes(b"not asked for")
    upload(tmp_path / "data", bucket / "data")
    (there,) = specs.parse("folder:gs://bucket/data/mine")
    (here,) = specs.parse(f"folder:{tmp_path / 'data' / 'mine'}")
    assert there.name == "mine"
    copied, local = packages.open_instances(there), packages.open_instances(here)
    assert copied.checksum == local.checksum
    assert not list(there.folder.parent.glob("notes*"))


def test_a_copy_is_made_once_and_again_when_the_bucket_changes(bucket, tmp_path):
    make_folder(tmp_path / "mine")
    upload(tmp_path / "mine", bucket / "mine")
    first = remote.local_copy("gs://bucket/mine")
    assert remote.local_copy("gs://bucket/mine") == first
    (bucket / "mine" / "images" / "more.txt").write_text("x")
    assert remote.local_copy("gs://bucket/mine") != first


def test_a_full_disk_here_is_not_blamed_on_the_bucket(bucket, tmp_path, monkeypatch):
    make_folder(tmp_path / "mine")
    upload(tmp_path / "mine", bucket / "mine")

    def full(path, content):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(errors.DataError, match=r"No space left.*Make room") as raised:
        remote.local_copy("gs://bucket/mine")
    assert "gcsfs" not in str(raised.value)


def test_a_place_with_nothing_says_so(bucket):
    with pytest.raises(errors.DataError, match="gs://bucket/gone does not exist"):
        specs.parse("GrabCut:gs://bucket/gone")


def test_a_model_folder_can_be_in_a_bucket(bucket):
    network = networks.network("nano")
    variables = clickability.init_variables(network, 0)
    card = cards.Card(network, 64, 5.0, "nothing", "not at all", {})
    saved = cards.save(bucket / "model", variables, card)
    loaded, found = cards.load(bucket / "model")
    assert found == saved
    np.testing.assert_array_equal(
        loaded["params"]["maps_transform"]["scale"],
        variables["params"]["maps_transform"]["scale"],
    )
