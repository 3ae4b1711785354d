"""Three small photographs and a network that has learnt nothing."""

import pytest
from helpers import make_folder

from rclicks_jax import config
from rclicks_jax.models import cards, clickability


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path, cache):
    return make_folder(tmp_path / "mine")


@pytest.fixture
def nano(tmp_path):
    network = config.network("nano")
    card = cards.Card(network, 64, 5.0, "nothing", "untrained", {"sim": 0.5})
    cards.save(tmp_path / "nano", clickability.init_variables(network, 3), card)
    return str(tmp_path / "nano")
