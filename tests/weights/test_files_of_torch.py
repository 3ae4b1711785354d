"""Files that PyTorch itself wrote, in both layouts."""

import os
import pathlib
import subprocess

import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.weights import foreign, torch_files

pytestmark = pytest.mark.torch
ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYOUTS = ("", "_legacy")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A folder of checkpoints that PyTorch wrote."""
    python = os.environ.get("RCLICKS_TORCH_PYTHON")
    if not python:
        pytest.skip("RCLICKS_TORCH_PYTHON names no interpreter with PyTorch")
    folder = tmp_path_factory.mktemp("of_torch")
    program = ROOT / "adapters" / "save_checkpoints.py"
    subprocess.run([python, program, folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["flat", "with_config", "easy", "wrapped"])
def test_a_state_dict_is_read_bit_for_bit(written, name, layout):
    checkpoint = foreign.load(written / f"{name}{layout}.pth")
    expected = np.load(written / "state.npz", allow_pickle=False)
    assert list(checkpoint) == list(expected)
    for key, array in expected.items():
        assert checkpoint[key].dtype == array.dtype
        assert checkpoint[key].tobytes() == array.tobytes()
        assert checkpoint[key].shape == array.shape


@pytest.mark.parametrize("layout", LAYOUTS)
def test_classes_that_were_not_read_are_named(written, layout):
    dropped = foreign.load(written / f"with_config{layout}.pth").dropped
    assert {name.rpartition(".")[2] for name in dropped} >= {
        *("Loss", "CrossEntropyLoss", "EasyDict", "BCELoss", "PosixPath"),
        *("defaultdict", "device", "Size", "float32", "scalar", "_reconstruct"),
    }
    found = torch_files.read(written / f"with_config{layout}.pth")["config"]
    assert found["sets"] == [{1, 2, "x"}, {1}]
    assert not found["loss"].items


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_dtype_and_view_is_read(written, layout):
    checkpoint = dict(foreign.load(written / f"dtypes{layout}.pth"))
    half = checkpoint.pop("bfloat16")
    assert (half.dtype.name, half.tolist()) == ("bfloat16", [1, 1])
    expected = np.load(written / "dtypes.npz", allow_pickle=False)
    assert list(checkpoint) == list(expected)
    for key, array in expected.items():
        assert checkpoint[key].dtype == array.dtype, key
        np.testing.assert_array_equal(checkpoint[key], array, err_msg=key)
    assert np.shares_memory(checkpoint["whole"], checkpoint["turned"])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("whole_model", r"an object of the class .*Sequential instead of a state dict"),
        (
            "model_inside",
            r"an object of the class .*Sequential instead of a state dict",
        ),
        ("sparse", r"no tensors are 1: b \(an object of .*_rebuild_sparse_tensor\)"),
    ],
)
def test_what_holds_no_state_dict_is_named(written, name, layout, message):
    with pytest.raises(errors.DataError, match=message):
        foreign.load(written / f"{name}{layout}.pth")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_half_a_file_says_to_get_it_again(written, layout, tmp_path):
    whole = (written / f"flat{layout}.pth").read_bytes()
    path = tmp_path / "half.pth"
    for share in (0.25, 0.5, 0.75, 0.99):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(errors.DataError, match=r"half\.pth is damaged or was not"):
            foreign.load(path)
