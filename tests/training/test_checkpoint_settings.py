"""Trainings go on with the settings of their checkpoints alone."""

import pytest
from etils import epath
from training_states import state_at

from rclicks_jax import errors
from rclicks_jax.settings import training
from rclicks_jax.training import checkpoints


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
