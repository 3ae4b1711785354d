"""Bots take part in a small study through a real server."""

import base64
import collections
import json

import collect_studies
import cv2
import numpy as np
import pytest
from helpers import make_folder

from rclicks_jax import errors
from rclicks_jax.collection import simulate
from rclicks_jax.collection.results import export, judged_clicks, trajectories
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.simulation import copies, record, summary
from rclicks_jax.collection.store import events, sessions
from rclicks_jax.collection.tasks import private_files
from rclicks_jax.data import doctor, raw
from rclicks_jax.ops import images

SETTINGS = ("bots=12", "speed=300", "kills=1", "drop_outs=0.2", "double_posts=0.3")


def make(parent, **changes):
    values = {
        "study": {"per_person": 6, "platforms": ("open",)},
        "assignment": {"clicks": 8, "devices": ("pc", "mobile"), "block": 3},
        **changes,
    }
    return collect_studies.make(parent, tuple("abcdefgh"), **values)


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A study in which bots took part; its server was killed once."""
    folder = make(tmp_path_factory.mktemp("bots"))
    status = simulate.run(str(folder), "", "", SETTINGS)
    return folder, folder.with_name("study-bots"), status


def test_what_bots_planted_is_found(ended):
    _, copy, status = ended
    found = {i.what: i for i in simulate.look(copy, simulate.settings_of(SETTINGS))}
    assert status == 0
    assert found["sessions"].found == "12"
    assert found["acknowledged clicks that are lost"].found == "0"
    assert int(found["clicks sent twice, stored once"].planted) > 0


def test_the_study_itself_has_no_bots(ended):
    folder, copy, _ = ended
    kinds = {}
    for path in (folder, copy):
        whole = open_studies.open_for_commands(path)
        kinds[path] = collections.Counter(
            session.kind for session in whole.store.read(sessions.every)
        )
        whole.store.close()
    assert kinds == {folder: {}, copy: {"bot": 12}}
    assert collect_studies.source_of(folder) == "people"


def test_every_click_is_stored_once_though_the_server_was_killed(ended):
    whole = open_studies.open_for_commands(ended[1])
    stored = [event.client_id for event in whole.store.read(_clicks)]
    whole.store.close()
    items = list(record.read(ended[1] / record.FILE))
    known = {i.client_id for i in items if isinstance(i, record.Acknowledged)}
    withdrawn = {i.bot for i in items if getattr(i, "how", "") == "withdrawn"}
    assert {k for k in known if int(k[3:8]) not in withdrawn} <= set(stored)
    assert len(stored) == len(set(stored))
    told = (ended[1] / "server.log").read_text()
    assert told.count("is open.") == told.count("is for bots") == 2
    assert "Error" not in told
    assert "error" not in told


def test_a_click_that_is_lost_or_not_planted_is_seen(ended):
    settings = simulate.settings_of(SETTINGS)
    items = list(record.read(ended[1] / record.FILE))
    lost = record.Acknowledged(0, "x" * 22, "pc", 1.0, 1.0, False, False, ("new",))
    whole = open_studies.open_for_commands(ended[1])
    found = summary.compare(whole, settings, [*items, lost])
    fewer = summary.compare(whole, settings, [i for i in items if i.bot or i is lost])
    whole.store.close()
    wrong = {item.what for item in found if item.agrees is False}
    assert wrong == {"acknowledged clicks that are lost", "clicks that are stored"}
    assert "sessions" in {item.what for item in fewer if item.agrees is False}
    assert "NO" in {row["agrees"] for row in summary.table(found).rows}


def _clicks(db):
    return [*events.every(db, "click"), *events.every(db, "duplicate")]


def test_an_export_of_bots_is_asked_for_and_says_so(ended, tmp_path):
    whole = open_studies.open_for_commands(ended[1])
    with pytest.raises(errors.BadValueError, match="--bots, to export them"):
        export.export(whole, tmp_path / "clicks")
    done = export.export(whole, tmp_path / "clicks", bots=True)
    whole.store.close()
    head, *rows = (done.folder / "clicks.csv").read_text().splitlines()
    assert head.endswith(",source")
    assert {row.rpartition(",")[2] for row in rows} == {"bots"}
    assert json.loads((done.folder / "pace.json").read_text())["source"] == "bots"
    diagnosis = doctor.examine(str(done.folder), 1.0)
    assert diagnosis.healthy, diagnosis.text()


def test_the_same_command_goes_on_and_adds_nothing_to_what_has_ended(ended):
    before = (ended[1] / record.FILE).read_bytes()
    assert simulate.run(str(ended[0]), "", "", SETTINGS) == 0
    assert (ended[1] / record.FILE).read_bytes() == before


def test_bots_with_other_settings_are_refused(ended):
    with pytest.raises(errors.BadValueError, match="seed=0"):
        simulate.run(str(ended[1]), "", "", (*SETTINGS, "seed=5"))


def test_a_server_that_is_given_runs_at_the_real_pace(tmp_path):
    make_folder(tmp_path / "mine", tuple("abcdef"))
    folder = make(
        tmp_path,
        study={"per_person": 2, "platforms": ("open",), "pace": "self_paced"},
    )
    copies.make(folder, tmp_path / "bots")
    from collect_browser import Served

    served = Served(tmp_path / "bots")
    try:
        settings = ("bots=3", "click_seconds=0.3", "drop_outs=0", "withdrawals=0")
        status = simulate.run(str(tmp_path / "bots"), "", served.url, settings)
    finally:
        served.close()
    assert status == 0


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("bots", "name=value"),
        ("bot=3", "bots"),
        ("bots=0", "1 to 2000"),
        ("pulled=Silhouette", "Silhouette_Mask"),
        ("drop_outs=0.999", "at most 1 together"),
    ],
)
def test_settings_that_are_wrong_are_refused(setting, said):
    with pytest.raises(errors.BadValueError, match=said):
        simulate.settings_of((setting,))


LIVE_SETTINGS = (
    "bots=10", "speed=100", "kills=1", "drop_outs=0.3", "double_posts=0.3",
    "withdrawals=0.1", "phones=0.3", "misses=0.1",
)  # fmt: skip


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """A study in which bots played live rounds; its server was killed once."""
    folder = make(
        tmp_path_factory.mktemp("live"),
        study={"per_person": 4, "platforms": ("open",), "pace": "live"},
        live={"segmenter": "noisy", "most_clicks": 6, "seats": 10},
    )
    status = simulate.run(str(folder), "", "", LIVE_SETTINGS)
    whole = open_studies.open_for_commands(folder.with_name("study-bots"))
    yield whole, status
    whole.store.close()


def test_bots_play_live_rounds_and_no_act_is_lost(played):
    whole, status = played
    settings = simulate.settings_of(LIVE_SETTINGS)
    found = {i.what: i for i in simulate.look(whole.study.folder, settings)}
    assert status == 0
    assert found["acknowledged acts of live rounds that are lost"].found == "0"
    whole_rounds = found["live rounds with all their acts"]
    assert int(whole_rounds.planted) > 10
    assert whole_rounds.agrees
    items = list(record.read(whole.study.folder / record.FILE))
    acts = collections.Counter(i.act for i in items if isinstance(i, record.Acted))
    assert min(acts[act] for act in ("click", "undo", "done")) > 0
    lost = record.Acted(0, "x" * 22, "y" * 22, "click")
    wrong = [i.what for i in summary.compare(whole, settings, [*items, lost])
             if i.agrees is False]  # fmt: skip
    assert wrong == ["acknowledged acts of live rounds that are lost"]


def test_further_clicks_of_bots_are_on_the_real_mistake(played):
    whole, _ = played
    judged = whole.store.read(
        lambda db: judged_clicks.read(
            db, whole.study.secret, whole.study.config.judgement, "bots"
        )
    )
    right, number = 0, 0
    for item in whole.store.read(lambda db: trajectories.read(db, judged)):
        path = private_files.mask_path(whole.study, item.task)
        target = images.decode_mask(path.read_bytes(), "mask") == raw.OBJECT
        for at, act in enumerate(item.acts[1:], 1):
            before = item.answers.get(at - 1)
            if act.message.act != "click" or act.device != "pc" or before is None:
                continue
            png = np.frombuffer(base64.b64decode(before.mask), np.uint8)
            mask = cv2.imdecode(png, cv2.IMREAD_GRAYSCALE) > 0 if png.size else None
            if mask is not None:
                wrong = target & ~mask if act.message.positive else mask & ~target
                right += wrong[act.y, act.x]
                number += 1
    # One in ten misses what it means.
    assert number > 5
    assert right > 0.6 * number


def test_trajectories_of_bots_say_so(played, tmp_path):
    whole, _ = played
    done = export.export(whole, tmp_path / "clicks", bots=True)
    head, *lines = (done.folder / "trajectories.jsonl").read_text().splitlines()
    assert json.loads(head)["source"] == "bots"
    assert len(lines) == done.trajectories > 10
    ended = collections.Counter(json.loads(line)["ended"] for line in lines)
    assert set(ended) <= {"done", "most_clicks", "left"}
    assert ended["done"]
    assert ended["left"]
    measured = json.loads((done.folder / "pace.json").read_text())
    assert (measured["source"], measured["protocol"]) == ("bots", "live")


def test_a_copy_is_not_made_of_a_study_for_bots(ended, tmp_path):
    with pytest.raises(errors.BadValueError, match="--out"):
        simulate.run(str(ended[1]), str(tmp_path / "more"), "", SETTINGS)
