r"""rclicks-convert: published weights to model folders, and back.

  rclicks-convert --checkpoint=clickability_model.pth --out=models/clickability
  rclicks-convert --model=models/clickability --out=clickability_model.pth
  rclicks-convert --checkpoint=model.safetensors --out=new.pth

Checkpoints are files of PyTorch of any age, or safetensors. The last form rewrites the
tensors of one as a zip file of PyTorch. --torch_python=ENV/bin/python lets an
environment that has PyTorch read what is not read here.
"""

from collections.abc import Sequence

from absl import flags
from rclicks_jax.launch import commands, flag_helpers

from rclicks_jax import errors
from rclicks_jax.settings.training import TrainConfig

_CHECKPOINT = flags.DEFINE_string(
    "checkpoint", "", "Checkpoint of PyTorch or of safetensors that is read."
)
_MODEL = flags.DEFINE_string("model", "", "Model folder that is read.")
_OUT = flags.DEFINE_string(
    "out",
    None,
    "What is written: a model folder, or a checkpoint that ends in .pth.",
    required=True,
)
_SIZE = flags.DEFINE_integer(
    "size",
    TrainConfig.size,
    "Side of the squares that the network was trained on, in pixels.",
)
_SIGMA = flags.DEFINE_float(
    "sigma",
    TrainConfig.sigma,
    "Sigma of the click maps that the network was trained on, in pixels of a 1920x1080 "
    "image.",
)
_DATA = flags.DEFINE_string(
    "data",
    "",
    "What the network was trained on, in words, for its card. Not needed for the "
    "published weights.",
)
_TORCH_PYTHON = flags.DEFINE_string(
    "torch_python",
    "",
    "Interpreter that has PyTorch, for checkpoints that are not read here.",
)


def main(arguments: Sequence[str]) -> None:
    """Converts what the flags name, and says what was written."""
    flag_helpers.expect_no_arguments(arguments)
    checkpoint, model, out = _CHECKPOINT.value, _MODEL.value, _OUT.value
    if bool(checkpoint) == bool(model):
        both = f"--checkpoint={checkpoint} and --model={model}"
        raise errors.BadValueError("What to convert", both, "one of the two")
    # Readers of weights take seconds to import, which wrong flags are refused without.
    from rclicks_jax.networks import exchange
    from rclicks_jax.weights import torch_files

    if model:
        print(f"Checkpoint: {out}, {exchange.export_model(model, out)} keys")
    elif out.endswith(torch_files.SUFFIX):
        count = exchange.rewrite(checkpoint, out, _TORCH_PYTHON.value)
        print(f"Checkpoint: {out}, {count} keys")
    else:
        card = exchange.import_checkpoint(
            checkpoint,
            out,
            size=_SIZE.value,
            sigma=_SIGMA.value,
            data=_DATA.value,
            torch_python=_TORCH_PYTHON.value,
        )
        print(f"Model: {out}, variant {card.network.variant}, SHA-256 {card.checksum}")


def run() -> None:
    """Entry point of the command."""
    commands.run(main, __doc__ or "")


if __name__ == "__main__":
    run()
