"""What a job has from the engine alone: `brightness` is one of fewer than 60 lines."""

import pathlib

import brightness
import numpy as np
import pytest
from helpers import make_folder, write_image

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.jobs import store
from rclicks_jax.ops import images


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))
    return make_folder(tmp_path / "mine", ("a", "b", "c", "d"))


def expected(folder):
    found = {}
    for path in sorted((folder / "images").iterdir()):
        photo = images.decode_image(path.read_bytes(), path.name)
        mask = images.decode_mask(
            (folder / "masks" / path.name).read_bytes(), path.name
        )
        found[path.stem] = round(1 / float(photo[mask > 0].mean()), 6)
    return found


def test_a_job_needs_at_most_60_lines():
    lines = pathlib.Path(brightness.__file__).read_text().splitlines()
    assert len(lines) <= 60


def test_every_unit_is_worked_on_once(folder, tmp_path, capsys):
    outcome = brightness.run(f"folder:{folder}", tmp_path / "run")
    assert (outcome.counts["ok"], outcome.worked, outcome.left) == (4, 4, 0)
    assert brightness.values(tmp_path / "run") == expected(folder)
    assert "Brightness: 4 images, 4 objects; " in capsys.readouterr().err
    again = brightness.run(f"folder:{folder}", tmp_path / "run")
    assert (again.counts["ok"], again.worked) == (4, 0)


def test_shards_make_together_what_one_run_does(folder, tmp_path):
    left = [
        brightness.run(f"folder:{folder}", tmp_path / "run", shard=f"{number}/3").left
        for number in range(3)
    ]
    assert left[-1] == 0
    assert left == sorted(left, reverse=True)
    assert brightness.values(tmp_path / "run") == expected(folder)


def test_a_failure_is_a_new_attempt_the_next_time(folder, tmp_path):
    write_image(folder / "images" / "b.png", np.zeros((48, 64, 3), np.uint8))
    outcome = brightness.run(f"folder:{folder}", tmp_path / "run")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 1}
    assert outcome.failed_share() == 0.25
    again = brightness.run(f"folder:{folder}", tmp_path / "run")
    assert again.worked == 1
    names = [path.name for path in store.RunFolder(tmp_path / "run").record_files()]
    assert names == ["a.1.jsonl", "b.1.jsonl", "b.2.jsonl", "c.1.jsonl", "d.1.jsonl"]
    (record,) = [
        one for one in store.RunFolder(tmp_path / "run").read_all() if one.failed
    ]
    assert record.attempt == 2
    assert record.reasons == ["ZeroDivisionError: float division by zero"]


def test_another_setting_needs_another_folder(folder, tmp_path):
    brightness.run(f"folder:{folder}", tmp_path / "run")
    with pytest.raises(errors.RunFolderError, match=r"scale was 1\.0 and is 2\.0"):
        brightness.run(f"folder:{folder}", tmp_path / "run", scale=2.0)


def test_what_cannot_be_a_target_is_skipped(folder, tmp_path):
    write_image(folder / "masks" / "b.png", np.zeros((48, 64), np.uint8))
    outcome = brightness.run(f"folder:{folder}", tmp_path / "run")
    assert outcome.counts == {"ok": 3, "skipped": 1, "failed": 0}
    (row,) = [
        row
        for record in store.RunFolder(tmp_path / "run").read_all()
        for row in record.rows
        if row["status"] == "skipped"
    ]
    assert row["reason"] == raw.EMPTY
