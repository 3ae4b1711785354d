import errno
import json
import os
import sys

import pytest
from etils import epath

from rclicks_jax import errors
from rclicks_jax.training import logs


def rows(folder):
    text = (folder / logs.METRICS_NAME).read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_an_epoch_that_is_repeated_takes_the_place_of_the_first(tmp_path):
    log = logs.Logs(epath.Path(tmp_path))
    for epoch, sim in ((1, 0.1), (2, 0.2), (3, 0.3), (2, 0.25)):
        log.write(epoch, 10 * epoch, {"sim": sim})
    log.close()
    assert rows(tmp_path) == [
        {"epoch": 1, "step": 10, "sim": 0.1},
        {"epoch": 2, "step": 20, "sim": 0.25},
    ]
    assert not list(tmp_path.glob("*.partial"))


def test_tensorboard_gets_the_same_numbers(tmp_path):
    log = logs.Logs(epath.Path(tmp_path))
    log.write(1, 10, {"sim": 0.1})
    log.close()
    (events,) = (tmp_path / logs.TENSORBOARD_NAME).iterdir()
    assert b"sim" in events.read_bytes()


def test_without_tensorboard_the_lines_are_written_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    monkeypatch.setattr(logs.importlib.util, "find_spec", lambda name: None)
    log = logs.Logs(epath.Path(tmp_path))
    log.write(1, 10, {"sim": 0.1})
    log.close()
    assert len(rows(tmp_path)) == 1
    assert not (tmp_path / logs.TENSORBOARD_NAME).exists()


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_training_goes_on_without_tensorboard_on_a_full_disk(
    tmp_path, monkeypatch, capsys
):
    log = logs.Logs(epath.Path(tmp_path))
    monkeypatch.setattr(log._board._writer._py_recordio_writer, "write", full)
    log.write(1, 10, {"sim": 0.1})
    log.write(2, 20, {"sim": 0.2})
    log.close()
    assert [row["epoch"] for row in rows(tmp_path)] == [1, 2]
    said = capsys.readouterr().err
    assert said.count("training goes on without") == 1
    assert "No space left on device" in said


def test_metrics_that_cannot_be_written_are_a_sentence(tmp_path, monkeypatch):
    log = logs.Logs(epath.Path(tmp_path))
    log.write(1, 10, {"sim": 0.1})
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.TrainingError, match=r"metrics\.jsonl: No space left"):
        log.write(2, 20, {"sim": 0.2})
    assert [row["epoch"] for row in rows(tmp_path)] == [1]
    log.close()


@pytest.mark.parametrize("text", ["{", "{}", "[]", "1"])
def test_damaged_metrics_are_named(tmp_path, text):
    (tmp_path / logs.METRICS_NAME).write_text(text)
    log = logs.Logs(epath.Path(tmp_path))
    with pytest.raises(errors.TrainingError, match=r"metrics\.jsonl is damaged"):
        log.write(1, 10, {"sim": 0.1})
    log.close()
