import numpy as np
import pytest

from rclicks_jax.metrics import interaction, robustness


@pytest.fixture
def saved(parity):
    return parity("noc.npz")


@pytest.fixture
def noc(saved):
    threshold = float(saved["threshold"])
    clicks = saved["groups"].shape[-1]
    by_group = interaction.noc(saved["groups"] >= threshold, clicks)
    return by_group, interaction.noc(saved["base"] >= threshold, clicks)


@pytest.mark.parity
def test_sample_noc_and_its_differences_equal_the_original(saved, noc):
    by_group, baseline = noc
    sample = robustness.sample_mean(by_group)
    # The original averages in float32.
    assert sample.mean == pytest.approx(float(saved["sample_noc_mean"]), rel=1e-6)
    assert sample.std == pytest.approx(float(saved["sample_noc_std"]), rel=1e-6)
    delta_sb = robustness.delta_sb(by_group, baseline).mean()
    assert delta_sb == pytest.approx(float(saved["dSB_noc"]), abs=1e-6)
    delta_gr = robustness.delta_gr(by_group).mean()
    assert delta_gr == pytest.approx(float(saved["dGR_noc"]), abs=1e-6)
    delta_hh = robustness.delta_hh(by_group).mean()
    assert delta_hh == pytest.approx(float(saved["dHH_noc"]), abs=1e-6)


@pytest.mark.parity
def test_iou_auc_differences_equal_the_original(saved):
    by_group = interaction.iou_auc(saved["groups"])
    baseline = interaction.iou_auc(saved["base"])
    sample = robustness.sample_mean(by_group)
    assert sample.mean == pytest.approx(float(saved["sample_iouauc_mean"]), abs=1e-6)
    assert sample.std == pytest.approx(float(saved["sample_iouauc_std"]), abs=1e-6)
    flattered = (by_group.mean(axis=0) - baseline).mean()
    assert flattered == pytest.approx(float(saved["dSB_iouauc"]), abs=1e-6)


@pytest.mark.parity
def test_nof_equals_the_original(saved):
    threshold, clicks = float(saved["threshold"]), saved["groups"].shape[-1]
    failed = interaction.failed(saved["groups"] >= threshold, clicks, last_counts=True)
    nof = failed.sum(axis=1)
    assert nof.mean() == pytest.approx(float(saved["sample_nof_mean"]), abs=1e-5)
    assert nof.std() == pytest.approx(float(saved["sample_nof_std"]), abs=1e-5)
    robot = interaction.failed(saved["base"] >= threshold, clicks, last_counts=True)
    assert robot.sum() == float(saved["base_nof"])
    assert nof.mean() - robot.sum() == pytest.approx(float(saved["dSB_nof"]), abs=1e-5)
    assert nof[0] - nof[-1] == float(saved["dGR_nof"])


@pytest.mark.parity
def test_first_clicks_of_users_equal_the_original(saved):
    ends = np.cumsum(saved["user_lens"])[:-1]
    for name, key in (("user_concat", "user"), ("nuser_concat", "sampled_user")):
        users = np.split(saved[name], ends)
        mean = np.mean([ious.mean() for ious in users])
        assert mean == pytest.approx(float(saved[f"{key}_iou1_mean"]), abs=1e-9)
        std = np.mean([ious.std() for ious in users])
        assert std == pytest.approx(float(saved[f"{key}_iou1_std"]), abs=1e-9)
    users = np.split(saved["user_concat"], ends)
    nsr = np.mean([robustness.noise_to_signal(ious) for ious in users])
    assert nsr == pytest.approx(float(saved["fig7_nsr_single_model"]), abs=1e-9)
    first = saved["base"][:, 0].mean()
    assert first == pytest.approx(float(saved["base_iou1"]), abs=1e-9)


@pytest.mark.parity
def test_noise_to_signal_equals_the_original(saved, noc):
    by_group, _ = noc
    auc = interaction.iou_auc(saved["groups"])
    nsr = robustness.noise_to_signal(auc).mean()
    # The original averages this one in float32.
    assert nsr == pytest.approx(float(saved["sample_nsr_iou_perimage"]), abs=1e-6)
    nsr = robustness.noise_to_signal(by_group.astype(float)).mean()
    assert nsr == pytest.approx(float(saved["sample_nsr_noc_perimage"]), abs=1e-6)
    ends = np.cumsum(saved["user_lens"])[:-1]
    for name, key in (
        ("user_concat", "user_nsr"),
        ("nuser_concat", "sampled_user_nsr"),
    ):
        users = np.split(saved[name], ends)
        nsr = np.mean([robustness.noise_to_signal(u, epsilon=1e-9) for u in users])
        assert nsr == pytest.approx(float(saved[key]), abs=1e-9)


def test_differences_are_means_of_ratios_not_ratios_of_means():
    by_group = np.array([[2.0, 30.0], [4.0, 10.0]])
    baseline = np.array([1.0, 10.0])
    assert robustness.delta_sb(by_group, baseline).tolist() == [2.0, 1.0]
    assert robustness.delta_gr(by_group).tolist() == [-0.5, 2.0]


def test_a_reference_of_zero_has_no_ratio():
    assert np.isnan(robustness.relative(np.array([1.0]), np.array([0.0]))).all()
    assert np.isnan(robustness.noise_to_signal(np.zeros((4, 1)))).all()


def test_objects_that_are_never_found_have_no_noise_to_signal():
    auc = np.array([[0.0, 0.4, 0.5], [0.0, 0.6, 0.5]])
    found = robustness.noise_to_signal(auc)
    np.testing.assert_allclose(found, [np.nan, 0.2, 0.0])


def test_what_draws_add_is_no_difference_between_groups():
    generator = np.random.default_rng(0)
    groups = np.array([0.0, 3.0])[:, None]
    drawn = groups + generator.normal(0, 2.0, (4, 2, 4000))
    found = robustness.spread(drawn)
    assert found.groups == pytest.approx(1.5, rel=0.03)
    assert found.draws == pytest.approx(2.0, rel=0.03)
    assert found.error == pytest.approx(2.0 / np.sqrt(4 * 2 * 4000), rel=0.9)
    alike = np.broadcast_to(groups, (3, 2, 5))
    assert robustness.spread(alike) == (1.5, 0.0, 0.0)
