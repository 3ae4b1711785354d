"""A folder in which a run was started."""

import pytest
from run_folders import begin, record


@pytest.fixture
def begun(tmp_path):
    """A folder of a run with records of the images a and b."""
    folder = begin(tmp_path / "run")
    folder.write(record())
    folder.write(record("b"))
    return folder
