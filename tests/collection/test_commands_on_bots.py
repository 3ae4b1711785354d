"""The commands that read people's clicks, on an export of bots, as the docs say."""

import re

import collect_studies
import pytest
from commands import command
from recorded_runs import begin, ok, record

from rclicks_jax.collection import simulate

SECONDS = 1.4


@pytest.fixture(scope="module")
def clicks(tmp_path_factory):
    """The export of a self-paced study in which bots took part."""
    parent = tmp_path_factory.mktemp("commands")
    folder = collect_studies.make(
        parent,
        tuple("abcdefgh"),
        study={"per_person": 6, "platforms": ("open",), "pace": "self_paced"},
        assignment={"clicks": 8, "devices": ("pc", "mobile"), "block": 3},
    )
    planted = ("bots=24", "speed=60", f"click_seconds={SECONDS}", "drop_outs=0")
    assert simulate.run(str(folder), "", "", planted) == 0
    out = parent / "BOTS"
    command(
        "collect", "export", "--bots", "--val_share=0.25", f"--out={out}",
        str(folder.with_name("study-bots")),
    )  # fmt: skip
    return out


@pytest.mark.long
def test_an_estimate_prints_the_seconds_that_were_planted(clicks, tmp_path):
    run = begin(tmp_path / "run")
    record(run, [ok("a"), ok("b")])
    printed = command(
        "tabulate", "estimate", str(tmp_path / "run"), "--objects=1000",
        f"--pace={clicks / 'pace.json'}",
    )  # fmt: skip
    found = re.search(r"([\d.]+) ± ([\d.]+) \(measured: (\d+) bots", printed)
    assert found, printed
    mean, error, bots = map(float, found.groups())
    assert abs(mean - SECONDS) < 4 * error < 0.4
    assert bots >= 20
    assert "Seconds are of bots, not of people" in printed


@pytest.mark.long
def test_a_training_takes_an_export_as_it_is(clicks, tmp_path):
    lists = [(clicks / f"{name}.txt").read_text().split() for name in ("train", "val")]
    assert [len(stems) for stems in lists] == [6, 2]
    assert sorted(lists[0] + lists[1]) == list("abcdefgh")
    command(
        "train", "--config=nano", f"--data=folder:{clicks}", f"--workdir={tmp_path}"
    )
    assert (tmp_path / "model" / "weights.safetensors").exists()
