"""How a worker starts, in this language and another, and what it says if it cannot."""

import contextlib
import os
import shutil
import sys

import numpy as np
import pytest
from bridged import ADAPTER, play

from rclicks_jax import errors
from rclicks_jax.bridge import switches
from rclicks_jax.segmenters import load


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bridge:adapter=/no/such.py", r"cannot import its adapter[\s\S]*/no/such.py"),
        ("bridge:adapter=nothing", "No module named"),
        ("bridge:adapter={adapter}:python=/no/python", "Give the interpreter"),
        ("bridge:adapter={adapter}:broken=1", "no such checkpoint"),
        ("bridge:adapter={adapter}:loading=die", r"load its model.*exit status 4"),
        ("bridge:adapter={adapter}:loading=hang:timeout=3", "did not answer in time"),
        ("bridge:adapter={adapter}:python=/bin/true", "did not start"),
        ("bridge:adapter={adapter}:python=/usr", "is not a program. Give the inter"),
        ("bridge:adapter={adapter}:timeout=soon", "Option timeout: got 'soon'"),
        ("bridge:adapter={adapter}:timeout=inf", "Option timeout: got 'inf'"),
        ("bridge:adapter={adapter}:workers=nan", "Option workers: got 'nan'"),
        ("bridge:adapter={adapter}:workers=0.5", "workers: got '0.5'.*whole number"),
        ("bridge:adapter={adapter}:recycle=1.5", "recycle: got '1.5'.*whole number"),
        ("bridge:adapter={adapter}:devices=0:workers=2", "one of devices and workers"),
        ("bridge", "neither; allowed: adapter=FILE.py or command=PROGRAM"),
        ("bridge:adapter={adapter}:command=/bin/true", "A worker: got both; allowed"),
        ("bridge:command=/no/worker", "No worker could be started with /no/worker"),
    ],
)
def test_a_worker_that_does_not_start_says_why(adapter, spec, message):
    with pytest.raises(errors.RClicksError, match=message):
        load.load(spec.format(adapter=adapter))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ('exec {python} -I -S "$@"', "did not start.*\nTrace[\\s\\S]*named 'numpy'"),
        (
            # As Python 3.6 does.
            "echo 'SyntaxError: future feature annotations is not defined' >&2; exit 1",
            r"did not start.*exit status 1\)[\s\S]*annotations is not defined",
        ),
        (
            'echo welcome; exec {python} "$@"',
            "did not start: it sent an invalid frame.*not b'welc'",
        ),
        ("sleep 60", "did not start: it did not answer in time"),
    ],
)
def test_a_wrong_python_says_why(tmp_path, command, message):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{command.format(python=sys.executable)}\n")
    python.chmod(0o755)
    with pytest.raises(errors.SegmenterError, match=message):
        load.load(f"bridge:adapter={ADAPTER}:python={python}:timeout=3")


def test_a_missing_package_is_named(tmp_path):
    path = tmp_path / "needy.py"
    path.write_text("import no_such_package\n")
    with pytest.raises(errors.SegmenterError, match="named 'no_such_package'"):
        load.load(f"bridge:adapter={path}")


def test_another_version_is_refused(adapter, monkeypatch):
    monkeypatch.setattr("rclicks_jax.bridge.wire.VERSION", 99)
    with pytest.raises(errors.SegmenterError, match=r"speaks version 3.*this side 99"):
        load.load(f"bridge:adapter={adapter}")


@pytest.fixture
def foreign(tmp_path):
    """A worker that has nothing of this project, and is no adapter."""
    shutil.copy(ADAPTER.with_name("foreign_worker.py"), tmp_path / "worker.py")
    program = tmp_path / "worker"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I {program}.py "$@"\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("shape", [(12, 16), (400, 500)])
def test_a_worker_written_from_the_page_answers(foreign, adapter, shape):
    image = np.zeros((*shape, 3), np.uint8)
    answered = play(f"bridge:command={foreign}", image)
    expected = play(f"bridge:adapter={adapter}", image)
    np.testing.assert_array_equal(answered, expected)


def test_a_worker_written_from_the_page_says_why_it_does_not_load(foreign):
    with pytest.raises(errors.SegmenterError, match="its model: it is broken"):
        load.load(f"bridge:command={foreign}:broken=1")


def test_a_worker_of_an_earlier_page_is_refused(foreign):
    script = foreign.with_suffix(".py")
    script.write_text(script.read_text().replace('"version": 3', '"version": 2'))
    with pytest.raises(errors.SegmenterError, match=r"version 2 .*wire_protocol\.md"):
        load.load(f"bridge:command={foreign}")


def test_a_worker_written_from_the_page_is_told_the_protocol(foreign, monkeypatch):
    monkeypatch.setattr(switches, "to_json", lambda _: {"later": True})
    with pytest.raises(errors.SegmenterError, match="other switches than it knows"):
        load.load(f"bridge:command={foreign}")


@pytest.mark.parametrize("versions", ["[]", "null", "3"])
def test_a_worker_may_say_nothing_of_its_versions(foreign, versions):
    told = f'"ok": True, "versions": json.loads({versions!r})}}, None'
    script = foreign.with_suffix(".py")
    script.write_text(script.read_text().replace('"ok": True}, None', told))
    segmenter = load.load(f"bridge:command={foreign}")
    segmenter.close()
    assert segmenter.versions == {}


def test_who_asks_a_question_gets_no_answer(tmp_path):
    path = tmp_path / "curious.py"
    path.write_text(
        "import subprocess\n"
        "def load(options):\n"
        "    assert subprocess.run(['cat'], capture_output=True).stdout == b''\n"
        "    input('Do you trust this repository? ')\n"
        "encode = predict = load\n"
    )
    with pytest.raises(errors.SegmenterError, match="EOFError"):
        load.load(f"bridge:adapter={path}:timeout=20")


def test_descriptors_may_have_any_number(adapter, undisturbed):
    with contextlib.ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(open(os.devnull))
        np.testing.assert_array_equal(play(f"bridge:adapter={adapter}"), undisturbed)


def test_an_adapter_lacks_nothing(tmp_path):
    path = tmp_path / "half.py"
    path.write_text("def load(options): ...")
    with pytest.raises(errors.SegmenterError, match="lacks encode, predict"):
        load.load(f"bridge:adapter={path}")
