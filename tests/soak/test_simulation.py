"""200 bots take part in a study while its server is killed; what they planted is found.

The export is read by the commands that read people's clicks.
"""

import csv
import json
import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest

from rclicks_jax.collection import actions, simulate
from rclicks_jax.collection.study import descriptions

PULLED = "Silhouette_Mask"
MODES = ("Text_Description", "Object_CutOut", PULLED)
BOTS = (
    "bots=200",
    "seed=1",
    "speed=20",
    "kills=10",
    f"pulled={PULLED}",
    "pull=0.5",
    # Of 4 radii, every second study of this size sees it: tests/perf/phone_noise.py.
    "phone_noise=6",
    "click_seconds=1.1",
)


def photographs(folder, count):
    """Makes photographs of 240 x 320 pixels with an ellipse each."""
    generator = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        image = generator.integers(60, 120, (240, 320, 3), np.uint8)
        mask = np.zeros((240, 320), np.uint8)
        middle = generator.integers((70, 60), (250, 180)).tolist()
        axes = generator.integers(35, 55, 2).tolist()
        cv2.ellipse(mask, middle, axes, int(generator.integers(180)), 0, 360, 255, -1)
        image[mask > 0] = generator.integers(140, 255, 3)
        cv2.imwrite(str(folder / "images" / f"photo{number:02}.png"), image)
        cv2.imwrite(str(folder / "masks" / f"photo{number:02}.png"), mask)


def make(parent, *settings):
    """Makes a study of 26 photographs; returns its folder."""
    photographs(parent / "mine", 26)
    common = (
        "study.per_person=16",
        "assignment.block=8",
        "assignment.clicks=22",
        "practice.count=2",
        "control.every=8",
        "control.count=4",
    )
    folder = parent / "study"
    actions.init(str(folder), f"folder:{parent / 'mine'}", (*common, *settings))
    path = folder / descriptions.FILE
    if path.exists():
        lines = path.read_text().splitlines()
        texts = [
            f"{line}the bright ellipse of photograph {n}"
            for n, line in enumerate(lines)
        ]
        path.write_text("\n".join([lines[0], *texts[1:]]) + "\n")
        actions.init(str(folder), "", ())
    return folder


def command(name, *arguments):
    """Runs a command; returns what it printed, without its progress."""
    ended = subprocess.run(
        [sys.executable, "-m", f"rclicks_jax.launch.{name}", *map(str, arguments)],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study in which 200 bots took part, and its export."""
    parent = tmp_path_factory.mktemp("simulation")
    folder = make(parent, f"display.modes={json.dumps(MODES)}")
    status = simulate.run(str(folder), "", "", BOTS)
    bots = parent / "study-bots"
    command("collect", "export", "--bots", f"--out={parent / 'clicks'}", bots)
    return status, bots, parent / "clicks"


def test_what_was_planted_is_found(study):
    status, bots, _ = study
    found = {i.what: i for i in simulate.look(bots, simulate.settings_of(BOTS))}
    assert status == 0
    assert [item for item in found.values() if not item.agrees] == []
    assert "mobile against pc" in found
    assert (bots / "server.log").read_text().count("is open.") == 11


def test_the_doctor_calls_the_export_ready(study):
    told = command("data", "doctor", f"folder:{study[2]}")
    assert told.strip().endswith("Ready to use.")


def test_every_file_says_that_these_are_bots(study):
    clicks = study[2]
    for name in ("clicks", "previews", "all_clicks"):
        lines = (clicks / f"{name}.csv").read_text().splitlines()
        assert {row["source"] for row in csv.DictReader(lines)} == {"bots"}
    assert "made by bots" in (clicks / "DATASHEET.md").read_text()
    assert json.loads((clicks / "pace.json").read_text())["source"] == "bots"


def test_a_comparison_of_modes_shows_the_one_that_was_pulled(study, tmp_path):
    """PL1 is smaller for a set that is pulled to the middle than for the same set."""
    data = f"--data=folder:{study[2]}"
    command("evaluate", "--compare_clicks=display_mode", data, f"--workdir={tmp_path}")
    with (tmp_path / "tables" / "click_agreement.csv").open() as file:
        rows = {r["other"]: r for r in csv.DictReader(file) if r["click_type"] == "all"}
    rows.pop("the other half")
    assert set(rows) == {"Object_CutOut", PULLED}
    assert {row["ok"] for row in rows.values()} == {"20"}
    assert float(rows[PULLED]["pl1_high"]) < float(rows["Object_CutOut"]["pl1_low"])


def test_training_reads_the_export(study, tmp_path):
    data = shutil.copytree(study[2], tmp_path / "clicks")
    stems = sorted(path.stem for path in (data / "images").iterdir())
    (data / "train.txt").write_text("\n".join(stems[4:]))
    (data / "val.txt").write_text("\n".join(stems[:4]))
    model = tmp_path / "model"
    command("train", "--config=nano", f"--data=folder:{data}", f"--workdir={model}")
    assert (model / "model" / "weights.safetensors").exists()


def test_seconds_of_a_self_paced_study_are_those_planted(tmp_path):
    folder = make(tmp_path, 'study.pace="self_paced"')
    settings = ("bots=60", "speed=40", "click_seconds=1.4", "drop_outs=0")
    assert simulate.run(str(folder), "", "", settings) == 0
    out = tmp_path / "clicks"
    command("collect", "export", "--bots", f"--out={out}", f"{folder}-bots")
    mean, error = json.loads((out / "pace.json").read_text())["seconds"]["click"]
    assert abs(mean - 1.4) < 4 * error < 0.4


def test_fifty_kills_lose_and_double_nothing(tmp_path):
    folder = make(tmp_path)
    settings = ("bots=100", "speed=10", "kills=50", "double_posts=0.3")
    assert simulate.run(str(folder), "", "", settings) == 0
    log = (tmp_path / "study-bots" / "server.log").read_text()
    assert log.count("is open.") == 51


def test_a_killed_simulation_goes_on(tmp_path):
    folder = make(tmp_path)
    settings = ["bots=40", "speed=40", "drop_outs=0.1"]
    run = subprocess.Popen(
        [
            *(sys.executable, "-m", "rclicks_jax.launch.collect", "simulate"),
            *(f"--set={item}" for item in settings),
            str(folder),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    bots = tmp_path / "study-bots"
    while not (bots / "simulation.jsonl").exists() or (
        len((bots / "simulation.jsonl").read_text().splitlines()) < 300
    ):
        assert run.poll() is None
    run.kill()
    run.communicate()
    assert simulate.run(str(folder), "", "", settings) == 0
    lines = (bots / "simulation.jsonl").read_text().splitlines()
    assert len(re.findall('"Ended"', "\n".join(lines))) == 40
