"""A method both ways: in JAX, and in PyTorch by its authors through the bridge."""

import pathlib
import subprocess
from typing import NamedTuple

TESTS = pathlib.Path(__file__).resolve().parents[1]
SAVE = TESTS / "golden" / "save_checkpoint.py"
# Methods whose checkpoints say what network they are of.
OF_FILES = ("simpleclick", "ritm", "segnext")
# An adapter of the bridge, where packages that no network needs are not installed.
ADAPTER = """import sys
sys.path.insert(0, {folder!r})
import stand_ins
stand_ins.install()
from rclicks_jax.bridge.adapters.{method} import *
"""
# The same of a small network of SAM's family, which no checkpoint can ask for.
SMALL = """
sys.path[:0] = [{golden!r}, {tests!r}]
import save_checkpoint
from rclicks_jax.bridge.adapters import sam as of_sam
from rclicks_jax.bridge.switches import PAPER
def load(options, protocol=PAPER):
    network = save_checkpoint.network_of({method!r}, "small", options["checkout"])
    kind = Model if {method!r} == "sam2" else of_sam.Model
    return kind(network, protocol.drop_mask_prompt)
"""
# What an adapter is given where PyTorch is to be as fast as it can: bfloat16, and parts
# that `torch.compile` makes, which on a CPU only shows that the script works.
COMPILED = """
import functools
import torch

def _compiled(load):
    @functools.wraps(load)
    def loaded(*arguments, **options):
        model = load(*arguments, **options)
        network = model.network
        named = ("image_encoder", "mask_decoder", "sam_mask_decoder")
        parts = [getattr(network, name) for name in named if hasattr(network, name)]
        backend = "inductor" if torch.cuda.is_available() else "eager"
        for part in parts or [network]:
            part.compile(backend=backend)
        return model
    return loaded

def _in_bfloat16(function):
    @functools.wraps(function)
    def called(model, *arguments):
        device = next(model.network.parameters()).device.type
        with torch.autocast(device, torch.bfloat16):
            return function(model, *arguments)
    return called

def _in_float32(predict):
    @functools.wraps(predict)
    def predicted(*arguments):
        answers, state = predict(*arguments)
        return answers.float(), state
    return predicted

load, encode = _compiled(load), _in_bfloat16(encode)
predict = _in_float32(_in_bfloat16(predict))
"""


class Way(NamedTuple):
    """A way to run a method.

    Attributes:
        name: What tables call it.
        spec: The segmenter, as users name it.
    """

    name: str
    spec: str


def ways(
    method: str,
    size: str,
    python: str,
    checkout: str,
    folder: pathlib.Path,
    *,
    compiled: bool = False,
) -> tuple[Way, Way]:
    """Makes both ways of the same seeded weights, in JAX first.

    Args:
        method: sam, sam2, mobile_sam, sam_hq, simpleclick, ritm or segnext.
        size: One of its sizes, as `golden/write_METHOD.py` names it.
        python: An interpreter with PyTorch.
        checkout: The authors' code.
        folder: Where checkpoint and adapter are put; a checkpoint there is used again.
        compiled: Whether both compute in bfloat16, PyTorch with `torch.compile`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint = folder / f"{method}_{size}.pt"
    if not checkpoint.exists():
        command = [python, str(SAVE), method, size, checkout, str(checkpoint)]
        subprocess.run(command, check=True, capture_output=True)
    kind = "compiled" if compiled else "adapter"
    adapter = folder / f"{method}_{size}_{kind}.py"
    code = ADAPTER + (SMALL if size == "small" and method not in OF_FILES else "")
    places = {"folder": TESTS / "adapters", "golden": SAVE.parent, "tests": TESTS}
    given = {name: str(place) for name, place in places.items()}
    code = code.format(method=method, **given)
    adapter.write_text(code + (COMPILED if compiled else ""))
    has_variants = size != "small" and method not in ("sam2", *OF_FILES)
    variant = f":variant={size}" if has_variants else ""
    precision = ":precision=bfloat16" if compiled else ""
    return (
        Way("JAX", f"jax_{method}:checkpoint={checkpoint}{precision}"),
        Way(
            "bridge",
            f"bridge:adapter={adapter}:python={python}:timeout=3000"
            f":checkout={checkout}:checkpoint={checkpoint}{variant}",
        ),
    )
