"""The script for TPU pods, with a gcloud that writes down what it is asked."""

import os
import pathlib
import subprocess

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "launch" / "tpu_pod.sh"
GCLOUD = """#!/usr/bin/env bash
printf '%s|' "${@//$'\\n'/ }" >>"$CALLS"; echo >>"$CALLS"
case "$*" in
  *describe*) cat "$STATE" ;;
  *ssh*rclicks-train*)
    if [ -s "$FAILURES" ]; then sed -i 1d "$FAILURES"; exit 1; fi ;;
esac
"""


@pytest.fixture
def pod(tmp_path):
    gcloud = tmp_path / "bin" / "gcloud"
    gcloud.parent.mkdir()
    gcloud.write_text(GCLOUD)
    gcloud.chmod(0o755)
    names = {name: tmp_path / name for name in ("CALLS", "STATE", "FAILURES")}
    for path in names.values():
        path.write_text("")

    def call(*arguments, state="READY", failures=0):
        names["STATE"].write_text(state)
        names["FAILURES"].write_text("x\n" * failures)
        done = subprocess.run(
            [SCRIPT, *arguments],
            env={
                **os.environ,
                **{name: str(path) for name, path in names.items()},
                "PATH": f"{gcloud.parent}:{os.environ['PATH']}",
                "TPU": "clicks",
                "ZONE": "us-central2-b",
                "ACCELERATOR": "v4-32",
                "RETRY_SECONDS": "0",
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done, names["CALLS"].read_text().splitlines()

    return call


TRAIN = ("rclicks-train", "--data=TETRIS:gs://b/data dir", "--workdir=gs://b/run")


def test_a_command_runs_on_all_hosts_and_finds_the_others(pod):
    done, (call,) = pod("run", *TRAIN)
    assert done.returncode == 0
    assert "|--worker=all|" in call
    assert r"--data=TETRIS:gs://b/data\ dir" in call
    assert "--coordinator=auto" in call


def test_a_slice_gets_the_package_of_this_checkout(pod):
    done, calls = pod("create")
    assert done.returncode == 0, done.stderr
    assert [call.split("|")[3] for call in calls] == ["create", "scp", "ssh"]
    assert "|--accelerator-type|v4-32|" in calls[0]
    assert "--spot" not in calls[0]


def test_a_slice_that_was_pre_empted_is_made_anew_and_goes_on(pod):
    done, calls = pod("keep", *TRAIN, state="PREEMPTED", failures=2)
    assert done.returncode == 0, done.stderr
    verbs = [call.split("|")[3] for call in calls]
    assert verbs.count("delete") == verbs.count("create") == 2
    commands = [call for call in calls if "rclicks-train" in call]
    assert len(commands) == 3
    assert len(set(commands)) == 1


def test_a_command_that_fails_by_itself_is_not_repeated(pod):
    done, calls = pod("keep", *TRAIN, failures=1)
    assert done.returncode == 1
    assert "not pre-empted" in done.stderr
    assert not [call for call in calls if "|delete|" in call]


def test_without_a_verb_it_explains_itself(pod):
    done, calls = pod()
    assert done.returncode == 2
    assert "tpu_pod.sh create" in done.stderr
    assert not calls
