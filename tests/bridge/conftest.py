import bridged
import pytest


@pytest.fixture
def adapter():
    return bridged.ADAPTER


@pytest.fixture
def undisturbed(adapter):
    return bridged.play(f"bridge:adapter={adapter}")
