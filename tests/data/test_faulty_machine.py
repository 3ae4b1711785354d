import errno
import os

import pytest
from helpers import make_folder

from rclicks_jax import errors
from rclicks_jax.data import packages, specs
from rclicks_jax.data.raw import files


def failing(monkeypatch, number):
    opened = os.open

    def fail(path, *flags, **options):
        if str(path).endswith("a.png"):
            raise OSError(number, os.strerror(number), str(path))
        return opened(path, *flags, **options)

    monkeypatch.setattr(files.os, "open", fail)


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ESTALE])
def test_a_fault_of_the_machine_is_not_packaged(tmp_path, monkeypatch, number):
    make_folder(tmp_path / "mine", ("a",))
    (spec,) = specs.parse(f"folder:{tmp_path / 'mine'}")
    with monkeypatch.context() as patch:
        failing(patch, number)
        with pytest.raises(errors.DataError, match=rf"packaged.*{os.strerror(number)}"):
            packages.prepare("instances", spec, tmp_path / "cache")
    folder = packages.prepare("instances", spec, tmp_path / "cache")
    (row,) = packages.Package("instances", "mine", folder).rows
    assert not row.problem


def test_a_file_that_may_not_be_read_is_a_problem_of_its_own(tmp_path, monkeypatch):
    failing(monkeypatch, errno.EACCES)
    with pytest.raises(errors.DataError, match="cannot be read"):
        files.read(tmp_path / "a.png")
