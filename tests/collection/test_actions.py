"""What people type."""

import json
import shutil

import pytest
from collect_studies import Person, open_study
from commands import command
from helpers import make_folder

from rclicks_jax import errors
from rclicks_jax.collection import actions
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.simulation import copies
from rclicks_jax.collection.store import catalogue, events, sessions
from rclicks_jax.collection.study import tokens


@pytest.fixture
def data(tmp_path):
    return make_folder(tmp_path / "mine", tuple("abcdef"))


@pytest.fixture
def study(tmp_path, data):
    """A study with a person's clicks; returns its folder."""
    settings = (
        'study.platforms=["local"]', "study.per_person=3", "practice.count=0",
        "control.every=0", "assignment.clicks=2", "judgement.tiny_px=0",
    )  # fmt: skip
    folder = tmp_path / "study"
    assert actions.init(str(folder), f"folder:{data}", settings) == 0
    return folder


def work(folder, clock, name="1"):
    desk = open_study(folder, clock)
    invited = tokens.invitation(desk.study.secret, int(name))
    person = Person(desk, clock, platform="local", parameters={"invitation": invited})
    last, _ = person.agree().work()
    desk.close()
    return invited, last


def test_a_study_is_made_exported_and_checked_from_the_command_line(tmp_path, data):
    study = str(tmp_path / "study")
    said = command("collect", "init", f"--data=folder:{data}", study)
    assert "6 photographs" in said
    assert "ERROR" not in command("collect", "check", study)
    assert "Clicks are still wanted" in command("collect", "status", study)
    said = command("collect", "export", f"--out={tmp_path / 'out'}", study)
    assert "0 clicks" in said
    assert "is no study" in command("collect", "status", str(data), status=2)


def test_settings_are_given_by_name(study):
    config = actions.config_of("sample", ["display.grey=90", 'study.title="A, B"'])
    assert (config.display.grey, config.study.title) == (90, "A, B")
    assert actions.config_of("", ["study.title=plain words"]).study.title == (
        "plain words"
    )


@pytest.mark.parametrize("setting", ["grey=90", "display.gray=90", "display.grey"])
def test_wrong_settings_are_refused(setting):
    with pytest.raises(errors.BadValueError):
        actions.config_of("sample", [setting])


def test_a_new_study_needs_data(tmp_path):
    with pytest.raises(errors.BadValueError, match="--data"):
        actions.init(str(tmp_path / "study"), "", ())


def test_settings_of_a_study_that_is_there_are_not_given_again(study):
    with pytest.raises(errors.BadValueError, match=r"study\.toml"):
        actions.init(str(study), "", ["display.grey=90"])


def test_status_counts_and_verifies_codes(study, clock, capsys):
    _, last = work(study, clock)
    assert actions.show_status(str(study)) == 0
    assert "Object_CutOut" in capsys.readouterr().out
    assert actions.show_status(str(study), last.proof.lower()) == 0
    assert "3 tasks" in capsys.readouterr().out
    assert actions.show_status(str(study), "AAAAA-AAAAA") == 1


def test_a_forgotten_person_has_no_name_and_clicks_stay(study, clock):
    name, _ = work(study, clock)
    assert actions.forget(str(study), [name], everyone=False, erase=False) == 0
    opened = open_studies.open_for_commands(study)
    assert opened.store.read(sessions.identities)[0] == 0
    assert opened.store.read(events.count) == 3
    opened.store.close()
    assert actions.forget(str(study), [name], everyone=False, erase=False) == 1


def test_what_a_forgotten_person_did_is_erased_if_asked(study, clock):
    name, _ = work(study, clock)
    work(study, clock, "2")
    assert actions.forget(str(study), [name], everyone=False, erase=True) == 0
    opened = open_studies.open_for_commands(study)
    assert opened.store.read(events.count) == 3
    assert opened.store.read(sessions.identities)[0] == 1
    opened.store.close()
    assert actions.run_checks(str(study)) == 0


@pytest.mark.parametrize(
    ("names", "everyone", "erase"),
    [((), False, False), (("a",), True, False), ((), True, True)],
)
def test_forgetting_needs_names_or_all(study, names, everyone, erase):
    with pytest.raises(errors.BadValueError):
        actions.forget(str(study), names, everyone=everyone, erase=erase)


def test_invitations_are_addresses_of_one_study(study, capsys):
    assert actions.invite(str(study), 3, "https://x.org/") == 0
    lines = capsys.readouterr().out.split()
    assert len(set(lines)) == 3
    assert all(line.startswith("https://x.org/?platform=local&") for line in lines)


def test_exports_of_bots_say_so(tmp_path, data, clock, capsys):
    folder = tmp_path / "bots"
    actions.init(str(tmp_path / "s"), f"folder:{data}", ("study.platforms=open",))
    copies.make(tmp_path / "s", folder)
    desk = open_study(folder, clock)
    assert desk.desk.source == "bots"
    person = Person(desk, clock, kind="real").agree()
    assert not desk.store.read(sessions.every)[0].counted
    assert desk.store.read(lambda db: catalogue.note(db, "source")) == "bots"
    assert person.entered.phase == "tasks"
    desk.close()
    out = tmp_path / "out"
    actions.run_export(str(folder), str(out), bots=True, tolerance=None)
    assert "bots, not of people" in capsys.readouterr().out
    assert "made by bots" in (out / "DATASHEET.md").read_text()
    assert json.loads((out / "pace.json").read_text())["source"] == "bots"


def test_status_says_that_the_disk_is_nearly_full(study, capsys, monkeypatch):
    assert actions.show_status(str(study)) == 0
    assert "make room" not in capsys.readouterr().out
    left = shutil.disk_usage(study)._replace(free=12_345_678)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: left)
    assert actions.show_status(str(study)) == 0
    assert "12 MB left: make room" in " ".join(capsys.readouterr().out.split())
