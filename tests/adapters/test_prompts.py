"""Trajectories of the SAM family share passes, and each gets its own answer."""

import kit
import numpy as np
import pytest
import torch

from rclicks_jax.bridge.adapters import sam_prompts

# No two cycles of these numbers of clicks sort as they are sorted back.
COUNTS = (3, 1, 2, 3, 1, 2, 4)


@pytest.fixture
def clicks():
    """Returns clicks that say of which trajectory they are, and which they are."""
    rows, numbers = np.indices((len(COUNTS), max(COUNTS)))
    positive = (rows + numbers) % 2 == 0
    return kit.Clicks(np.stack([rows, numbers], -1), positive, np.array(COUNTS))


@pytest.mark.parametrize("batch", [1, 2, 16])
@pytest.mark.parametrize("switch", [True, False])
@pytest.mark.parametrize("begun", [True, False])
def test_every_trajectory_gets_the_answer_to_its_own_prompts(
    clicks, batch, switch, begun
):
    before = torch.arange(len(COUNTS)).float()[:, None, None].expand(-1, 2, 2)
    sizes = []

    def decode(prompts):
        sizes.append(len(prompts.rows))
        answers = []
        for index, row in enumerate(prompts.rows):
            count = COUNTS[row]
            # In the order they were made, as columns and rows.
            expected = [(number, row) for number in range(count)]
            np.testing.assert_array_equal(prompts.xy[index], expected)
            positive = clicks.positive[row, :count]
            np.testing.assert_array_equal(prompts.labels[index], positive)
            dropped = sam_prompts.drops_mask(positive, switch)
            assert (prompts.low_res is None) == (dropped or not begun)
            if prompts.low_res is not None:
                assert (prompts.low_res[index] == row).all()
            answers.append(torch.full((2, 2), 10.0 + row))
        return torch.stack(answers)

    state = {"low_res": before} if begun else None
    made = sam_prompts.predict(decode, clicks, state, switch, batch)
    assert made[:, 0, 0].tolist() == [10.0 + row for row in range(len(COUNTS))]
    assert max(sizes) <= batch
    assert sum(sizes) == len(COUNTS)
    assert batch == 1 or max(sizes) == 2
