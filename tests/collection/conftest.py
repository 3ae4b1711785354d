import collect_studies
import pytest


@pytest.fixture
def clock():
    return collect_studies.Clock()


@pytest.fixture
def opened(tmp_path, clock):
    """Makes and opens studies; closes them at the end."""
    open_ones = []

    def make(names=("a", "b", "c", "d"), **changes):
        folder = collect_studies.make(tmp_path, names, **changes)
        open_ones.append(collect_studies.open_study(folder, clock))
        return open_ones[-1]

    yield make
    for desk in open_ones:
        desk.close()
