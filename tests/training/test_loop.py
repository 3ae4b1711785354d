import dataclasses
import json
import os
import signal

import clicked_folders
import jax
import numpy as np
import pytest
import two_convolutions

from rclicks_jax import cache, errors
from rclicks_jax.networks import cards
from rclicks_jax.settings import training
from rclicks_jax.training import (
    checkpoints,
    devices,
    loop,
    preconditions,
    start,
    trainer,
)

pytestmark = pytest.mark.usefixtures("second_architecture")
SIZE = 32


@pytest.fixture(scope="module")
def clicked_folder(tmp_path_factory):
    """Twelve photographs with a disk each, and clicks in its middle."""
    folder = tmp_path_factory.mktemp("clicked") / "disks"
    clicked_folders.write_disks(folder)
    return folder


@pytest.fixture(scope="module")
def settings(clicked_folder):
    return training.TrainConfig(
        architecture="two_convolutions",
        variant="narrow",
        data=f"folder:{clicked_folder}",
        size=SIZE,
        sigma=40.0,
        batch_size=4,
        epochs=3,
        recipe="paper:learning_rate=0.003:masked_loss=true:ema=0.9",
    )


def all_leaves(folder):
    variables, _ = cards.load(folder)
    return jax.tree.leaves(variables)


@pytest.fixture(scope="module")
def trained(settings, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("trained")
    return loop.train_and_evaluate(settings, workdir), workdir


def test_it_writes_a_model_and_its_metrics(trained, settings):
    model, workdir = trained
    lines = (workdir / "metrics.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert all(np.isfinite(row[name]) for row in rows for name in ("kld", "cc", "sim"))
    _, card = cards.load(model)
    assert card.network.variant == "narrow"
    assert card.size == SIZE
    assert card.sigma == settings.sigma
    assert card.data == "disks: 8 first tasks, 8 tasks with pc clicks"
    assert card.metrics["sim"] == pytest.approx(
        max(row["sim"] for row in rows), abs=1e-5
    )


def test_an_interrupted_training_ends_in_the_same_bits(
    trained, settings, tmp_path, monkeypatch
):
    model, _ = trained
    saved = []
    save = checkpoints.Checkpoints.save

    def stop_after_the_first_epoch(self, state, metrics):
        save(self, state, metrics)
        if not saved:
            os.kill(os.getpid(), signal.SIGTERM)
        saved.append(int(state.step))

    monkeypatch.setattr(checkpoints.Checkpoints, "save", stop_after_the_first_epoch)
    with pytest.raises(errors.TrainingError, match="Stopped by SIGTERM after step"):
        loop.train_and_evaluate(settings, tmp_path)
    assert len(saved) < 3
    again = loop.train_and_evaluate(settings, tmp_path)
    assert saved[-1] == 6
    for ours, expected in zip(all_leaves(again), all_leaves(model), strict=True):
        np.testing.assert_array_equal(ours, expected)
    assert len((tmp_path / "metrics.jsonl").read_text().splitlines()) == 3


def test_a_finished_training_is_not_repeated(trained, settings, monkeypatch):
    model, workdir = trained

    def fail(*_):
        raise AssertionError("trained again")

    monkeypatch.setattr(trainer.Trainer, "train", fail)
    assert loop.train_and_evaluate(settings, workdir) == model


def test_other_settings_in_the_same_folder_are_refused(trained, settings):
    _, workdir = trained
    other = dataclasses.replace(settings, sigma=10.0)
    with pytest.raises(errors.TrainingError, match=r"sigma was 40\.0 and is 10\.0"):
        loop.train_and_evaluate(other, workdir)


def test_two_trainings_do_not_share_a_folder(settings, tmp_path):
    told = rf"Another training works in {tmp_path}.*process {os.getpid()} of"
    with (
        cache.exclusive(tmp_path / ".training"),
        pytest.raises(errors.TrainingError, match=told),
    ):
        loop.train_and_evaluate(settings, tmp_path)
    assert not (tmp_path / "checkpoints").exists()


def test_a_batch_that_cannot_be_divided_says_which_can(settings, tmp_path):
    odd = dataclasses.replace(settings, batch_size=6)
    with pytest.raises(
        errors.TrainingError, match=r"6 cannot be divided among 4.*such as 8"
    ):
        loop.train_and_evaluate(odd, tmp_path)
    odd = dataclasses.replace(settings, batch_size=16, accumulate=3)
    said = r"16 cannot .* 4 devices, 3 parts each .*accumulate.* multiple of 12.* 24"
    with pytest.raises(errors.TrainingError, match=said):
        loop.train_and_evaluate(odd, tmp_path)


def test_features_are_not_computed_again_by_a_network_that_cannot(settings, tmp_path):
    second = dataclasses.replace(settings, remat=True)
    said = r"--config.remat: got true; allowed: false with .* two_convolutions"
    with pytest.raises(errors.BadValueError, match=said):
        loop.train_and_evaluate(second, tmp_path)


def test_what_was_raised_first_is_told_if_closing_fails_too(
    settings, tmp_path, monkeypatch, capsys
):
    def raised(text):
        def function(*_):
            raise errors.TrainingError(text)

        return function

    monkeypatch.setattr(loop, "_train", raised("the first"))
    monkeypatch.setattr(checkpoints.Checkpoints, "close", raised("the second"))
    with pytest.raises(errors.TrainingError, match="the first"):
        loop.train_and_evaluate(settings, tmp_path)
    assert "A further error, beside the last one: the second" in capsys.readouterr().err


def test_a_loss_that_is_no_number_ends_the_training(settings, tmp_path, monkeypatch):
    monkeypatch.setattr(trainer.Trainer, "train", lambda self, batch: np.float32("nan"))
    with pytest.raises(errors.TrainingError, match=r"loss of step 0 is nan\. Lower"):
        loop.train_and_evaluate(settings, tmp_path)


def test_a_split_without_tasks_says_so(clicked_folder, settings, tmp_path):
    import shutil

    folder = tmp_path / "disks"
    shutil.copytree(clicked_folder, folder)
    (folder / "val.txt").write_text("")
    only_train = dataclasses.replace(settings, data=f"folder:{folder}")
    with pytest.raises(errors.RClicksError, match="val"):
        loop.train_and_evaluate(only_train, tmp_path / "work")


def test_a_second_architecture_learns_is_saved_and_is_gone_on_from(settings, tmp_path):
    recipe = "improved:learning_rate=0.01:ema=0"
    first = dataclasses.replace(settings, recipe=recipe)
    # The command asks this before it imports JAX.
    preconditions.check(first)
    model = loop.train_and_evaluate(first, tmp_path / "first")
    variables, card = cards.load(model)
    assert card.architecture == "two_convolutions"
    assert card.network == two_convolutions.SIZES["narrow"]
    fresh = two_convolutions.init(card.network, first.seed)
    assert jax.tree.structure(variables) == jax.tree.structure(fresh)
    # The disks are bright and masked, so that a few steps find them.
    rows = (tmp_path / "first" / "metrics.jsonl").read_text().splitlines()
    kld = [json.loads(row)["kld"] for row in rows]
    assert kld[-1] < 0.9 * kld[0]
    again = dataclasses.replace(first, init=str(model))
    started = start.initial_variables(again)
    for ours, leaf in zip(
        jax.tree.leaves(started), jax.tree.leaves(variables), strict=True
    ):
        np.testing.assert_array_equal(ours, leaf)
    refused = {
        "--config.architecture": dataclasses.replace(
            settings, architecture="clickability", variant="nano", init=str(model)
        ),
        "multiples of 4": dataclasses.replace(first, size=34),
        "variant of the two convolutions 'nano'": dataclasses.replace(
            first, variant="nano", data="folder:nowhere"
        ),
        "has no encoder": dataclasses.replace(
            first, recipe=f"{recipe}:encoder_rate=0.1"
        ),
        "no other checkpoints are known": dataclasses.replace(first, init=__file__),
    }
    for number, (message, config) in enumerate(refused.items()):
        with pytest.raises(errors.RClicksError, match=message):
            loop.train_and_evaluate(config, tmp_path / str(number))


def test_devices_hold_one_replicated_state():
    tree = devices.replicate({"a": np.arange(3)})
    assert len(tree["a"].sharding.device_set) == 4
    np.testing.assert_array_equal(devices.to_host(tree)["a"], np.arange(3))
