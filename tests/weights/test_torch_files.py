import collections
import contextlib
import math
import os
import zipfile

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import jax.numpy as jnp
import numpy as np
import pytest
from checkpoint_files import (
    STORAGES,
    Parameter,
    Storage,
    Tensor,
    parts_of,
    save,
    save_legacy,
    tensor,
    write_parts,
)

from rclicks_jax import errors
from rclicks_jax.weights import placeholders, torch_files

LAYOUTS = [save, save_legacy]
DTYPES = [jnp.dtype(name) for name in STORAGES]
EXAMPLES = hypothesis.settings(deadline=None, max_examples=60)


def numbers(dtype, count):
    """Returns `count` different numbers, as far as the dtype has them."""
    return (np.arange(count) % 100).astype(dtype)


def assert_same_bits(ours, expected):
    assert ours.dtype == expected.dtype
    assert ours.shape == expected.shape
    assert ours.tobytes() == expected.tobytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("checkpoints")


arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.array_shapes(min_dims=0, min_side=0, max_side=4).map(
        lambda shape: numbers(dtype, math.prod(shape)).reshape(shape)
    )
)


@hypothesis.given(
    st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=9), arrays)
)
@EXAMPLES
def test_what_is_written_is_read(folder, state):
    torch_files.write(folder / "written.pth", state)
    found = torch_files.read(folder / "written.pth")
    assert list(found) == list(state)
    for name, array in state.items():
        assert_same_bits(found[name], array)


