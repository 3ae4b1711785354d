"""Checkpoints of all layouts by one function."""

import errno
import hashlib

import numpy as np
import pytest
import safetensors.numpy
from checkpoint_files import save, save_legacy, tensor
from etils import epath

from rclicks_jax import errors
from rclicks_jax.weights import foreign, state_dicts

ARRAY = np.arange(6, dtype=np.float32).reshape(2, 3)


def save_safetensors(path, value):
    arrays = dict.fromkeys(value, ARRAY)
    path.write_bytes(safetensors.numpy.save(arrays))
    return path


@pytest.mark.parametrize("layout", [save, save_legacy, save_safetensors])
@pytest.mark.parametrize("name", ["a.pth", "a.pt", "a.bin"])
def test_layouts_are_told_apart_by_content(tmp_path, layout, name):
    checkpoint = foreign.load(layout(tmp_path / name, {"a": tensor(ARRAY)}))
    assert dict(checkpoint.shapes) == {"a": (2, 3)}
    np.testing.assert_array_equal(checkpoint["a"], ARRAY)
    assert checkpoint.source == str(tmp_path / name)
    assert checkpoint.dropped == ()
    digest = hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
    assert foreign.checksum(checkpoint) == digest


def test_the_checksum_of_several_files_is_that_of_their_list(tmp_path):
    path = save_safetensors(tmp_path / "b.safetensors", {"b": 1})
    index = tmp_path / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"b": "b.safetensors"}}')
    digests = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (index, path)]
    lines = f"{index.name} {digests[0]}\n{path.name} {digests[1]}\n"
    expected = hashlib.sha256(lines.encode()).hexdigest()
    assert foreign.checksum(foreign.load(tmp_path)) == expected


def test_what_does_not_exist_is_named(tmp_path):
    with pytest.raises(errors.DataError, match=r"absent\.pth does not exist"):
        foreign.load(tmp_path / "absent.pth")


def test_what_is_no_state_dict_is_named_with_its_file(tmp_path):
    path = save(tmp_path / "list.pth", [1, 2])
    with pytest.raises(errors.DataError, match=r"list\.pth: .* holds a list"):
        foreign.load(path)


def test_names_are_changed_without_reading_arrays(tmp_path):
    path = save_safetensors(tmp_path / "a.safetensors", {"v.a": 1, "v.b": 1, "c": 1})
    names = {"v.a": "a", "v.b": "b"}
    checkpoint = state_dicts.renamed(foreign.load(path), names.get)
    assert dict(checkpoint.shapes) == {"a": (2, 3), "b": (2, 3)}
    assert (checkpoint.source, len(checkpoint.files)) == (str(path), 1)
    np.testing.assert_array_equal(checkpoint["b"], ARRAY)
    with pytest.raises(
        errors.DataError, match=r"a\.safetensors has x twice, once as v"
    ):
        state_dicts.renamed(foreign.load(path), lambda name: "x")


def test_a_file_that_may_not_be_read_says_so(tmp_path, monkeypatch):
    path = save(tmp_path / "secret.pth", {"a": tensor(ARRAY)})

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(type(epath.Path(path)), "open", refuse)
    with pytest.raises(errors.DataError, match=r"secret\.pth: Permission denied\. "):
        foreign.load(path)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bfloat16"])
def test_numbers_that_are_not_finite_are_counted(dtype):
    import jax.numpy as jnp

    arrays = {
        "c": np.array([1, np.nan, np.inf], jnp.dtype(dtype)),
        "b": np.array([np.nan, -np.inf, np.nan], jnp.dtype(dtype)),
        "a": np.array([1, 2], jnp.dtype(dtype)),
        "count": np.array([2**60]),
    }
    message = r"X has weights .* \(3 NaN, 2 infinite\), in 2 of 4 arrays, the first b:"
    with pytest.raises(errors.DataError, match=message):
        state_dicts.check_finite("X", arrays.items())
    del arrays["b"], arrays["c"]
    state_dicts.check_finite("X", arrays.items())
