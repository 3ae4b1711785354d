import dataclasses
import stat
import tomllib

import pytest

from rclicks_jax import errors
from rclicks_jax.collection import words
from rclicks_jax.collection.study import languages, study_files
from rclicks_jax.settings import collection
from rclicks_jax.settings.collection import CollectionConfig

CONFIG = CollectionConfig()


@pytest.fixture
def study(tmp_path):
    return study_files.create(tmp_path / "s", CONFIG)


def changed(study, old, new):
    """Returns the study after an edit of its settings."""
    path = study.folder / "study.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return study_files.read(study.folder)


def hash_of(study):
    return study_files.protocol_hash(study_files.protocol(study), "tasks")


def test_written_settings_are_read_as_they_were():
    text = study_files.to_toml(CONFIG)
    assert study_files.from_tables(tomllib.loads(text), "x") == CONFIG


def test_every_setting_is_explained_in_the_file():
    lines = study_files.to_toml(CONFIG).splitlines()
    for number, line in enumerate(lines):
        if " = " in line and not line.startswith("#"):
            assert len(lines[number - 1]) > 10, line


def test_an_unknown_setting_is_refused_with_the_nearest(study):
    with pytest.raises(errors.BadValueError, match="mean grey"):
        changed(study, "grey =", "gray =")


def test_an_unknown_table_is_refused_with_the_nearest(study):
    with pytest.raises(errors.BadValueError, match=r"mean \[display\]"):
        changed(study, "[display]", "[displays]")


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("target_ms = 2000", "target_ms = -1", r"\[display\] target_ms"),
        ("tolerance = 1.0", "tolerance = nan", r"\[judgement\] tolerance"),
        ('corner = "top_left"', 'corner = "middle"', r"\[display\] corner"),
        ('pace = "timed"', 'pace = "live"', r"\[live\] segmenter"),
        ('modes = ["Object_CutOut"]', 'modes = ["Object_Cutout"]', "modes"),
        ("clicks = 25", 'clicks = "many"', "clicks"),
    ],
)
def test_wrong_values_are_refused_by_name(study, old, new, named):
    with pytest.raises(errors.BadValueError, match=named):
        changed(study, old, new)


def test_a_file_that_is_no_toml_is_refused_with_its_place(study):
    (study.folder / "study.toml").write_text("[display\n")
    with pytest.raises(errors.DataError, match="line 1"):
        study_files.read(study.folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("target_ms = 2000", "target_ms = 2001"),
        ('title = "Where would you click?"', 'title = "Click"'),
        ("per_person = 60", "per_person = 61"),
        ("block = 20", "block = 10"),
        ('consent_version = "1"', 'consent_version = "2"'),
    ],
)
def test_what_participants_see_is_in_the_hash(study, old, new):
    before = hash_of(study)
    assert hash_of(changed(study, old, new)) != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("tolerance = 1.0", "tolerance = 2.0"),
        ("clicks = 25", "clicks = 26"),
        ("window_px = 300", "window_px = 320"),
        ('data = ""', 'data = "elsewhere"'),
    ],
)
def test_what_they_do_not_see_is_not(study, old, new):
    before = hash_of(study)
    assert hash_of(changed(study, old, new)) == before


def test_texts_and_tasks_are_in_the_hash(study):
    before = hash_of(study)
    seen = study_files.protocol(study)
    assert study_files.protocol_hash(seen, "other tasks") != before
    own = study.folder / "texts" / "en.toml"
    own.parent.mkdir()
    text = languages._packaged("en")
    own.write_text(text.replace("Well done.", "Good."))
    assert hash_of(study_files.read(study.folder)) != before


def test_changes_are_named(study):
    old = study_files.protocol(study)
    new = study_files.protocol(changed(study, "grey = 127", "grey = 90"))
    assert study_files.changes(old, new) == ["display.grey"]


def test_the_secret_is_the_owners_alone_and_no_two_are_the_same(study, tmp_path):
    mode = (study.folder / "secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    other = study_files.create(tmp_path / "other", CONFIG)
    assert other.secret != study.secret
    assert study.secret.hex() not in repr(study)


def test_a_folder_with_other_files_is_not_made_a_study(tmp_path):
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(errors.DataError, match="other files"):
        study_files.create(tmp_path, CONFIG)


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    with pytest.raises(errors.DataError, match="no study"):
        study_files.read(tmp_path)


def test_every_default_is_allowed():
    for section in dataclasses.fields(CONFIG):
        values = getattr(CONFIG, section.name)
        assert type(values)() == values


def test_modes_and_devices_have_the_same_names_in_messages_and_settings():
    assert collection.MODES == words.MODES
    assert collection.DEVICES == words.DEVICES


def test_a_setting_of_a_later_release_changes_nothing_until_it_is_used(study):
    assert "first_clicks" not in study_files.protocol(study)["live"]
    live = dataclasses.replace(study.config.live, first_clicks=0.5)
    config = dataclasses.replace(study.config, live=live)
    changed = dataclasses.replace(study, config=config)
    assert study_files.protocol(changed)["live"]["first_clicks"] == 0.5


def test_a_sentence_on_a_problem_changes_nothing_for_who_takes_part(study):
    before = hash_of(study)
    (code, language), *_ = study.languages.items()

    def with_text(key):
        texts = {**language.texts, key: "Another sentence."}
        other = dataclasses.replace(language, texts=texts)
        return dataclasses.replace(study, languages={**study.languages, code: other})

    assert hash_of(with_text("problem_full")) == before
    assert hash_of(with_text("click_object")) != before
