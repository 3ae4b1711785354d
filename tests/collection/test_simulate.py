"""Bots take part in a small study through a real server."""

import collections
import json

import collect_studies
import pytest
from helpers import make_folder

from rclicks_jax import errors
from rclicks_jax.collection import simulate
from rclicks_jax.collection.results import export
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.simulation import copies, record, summary
from rclicks_jax.collection.store import events, sessions
from rclicks_jax.data import doctor

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
    assert (ended[1] / "server.log").read_text().count("is open.") == 2


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


def test_bots_do_not_play_live_rounds(tmp_path):
    folder = make(tmp_path, live={"segmenter": "noisy"})
    collect_studies.edit(folder, 'pace = "timed"', 'pace = "live"')
    with pytest.raises(errors.BadValueError, match="timed or self_paced"):
        simulate.run(str(folder), "", "", SETTINGS)


def test_a_copy_is_not_made_of_a_study_for_bots(ended, tmp_path):
    with pytest.raises(errors.BadValueError, match="--out"):
        simulate.run(str(ended[1]), str(tmp_path / "more"), "", SETTINGS)
