"""Our segmenters beside their authors' code, both in float64.

Differences of float32 are mostly roundings, which other tests have to tolerate; here
they are gone. A process of its own computes, since float64 is a setting of all of JAX.
"""

import pathlib
import re
import subprocess
import sys
from typing import NamedTuple

import pytest

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden"
# Of a deviation. Differences are at most 4e-14.
TOLERANCE = 1e-12
# Runs a script after something in a module has become wrong.
MISTAKEN = """
import functools, importlib, pathlib, runpy, sys
import jax
tanh = functools.partial(jax.nn.gelu, approximate=True)
name, attribute, wrong, *sys.argv = sys.argv[1:]
sys.path.insert(0, str(pathlib.Path(sys.argv[0]).parent))
value = tanh if wrong == "tanh" else float(wrong)
setattr(importlib.import_module(name), attribute, value)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class Case(NamedTuple):
    """A method.

    Attributes:
        script: What compares it, `compare_SCRIPT.py`.
        arguments: Arguments of the script after the file.
        rows: Photographs in the file.
        numbers: Differences that a row tells.
    """

    script: str
    arguments: tuple[str, ...]
    rows: int
    numbers: int


CASES = {
    "sam": Case("sam", ("exact",), 2, 2),
    "mobile_sam": Case("sam", ("exact",), 2, 2),
    "sam_hq": Case("sam", ("exact",), 2, 2),
    "sam2": Case("sam2", ("exact",), 2, 2),
    "simpleclick": Case("simpleclick", ("small", "exact"), 1, 1),
    "ritm": Case("ritm", ("small", "exact"), 2, 1),
    "segnext": Case("segnext", ("small", "exact"), 1, 2),
}
# Mistakes that float32 hardly tells from rounding, and others where there are none.
TANH = ("rclicks_jax.networks.layers", "gelu", "tanh")
MISTAKES = [
    ("sam", TANH),
    ("mobile_sam", TANH),
    ("sam_hq", TANH),
    ("sam2", TANH),
    ("simpleclick", TANH),
    ("simpleclick", ("rclicks_jax.networks.simpleclick.pyramid", "_EPSILON", "1e-6")),
    ("segnext", TANH),
    ("ritm", ("rclicks_jax.networks.ritm.weights", "_EPSILON", "1.01e-5")),
]


def compared(method, *mistake):
    """Returns the differences of a method, by photograph, and how much differs else.

    The latter are numbers of pixels, choices and crops, of all photographs.
    """
    case = CASES[method]
    script = str(GOLDEN / f"compare_{case.script}.py")
    file = str(GOLDEN / "float64" / f"{method}.npz")
    before = ("-c", MISTAKEN, *mistake) if mistake else ()
    command = [sys.executable, *before, script, file, *case.arguments]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert printed.returncode == 0, printed.stderr[-2000:]
    rows = printed.stdout.splitlines()
    assert len(rows) == case.rows, printed.stdout
    differences = [
        [float(each) for each in re.findall(r" (\d\.\de[+-]\d+) ", row)] for row in rows
    ]
    assert [len(row) for row in differences] == [case.numbers] * case.rows, rows
    counts = re.findall(r" (\d+) of |\((\d+) others\)", printed.stdout)
    others = [int(pixels or crops) for pixels, crops in counts]
    assert len(others) >= case.rows, rows
    return differences, [*others, printed.stdout.count("OTHERS")]


@pytest.mark.long
@pytest.mark.parametrize("method", CASES)
def test_all_clicks_are_answered_as_by_the_authors(method):
    differences, others = compared(method)
    assert max(map(max, differences)) < TOLERANCE, differences
    assert not any(others), others


@pytest.mark.long
@pytest.mark.parametrize(
    ("method", "mistake"),
    MISTAKES,
    ids=[f"{name}-{each[1]}" for name, each in MISTAKES],
)
def test_a_mistake_shows_by_more_than_a_hundred_tolerances(method, mistake):
    differences, _ = compared(method, *mistake)
    for row in differences:
        assert max(row) > 100 * TOLERANCE, differences
