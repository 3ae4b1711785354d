"""What a file, a flag, the network or a device refuses is a sentence and a status."""

import errno
import os
import pathlib
import subprocess
import sys

import compiled
import jax
import pytest
from faults import every_fault
from helpers import make_folder
from rclicks_jax.launch import faults
from started import command, forked, run

from rclicks_jax import errors, files
from rclicks_jax.networks import clickability, convert
from rclicks_jax.settings import networks
from rclicks_jax.weights import torch_files

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SMOKE = f"--config={ROOT / 'configs' / 'benchmark.py'}:smoke"


@pytest.mark.long
def test_whatever_fails_in_a_benchmark_is_a_sentence_and_can_be_repeated(tmp_path):
    make_folder(tmp_path / "data" / "mine", ("a",))
    wrong, tried = every_fault(
        tmp_path, 5, "usual", "benchmark", SMOKE, "--data=folder:{data}/mine",
        "--workdir={out}",
    )  # fmt: skip
    assert not wrong
    assert tried >= 8


@pytest.mark.long
def test_whatever_fails_in_a_conversion_is_a_sentence(tmp_path):
    (tmp_path / "data").mkdir()
    variables = clickability.init_variables(networks.network("nano"), 0)
    torch_files.write(tmp_path / "data" / "a.pth", convert.to_torch(variables))
    wrong, tried = every_fault(
        tmp_path, 2, "usual", "convert", "--checkpoint={data}/a.pth", "--out={out}",
        "--data=nothing",
    )  # fmt: skip
    assert not wrong
    assert tried >= 3


def refused(*arguments, start=forked, **environment):
    """Runs a command that cannot work; returns what it said."""
    done = start(*arguments, **environment)
    assert done.returncode not in (0, 1), done.stderr
    assert "error: " in done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_devices_that_are_not_there_are_named_with_the_way_to_them(tmp_path):
    said = refused(
        "benchmark", SMOKE, "--data=sample", f"--workdir={tmp_path}",
        start=run, JAX_PLATFORMS="cuda",
    )  # fmt: skip
    assert "JAX_PLATFORMS=cuda" in said
    assert "rclicks-jax[cuda]" in said


def test_segmenters_without_a_name_are_refused(tmp_path):
    said = refused("benchmark", SMOKE, "--segmenters=,", f"--workdir={tmp_path}")
    assert "got ','; allowed: one or more" in said


@pytest.mark.parametrize("coordinator", ["nonsense", "auto"])
def test_a_coordinator_that_is_none_is_refused(coordinator):
    said = refused(
        "click_maps", "--model=DT", "--data=sample", "--out=x",
        f"--coordinator={coordinator}", "--process_count=2", "--process_id=0",
    )  # fmt: skip
    assert "--coordinator: got" in said


def test_without_a_home_folder_only_what_needs_the_cache_is_refused(tmp_path):
    make_folder(tmp_path / "mine", ("a",))
    kept = ("RCLICKS_CACHE", "HOME", "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR")
    environment = {k: v for k, v in os.environ.items() if k not in kept}
    # A user whom this machine does not know, as containers have them.
    code = (
        "import pwd, sys\n"
        "def unknown(number): raise KeyError(number)\n"
        "pwd.getpwuid = unknown\n"
        "from rclicks_jax.launch import data, segmenters\n"
        "{}.run()"
    )
    first, second = (
        subprocess.run(
            [sys.executable, "-c", code.format(name), *arguments],
            capture_output=True,
            text=True,
            env={**environment, "XLA_FLAGS": compiled.flags()},
        )
        for name, *arguments in (
            ("segmenters", "list"),
            ("data", "prepare", f"folder:{tmp_path / 'mine'}"),
        )
    )
    assert first.returncode == 0, first.stderr
    assert second.returncode == 2
    said = second.stderr.splitlines()[-1]
    assert said.startswith("error: The cache: got no home folder; allowed: $RCLICKS_C")


def test_output_that_cannot_be_written_is_a_status():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            command("segmenters", "list"), stdout=full, stderr=subprocess.PIPE
        )
    said = done.stderr.decode()
    assert done.returncode == 2, said
    assert "error: No space left on device" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said


def chained(error, cause):
    try:
        raise error from cause
    except type(error) as raised:
        return raised


# As gcsfs has it, which need not be installed.
HttpError = type("HttpError", (Exception,), {"__module__": "gcsfs.retry"})
FULL = OSError(errno.ENOSPC, "No space left on device", "/a/b")


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (errors.DataError("Wrong."), "Wrong."),
        (FULL, "/a/b: No space left on device. Make room there, or choose another"),
        (chained(ValueError("x"), FULL), "/a/b: No space left on device. Make room"),
        (MemoryError(), "The memory is full."),
        (
            HttpError("Forbidden, 403"),
            "A bucket or the network refused: Forbidden, 403.",
        ),
        (
            jax.errors.JaxRuntimeError("UNKNOWN: Gloo AllReduce failed: timed out"),
            "The hosts lost each other while they computed together: UNKNOWN: Gloo",
        ),
        (
            jax.errors.JaxRuntimeError("UNAVAILABLE: failed to connect to all addr"),
            "The hosts lost each other while they computed together: UNAVAILABLE",
        ),
        (
            jax.errors.JaxRuntimeError("ABORTED: Task 1 heartbeat timeout"),
            "The hosts lost each other while they computed together: ABORTED",
        ),
        (OSError(errno.EACCES, "Permission denied", "/etc/x"), "/etc belongs to root"),
        (OSError(errno.ENOENT, "No such file", "a\\b"), "Write / where it has a back"),
    ],
)
def test_errors_are_sentences(error, sentence):
    assert sentence in faults.sentence(error)


def test_a_fault_of_ours_is_none():
    assert faults.sentence(KeyError("x")) is None
    assert faults.sentence(jax.errors.JaxRuntimeError("INTERNAL: a bug")) is None


def test_the_owner_of_a_folder_is_named(tmp_path):
    if os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 1, 1)
    error = OSError(errno.EACCES, "Permission denied", f"{tmp_path}/theirs/index.json")
    assert f"{tmp_path}/theirs belongs to daemon: ask" in files.explain(error)


def test_an_interrupt_is_a_status(tmp_path):
    code = (
        "import sys; from rclicks_jax.launch import commands\n"
        "def main(arguments): raise KeyboardInterrupt\n"
        "commands.run(main, 'usage')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 130
    assert done.stderr == "Interrupted; the same command goes on.\n"


def test_a_cache_that_refuses_is_named_with_the_way_to_another(tmp_path, monkeypatch):
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))
    hint = "$RCLICKS_CACHE names another folder for the cache."
    for place, told in (("cache/models/toy", True), ("cache2/models", False)):
        error = OSError(errno.EROFS, "Read-only file system", str(tmp_path / place))
        said = faults.sentence(error)
        assert said is not None
        assert said.startswith(f"{tmp_path / place}: Read-only file system.")
        assert (hint in said) == told
