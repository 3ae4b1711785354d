import hashlib

import jax
import numpy as np
import pytest

from rclicks_jax import errors
from rclicks_jax.bridge import checkpoints
from rclicks_jax.networks import cards, clickability, convert, exchange, infer
from rclicks_jax.settings import networks
from rclicks_jax.weights import torch_files

NETWORK = networks.network("nano")


@pytest.fixture(scope="module")
def variables():
    return clickability.init_variables(NETWORK, 5)


@pytest.fixture
def checkpoint(variables, tmp_path):
    """Writes a checkpoint of the original's format whose counters are 0, 1, ..."""
    state = convert.to_torch(variables)
    for number, key in enumerate(convert.counters_of(state)):
        state[key] = np.asarray(number)
    torch_files.write(tmp_path / "theirs.pth", state)
    return tmp_path / "theirs.pth"


def imported(checkpoint, out, **changes):
    facts = {"size": 64, "sigma": 7.0, "data": "mine", **changes}
    return exchange.import_checkpoint(str(checkpoint), str(out), **facts)


def test_a_checkpoint_comes_back_bit_for_bit(checkpoint, tmp_path):
    imported(checkpoint, tmp_path / "model")
    back = tmp_path / "back.pth"
    count = exchange.export_model(str(tmp_path / "model"), str(back))
    theirs, ours = torch_files.read(checkpoint), torch_files.read(back)
    assert count == len(theirs)
    assert ours.keys() == theirs.keys()
    for key, array in theirs.items():
        assert ours[key].dtype == array.dtype
        np.testing.assert_array_equal(ours[key], array, err_msg=key)


def test_the_card_says_what_the_weights_are(checkpoint, tmp_path):
    card = imported(checkpoint, tmp_path / "model")
    assert card == cards.load_card(tmp_path / "model")
    assert (card.network, card.size, card.sigma) == (NETWORK, 64, 7.0)
    assert (card.data, card.protocol) == ("mine", "paper")
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert card.recipe == f"converted from theirs.pth, SHA-256 {digest}"
    encoded = (tmp_path / "model" / cards.WEIGHTS_NAME).read_bytes()
    assert card.checksum == hashlib.sha256(encoded).hexdigest()


def test_a_converted_model_is_a_click_model_of_these_weights(
    checkpoint, variables, tmp_path
):
    card = imported(checkpoint, tmp_path / "model")
    model = infer.load(tmp_path / "model", batch=1)
    assert model.card == card
    found = {
        jax.tree_util.keystr(path): leaf
        for path, leaf in jax.tree.leaves_with_path(model._variables)
    }
    expected = jax.tree.leaves_with_path(
        infer.ClickabilityModel(variables, card, batch=1)._variables
    )
    assert len(found) == len(expected)
    for path, leaf in expected:
        np.testing.assert_array_equal(found[jax.tree_util.keystr(path)], leaf)


def test_data_must_be_told_unless_the_network_is_the_published_one(
    checkpoint, tmp_path, monkeypatch
):
    with pytest.raises(errors.BadValueError, match="what variant nano was trained on"):
        imported(checkpoint, tmp_path / "model", data="")
    monkeypatch.setattr(exchange, "PUBLISHED_VARIANT", "nano")
    assert imported(checkpoint, tmp_path / "model", data="").data.startswith("TETRIS")


@pytest.mark.parametrize(
    "facts", [{"size": 0}, {"sigma": -1.0}, {"sigma": float("inf")}]
)
def test_a_card_has_facts(checkpoint, tmp_path, facts):
    with pytest.raises(errors.BadValueError, match="positive numbers"):
        imported(checkpoint, tmp_path / "model", **facts)


def test_a_model_is_not_overwritten(checkpoint, tmp_path):
    imported(checkpoint, tmp_path / "model")
    with pytest.raises(errors.BadValueError, match="a folder that is no model yet"):
        imported(checkpoint, tmp_path / "model")


@pytest.mark.parametrize("name", ["theirs.pth", "model.npz"])
def test_a_checkpoint_is_new_and_named_as_one(checkpoint, tmp_path, name):
    with pytest.raises(errors.BadValueError, match=r"ends in \.pth and is not there"):
        exchange.rewrite(str(checkpoint), str(tmp_path / name))


def test_a_wrong_key_leaves_no_model(checkpoint, tmp_path):
    state = dict(torch_files.read(checkpoint))
    state["maps_transform.6.weight"] = np.zeros(3)
    torch_files.write(tmp_path / "more.pth", state)
    with pytest.raises(errors.DataError, match=r"unknown 1: maps_transform\.6\.weight"):
        imported(tmp_path / "more.pth", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_older_formats_go_through_the_environment_that_is_named(
    checkpoint, variables, tmp_path, monkeypatch
):
    old = tmp_path / "old.pth"
    old.write_bytes(b"an older format")

    def rewrite(python, source, target):
        assert (python, source) == ("env/bin/python", str(old))
        torch_files.write(target, torch_files.read(checkpoint))

    monkeypatch.setattr(checkpoints, "rewrite", rewrite)
    named = {"torch_python": "env/bin/python"}
    imported(old, tmp_path / "model", **named)
    loaded, _ = cards.load(tmp_path / "model")
    del loaded[convert.COUNTERS]
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, loaded, variables)))
    assert exchange.rewrite(str(old), str(tmp_path / "new.pth"), **named) == len(
        torch_files.read(tmp_path / "new.pth")
    )
