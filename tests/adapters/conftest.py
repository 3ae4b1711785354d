"""Packages of checkouts have equal names: what a test imports of one, it leaves."""

import sys

import pytest
import stand_ins
import torch

_OF_CHECKOUTS = (
    "isegm", "segment_anything", "mobile_sam", "sam2", "transalnet", "TranSalNet_Res",
    "utils",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_imports():
    """Installs stand-ins, and afterwards forgets checkouts that were imported."""
    stand_ins.install()
    # The order of sums depends on it, as in run_case.py.
    torch.set_num_threads(1)
    path = list(sys.path)
    yield
    sys.path[:] = path
    for name in list(sys.modules):
        if name.partition(".")[0] in _OF_CHECKOUTS:
            del sys.modules[name]
