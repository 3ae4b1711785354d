import numpy as np
import pytest
from started import forked

from rclicks_jax.networks import clickability, convert
from rclicks_jax.settings import networks
from rclicks_jax.weights import torch_files


def test_a_checkpoint_becomes_a_model_and_a_checkpoint_again(tmp_path):
    variables = clickability.init_variables(networks.network("nano"), 0)
    state = convert.to_torch(variables)
    torch_files.write(tmp_path / "theirs.pth", state)
    done = forked("convert",
        f"--checkpoint={tmp_path / 'theirs.pth'}", f"--out={tmp_path / 'model'}",
        "--data=nothing",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"Model: {tmp_path / 'model'}, variant nano, SHA-256 " in done.stdout
    back = tmp_path / "back.pth"
    done = forked("convert", f"--model={tmp_path / 'model'}", f"--out={back}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Checkpoint: {back}, {len(state)} keys\n"
    for key, array in torch_files.read(back).items():
        np.testing.assert_array_equal(array, state[key])


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--out=x",), "allowed: one of the two"),
        (("--out=x", "--checkpoint=/no/such.pth"), "/no/such.pth does not exist"),
    ],
)
def test_mistakes_are_one_message_and_no_traceback(flags, message):
    done = forked("convert", *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr
