import types

import numpy as np

from rclicks_jax.collection.results import click_pictures
from rclicks_jax.reporting.layers import Layers


def clicks(task_id, mode, count):
    task = types.SimpleNamespace(task_id=task_id, full_stem=task_id, click_type="first")
    return [types.SimpleNamespace(task=task, mode=mode)] * count


def test_tasks_with_most_clicks_in_their_weakest_mode_come_first():
    one, other = "Object_CutOut", "Silhouette_Mask"
    rows = [
        *clicks("uneven", one, 9), *clicks("uneven", other, 1),
        *clicks("even", one, 2), *clicks("even", other, 2),
        *clicks("alone", one, 20),
        *clicks("also even", one, 3), *clicks("also even", other, 2),
    ]  # fmt: skip
    chosen = click_pictures.choose(rows, 3)
    names = [own[one][0].task.task_id for own in chosen]
    assert names == ["also even", "even", "uneven"]
    assert [len(own[other]) for own in chosen] == [2, 2, 1]


def test_the_density_is_highest_where_most_clicks_are():
    photo = np.zeros((120, 200, 3), np.uint8)
    layers = Layers("", 1.0, photo, photo[..., 0] > 0, None, {})
    places = np.array([[20, 30], [20, 30], [90, 170]])
    made = click_pictures.density(layers, places)
    # Bytes are rounded, so neighbours of the peak may have its value.
    assert made[20, 30] == 255
    assert abs(np.argwhere(made == 255) - (20, 30)).max() <= 1
    assert 100 < made[90, 170] < 160
    assert made[60, 100] < 10
