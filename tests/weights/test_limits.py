"""Files that were made to fill memory or to run for ever: each has its sentence."""

import json
import pathlib
import resource
import struct
import time
import zipfile

import numpy as np
import pickle_opcodes as op
import pytest
from checkpoint_files import parts_of, save, tensor, write_parts

from rclicks_jax import errors
from rclicks_jax.weights import foreign, limits, torch_files

MEMORY = 512 << 20
BYTES = b"".join(bytes([number]) for number in range(24))


@pytest.fixture(autouse=True)
def little_memory_and_time():
    """Lets a test have some memory more than there is now, and a few seconds."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = pages * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, before[1]))
    start = time.process_time()
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)
    assert time.process_time() - start < 5


def refused(path, *opcodes, message, **storages):
    """Asserts that a checkpoint of these opcodes is refused."""
    parts = {**parts_of({}), "data.pkl": op.pickled(*opcodes)}
    parts |= {f"data/{key}": data for key, data in storages.items()}
    with pytest.raises(errors.DataError, match=message):
        torch_files.read(write_parts(path / "bomb.pth", parts))


def lowered(monkeypatch, name, most):
    limit = limits.Limit(getattr(limits, name).what, most)
    monkeypatch.setattr(limits, name, limit)


LIST_OF_ITSELF = op.LIST + op.put(0) + op.get(0) + b"a"


@pytest.mark.parametrize(
    ("opcodes", "message"),
    [
        (op.LIST + b"\x85" * 101, "levels of nesting: 101; at most 100 are read"),
        (op.LIST * 200 + b"a" * 199, "levels of nesting"),
        (LIST_OF_ITSELF, "a list in it contains itself"),
        (op.DICT + op.put(0) + op.items(("a", op.get(0))), "a dict in it contains"),
        (
            op.LIST + op.put(0) + op.get(0) + b"\x85" + b"a",
            "a list in it contains itself",
        ),
        (
            op.name("a", "B") + op.put(0) + op.items(("a", op.get(0))),
            "a Placeholder in it contains itself",
        ),
        (b"\x8a\xff" + b"\x01" * 255, "bits of a whole number: 2033; at most 512"),
        (b"\x8b" + struct.pack("<i", 2**31 - 1), "damaged"),
        (b"\x8d" + struct.pack("<Q", 2**62) + b"a", "damaged"),
        (b"\x8d" + struct.pack("<Q", 2**64 - 1) + b"a", "damaged"),
        (b"\x8e" + struct.pack("<Q", 2**62) + b"a", "damaged"),
        (b"X" + struct.pack("<I", 2**32 - 1) + b"a", "damaged"),
        (op.DICT + op.long(1 << 61) + op.NONE + b"s", "a int as a key"),
        (op.DICT + op.tuple_of(*[op.number(1)] * 17) + op.NONE + b"s", "a tuple as a"),
        (op.DICT + op.tuple_of(op.TUPLE_0) + op.NONE + b"s", "a tuple as a key"),
    ],
)
def test_what_would_never_end_is_refused(tmp_path, opcodes, message):
    refused(tmp_path, opcodes, message=message)


def test_shared_parts_are_looked_at_once(tmp_path):
    # 2^60 lists for whoever looks at each again.
    parts = {**parts_of({}), "data.pkl": op.pickled(op.LIST + b"2\x86" * 60)}
    path = write_parts(tmp_path / "shared.pth", parts)
    assert len(torch_files.read(path)) == 2
    with pytest.raises(errors.DataError, match="holds a tuple of no tensors"):
        foreign.load(path)


@pytest.mark.parametrize(
    ("limit", "opcodes", "message"),
    [
        ("OPCODES", op.DICT * 301, "opcodes of its pickle: 301; at most 300 are read"),
        (
            "OPCODES",
            op.LIST
            + op.MARK
            + op.number(7) * 150
            + op.APPENDS
            + op.put(0)
            + (op.name("builtins", "set") + op.get(0) + b"\x85" + op.REDUCE) * 3,
            "opcodes of its pickle",
        ),
        ("TEXT", op.text("x" * 301), "bytes of a text: 301; at most 300 are read"),
        ("PICKLE", op.text("x" * 301), "bytes of its pickle: 309; at most 300 are"),
        ("TENSORS", op.tensor("0", 6) * 301, "tensors: 301; at most 300 are read"),
    ],
)
def test_each_limit_has_its_sentence(tmp_path, monkeypatch, limit, opcodes, message):
    lowered(monkeypatch, limit, 300)
    refused(tmp_path, opcodes, message=message, **{"0": BYTES})


FILLED = r"bytes that its tensors would fill, as views of a file of \d+ bytes: "


def test_a_view_that_repeats_a_number_is_refused(tmp_path):
    wide = op.tensor("0", 6, shape=(1 << 20, 1 << 20), strides=(0, 0))
    refused(tmp_path, wide, message=FILLED + "4398046511104; ", **{"0": BYTES})


def test_many_views_of_the_same_numbers_are_refused(tmp_path):
    numbers = bytes(1 << 20)
    whole = op.tensor("0", 1 << 18)
    refused(tmp_path, whole * 26, message=FILLED, **{"0": numbers})


def test_weights_that_are_tied_are_read(tmp_path):
    arrays = {"a": tensor(np.zeros(1 << 20, np.float32))}
    tied = {**arrays, "b": arrays["a"], "c": arrays["a"]}
    assert list(foreign.load(save(tmp_path / "tied.pth", tied))) == ["a", "b", "c"]


def zip_of(path, names, **changes):
    """Writes a zip file of empty parts, and changes its list of parts."""
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(len(names)):
            archive.writestr(str(number), b"")
        for info, name in zip(archive.infolist(), names, strict=True):
            info.filename = info.orig_filename = name
            for key, value in changes.items():
                setattr(info, key, value)
    return path


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a/data.pkl", "a/data.pkl", "a/version"], "1 parts twice, the first a/data"),
        (["/a/data.pkl"], "its part /a/data.pkl leads out of it"),
        (["a/../data.pkl"], "leads out of it"),
        (["a\\data.pkl"], "leads out of it"),
        (["a/data.pkl", "a/constants.pkl"], "is a program of TorchScript"),
        (["a/data.pkl", "b/data.pkl"], "data.pkl is there 2 times"),
        (["sam/vit_b.pth", "readme"], r"1 checkpoints in it, the first sam/vit_b\.pth"),
        (["x"], "no checkpoint of PyTorch: data.pkl is there 0 times"),
    ],
)
def test_archives_of_other_kinds_are_named(tmp_path, names, message):
    with pytest.raises(errors.DataError, match=message):
        torch_files.read(zip_of(tmp_path / "other.pth", names))


@pytest.mark.parametrize(
    "sizes",
    [
        {"file_size": 1 << 40, "compress_size": 1 << 40},
        {"file_size": 1 << 40},
        {"compress_size": 1},
    ],
)
def test_sizes_of_parts_that_lie_are_seen(tmp_path, sizes):
    path = zip_of(tmp_path / "lies.pth", ["a/data.pkl"], **sizes)
    with pytest.raises(errors.DataError, match="compressed or overlap"):
        torch_files.read(path)


def test_a_list_of_too_many_parts_is_not_read(tmp_path, monkeypatch):
    lowered(monkeypatch, "DIRECTORY", 300)
    path = zip_of(tmp_path / "many.pth", [f"a/{number}" for number in range(9)])
    with pytest.raises(errors.DataError, match="bytes of its table of contents: "):
        torch_files.read(path)


def test_headers_of_the_hub_have_a_limit(tmp_path, monkeypatch):
    lowered(monkeypatch, "HEADER", 300)
    header = json.dumps({"__metadata__": {"a": "x" * 300}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(errors.DataError, match="bytes of its header: 327; at most 300"):
        foreign.load(path)
    path = tmp_path / "model.safetensors.index.json"
    path.write_bytes(header)
    with pytest.raises(errors.DataError, match="bytes of its header: 327; at most 300"):
        foreign.load(path)


def test_published_files_stay_far_below():
    # SAM-H: 594 tensors of some 45 opcodes and 150 bytes.
    assert limits.OPCODES.most > 20 * 594 * 45
    assert limits.PICKLE.most > 100 * 594 * 150
