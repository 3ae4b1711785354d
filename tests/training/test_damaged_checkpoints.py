"""Checkpoints that are damaged, incomplete or another are told, and never restored."""

import json
import shutil

import jax
import numpy as np
import pytest
from etils import epath
from training_states import state_at

from rclicks_jax import errors
from rclicks_jax.settings import training
from rclicks_jax.training import checkpoints


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
@pytest.mark.long
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
