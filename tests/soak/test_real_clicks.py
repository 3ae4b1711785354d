"""All real clicks that may be distributed lie in their objects."""

import pytest

from rclicks_jax.data import doctor


@pytest.mark.real
def test_all_of_voc_wtp_lie_in_their_objects(real_data):
    text = doctor.examine(str(real_data("VOC_WTP")), 1.0).text()
    assert "clicks: 4464 first, 0 fn, 0 fp" in text
    assert "clicks: 4464 in their region" in text
