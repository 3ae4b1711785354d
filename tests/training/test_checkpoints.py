"""Checkpoints are written whole, beside the training, or their failure is told."""

import os
import signal
import subprocess
import sys
import threading

import jax
import numpy as np
import pytest
from etils import epath
from training_states import state_at

from rclicks_jax import errors
from rclicks_jax.settings import training
from rclicks_jax.training import checkpoints, devices, orbax_noise


@pytest.fixture
def keeper(tmp_path):
    opened = checkpoints.Checkpoints(epath.Path(tmp_path), training.TrainConfig())
    yield opened
    opened.close()


def steps_in(folder):
    return sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit())


def test_the_latest_and_the_best_are_kept(keeper, tmp_path):
    for step, sim in ((1, 0.2), (2, 0.9), (3, None), (4, 0.5), (5, None)):
        keeper.save(state_at(step), None if sim is None else {"sim": sim})
        keeper.wait()
    assert steps_in(tmp_path / "checkpoints") == [2, 5]
    latest = keeper.restore_latest(state_at(0))
    assert latest.params["w"].tolist() == [5, 5, 5]
    best, metrics = keeper.restore_best(state_at(0))
    assert best.averaged["params"]["w"].tolist() == [2, 2, 2]
    assert metrics["sim"] == 0.9


def test_an_empty_folder_has_no_latest(keeper):
    assert keeper.restore_latest(state_at(0)) is None


@pytest.mark.parametrize("when", ["at the next save", "at the wait", "at the end"])
def test_a_full_disk_is_told_with_what_is_kept(tmp_path, monkeypatch, when):
    keeper = checkpoints.Checkpoints(epath.Path(tmp_path), training.TrainConfig())
    keeper.save(state_at(1), {"sim": 0.1})
    keeper.wait()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeper._manager, "save", full)
    keeper.save(state_at(2), {"sim": 0.2})
    told = {
        "at the next save": lambda: keeper.save(state_at(3), None),
        "at the wait": keeper.wait,
        "at the end": keeper.close,
    }
    with pytest.raises(errors.TrainingError, match=r"No space left.*Others: 1\."):
        told[when]()
    # Once is enough.
    keeper.close()
    assert steps_in(tmp_path / "checkpoints") == [1]


def test_a_training_waits_for_the_checkpoint_before_alone(keeper, monkeypatch):
    may_write, may_go_on = threading.Event(), threading.Event()
    write, begun = keeper._manager.save, []

    def slow(step, **arguments):
        begun.append((step, threading.current_thread() is threading.main_thread()))
        assert may_write.wait(30)
        return write(step, **arguments)

    monkeypatch.setattr(keeper._manager, "save", slow)
    # Returns though nothing may be written yet.
    keeper.save(state_at(1), {"sim": 0.1})

    def save_another():
        keeper.save(state_at(2), {"sim": 0.2})
        may_go_on.set()

    training_thread = threading.Thread(target=save_another)
    training_thread.start()
    assert not may_go_on.wait(0.2)
    may_write.set()
    assert may_go_on.wait(30)
    training_thread.join()
    keeper.wait()
    assert begun == [(1, False), (2, False)]
    assert int(keeper.restore_latest(state_at(0)).step) == 2


def test_what_was_saved_is_the_state_of_then(keeper, monkeypatch):
    may_write = threading.Event()
    to_host = checkpoints.devices.to_host

    def slow(tree):
        assert may_write.wait(30)
        return to_host(tree)

    monkeypatch.setattr(checkpoints.devices, "to_host", slow)
    add = devices.parallel_train_step(
        lambda state, batch, key: (jax.tree.map(lambda leaf: leaf + 1, state), key)
    )
    first = devices.replicate(state_at(1))
    keeper.save(first, {"sim": 0.1})
    batch = np.zeros((jax.local_device_count(), 1))
    second, _ = add(first, batch, jax.random.key(0))
    jax.block_until_ready(second)
    may_write.set()
    keeper.wait()
    assert int(second.step) == 2
    saved = keeper.restore_latest(state_at(0))
    assert int(saved.step) == 1
    assert saved.params["w"].tolist() == [1, 1, 1]


KILLED_WHILE_SAVING = """
import os, signal, sys
from etils import epath
from training_states import state_at
from rclicks_jax.settings import training
from rclicks_jax.training import checkpoints
keeper = checkpoints.Checkpoints(epath.Path(sys.argv[1]), training.TrainConfig())
for step in (1, 2):
    keeper.save(state_at(step), {"sim": 0.1 * step})
    keeper.wait()
rename = os.rename
def killed(source, target):
    if "checkpoint-tmp" in str(source) and str(target).endswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return rename(source, target)
os.rename = killed
keeper.save(state_at(3), {"sim": 0.3})
keeper.wait()
raise SystemExit("not killed")
"""


def run_beside(program, *arguments):
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_one_that_was_killed_while_saving_leaves_the_checkpoint_before(tmp_path):
    done = run_beside(KILLED_WHILE_SAVING, tmp_path, "3")
    assert done.returncode == -signal.SIGKILL, done.stderr
    folder = tmp_path / "checkpoints"
    half = [path for path in folder.iterdir() if not path.name.isdigit()]
    assert len(half) == 1
    assert any(path.is_file() for path in half[0].rglob("*"))
    again = checkpoints.Checkpoints(epath.Path(tmp_path), training.TrainConfig())
    latest = again.restore_latest(state_at(0))
    assert int(latest.step) == 2
    assert latest.params["w"].tolist() == [2, 2, 2]
    # Half a checkpoint is as large as a whole one, and is removed.
    again.save(state_at(3), {"sim": 0.3})
    again.close()
    assert [path.name for path in folder.iterdir()] == ["3"]


SAVE_BEYOND_A_LIMIT = """
import resource, signal, sys
from etils import epath
from training_states import state_at
from rclicks_jax import errors
from rclicks_jax.settings import training
from rclicks_jax.training import checkpoints
import numpy as np
keeper = checkpoints.Checkpoints(epath.Path(sys.argv[1]), training.TrainConfig())
many = {f"w{i}": np.random.default_rng(i).normal(size=30000) for i in range(20)}
state = state_at(1).replace(params=many)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))
try:
    keeper.save(state, {"sim": 0.1})
    keeper.wait()
except errors.TrainingError as error:
    print("told", error)
"""


def test_what_cannot_be_written_is_told_once(tmp_path):
    done = run_beside(SAVE_BEYOND_A_LIMIT, tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("told A checkpoint in")
    assert "File too large. Others: none." in done.stdout
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


def test_why_it_cannot_be_written_is_few_words():
    long = ValueError(
        "RESOURCE_EXHAUSTED: Error in OCDBT: No space left on device [{}]"
    )
    assert orbax_noise.reason(long) == "No space left on device"
    assert orbax_noise.reason(ValueError("it is cut")) == "it is cut"
