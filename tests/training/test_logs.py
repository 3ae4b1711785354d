import json
import sys

from etils import epath

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
