import dataclasses

import jax
import numpy as np
import pytest
import two_convolutions
from helpers import disk, network_of, numbered, state_of

from rclicks_jax import errors
from rclicks_jax.networks import cards, clickability, convert, infer, passes
from rclicks_jax.ops import scaling
from rclicks_jax.types import ClickQuery

pytestmark = pytest.mark.usefixtures("second_architecture", "compiled_for_users")


@pytest.fixture(scope="module")
def narrow():
    return two_convolutions.model(batch=2)


def queries(count):
    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        shape = (40 + number, 61 - number)
        image = random.integers(0, 256, (*shape, 3), dtype=np.uint8)
        target = disk(shape, (20, 25 + number), 12)
        made.append(ClickQuery(image, target, target & disk(shape, (25, 25), 9)))
    return made


@pytest.mark.parity
def test_maps_equal_the_original_from_image_to_map(parity):
    saved, weights = parity("clickability_e2e.npz"), parity("segnext_tiny.npz")
    network = network_of(weights)
    template = clickability.variable_shapes(network)
    variables = convert.from_torch(state_of(weights), template)
    cases = range(numbered(saved, "image"))
    asked = [
        ClickQuery(saved[f"image{i}"], saved[f"mask{i}"], saved[f"error{i}"])
        for i in cases
    ]
    card = cards.Card(network, 416, 5.0, "nothing", "untrained", {})
    model = infer.ClickabilityModel(variables, card, batch=1)
    # What was compiled is shared.
    scaled = infer.ClickabilityModel(variables, card, batch=1, rescale=True)
    for each, name in ((model, "apply"), (scaled, "clickability")):
        for i, click_map in zip(cases, each(asked), strict=True):
            np.testing.assert_allclose(click_map, saved[f"{name}{i}"], atol=1e-4)


def test_maps_have_native_size_and_do_not_depend_on_their_neighbours(narrow):
    asked = queries(5)
    together = narrow(asked)
    for query, click_map in zip(asked, together, strict=True):
        assert click_map.shape == query.gt_mask.shape
        assert click_map.min() >= 0
        assert click_map.max() <= 1
        np.testing.assert_array_equal(narrow([query])[0], click_map)


def test_equal_networks_share_what_was_compiled(narrow, monkeypatch):
    asked = queries(2)
    first = narrow(asked)
    # A network that is traced again would call it.
    monkeypatch.setattr(scaling, "scale_to_unit", None)
    model = two_convolutions.model(seed=4, batch=2)
    for ours, theirs in zip(model(asked), first, strict=True):
        assert ours.shape == theirs.shape
        assert not np.array_equal(ours, theirs)


def test_no_query_gives_no_map(narrow):
    assert narrow([]) == []


def test_the_error_mask_matters(narrow):
    (query,) = queries(1)
    (first,) = narrow([query])
    (second,) = narrow([query._replace(error_mask=query.gt_mask)])
    assert np.abs(first - second).max() > 1e-4


def test_what_is_remembered_of_old_arrays_is_never_taken_for_new_ones(narrow):
    (first,) = queries(1)
    expected = narrow([first])[0]
    for number in range(64):
        image = np.full_like(first.image, number)
        (blank,) = narrow([first._replace(image=image)])
        assert not np.array_equal(blank, expected)
    np.testing.assert_array_equal(narrow([first])[0], expected)


def test_an_array_changed_in_place_gives_another_map(narrow):
    (query,) = queries(1)
    (before,) = narrow([query])
    query.image[...] = 255 - query.image
    query.gt_mask[...] = ~query.gt_mask
    (after,) = narrow([query])
    assert not np.array_equal(before, after)
    fresh = ClickQuery(*(array.copy() for array in query))
    np.testing.assert_array_equal(after, narrow([fresh])[0])


