"""`nano` learns the same on two hosts of four devices as on one host of eight."""

import numpy as np
from pods import NO_GRADIENT, finish, leaves, start, start_pod


def test_two_hosts_learn_what_one_does(tmp_path):
    finish([start(tmp_path / "alone", 8)])
    finish(start_pod(tmp_path / "pod"))
    expected, ours = leaves(tmp_path / "alone"), leaves(tmp_path / "pod")
    assert set(ours) == set(expected)
    for name, leaf in expected.items():
        if not NO_GRADIENT.search(name):
            np.testing.assert_allclose(ours[name], leaf, atol=1e-6, err_msg=name)
