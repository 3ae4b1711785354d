"""Checkpoints of before PyTorch 1.6."""

import numpy as np
import pytest
from checkpoint_files import (
    STORAGES,
    Parameter,
    Storage,
    Tensor,
    legacy_parts_of,
    save,
    save_legacy,
    tensor,
    write_legacy_parts,
)

from rclicks_jax import errors
from rclicks_jax.weights import foreign, torch_files

NUMBERS = np.arange(6, dtype=np.float32)


@pytest.mark.parametrize("name", STORAGES)
def test_every_dtype_is_read(tmp_path, name):
    array = np.arange(5).astype(np.dtype(name) if name != "bfloat16" else _bfloat16())
    found = torch_files.read(save_legacy(tmp_path / "a.pth", [tensor(array)]))[0]
    assert found.dtype == array.dtype
    assert found.tobytes() == array.tobytes()
    assert not found.flags.writeable


def _bfloat16():
    import jax.numpy as jnp

    return jnp.dtype("bfloat16")


def test_both_layouts_hold_the_same(tmp_path):
    storage = Storage(np.arange(12, dtype=np.float32))
    value = {
        "whole": Tensor(storage, 0, (12,), (1,)),
        "turned": Tensor(storage, 2, (4, 2), (1, 4)),
        "wide": Tensor(storage, 3, (5,), (0,)),
        "parameter": Parameter(tensor(np.arange(3, dtype=np.float16))),
        "scalar": tensor(np.asarray(7)),
        "empty": tensor(np.zeros((0, 3), np.float32)),
        "meta": ["text", {1, 2}, (None, 2.5)],
    }
    old = torch_files.read(save_legacy(tmp_path / "old.pth", value))
    new = torch_files.read(save(tmp_path / "new.pth", value))
    assert old.pop("meta") == new.pop("meta")
    assert list(old) == list(new)
    for name, array in new.items():
        assert old[name].dtype == array.dtype
        np.testing.assert_array_equal(old[name], array)
    assert np.shares_memory(old["whole"], old["turned"])


def test_bools_are_bools(tmp_path):
    parts = legacy_parts_of([tensor(np.array([True, False, True]))])
    parts["data/0"] = b"\x02\x00\xff"
    (found,) = torch_files.read(write_legacy_parts(tmp_path / "a.pth", parts))
    assert found.view(np.uint8).tolist() == [1, 0, 1]


@pytest.mark.parametrize("view", [("root", 3, 2), ("root", 4, 2)])
def test_a_part_of_a_storage_may_be_one(tmp_path, view):
    # As PyTorch 0.1 saved it.
    parts = legacy_parts_of([Tensor(Storage(NUMBERS), 0, (2,), (1,))], view=view)
    (found,) = torch_files.read(write_legacy_parts(tmp_path / "part.pth", parts))
    assert found.tolist() == [view[1], view[1] + 1]


@pytest.mark.parametrize(
    "view", [("root", 5, 2), ("root", -1, 2), ("root", 0, 1), ("root", 2), 1]
)
def test_a_part_beyond_a_storage_is_damage(tmp_path, view):
    parts = legacy_parts_of([Tensor(Storage(NUMBERS), 0, (2,), (1,))], view=view)
    with pytest.raises(errors.DataError, match="damaged"):
        torch_files.read(write_legacy_parts(tmp_path / "part.pth", parts))


def long_count(count):
    return count.to_bytes(8, "little", signed=True)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 1002}, "its layout is of version 1002; only 1001 is read"),
        ({"version": None}, "no magic number and version"),
        ({"facts": {"little_endian": False}}, r"high byte .*\(big-endian\)"),
        ({"facts": {}}, "big-endian"),
        ({"facts": []}, "damaged"),
        ({"keys": ["1"]}, "1 keys of storages are not those of the 1 storages"),
        ({"keys": ["0", "0"]}, "2 keys of storages are not those"),
        ({"keys": []}, "0 keys of storages"),
        ({"keys": [0]}, "1 keys of storages"),
        ({"keys": {"0": 1}}, "keys of storages are no list"),
        ({"count/0": long_count(5)}, "storage 0 has 5 numbers instead of 6"),
        ({"count/0": long_count(-1)}, "storage 0 has -1 numbers instead of 6"),
        ({"count/0": long_count(2**62)}, "instead of 6"),
        ({"data/0": bytes(23)}, "storage 0 of 6 numbers|damaged"),
        ({"data/0": b"", "count/0": b"", "keys": b""}, "damaged"),
        ({"data": b"\x80\x02K\x01Q."}, "damaged"),
        ({"data": b"\x80\x02)Q."}, "damaged"),
        ({"data": b"\x80\x02X\x01\x00\x00\x00a\x85Q."}, "refers to what is no storage"),
    ],
)
def test_damage_is_named(tmp_path, changes, message):
    parts = {**legacy_parts_of([tensor(NUMBERS)]), **changes}
    with pytest.raises(errors.DataError, match=message):
        torch_files.read(write_legacy_parts(tmp_path / "a.pth", parts))


def test_a_storage_larger_than_the_file_is_not_made(tmp_path):
    huge = Storage(np.broadcast_to(np.float32(0), 2**50))
    value = [Tensor(huge, 0, (1,), (1,))]
    parts = legacy_parts_of(value, numbers=False)
    message = "storage 0 of 1125899906842624 numbers of type float32 reaches beyond the"
    with pytest.raises(errors.DataError, match=message):
        torch_files.read(write_legacy_parts(tmp_path / "huge.pth", parts))


def test_every_cut_is_seen(tmp_path):
    whole = save_legacy(tmp_path / "whole.pth", {"a": tensor(NUMBERS)}).read_bytes()
    path = tmp_path / "cut.pth"
    for length in range(0, len(whole), 3):
        path.write_bytes(whole[:length])
        with pytest.raises(errors.DataError):
            foreign.load(path)
    path.write_bytes(whole)
    np.testing.assert_array_equal(foreign.load(path)["a"], NUMBERS)
