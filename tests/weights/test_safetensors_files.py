"""Files of safetensors, as the hub has them."""

import json

import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from rclicks_jax import errors
from rclicks_jax.weights import foreign

DTYPES = [
    *("float16", "float32", "float64", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "bool"),
]


def written(path, header, data, length=None):
    """Writes a file of a header and numbers; returns its path."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + data)
    return path


def entry(dtype="F32", shape=(2,), start=0, end=8):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def test_what_the_package_writes_is_read(tmp_path):
    arrays = {name: np.arange(6).astype(name).reshape(2, 3) for name in DTYPES} | {
        "scalar": np.asarray(3.0),
        "empty": np.zeros((0, 2), np.float32),
    }
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors.numpy.save(arrays, {"format": "pt"}))
    checkpoint = foreign.load(path)
    assert set(checkpoint) == set(arrays)
    for name, array in arrays.items():
        assert checkpoint.shapes[name] == array.shape
        assert checkpoint[name].dtype == array.dtype
        np.testing.assert_array_equal(checkpoint[name], array)


def test_bfloat16_is_read(tmp_path):
    array = np.asarray([1.5, -2], jnp.bfloat16)
    header = {"a": entry("BF16", end=4)}
    path = written(tmp_path / "a.safetensors", header, array.tobytes())
    assert foreign.load(path)["a"].tolist() == [1.5, -2]


def test_an_array_is_read_when_it_is_asked_for(tmp_path):
    path = written(tmp_path / "a.safetensors", {"a": entry()}, bytes(8))
    checkpoint = foreign.load(path)
    path.write_bytes(path.read_bytes()[:-8] + np.float32([3, 4]).tobytes())
    assert checkpoint["a"].tolist() == [3, 4]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(errors.DataError, match=r"a\.safetensors is damaged or was not"):
        checkpoint["a"]
    with pytest.raises(KeyError):
        checkpoint["b"]


def test_a_file_of_another_name_is_known_by_its_start(tmp_path):
    path = written(tmp_path / "model.bin", {"a": entry()}, bytes(8))
    assert list(foreign.load(path)) == ["a"]


TWICE = b'{"a": {"dtype": "F32"}, "a": {"dtype": "F32"}}'


@pytest.mark.parametrize(
    ("header", "data", "length", "message"),
    [
        ({"a": entry()}, bytes(7), None, "its arrays have 8 bytes; 7 are there"),
        ({"a": entry()}, bytes(9), None, "its arrays have 8 bytes; 9 are there"),
        ({"a": entry()}, b"", 1 << 20, "its header ends with the file"),
        ({"a": entry()}, b"", 1 << 39, "bytes of its header: 549755813888"),
        (
            {"a": entry(shape=[3])},
            bytes(8),
            None,
            "type float32 has 8 bytes",
        ),
        ({"a": entry(shape=[2**40] * 3)}, bytes(8), None, "has 8 bytes"),
        ({"a": entry(shape=[2, -1])}, bytes(8), None, "other than whole numbers"),
        ({"a": entry(shape=[True, 2])}, bytes(8), None, "other than whole numbers"),
        ({"a": entry(shape=[1] * 40, end=4)}, bytes(4), None, "has 4 bytes"),
        ({"a": entry(start=8, end=0)}, bytes(8), None, "has -8 bytes"),
        ({"a": entry("F8_E4M3")}, bytes(8), None, "a is of the type F8_E4M3; read are"),
        ({"a": entry(), "b": entry()}, bytes(8), None, "arrays overlap or leave holes"),
        ({"a": entry(start=8, end=16)}, bytes(16), None, "overlap or leave holes"),
        ({"a": []}, bytes(8), None, "the entry of a is no object"),
        ({"a": {"dtype": "F32"}}, bytes(8), None, "damaged"),
        (TWICE, bytes(8), None, "its JSON has a name twice"),
        (b"{" + b'"a":{' * 9000, b"", None, "damaged"),
        (b"{\xff}", b"", None, "damaged"),
    ],
)
def test_damage_is_named(tmp_path, header, data, length, message):
    path = written(tmp_path / "a.safetensors", header, data, length)
    with pytest.raises(errors.DataError, match=message):
        foreign.load(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "git lfs pull"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"something else", "Allowed: files of safetensors"),
    ],
)
def test_what_is_no_such_file_is_named(tmp_path, content, message):
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(errors.DataError, match=message):
        foreign.load(path)
