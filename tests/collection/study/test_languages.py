import re

import pytest

from rclicks_jax import errors
from rclicks_jax.collection import messages, words
from rclicks_jax.collection.study import languages

CODES = ("en", "ar")
_EN = languages._packaged("en")


def own(folder, text, code="en"):
    """Writes a study's own language."""
    path = folder / "texts" / f"{code}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return folder


@pytest.mark.parametrize("code", CODES)
def test_packaged_languages_are_complete(tmp_path, code):
    found = languages.load(tmp_path, [code])[code]
    reference = languages.load(tmp_path, ["en"])["en"]
    assert set(found.texts) == set(reference.texts)


def test_there_is_a_language_of_each_direction(tmp_path):
    found = languages.load(tmp_path, CODES)
    assert [found[code].direction for code in CODES] == ["ltr", "rtl"]


def test_a_study_s_own_texts_come_first(tmp_path):
    own(tmp_path, _EN.replace("Well done.", "Good."))
    found = languages.load(tmp_path, ["en"])["en"]
    assert found.texts["feedback_good"] == "Good."


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("pause_next =", "pause_nxt =", "text pause_nxt. Do you mean pause_next"),
        ('pause_next = "Go on"', "", "lacks the texts pause_next"),
        ("{done} of {of}", "{dne} of {of}", r"progress has the names \['dne', 'of'\]"),
        ("{done} of {of}", "{done of", "expected '}'"),
        ('"Go on"', '""', "none empty"),
        ('direction = "ltr"', 'direction = "up"', "direction"),
        ("[pause]", "[pause", "cannot be read"),
    ],
)  # fmt: skip
def test_wrong_languages_are_refused(tmp_path, old, new, said):
    own(tmp_path, _EN.replace(old, new, 1))
    with pytest.raises(errors.DataError, match=said):
        languages.load(tmp_path, ["en"])


def test_an_unknown_language_is_refused_with_what_there_is(tmp_path):
    own(tmp_path, _EN, "xx")
    with pytest.raises(errors.UnknownNameError, match="Known: ar, en, xx"):
        languages.load(tmp_path, ["de"])


@pytest.mark.parametrize(
    ("preferred", "code"),
    [("ar", "ar"), ("AR-EG", "ar"), ("en-GB", "en"), ("fi", "en"), ("", "en")],
)
def test_a_browser_gets_the_nearest_language(tmp_path, preferred, code):
    found = languages.load(tmp_path, CODES)
    assert languages.chosen(found, preferred).code == code


def test_what_the_server_names_has_a_text(tmp_path):
    texts = languages.load(tmp_path, ["en"])["en"].texts
    schema = messages.Problem.__annotations__["problem"]
    keys = [f"problem_{name}" for name in re.findall(r"'(\w+)'", str(schema))]
    keys += [f"device_{name}" for name in words.DEVICES]
    keys += [f"click_{ask}" for ask in words.ASKS.values()]
    keys += [f"instructions_{pace}" for pace in ("timed", "self_paced", "live")]
    assert len(keys) > 15
    assert set(keys) <= set(texts)