def test_neighbours_that_share_arrays_are_not_mixed_up(narrow):
    one, other = queries(2)
    third = one._replace(gt_mask=one.error_mask)
    together = narrow([one, third, other, one])
    for query, click_map in zip([one, third, other, one], together, strict=True):
        fresh = ClickQuery(*(array.copy() for array in query))
        np.testing.assert_array_equal(narrow([fresh])[0], click_map)


def test_what_is_remembered_has_a_bound(narrow, monkeypatch):
    asked = queries(6)
    expected = narrow(asked)
    monkeypatch.setattr(infer, "_KEPT_BYTES", 200_000)
    for query, click_map in zip(asked * 2, expected * 2, strict=True):
        np.testing.assert_array_equal(narrow([query])[0], click_map)
        kept = narrow._letterboxed._kept.values()
        total = sum(source.nbytes + square.nbytes for source, square in kept)
        assert total == narrow._letterboxed._bytes <= 200_000
        for slots in (narrow.passes.images, narrow.passes.targets):
            taken = [slot for _, slot in slots._kept.values()]
            assert sorted([*taken, *slots._free]) == list(range(4))


def test_a_row_that_repeats_an_image_sends_nothing(narrow, monkeypatch):
    (query,) = queries(1)
    (expected,) = narrow([query])

    def fail(*arguments):
        raise AssertionError

    monkeypatch.setattr(passes, "put", fail)
    for click_map in narrow([query] * 5):
        np.testing.assert_array_equal(click_map, expected)


def in_precision(precision):
    return two_convolutions.model(batch=2, precision=precision)


def test_bfloat16_is_near_float32_and_says_how_near(narrow):
    rough, asked = in_precision("bfloat16"), queries(5)
    differences = [
        np.abs(a - b) for a, b in zip(rough(asked), narrow(asked), strict=True)
    ]
    found = rough.precision_error(asked)
    assert found.maps == 5
    assert found.largest == max(each.max() for each in differences)
    pixels = sum(each.size for each in differences)
    total = sum(each.sum(dtype=np.float64) for each in differences)
    assert found.mean == pytest.approx(total / pixels)
    assert 0 < found.mean < 0.01
    assert found.largest < 0.06


def test_parameters_stay_float32(narrow):
    leaves = jax.tree.leaves(in_precision("bfloat16")._variables)
    assert {leaf.dtype for leaf in leaves} == {np.dtype(np.float32)}


def test_float32_has_no_error(narrow):
    assert narrow.precision == "float32"
    assert narrow.precision_error(queries(2)) == infer.PrecisionError(2, 0.0, 0.0)
    assert in_precision("bfloat16").precision_error([]).maps == 0


def test_accelerators_use_bfloat16_unless_told_otherwise(monkeypatch):
    assert infer.resolve_precision("auto") == "float32"
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert infer.resolve_precision("auto") == "bfloat16"
    assert infer.resolve_precision("float32") == "float32"


def test_an_unknown_precision_is_named():
    with pytest.raises(errors.BadValueError, match=r"'half'; allowed: auto, float32"):
        in_precision("half")


def test_a_model_folder_comes_back(tmp_path, narrow):
    loaded = infer.load(two_convolutions.save(tmp_path / "model"), batch=2)
    assert dataclasses.replace(loaded.card, checksum="") == two_convolutions.card()
    (query,) = queries(1)
    np.testing.assert_array_equal(loaded([query])[0], narrow([query])[0])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "card.json").unlink(), "is not a model folder"),
        (lambda folder: (folder / "weights.safetensors").unlink(), "has a card but no"),
        (lambda folder: (folder / "card.json").write_text("{"), "is not a model card"),
        (
            lambda folder: (folder / "weights.safetensors").write_bytes(b"x"),
            "changed or not copied whole",
        ),
    ],
)
def test_a_damaged_model_folder_is_named(tmp_path, damage, message):
    two_convolutions.save(tmp_path)
    damage(tmp_path)
    with pytest.raises(errors.DataError, match=message):
        infer.load(tmp_path)
