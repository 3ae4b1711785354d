"""Visitors of a study."""

import pytest
from collect_visitors import Visitor


@pytest.fixture
def visitor(opened, clock):
    def make(**changes):
        return Visitor(opened(**changes), clock)

    return make


@pytest.fixture
def started(visitor):
    return visitor().begin()
