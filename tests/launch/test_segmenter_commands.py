"""rclicks-segmenters as users start it."""

import pathlib

import pytest
from started import forked

ADAPTER = """
import numpy as np
def load(options): return options
def encode(model, image): return image.shape[:2]
def predict(model, shape, clicks, state):
    masks = np.zeros((len(clicks.count), *shape), {kind})
    for mask, yx in zip(masks, clicks.yx):
        mask[tuple(yx[0])] = 1
    return masks, state
"""


def run(*arguments, **environment):
    return forked("segmenters", *arguments, **environment)


def test_the_list_has_own_ones_and_those_of_the_paper():
    done = run("list")
    assert done.returncode == 0, done.stderr
    assert "random_walker" in done.stdout
    assert "cfr_icl              CC BY-NC 4.0" in done.stdout


def test_one_is_shown():
    done = run("show", "gpcis")
    assert done.returncode == 0, done.stderr
    assert "TETRIS 3.87 ± 0.79" in done.stdout


def test_options_of_own_segmenters_are_shown():
    done = run("show", "grabcut")
    assert done.returncode == 0, done.stderr
    assert (
        "Options\n  longest_side  Longest side of the shrunken photograph, pixels"
        in (done.stdout)
    )
    assert "default: 256" in done.stdout


def test_an_environment_is_shown_before_it_is_made(tmp_path):
    done = run(
        "env", "sam2", "--dry_run", "--wheels=cpu", "--pin=torch==2.13.0,numpy<3",
        f"--dir={tmp_path}/mine", RCLICKS_CACHE=str(tmp_path),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"-m venv {tmp_path}/mine" in done.stdout
    assert "torch==2.13.0 'numpy<3'" in done.stdout
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "got none; allowed: list, show NAME, env NAME, or check SPEC"),
        (("list", "sam"), "got list sam"),
        (("show",), "got show"),
        (("show", "magic"), "Unknown segmenter 'magic'"),
        (("env", "random_walker"), "runs in this process and needs no environment"),
        (("env", "sam", "--dry_run", "--wheels=gpu"), "--wheels: got 'gpu'"),
        (("check", "sam:checkpiont=x"), "'checkpiont'. Do you mean checkpoint"),
        (("check", "noisy", "--protocol=loose"), "'loose'. Known: paper, strict"),
        (("show", "sam3"), "Do you mean sam or sam2? Known: "),
        (("list", "--seed=1"), "Flags of list: got --seed, which `check` takes"),
        (("show", "sam", "--pin=a==1"), "got --pin, which `env` takes; allowed: none"),
        (("check", "sam", "--dry_run"), "`env` takes; allowed: --seed, --large"),
        (("env", "sam", "--large"), "Flags of env: got --large, which `check` takes"),
    ],
)
def test_mistakes_are_one_message_and_no_traceback(arguments, message):
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("kind", "status"), [("bool", 0), ("np.float32", 1)])
def test_a_check_is_a_status(tmp_path, kind, status):
    path = pathlib.Path(tmp_path / "mine.py")
    path.write_text(ADAPTER.format(kind=kind))
    done = run("check", str(path))
    assert done.returncode == status, done.stdout + done.stderr
    assert ("failed" in done.stdout.split(",")[0]) == bool(status) or "0 failed" in (
        done.stdout
    )
