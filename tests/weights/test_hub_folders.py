"""Folders of the hub, and weights in several files."""

import json

import numpy as np
import pytest
import safetensors.numpy

from rclicks_jax import errors
from rclicks_jax.weights import foreign

PARTS = {
    "model-00001-of-00002.safetensors": {"a": np.arange(3.0), "b": np.ones((2, 2))},
    "model-00002-of-00002.safetensors": {"c": np.zeros(1, np.float16)},
}
INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(tmp_path):
    """A folder whose weights are in two files."""
    homes = {}
    for name, arrays in PARTS.items():
        (tmp_path / name).write_bytes(safetensors.numpy.save(arrays))
        homes |= dict.fromkeys(arrays, name)
    write_index(tmp_path, homes)
    return tmp_path


def write_index(folder, homes):
    content = {"metadata": {"total_size": 58}, "weight_map": homes}
    (folder / INDEX).write_text(json.dumps(content))


def homes_of(folder):
    return json.loads((folder / INDEX).read_text())["weight_map"]


@pytest.mark.parametrize("name", ["", INDEX])
def test_several_files_are_one_checkpoint(folder, name):
    checkpoint = foreign.load(folder / name)
    for arrays in PARTS.values():
        for key, array in arrays.items():
            assert checkpoint.shapes[key] == array.shape
            np.testing.assert_array_equal(checkpoint[key], array)
    assert len(checkpoint) == 3
    assert [path.name for path in checkpoint.files] == [INDEX, *PARTS]


def test_one_file_is_enough(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors.numpy.save({"a": np.ones(2)}))
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    assert foreign.load(tmp_path)["a"].tolist() == [1, 1]


def test_missing_files_are_named(folder):
    first, second = PARTS
    (folder / first).unlink()
    message = rf"names 2 files, of which 1 are not beside it: {first}\. Get them"
    with pytest.raises(errors.DataError, match=message):
        foreign.load(folder)
    (folder / second).unlink()
    with pytest.raises(errors.DataError, match="2 are not beside it"):
        foreign.load(folder)


def test_a_cut_file_is_named(folder):
    path = folder / "model-00002-of-00002.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(errors.DataError, match=rf"{path.name} is damaged or was not"):
        foreign.load(folder)


@pytest.mark.parametrize(
    "change",
    [
        lambda homes: homes.pop("a"),
        lambda homes: homes.update(a="model-00002-of-00002.safetensors"),
        lambda homes: homes.update(d="model-00002-of-00002.safetensors"),
    ],
)
def test_an_index_and_its_files_agree(folder, change):
    homes = homes_of(folder)
    change(homes)
    write_index(folder, homes)
    with pytest.raises(
        errors.DataError, match=r"do not say the same about .* \d: [ad]"
    ):
        foreign.load(folder)


@pytest.mark.parametrize(
    "name",
    ["../model.safetensors", "/etc/passwd", "a.bin", "a\\b.safetensors", 3, None],
)
def test_an_index_names_files_beside_it(folder, name):
    write_index(folder, {"a": name})
    with pytest.raises(errors.DataError, match=r"it names the file .*; allowed: files"):
        foreign.load(folder)


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"weight_map": {}}', '{"weight_map": []}', "{", "[" * 9**5],
)
def test_what_is_no_index_is_named(tmp_path, content):
    (tmp_path / INDEX).write_text(content)
    with pytest.raises(errors.DataError, match=f"{INDEX} is "):
        foreign.load(tmp_path)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "it is empty. Allowed: a folder with model.safetensors, or with"),
        (["config.json", "README.md"], r"it has README\.md, config\.json\. Allowed"),
        (["pytorch_model.bin"], r"it has pytorch_model\.bin: give the path of that"),
        (["card.json", "weights.safetensors"], "it is a model folder"),
    ],
)
def test_a_folder_without_weights_is_named(tmp_path, names, message):
    for name in names:
        (tmp_path / name).write_text("")
    with pytest.raises(errors.DataError, match=message):
        foreign.load(tmp_path)
