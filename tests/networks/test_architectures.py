import json
import pathlib

import numpy as np
import pytest
import two_convolutions
from helpers import disk

from rclicks_jax import errors, registry
from rclicks_jax.clicks import click_models
from rclicks_jax.networks import cards, clickability, exchange
from rclicks_jax.ops import images, letterbox
from rclicks_jax.settings import networks
from rclicks_jax.types import ClickQuery

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "cards"
pytestmark = pytest.mark.usefixtures("second_architecture")
NARROW = two_convolutions.SIZES["narrow"]


@pytest.fixture
def model(tmp_path):
    """A model folder of the second architecture."""
    variables = two_convolutions.init(NARROW, 1)
    facts = (NARROW, 32, 5.0, "nothing", "untrained", {})
    cards.save(tmp_path, variables, cards.Card(*facts, architecture="two_convolutions"))
    return tmp_path


def query():
    image = np.random.default_rng(0).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    target = disk((20, 31), (10, 14), 7)
    return ClickQuery(image, target, target & disk((20, 31), (8, 12), 5))


def by_hand(variables):
    """Returns the click map of `query`, computed step by step."""
    image, gt_mask, error_mask = query()
    box = letterbox.fit(image.shape, 32)
    masks = [letterbox.place(m.astype(np.float32), box) for m in (gt_mask, error_mask)]
    square = images.normalised_square(image, box)
    (logits,) = np.asarray(
        two_convolutions.Network(NARROW).apply(
            variables, square[None], np.stack(masks, axis=-1)[None]
        )
    )
    scaled = (logits - logits.min()) / (logits.max() - logits.min())
    return letterbox.restore(scaled, box)


def test_a_second_architecture_makes_click_maps(model):
    click_models.check(str(model))
    (click_map,) = click_models.load(str(model), batch=2)([query()])
    variables, card = cards.load(model)
    assert card.network == NARROW
    np.testing.assert_allclose(click_map, by_hand(variables), atol=1e-5)
    assert click_map.max() > 0.5


def test_runs_record_which_architecture_it_is(model):
    described = click_models.describe(str(model))
    assert described["architecture"] == "two_convolutions"
    assert described["variant"] == "narrow"


def test_what_runs_record_of_the_clickability_network_has_not_changed(tmp_path):
    # The card and the description are those of the release before architectures.
    before = {
        "name": "CM",
        "variant": "nano",
        "size": 64,
        "sigma": 5.0,
        "data": "nothing",
        "checksum": "e7f5db2d7007436f3eb6780cce46a84083ff4896679572c9a9104825c49143f0",
        "precision": "float32",
    }
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    text = (GOLDEN / "format_1.json").read_text()
    (old / cards.CARD_NAME).write_text(text)
    assert click_models.describe(str(old)) == before
    variables = clickability.init_variables(networks.network("nano"), 3)
    card = cards.save(new, variables, cards.load_card(old))
    assert click_models.describe(str(new)) == before
    assert card.architecture == "clickability"
    described = json.loads((new / cards.CARD_NAME).read_text())
    assert (described["format"], described["architecture"]) == (2, "clickability")


def test_an_architecture_that_is_not_known_is_told_with_those_that_are(
    model, monkeypatch
):
    monkeypatch.delitem(registry.ARCHITECTURES, "two_convolutions")
    message = r"architecture 'two_convolutions', which .* not have\. Known: clickab"
    with pytest.raises(errors.DataError, match=message):
        cards.load(model)


def test_squares_that_an_architecture_does_not_take_are_refused(tmp_path):
    facts = (NARROW, 30, 5.0, "nothing", "untrained", {})
    card = cards.Card(*facts, architecture="two_convolutions")
    cards.save(tmp_path, two_convolutions.init(NARROW, 1), card)
    with pytest.raises(errors.DataError, match=r"of 30 pixels; .* multiples of 4"):
        cards.load(tmp_path)


def test_weights_of_another_size_than_the_cards_are_told(tmp_path):
    facts = (two_convolutions.SIZES["wide"], 32, 5.0, "nothing", "untrained", {})
    card = cards.Card(*facts, architecture="two_convolutions")
    cards.save(tmp_path, two_convolutions.init(NARROW, 1), card)
    model = click_models.load(str(tmp_path), batch=1)
    with pytest.raises(errors.DataError, match=r"do not fit the network .*kernel"):
        model([query()])


def test_checkpoints_of_pytorch_are_those_of_architectures_that_have_them(
    model, tmp_path
):
    with pytest.raises(errors.BadValueError, match="got two_convolutions; allowed"):
        exchange.export_model(str(model), str(tmp_path / "back.pth"))
    with pytest.raises(errors.BadValueError, match="got two_convolutions; allowed"):
        exchange.import_checkpoint(
            str(tmp_path / "theirs.pth"), str(tmp_path / "ours"),
            size=32, sigma=5.0, architecture="two_convolutions",
        )  # fmt: skip