@st.composite
def views(draw):
    """Draws a dtype, a storage's length, and an offset, shape and strides within."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
    strides = [draw(st.integers(0, 9)) for _ in shape]
    offset = draw(st.integers(0, 5))
    reach = sum((side - 1) * step for side, step in zip(shape, strides, strict=True))
    length = offset + max(reach, 0) + 1 + draw(st.integers(0, 3))
    return draw(st.sampled_from(DTYPES)), length, offset, shape, strides


@hypothesis.given(
    views(), st.sampled_from([2, 4, 5]), st.sampled_from(["little", "big"])
)
@EXAMPLES
def test_any_view_of_a_storage_is_read(folder, view, protocol, byteorder):
    dtype, length, offset, shape, strides = view
    storage = numbers(dtype, length)
    value = {"a": Tensor(Storage(storage), offset, shape, strides)}
    path = save(folder / "view.pth", value, protocol=protocol, byteorder=byteorder)
    expected = np.empty(shape, dtype)
    for index in np.ndindex(*shape):
        expected[index] = storage[offset + np.dot(index, strides).astype(int)]
    assert_same_bits(torch_files.read(path)["a"], expected)


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_structure_comes_back(folder, protocol):
    state = collections.OrderedDict((f"layer{i}.weight", i) for i in range(2500))
    state["buffer"] = Parameter(tensor(np.arange(3.0)))
    state._metadata = collections.OrderedDict({"": {"version": 1}})
    meta = {
        "epoch": 300, "seed": 2**40, "huge": -(2**70), "lr": 0.1, "ok": True,
        "none": None, "names": ["a", ("b",), ("c", 1), (1, 2, 3), (1, 2, 3, 4), ()],
        "text": "ключ", 7: {}, "long": "x" * 300,
    }  # fmt: skip
    value = {"state_dict": state, "meta": meta, "again": [meta["names"]]}
    found = torch_files.read(save(folder / "all.pth", value, protocol=protocol))
    array = found["state_dict"].pop("buffer")
    np.testing.assert_array_equal(array, np.arange(3.0))
    del state["buffer"]
    assert found == {**value, "state_dict": dict(state)}


def test_tensors_share_what_they_shared(folder):
    storage = Storage(np.arange(6, dtype=np.float32))
    value = [Tensor(storage, 0, (6,), (1,)), Tensor(storage, 2, (2,), (1,))]
    whole, part = torch_files.read(save(folder / "shared.pth", value))
    assert np.shares_memory(whole, part)


class Command:
    def __reduce__(self):
        import os

        return os.system, ("touch harm",)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_command_is_named_and_not_run(folder, monkeypatch, layout):
    monkeypatch.chdir(folder)
    found = torch_files.read(layout(folder / "command.pth", {"a": Command()}))
    assert placeholders.classes(found) == [f"{os.name}.system"]
    assert not (folder / "harm").exists()


@pytest.mark.parametrize(
    ("pickled", "message"),
    [
        (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls torch.FloatStorage"),
        (b"\x80\x02]}R.", "calls list"),
        (b"\x80\x02ccollections\nOrderedDict\n]R.", "arguments of a call"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "damaged"),
        (b"\x80\x02(X\x01\x00\x00\x00atQ.", "damaged"),
        (b"\x80\x02(K\x01K\x02K\x03K\x04K\x05tQ.", "refers to"),
        (b"\x80\x02}(K\x01u.", "damaged"),
        (b"\x80\x02}]K\x01s.", "a list as a key"),
        (b"\x80\x02}(K\x01NK\x01Nu.", "has a key twice"),
        (b"\x80\x02}K\x01NsK\x01Ns.", "has a key twice"),
        (b"\x80\x02}K\x01a.", "changes a dict as if it were a list"),
        (b"\x80\x02\x82\x01.", "the opcode EXT1"),
        (b"\x80\x02V1\n.", "the opcode UNICODE"),
        (b"\x80\x02\xff.", r"the opcode b'\\xff'"),
        (b"\x80\x02}K\x01\x81.", "calls dict"),
        (b"\x80\x02}K\x01b0(l.", "the opcode LIST"),
        (b"\x80\x02K\x01}b.", "changes a int as if it were a dict"),
        (b"\x80\x02(\x90.", "damaged"),
        (b"\x80\x04\x8f(]\x90.", "a list as a key"),
        (b"\x80\x04(}\x91.", "a dict as a key"),
        (b"\x80\x02c" + b"a" * 400 + b"\nb\n.", "bytes of the name of a class: "),
        (b"\x80\x02cab", "damaged"),
        (b"\x80\x04]]\x93.", "name of a class is no text"),
        (b"\x80\x02h\x05.", "damaged"),
        (b"\x80\x02R.", "too few values"),
        (b"\x80\x02}", "damaged"),
        (b"\x80\x02.", "damaged"),
        (b"", "damaged"),
    ],
)
def test_opcodes_that_make_no_state_are_refused(folder, pickled, message):
    parts = {**parts_of({}), "data.pkl": pickled}
    with pytest.raises(errors.DataError, match=message):
        torch_files.read(write_parts(folder / "opcodes.pth", parts))


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (0, (7,), (1,)),
        (1, (6,), (1,)),
        (6, (), ()),
        (0, (2, 3), (4, 1)),
        (0, (2,), (2**70,)),
        (2**70, (2,), (1,)),
        (-1, (2,), (1,)),
        (0, (2,), (-1,)),
        (0, (-2,), (1,)),
        (0, (2, 2), (1,)),
        (0, (1.5,), (1,)),
        (0, (2**62, 2**62), (0, 0)),
    ],
)
def test_a_tensor_beyond_its_storage_is_refused(folder, offset, shape, strides):
    storage = Storage(np.zeros(6, np.float32))
    path = save(folder / "beyond.pth", [Tensor(storage, offset, shape, strides)])
    with pytest.raises(errors.DataError, match="damaged"):
        torch_files.read(path)


def test_a_tensor_is_no_storage(folder):
    # A view of stride 0 claims more numbers than there are.
    wide = Tensor(Storage(np.zeros(1, np.float32)), 0, (1000,), (0,))
    path = save(folder / "nested.pth", [Tensor(wide, 0, (1000,), (1,))])
    with pytest.raises(errors.DataError, match="another kind than dense"):
        torch_files.read(path)


@pytest.mark.parametrize(
    ("part", "data", "message"),
    [
        ("data/0", None, "data/0 is missing"),
        ("data/0", b"123", "3 bytes instead of 6 numbers of type float32"),
        ("data.pkl", None, "data.pkl is there 0 times"),
        ("more/data.pkl", b"", "data.pkl is there 2 times"),
    ],
)
def test_a_missing_part_is_named(folder, part, data, message):
    parts = parts_of([tensor(np.zeros(6, np.float32))])
    parts.pop(part, None)
    if data is not None:
        parts[part] = data
    with pytest.raises(errors.DataError, match=message):
        torch_files.read(write_parts(folder / "parts.pth", parts))


def test_a_file_without_byteorder_is_little_endian(folder):
    parts = parts_of([tensor(np.arange(6, dtype=np.float32))])
    del parts["byteorder"]
    (found,) = torch_files.read(write_parts(folder / "older.pth", parts))
    np.testing.assert_array_equal(found, np.arange(6))


def test_a_compressed_file_is_refused(folder):
    parts = parts_of([tensor(np.zeros(10**6, np.float32))])
    path = write_parts(folder / "packed.pth", parts, zipfile.ZIP_DEFLATED)
    with pytest.raises(errors.DataError, match="compressed"):
        torch_files.read(path)


@pytest.fixture(scope="module")
def whole(folder):
    value = {"a": tensor(np.arange(9.0)), "b": [1, "c", tensor(np.zeros((2, 3)))]}
    return save(folder / "whole.pth", value).read_bytes()


@hypothesis.given(st.data())
@hypothesis.settings(deadline=None, max_examples=300)
def test_no_damage_is_anything_but_a_message(folder, whole, data):
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3)) if damaged else 0):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    path = folder / "damaged.pth"
    path.write_bytes(damaged)
    with contextlib.suppress(errors.DataError):
        torch_files.read(path)


@hypothesis.given(st.data())
@hypothesis.settings(deadline=None, max_examples=300)
def test_no_damaged_pickle_is_anything_but_a_message(folder, data):
    value = {"a": Parameter(tensor(np.arange(9.0))), "b": [1, (2, 3), {"c": None}]}
    parts = parts_of(value, protocol=data.draw(st.sampled_from([2, 4])))
    pickled = bytearray(parts["data.pkl"])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(pickled) - 1))
        pickled[place] = data.draw(st.integers(0, 255) | st.sampled_from(b"RQbtsua(0."))
    path = write_parts(folder / "damage.pth", {**parts, "data.pkl": bytes(pickled)})
    with contextlib.suppress(errors.DataError):
        torch_files.read(path)


def test_a_truncated_file_says_to_get_it_again(folder, whole):
    path = folder / "truncated.pth"
    path.write_bytes(whole[:-30])
    with pytest.raises(errors.DataError, match="not copied whole; get it again"):
        torch_files.read(path)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"something else", r"starts with b'somethin', which no .* Allowed: check"),
        (b"\x80\x02}.", "is a pickle that torch.save did not write. Allowed: check"),
        (bytes([1] * 257) + b"ustar", "is a tar archive; unpack it"),
    ],
)
def test_what_is_no_checkpoint_says_what_is(folder, start, message):
    path = folder / "other.pth"
    path.write_bytes(start)
    with pytest.raises(errors.DataError, match=message):
        torch_files.read(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "is a folder, not a file"), ("absent.pth", "does not exist")],
)
def test_what_is_no_file_is_named(folder, name, message):
    with pytest.raises(errors.DataError, match=message):
        torch_files.read(folder / name)


def test_the_same_state_makes_the_same_bytes(tmp_path):
    state = {"a": np.arange(6.0).reshape(2, 3), "b": np.asarray(3)}
    for name in ("one.pth", "two.pth"):
        torch_files.write(tmp_path / "new" / name, state)
    one, two = sorted((tmp_path / "new").iterdir())
    assert one.read_bytes() == two.read_bytes()


def test_layout_in_memory_does_not_matter(tmp_path):
    array = np.arange(24, dtype=">f4").reshape(2, 3, 4).transpose(2, 0, 1)
    torch_files.write(tmp_path / "a.pth", {"a": array})
    np.testing.assert_array_equal(torch_files.read(tmp_path / "a.pth")["a"], array)


def test_a_dtype_that_torch_lacks_is_named(tmp_path):
    with pytest.raises(errors.BadValueError, match="dtype of a: got complex128"):
        torch_files.write(tmp_path / "a.pth", {"a": np.zeros(2, complex)})
    assert not (tmp_path / "a.pth").exists()
