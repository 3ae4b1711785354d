"""People's trajectories as a file has them, and what no file may have."""

import json

import numpy as np
import people_trajectories
import pytest

from rclicks_jax import errors
from rclicks_jax.data import recorded_trajectories

FRAME = (40, 60)
CLICKS = [(5, 7, True), (9, 11, False), "undo", (20, 30, True), "done"]


def line(person="p001", name="a", acts=CLICKS, **changes):
    return people_trajectories.line(person, name, acts, frame=FRAME, **changes)


def write(folder, lines, **head):
    return people_trajectories.write(folder / "trajectories.jsonl", lines, **head)


def test_clicks_that_stand_are_read_in_order(tmp_path):
    areas = [(1, 10), (2, 10), (1, 10), (8, 9), (8, 9)]
    path = write(tmp_path, [line(areas=areas)])
    for place in (path, str(tmp_path)):
        found = recorded_trajectories.read(place)
        (read,) = found.trajectories
        np.testing.assert_array_equal(read.clicks_yx, [[5, 7], [20, 30]])
        assert read.positive.tolist() == [True, True]
        assert (read.undone, read.ended) == (1, "done")
        assert (read.intersection, read.union) == ((1, 8), (10, 9))
        assert (found.source, found.segmenter) == ("people", "random_walker")


def test_the_checksum_is_of_the_content(tmp_path):
    one = recorded_trajectories.read(write(tmp_path, [line()])).checksum
    assert recorded_trajectories.read(write(tmp_path, [line()])).checksum == one
    other = recorded_trajectories.read(write(tmp_path, [line(ended="left")]))
    assert other.checksum != one


def changed(**changes):
    return {**line(), **changes}


def acts_with(**changes):
    acts = line()["acts"]
    return changed(acts=[{**acts[0], **changes}, *acts[1:]])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (changed(person=""), "person is ''"),
        (changed(full_stem=7), "full_stem is 7"),
        (changed(device=None), "device is None"),
        (changed(wave=-1), "wave is -1"),
        (changed(height=0), "height is 0"),
        (changed(width=True), "width is True"),
        (changed(ended="tired"), "ended 'tired'; allowed: done, give_up"),
        (changed(acts=[1]), "acts must be a list of objects"),
        (changed(union=[None]), "an entry an act"),
        (changed(intersection=[5, *[None] * 4], union=[4, *[None] * 4]),
         "intersection 5 and union 4"),
        (changed(intersection=[5, *[None] * 4]), "intersection 5 and union None"),
        (changed(intersection=[1, *[None] * 4], union=[2401, *[None] * 4]),
         "union 2401 of a photograph of 60x40"),
        (acts_with(act="drag"), "act 'drag'"),
        (acts_with(y=40), "y=40, x=7"),
        (acts_with(x=-1), "x=-1"),
        (acts_with(x=2.5), "x=2.5"),
        (acts_with(positive=1), "positive=1"),
        (acts_with(seconds=-1), "seconds is -1"),
        (acts_with(seconds=float("nan")), "it has NaN"),
        (acts_with(seconds=None), "seconds is None"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_its_line(tmp_path, wrong, said):
    path = write(tmp_path, [line(), wrong])
    with pytest.raises(errors.DataError) as caught:
        recorded_trajectories.read(path)
    assert f"{path}, line 3: " in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ({"kind": "pace"}, "not the first line"),
        ({"format": 0}, "not the first line"),
        ({"format": 2}, "of format 2; this release reads formats up to 1"),
        ({"source": "cats"}, "source must be people or bots"),
        ({"segmenter": 3}, "segmenter text"),
    ],
)
def test_another_head_is_refused(tmp_path, head, said):
    with pytest.raises(errors.DataError, match=said):
        recorded_trajectories.read(write(tmp_path, [line()], **head))


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "trajectories.jsonl"
    for content in ("", "[1]\n", "{\n", "[" * 100_000):
        path.write_text(content)
        with pytest.raises(errors.DataError, match="line 1"):
            recorded_trajectories.read(str(path))
    with pytest.raises(errors.DataError, match="cannot be read"):
        recorded_trajectories.read(str(tmp_path / "gone"))
    with pytest.raises(errors.DataError, match="has no trajectory"):
        recorded_trajectories.read(write(tmp_path, []))


def test_a_person_has_an_object_once_in_a_wave(tmp_path):
    with pytest.raises(errors.DataError, match=r"line 3: p001 has a in line 2, too"):
        recorded_trajectories.read(write(tmp_path, [line(), line()]))
    found = recorded_trajectories.read(write(tmp_path, [line(), line(wave=2)]))
    assert len(found.trajectories) == 2


def test_a_person_may_not_be_known(tmp_path):
    found = recorded_trajectories.read(write(tmp_path, [line(None), line(None)]))
    assert [each.person for each in found.trajectories] == ["", ""]


def matched(folder, lines, shapes):
    read = recorded_trajectories.read(write(folder, lines))
    return recorded_trajectories.match(read, shapes)


def test_each_trajectory_finds_its_object(tmp_path):
    lines = [line(), line("p002"), line("p001", "b", ["give_up"]), line("p003", "b")]
    shapes = {"mine": {"a": FRAME, "b": FRAME, "c": FRAME}, "other": {"x": (9, 9)}}
    found = matched(tmp_path, lines, shapes)
    people = {key: [t.person for t in own] for key, own in found.by_object.items()}
    assert people == {("mine", "a"): ["p001", "p002"], ("mine", "b"): ["p003"]}
    assert found.without_click == 1


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"mine": {"a": FRAME}}, r"1 of 2 .* does not have \(1 objects: b\)"),
        ({"mine": {"c": FRAME}}, r"2 of 2 .* does not have \(2 objects: a, b\)"),
        ({"mine": {"a": FRAME, "b": FRAME}, "other": {"b": FRAME}},
         "1 of 2 .* several datasets have"),
        ({"mine": {"a": FRAME, "b": (60, 40)}}, "1 of 2 .* frames of another shape"),
    ],
)  # fmt: skip
def test_trajectories_of_other_data_are_refused_with_counts(tmp_path, shapes, said):
    with pytest.raises(errors.DataError, match=said):
        matched(tmp_path, [line(), line(name="b")], shapes)


def test_clicks_move_to_a_smaller_photograph(tmp_path):
    path = write(tmp_path, [json.loads(json.dumps(line()))])
    (read,) = recorded_trajectories.read(path).trajectories
    assert read.fits((20, 30))
    np.testing.assert_array_equal(read.in_shape((20, 30)), [[2, 3], [10, 15]])
