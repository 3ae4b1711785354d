import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

import jax
import numpy as np
import optax
import pytest
from etils import epath

from rclicks_jax import errors
from rclicks_jax.settings import training
from rclicks_jax.training import checkpoints, devices, orbax_noise, state


def state_at(step):
    variables = {
        "params": {"w": np.full(3, step, np.float32)},
        "batch_stats": {"mean": np.zeros(2, np.float32)},
        "constants": {"bases": np.ones(2, np.float32)},
    }
    fresh = state.create(variables, optax.adam(0.1), averaged=True)
    return fresh.replace(step=np.array(step, np.int32))


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
from test_checkpoints import state_at
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
    places = [*sys.path, str(pathlib.Path(__file__).parent)]
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
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
from test_checkpoints import state_at
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


def test_a_broken_checkpoint_is_named_and_the_one_before_is_used(tmp_path):
    folder = epath.Path(tmp_path)
    first = checkpoints.Checkpoints(folder, training.TrainConfig())
    for step, sim in ((1, 0.9), (2, 0.1)):
        first.save(state_at(step), {"sim": sim})
        first.wait()
    first.close()
    for path in (tmp_path / "checkpoints" / "2" / "state").rglob("*"):
        if path.is_file() and path.stat().st_size:
            path.write_bytes(b"\0" * 10)
    again = checkpoints.Checkpoints(folder, training.TrainConfig())
    with pytest.raises(errors.TrainingError, match=r"step 2 in .*cannot be read"):
        again.restore_latest(state_at(0))
    again.close()
    shutil.rmtree(tmp_path / "checkpoints" / "2")
    mended = checkpoints.Checkpoints(folder, training.TrainConfig())
    assert int(mended.restore_latest(state_at(0)).step) == 1
    mended.close()


def is_used(name):
    """Tells whether every bit of a file of a checkpoint decides what is restored."""
    return name in (
        "check/metadata", "config/metadata", "metrics/metrics", "state/manifest.ocdbt",
    ) or name.startswith("state/d/")  # fmt: skip


def damaged(folder):
    """Flips one bit of one file of a checkpoint after the other.

    Places are shares of a file: what the bits there are may depend on times and on
    random names, but not whether they are used.

    Yields:
        The file's name within the checkpoint, and where.
    """
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name, whole = path.relative_to(folder).as_posix(), path.read_bytes()
        count = 9 if is_used(name) else 1
        for number in range(count):
            place = (2 * number + 1) * len(whole) // (2 * count)
            if name == "config/metadata":
                # The number of worker processes there may change.
                place = whole.index(b'"recipe"') + number
            broken = bytearray(whole)
            broken[place] ^= 1 << number % 8
            path.write_bytes(broken)
            yield name, f"bit {number % 8} of byte {place} of {name}"
        path.write_bytes(whole)


# Orbax leaves calls to a closed loop behind where it gives up.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_flipped_bit_is_restored_in_silence(tmp_path):
    folder = epath.Path(tmp_path)
    first = checkpoints.Checkpoints(folder, training.TrainConfig())
    metrics = {"sim": 0.5, "kld": float("nan")}
    first.save(state_at(1), metrics)
    first.close()
    expected = jax.tree.leaves(state_at(1))
    refused = []
    for name, where in damaged(tmp_path / "checkpoints" / "1"):
        opened = None
        try:
            opened = checkpoints.Checkpoints(folder, training.TrainConfig())
            latest = opened.restore_latest(state_at(0))
            best, found = opened.restore_best(state_at(0))
        except errors.TrainingError as error:
            refused.append(str(error))
        else:
            # What is not used, such as a time, may change.
            assert not is_used(name), where
            for state in (latest, best):
                for ours, leaf in zip(jax.tree.leaves(state), expected, strict=True):
                    np.testing.assert_array_equal(ours, leaf, err_msg=where)
            np.testing.assert_equal(found, metrics, err_msg=where)
        finally:
            if opened is not None:
                opened.close()
    assert len(refused) >= 5 * 9
    for message in refused:
        assert "cannot be" in message or "other settings" in message


def test_changed_numbers_are_not_restored(tmp_path, monkeypatch):
    folder = epath.Path(tmp_path)
    first = checkpoints.Checkpoints(folder, training.TrainConfig())
    first.save(state_at(1), {"sim": 0.5})
    first.close()
    other = checkpoints.Checkpoints(folder, training.TrainConfig())
    restore = other._manager.restore

    def changed(step, args):
        restored = restore(step, args=args)
        if "state" in restored:
            restored["state"].params["w"][0] += 1
        return restored

    monkeypatch.setattr(other._manager, "restore", changed)
    with pytest.raises(errors.TrainingError, match="not those that were saved"):
        other.restore_latest(state_at(0))
    other.close()


