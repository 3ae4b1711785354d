import pytest
from collect_studies import config_of, edit, facts_of, open_study
from helpers import make_folder

from rclicks_jax import errors
from rclicks_jax.collection import checks, words
from rclicks_jax.collection.service import open_studies
from rclicks_jax.collection.store.database import Store
from rclicks_jax.collection.study import descriptions, study_files
from rclicks_jax.collection.tasks import apart, first_clicks, private_files
from rclicks_jax.data import specs
from rclicks_jax.data.raw import sources


@pytest.fixture
def data(tmp_path):
    return make_folder(tmp_path / "mine", tuple("abcdefghijkl"))


def build(tmp_path, data, **changes):
    config = config_of(f"folder:{data}", **changes)
    study = study_files.create(tmp_path / "study", config)
    store = Store(study.database)
    try:
        return first_clicks.build(study, store)
    finally:
        store.close()


def photographs(data):
    (spec,) = specs.parse(f"folder:{data}")
    return list(sources.open_source(spec).images("test"))


def test_every_object_is_a_task(tmp_path, data):
    built = build(tmp_path, data)
    assert built.photographs == 12
    assert built.tasks == {"main": 12}
    assert built.problems == []


def test_building_again_changes_nothing(tmp_path, data):
    build(tmp_path, data)
    files = {p: p.stat().st_mtime_ns for p in (tmp_path / "study").rglob("*.*")
             if p.suffix in (".webp", ".png")}  # fmt: skip
    assert build(tmp_path, data).tasks == {"main": 12}
    assert files == {p: p.stat().st_mtime_ns for p in files}


def test_a_build_that_was_stopped_goes_on(tmp_path, data):
    class StoppedError(Exception):
        pass

    def stop(done, total):
        if done == 3:
            raise StoppedError

    config = config_of(f"folder:{data}")
    study = study_files.create(tmp_path / "study", config)
    store = Store(study.database)
    with pytest.raises(StoppedError):
        first_clicks.build(study, store, stop)
    with pytest.raises(errors.DataError, match="not finished"):
        open_studies.expect_built(study, store)
    store.close()
    assert build(tmp_path, data).tasks == {"main": 12}


def test_a_damaged_photograph_is_left_out_and_named(tmp_path, data):
    (data / "images" / "a.png").write_bytes(b"no image")
    built = build(tmp_path, data)
    assert built.tasks == {"main": 11}
    assert [name for name, _ in built.problems] == ["a"]


def test_photographs_of_practice_and_control_are_apart(tmp_path, data):
    # Of twelve photographs two at most are for either.
    built = build(tmp_path, data, practice={"count": 5})
    assert built.tasks == {"main": 10, "practice": 2}


def test_named_photographs_are_taken(tmp_path, data):
    build(tmp_path, data, control={"every": 4, "images": ("c", "d")})
    desk = open_study(tmp_path / "study")
    roles = {task.image_stem: task.role for task in facts_of(desk)}
    desk.close()
    assert {s for s, role in roles.items() if role == "control"} == {"c", "d"}


def test_an_unknown_photograph_is_refused_with_the_nearest(data):
    config = config_of("", control={"every": 4, "images": ("aa",)})
    with pytest.raises(errors.BadValueError, match=r"\[control\] images: got aa"):
        apart.choose(config, photographs(data), private_files.file_stem)


def test_control_objects_are_far_from_the_middle(tmp_path):
    import numpy as np
    from helpers import disk, write_image

    folder = tmp_path / "mine"
    for number, centre in enumerate([(20, 20)] * 3 + [(50, 60)] * 7):
        mask = disk((100, 120), centre, 12).astype(np.uint8) * 255
        write_image(folder / "masks" / f"{number}.png", mask)
        write_image(folder / "images" / f"{number}.png", np.zeros((100, 120, 3), "u1"))
    config = config_of("", control={"count": 5, "every": 4})
    roles = apart.choose(config, photographs(folder), private_files.file_stem)
    assert set(roles.values()) == {"control"}
    assert len(roles) == 2
    assert set(roles) < {"0", "1", "2"}


def test_changed_pictures_need_init_again(tmp_path, data):
    build(tmp_path, data)
    edit(tmp_path / "study", "grey = 127", "grey = 90")
    with pytest.raises(errors.DataError, match="init"):
        open_study(tmp_path / "study")
    before = {p.name for p in (tmp_path / "study" / "assets").iterdir()}
    study = study_files.read(tmp_path / "study")
    store = Store(study.database)
    first_clicks.build(study, store)
    store.close()
    assert {p.name for p in (tmp_path / "study" / "assets").iterdir()} > before
    open_study(tmp_path / "study").close()


def test_a_text_mode_takes_objects_with_a_text_in_each_language(tmp_path, data):
    changes = {"modes": (words.TEXT_MODE, "Object_CutOut")}
    assert build(tmp_path, data, display=changes).without_text == 12
    study = tmp_path / "study"
    descriptions.write(study, ("a", "b"), ("en",), {"a": "the bright disk"})
    built = build(tmp_path, data)
    assert built.without_text == 11
    desk = open_study(study)
    (described,) = [task for task in facts_of(desk) if task.texts]
    desk.close()
    assert described.texts == {"en": "the bright disk"}
    assert words.TEXT_MODE in described.modes(words.MODES)


def test_descriptions_that_are_no_table_are_refused(tmp_path):
    (tmp_path / descriptions.FILE).write_text("object,text\na,b\n")
    with pytest.raises(errors.DataError, match="line 2"):
        descriptions.read(tmp_path)


def findings(study):
    opened = open_studies.open_for_commands(study)
    found = checks.check(opened)
    opened.store.close()
    return {finding.text: finding.good for finding in found}


def test_the_doctor_is_content_with_a_new_study(tmp_path, data):
    build(tmp_path, data)
    open_study(tmp_path / "study").close()
    assert all(findings(tmp_path / "study").values())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda s: (s / "secret").chmod(0o644), "chmod 600"),
        (lambda s: next((s / "assets").iterdir()).unlink(), "is missing"),
        (lambda s: next((s / "private" / "regions").iterdir()).write_bytes(b""),
         "Files: "),
        (lambda s: edit(s, "grey = 127", "grey = 90"), "has changed"),
    ],
)  # fmt: skip
def test_the_doctor_finds_what_is_wrong(tmp_path, data, spoil, said):
    build(tmp_path, data)
    study = tmp_path / "study"
    open_study(study).close()
    spoil(study)
    wrong = [text for text, good in findings(study).items() if not good]
    assert any(said in text for text in wrong), wrong


def test_the_doctor_counts_again(tmp_path, data):
    build(tmp_path, data)
    study = tmp_path / "study"
    store = Store(study / "study.db")
    store.write(
        lambda db: db.execute("UPDATE cells SET accepted = 1 WHERE cell = 1")
    ).result()
    store.close()
    wrong = [text for text, good in findings(study).items() if not good]
    assert wrong == ["The counters of cells are not those of the clicks."]
