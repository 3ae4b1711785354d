import numpy as np
import pytest
from helpers import disk, network_of, numbered, state_of

from rclicks_jax import config, errors
from rclicks_jax.models import cards, clickability, convert, infer
from rclicks_jax.types import ClickQuery


def card_of(network, size):
    return cards.Card(network, size, 5.0, "nothing", "untrained", {})


@pytest.fixture(scope="module")
def nano():
    network = config.network("nano")
    variables = clickability.init_variables(network, 3)
    return infer.ClickabilityModel(variables, card_of(network, 64), batch=3)


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
    for rescale, name in ((False, "apply"), (True, "clickability")):
        model = infer.ClickabilityModel(
            variables, card_of(network, 416), batch=1, rescale=rescale
        )
        for i, click_map in zip(cases, model(asked), strict=True):
            np.testing.assert_allclose(click_map, saved[f"{name}{i}"], atol=1e-4)


def test_maps_have_native_size_and_do_not_depend_on_their_neighbours(nano):
    asked = queries(5)
    together = nano(asked)
    for query, click_map in zip(asked, together, strict=True):
        assert click_map.shape == query.gt_mask.shape
        assert click_map.min() >= 0
        assert click_map.max() <= 1
        np.testing.assert_array_equal(nano([query])[0], click_map)


def test_no_query_gives_no_map(nano):
    assert nano([]) == []


def test_the_error_mask_matters(nano):
    (query,) = queries(1)
    (first,) = nano([query])
    (second,) = nano([query._replace(error_mask=query.gt_mask)])
    assert np.abs(first - second).max() > 1e-4


def test_what_is_remembered_of_old_arrays_is_never_taken_for_new_ones(nano):
    (first,) = queries(1)
    expected = nano([first])[0]
    for number in range(infer._KEPT_SQUARES):
        image = np.full_like(first.image, number)
        (blank,) = nano([first._replace(image=image)])
        assert not np.array_equal(blank, expected)
    np.testing.assert_array_equal(nano([first])[0], expected)


def test_a_model_folder_comes_back(tmp_path, nano):
    network = config.network("nano")
    variables = clickability.init_variables(network, 3)
    card = cards.save(tmp_path / "model", variables, card_of(network, 64))
    loaded = infer.load(tmp_path / "model", batch=3)
    assert loaded.card == card
    (query,) = queries(1)
    np.testing.assert_array_equal(loaded([query])[0], nano([query])[0])


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
    network = config.network("nano")
    cards.save(tmp_path, clickability.init_variables(network, 0), card_of(network, 64))
    damage(tmp_path)
    with pytest.raises(errors.DataError, match=message):
        infer.load(tmp_path)