def test_a_checkpoint_without_a_checksum_is_read(tmp_path, monkeypatch):
    folder = epath.Path(tmp_path)
    monkeypatch.setattr(checkpoints.Checkpoints, "_check", lambda self, step: {})
    first = checkpoints.Checkpoints(folder, training.TrainConfig())
    first.save(state_at(1), {"sim": 0.5})
    first.close()
    monkeypatch.undo()
    saved = tmp_path / "checkpoints" / "1"
    shutil.rmtree(saved / "check")
    noted = json.loads((saved / "_CHECKPOINT_METADATA").read_text())
    del noted["item_handlers"]["check"]
    (saved / "_CHECKPOINT_METADATA").write_text(json.dumps(noted))
    again = checkpoints.Checkpoints(folder, training.TrainConfig())
    assert int(again.restore_latest(state_at(0)).step) == 1
    assert again.restore_best(state_at(0))[1] == {"sim": 0.5}
    again.close()


@pytest.fixture
def two_steps(tmp_path):
    """Checkpoints of steps 1 and 2, the first of which is the best."""
    opened = checkpoints.Checkpoints(epath.Path(tmp_path), training.TrainConfig())
    for step, metrics in ((1, {"sim": 0.9}), (2, None)):
        opened.save(state_at(step), metrics)
        opened.wait()
    opened.close()
    return tmp_path / "checkpoints"


def test_a_checkpoint_in_the_folder_of_another_step_is_told(two_steps):
    folder = two_steps
    for name in ("state", "check"):
        shutil.rmtree(folder / "2" / name)
        shutil.copytree(folder / "1" / name, folder / "2" / name)
    again = checkpoints.Checkpoints(epath.Path(folder.parent), training.TrainConfig())
    with pytest.raises(errors.TrainingError, match=r"step 2 .* it is that of step 1"):
        again.restore_latest(state_at(0))
    again.close()


def test_a_lost_checksum_is_told(two_steps):
    for step in ("1", "2"):
        shutil.rmtree(two_steps / step / "check")
    again = checkpoints.Checkpoints(
        epath.Path(two_steps.parent), training.TrainConfig()
    )
    with pytest.raises(errors.TrainingError, match=r"step 2 .* its folder check is"):
        again.restore_latest(state_at(0))
    with pytest.raises(errors.TrainingError, match=r"step 1 .* its folder check is"):
        again.restore_best(state_at(0))
    again.close()


def test_lost_metrics_of_the_best_are_told(two_steps):
    shutil.rmtree(two_steps / "1" / "metrics")
    again = checkpoints.Checkpoints(
        epath.Path(two_steps.parent), training.TrainConfig()
    )
    with pytest.raises(errors.TrainingError, match=r"step 1 .* metrics are not those"):
        again.restore_best(state_at(0))
    again.close()


def test_only_settings_that_change_nothing_may_change(tmp_path):
    folder = epath.Path(tmp_path)
    first = checkpoints.Checkpoints(folder, training.TrainConfig())
    first.save(state_at(1), {"sim": 0.1})
    first.close()
    alike = checkpoints.Checkpoints(
        folder, training.TrainConfig(workers=1, save_every=7)
    )
    assert int(alike.restore_latest(state_at(0)).step) == 1
    alike.close()
    other = checkpoints.Checkpoints(folder, training.TrainConfig(recipe="improved"))
    with pytest.raises(errors.TrainingError, match='recipe was "paper"'):
        other.restore_latest(state_at(0))
    other.close()
    parts = checkpoints.Checkpoints(folder, training.TrainConfig(accumulate=2))
    with pytest.raises(errors.TrainingError, match="accumulate was 1 and is 2"):
        parts.restore_latest(state_at(0))
    parts.close()


def saved_with(folder, monkeypatch, *lacking, **more):
    """Saves a checkpoint as a release does that lacks some settings and has others."""
    opened = checkpoints.Checkpoints(epath.Path(folder), training.TrainConfig())
    values = {k: v for k, v in opened._config.items() if k not in lacking}
    monkeypatch.setattr(opened, "_config", {**values, **more})
    opened.save(state_at(1), {"sim": 0.1})
    opened.close()


def test_trainings_of_before_a_setting_go_on_with_its_default(tmp_path, monkeypatch):
    folder = epath.Path(tmp_path)
    saved_with(folder, monkeypatch, "max_side", "architecture")
    same = checkpoints.Checkpoints(folder, training.TrainConfig())
    assert int(same.restore_latest(state_at(0)).step) == 1
    same.close()
    other = checkpoints.Checkpoints(folder, training.TrainConfig(max_side=512))
    with pytest.raises(errors.TrainingError, match="max_side was 0 and is 512"):
        other.restore_latest(state_at(0))
    other.close()


def test_trainings_of_a_release_that_knows_more_are_not_gone_on_with(
    tmp_path, monkeypatch
):
    folder = epath.Path(tmp_path)
    saved_with(folder, monkeypatch, mixup=0.5)
    opened = checkpoints.Checkpoints(folder, training.TrainConfig())
    message = "step 1 .*settings that this release does not have: mixup"
    with pytest.raises(errors.TrainingError, match=message):
        opened.restore_latest(state_at(0))
    opened.close()
