"""Drawing of COCO segmentations, right and wrong."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import coco_segmentations

SHAPE = (48, 64)
SQUARE = [10, 5, 20, 5, 20, 15, 10, 15]
LINE = [40, 5, 44, 9]


def drawn(segmentation, shape=SHAPE):
    return coco_segmentations.decode(segmentation, shape)[0] == raw.OBJECT


def notes(segmentation):
    return coco_segmentations.decode(segmentation, SHAPE)[1]


def square():
    inside = np.zeros(SHAPE, bool)
    inside[5:15, 10:20] = True
    return inside


def runs_of(inside):
    flat = inside.ravel(order="F")
    edges = np.flatnonzero(np.diff(flat)) + 1
    counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *counts] if flat[0] else counts


@pytest.mark.parametrize(
    "segmentation",
    [
        [SQUARE],
        [LINE, SQUARE],
        [SQUARE, LINE],
        [SQUARE, [], [1, 2]],
        [[str(number) for number in SQUARE]],
        SQUARE,
        [[[10, 5], [20, 5], [20, 15], [10, 15]]],
        {"size": [48, 64], "counts": runs_of(square())},
        {"size": [48.0, 64.0], "counts": [float(n) for n in runs_of(square())]},
        [{"size": [48, 64], "counts": runs_of(square())}],
    ],
)
def test_whatever_can_be_told_is_drawn(segmentation):
    np.testing.assert_array_equal(drawn(segmentation), square())


def test_what_was_decided_is_noted():
    assert notes([SQUARE]) == []
    assert notes([LINE, SQUARE]) == [coco_segmentations.FEW_POINTS]
    assert notes(SQUARE) == [coco_segmentations.FLAT]
    assert notes([[[10, 5], [20, 5], [20, 15]]]) == [coco_segmentations.PAIRS]
    assert notes([[-20, 5, 20, 5, 20, 15, -20, 15]]) == [coco_segmentations.BEYOND]


def test_several_polygons_are_a_union():
    both = drawn([SQUARE, [15, 10, 30, 10, 30, 20, 15, 20]])
    other = np.zeros(SHAPE, bool)
    other[10:20, 15:30] = True
    np.testing.assert_array_equal(both, square() | other)


def test_polygons_over_the_edge_are_cut():
    assert drawn([[-20, -20, 30, -20, 30, 30, -20, 30]]).sum() == 900
    assert drawn([[50, 20, 300, 20, 300, 30, 50, 30]]).sum() == 140


@pytest.mark.parametrize(
    "segmentation",
    [
        None,
        [],
        [[]],
        [[], []],
        {},
        "",
        {"counts": []},
        {"size": [48, 64], "counts": None},
        {"size": [48, 64], "counts": ""},
    ],
)
def test_a_missing_segmentation_is_no_target(segmentation):
    with pytest.raises(errors.DataError, match="no mask") as raised:
        drawn(segmentation)
    assert raw.status_of(str(raised.value)) == "skipped"


@pytest.mark.parametrize(
    ("segmentation", "message"),
    [
        ([LINE], "three points"),
        ([[1, 2]], "three points"),
        ([[*SQUARE, 7]], "has 9 numbers"),
        ([[0.1, 0.15, 0.5, 0.15, 0.5, 0.6]], "between 0 and 1"),
        ([[0, 0, 1, 0, 1, 1, 0, 1]], "between 0 and 1"),
        ([[0.1, 0.1, 0.5, 0.1, 0.5, 0.5], [0.2, 0.2, 1, 0.2, 1, 1]], "between 0 and 1"),
        ([[float("nan"), 1, 5, 1, 5, 5]], "the coordinate nan"),
        ([[float("inf"), 1, 5, 1, 5, 5]], "the coordinate inf"),
        ([["nan", 1, 5, 1, 5, 5]], "the coordinate 'nan'"),
        ([[1e8, 1e8, 2e8, 1e8, 2e8, 2e8]], "far from the image"),
        ([[1, 1, 5, 1, 5, -1e300]], "far from the image"),
        ([[1, 1, 5, 1, 5, 10**400]], "no number of pixels"),
        ([[True, 1, 5, 1, 5, 5]], "the coordinate True"),
        ([[None, 1, 5, 1, 5, 5]], "the coordinate None"),
        ([[{"x": 1}, 1, 5, 1, 5, 5]], "no number of pixels"),
        ([SQUARE, 7], "is 7, no polygon"),
        ([[65, 5, 75, 5, 75, 15]], "lie outside"),
        ([[5, -9, 9, -9, 9, -1]], "lie outside"),
        ("RLE", "neither a list of polygons nor run lengths"),
        (7, "neither a list of polygons nor run lengths"),
        ({"nonsense": 1}, "size None"),
        ({"size": [64, 48], "counts": [3072]}, r"the image \[48, 64\]"),
        ({"size": ["48", "64"], "counts": [3072]}, "instead of"),
        ({"size": [48], "counts": [3072]}, "instead of"),
        ({"size": [float("nan"), 64], "counts": [3072]}, r"the image \[48, 64\]"),
        ({"size": [48, 64], "counts": [5, 10]}, "stop early: they cover 15"),
        ({"size": [48, 64], "counts": [3000, 73]}, "too long: they cover 3073"),
        ({"size": [48, 64], "counts": [3000, 10**30]}, "a run length is 1000"),
        ({"size": [48, 64], "counts": [3082, -10]}, "a run length is 3082"),
        ({"size": [48, 64], "counts": [10, -10, 3072]}, "a run length is -10"),
        ({"size": [48, 64], "counts": [0.5, 3071.5]}, "a run length is 0.5"),
        ({"size": [48, 64], "counts": [float("nan"), 3072]}, "a run length is nan"),
        ({"size": [48, 64], "counts": ["3072"]}, "a run length is '3072'"),
        ({"size": [48, 64], "counts": [True, 3071]}, "a run length is True"),
        ({"size": [48, 64], "counts": {"a": 1}}, "neither a list nor text"),
        ({"size": [48, 64], "counts": "10 20"}, "compressed run lengths are broken"),
        ({"size": [48, 64], "counts": "é"}, "compressed run lengths are broken"),
        ({"size": [48, 64], "counts": "P"}, "compressed run lengths are broken"),
        ({"size": [48, 64], "counts": "o" * 40 + "0"}, "compressed run lengths are"),
        ({"size": [48, 64], "counts": "12"}, "stop early"),
        ({"size": [48, 64], "counts": "@"}, "negative"),
        ([SQUARE, {"size": [48, 64], "counts": [3072]}], "no polygon"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_words(segmentation, message):
    with pytest.raises(errors.DataError, match=message) as raised:
        drawn(segmentation)
    assert raw.status_of(str(raised.value)) == "failed"


def test_an_endless_outline_is_refused():
    zigzag = [0, 5, 600, 5] * 9000
    with pytest.raises(errors.DataError, match="outline is 10800000 pixels long"):
        drawn([zigzag])


def test_an_image_of_one_pixel_has_a_polygon():
    assert drawn([[0, 0, 1, 0, 1, 1, 0, 1]], (1, 1)).all()


masks = st.integers(1, 9).flatmap(
    lambda width: st.lists(
        st.lists(st.booleans(), min_size=width, max_size=width), min_size=1, max_size=9
    )
)


@hypothesis.given(masks)
@hypothesis.settings(deadline=None, max_examples=50)
def test_run_lengths_give_back_the_mask(rows):
    inside = np.array(rows, bool)
    counts = runs_of(inside)
    described = coco_mask.encode(np.asfortranarray(inside.astype(np.uint8)))
    for each in (counts, described["counts"].decode(), described["counts"]):
        segmentation = {"size": list(inside.shape), "counts": each}
        np.testing.assert_array_equal(drawn(segmentation, inside.shape), inside)


def test_large_run_lengths_give_back_the_mask():
    inside = np.random.default_rng(0).random((1500, 1111)) < 0.3
    described = coco_mask.encode(np.asfortranarray(inside.astype(np.uint8)))
    segmentation = {"size": [1500, 1111], "counts": described["counts"].decode()}
    np.testing.assert_array_equal(drawn(segmentation, inside.shape), inside)


def slowly_drawn(counts, shape):
    """Returns what run lengths mean, pixel by pixel; None if they mean nothing."""
    if any(type(count) is not int or count < 0 for count in counts):
        return None
    flat = [number % 2 for number, count in enumerate(counts) for _ in range(count)]
    if len(flat) != shape[0] * shape[1]:
        return None
    pixels = iter(flat)
    columns = [[next(pixels) for _ in range(shape[0])] for _ in range(shape[1])]
    return np.array(columns, bool).T


@hypothesis.given(st.lists(st.integers(-2, 14), min_size=1, max_size=6))
@hypothesis.example([5, 7])
@hypothesis.settings(deadline=None, max_examples=100)
def test_run_lengths_mean_what_a_slow_loop_says(counts):
    expected = slowly_drawn(counts, (3, 4))
    segmentation = {"size": [3, 4], "counts": counts}
    if expected is None:
        with pytest.raises(errors.DataError):
            drawn(segmentation, (3, 4))
    else:
        np.testing.assert_array_equal(drawn(segmentation, (3, 4)), expected)


numbers = st.one_of(
    st.integers(-3, 70), st.floats(), st.integers(), st.booleans(), st.none(), st.text()
)
anything = st.recursive(
    numbers,
    lambda inner: st.one_of(
        st.lists(inner, max_size=9),
        st.dictionaries(st.sampled_from(["size", "counts", "x"]), inner, max_size=3),
    ),
    max_leaves=20,
)
segmentations = st.one_of(
    anything,
    st.lists(st.lists(st.integers(-5, 40), max_size=10), max_size=3),
    st.fixed_dictionaries({"size": st.just([6, 7]), "counts": anything}),
    st.fixed_dictionaries({"size": st.just([6, 7]), "counts": st.text()}),
    st.fixed_dictionaries(
        {"size": st.just([6, 7]), "counts": st.text("0123456789:;<=>?@PQRSTUV`abno")}
    ),
)


@hypothesis.given(segmentations)
@hypothesis.settings(deadline=None, max_examples=300)
def test_anything_is_drawn_twice_alike_or_refused(segmentation):
    try:
        first = drawn(segmentation, (6, 7))
    except errors.DataError as error:
        str(error).encode()
        return
    assert first.shape == (6, 7)
    np.testing.assert_array_equal(drawn(segmentation, (6, 7)), first)
