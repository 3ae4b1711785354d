"""Pictures of objects with clicks and masks for pages, each an SVG of layers.

For each object a page holds the photograph once, and all pictures of the object use it.
The masks of all rounds are the bits of one picture, which the page's script separates.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.benchmark.trajectories import SEEN_ROUNDS
from rclicks_jax.metrics import interaction
from rclicks_jax.reporting import data_uris, overlays
from rclicks_jax.reporting.layers import Layers
from rclicks_jax.results import aggregate
from rclicks_jax.types import Trajectory

# Limits on the characters of an object in a page: its photograph, the layers over it,
# and its outline. With the text of the page they are less than 300 kB.
_PHOTO, _LAYERS, _OUTLINE = 80_000, 170_000, 12_000
# So many first clicks, and the newest click, are drawn with their numbers.
_NUMBERED = 3
# Step between levels of heat; fewer levels make smaller files.
_HEAT_STEP = 8


class Click(NamedTuple):
    """A click in a picture.

    Attributes:
        number: Number of the click, from 1.
        x: Column in pixels of the picture.
        y: Row in pixels of the picture.
        positive: Whether it is a foreground click.
        large: Whether it is drawn with its number.
    """

    number: int
    x: int
    y: int
    positive: bool
    large: bool


class Steps(NamedTuple):
    """Data with which a page steps from click to click.

    Attributes:
        masks: Data URI of a picture: bit k of a pixel tells whether the mask after
            click k + 1 contains it.
        ious: IoU after each click, in percent, as text.
        said: Text on the last click.
    """

    masks: str
    ious: list[str]
    said: str


class Figure(NamedTuple):
    """One picture of an object.

    Attributes:
        name: Name of the trajectory or map.
        caption: Caption below the picture.
        alt: Description for readers who do not see the picture.
        heat: Data URI of a map; empty for none.
        mask: Data URI of the last mask; empty for none.
        clicks: The clicks in drawing order: from the second last down to the first,
            then the newest, so that the first and the newest are on top.
        steps: Data for stepping through the clicks; None if there is none.
    """

    name: str
    caption: str
    alt: str
    heat: str = ""
    mask: str = ""
    clicks: Sequence[Click] = ()
    steps: Steps | None = None


class ObjectPictures(NamedTuple):
    """An object in a page, with all its pictures.

    Attributes:
        anchor: Its id in the page.
        title: Dataset and object.
        note: A sentence on how its trajectories ended.
        width: Width of the pictures in pixels.
        height: Height of the pictures in pixels.
        photo: Data URI of the photograph.
        target: Outline of the target, an SVG path.
        colour: Colour of masks, `#rrggbb`.
        rows: Rows of pictures.
    """

    anchor: str
    title: str
    note: str
    width: int
    height: int
    photo: str
    target: str
    colour: str
    rows: list[list[Figure]]


class ObjectOfRun(NamedTuple):
    """An object that a run played, with its pictures.

    Attributes:
        label: Label of the run; empty if there is a single run.
        record: The record of the object.
        layers: The layers of the object.
    """

    label: str
    record: records.InstanceRecord
    layers: Layers

    def trajectories(self) -> dict[str, Trajectory]:
        """Returns the trajectories whose masks were kept, by label."""
        shown = {
            artifacts.label(*key): trajectory
            for key in artifacts.SHOWN
            for trajectory in self.record.trajectories
            if (trajectory.strategy, trajectory.group, trajectory.repeat) == (*key, 0)
        }
        return {k: v for k, v in shown.items() if k in self.layers.last_masks}


def of_object(
    anchor: str, dataset: str, played: Sequence[ObjectOfRun], maps: Mapping[str, str]
) -> ObjectPictures:
    """Draws an object that one or several runs have played.

    Args:
        anchor: Its id in the page.
        dataset: Its dataset.
        played: The object in each run. Of several runs, each strategy has a row of
            pictures.
        maps: Captions of the maps of the first run, by `click_map` and `user_mean`;
            others are not drawn.
    """
    trajectories = [of_run.trajectories() for of_run in played]
    clicks = [
        click
        for by_label in trajectories
        for trajectory in by_label.values()
        for click in trajectory.clicks
    ]
    cut = [overlays.window(of_run.layers, clicks) for of_run in played]
    first = cut[0]
    masks = [
        layers.last_masks[name]
        for layers, by_label in zip(cut, trajectories, strict=True)
        for name in by_label
    ]
    colour = overlays.mask_colour(first.photo, [first.target, *masks])
    heats = [
        (caption, values)
        for name, caption in maps.items()
        if (values := getattr(first, name)) is not None
    ]
    share = _LAYERS // max(1, len(heats) + 2 * len(masks))
    title = f"{dataset} / {played[0].record.instance_id}"
    rows = [[_heat(caption, values, share) for caption, values in heats]]
    notes = []
    for name in dict.fromkeys(name for by_label in trajectories for name in by_label):
        row = []
        for of_run, layers, by_label in zip(played, cut, trajectories, strict=True):
            if name in by_label:
                figure, note = _trajectory(
                    of_run.label, layers, name, by_label[name], colour, share
                )
                row.append(figure)
                notes.append(note)
        rows.append(row)
    if len(played) == 1:
        rows = [rows[0], [figure for row in rows[1:] for figure in row]]
    height, width = first.target.shape
    return ObjectPictures(
        anchor=anchor,
        title=title,
        note="; ".join(notes) + "." if notes else "",
        width=width,
        height=height,
        photo=data_uris.photo_uri(first.photo, _PHOTO),
        target=overlays.outline_path(first.target, _OUTLINE),
        colour="#{:02x}{:02x}{:02x}".format(*colour),
        rows=[row for row in rows if row],
    )


def _heat(caption: str, values: np.ndarray, longest: int) -> Figure:
    layer = overlays.heat_layer(values // _HEAT_STEP * _HEAT_STEP)
    return Figure(
        name=caption,
        caption=caption,
        alt=f"{caption}: a map over the dimmed photograph, bright where it is high.",
        heat=data_uris.photo_uri(layer, longest),
    )


def _trajectory(
    label: str,
    layers: Layers,
    name: str,
    trajectory: Trajectory,
    colour: overlays.Colour,
    longest: int,
) -> tuple[Figure, str]:
    """Returns the picture of a trajectory, and a note on how it ended."""
    title = f"{label}: {name}" if label else name.capitalize()
    ious = [
        f"{100 * inside / max(1, union):.1f}"
        for inside, union in zip(trajectory.intersection, trajectory.union, strict=True)
    ][: len(trajectory.clicks)]
    count = len(trajectory.clicks)
    positive = sum(bool(on) for *_, on in trajectory.clicks)
    note = f"{title} ends at {ious[-1]} % IoU" if ious else f"{title} has no click"
    dots = []
    for number, (y, x, on) in enumerate(trajectory.clicks, 1):
        column, row = overlays.place_of(layers, y, x)
        large = number <= _NUMBERED or number == count
        dots.append(Click(number, column, row, bool(on), large))
    steps = None
    if name in layers.rounds and 1 < count <= SEEN_ROUNDS:
        picture = artifacts.to_colours(layers.rounds[name])
        if masks := data_uris.encode_within(
            picture, longest, (data_uris.LOSSLESS,), cv2.INTER_NEAREST
        ):
            steps = Steps(masks, ious, f"Click {count} of {count}: {ious[-1]} % IoU")
    mask = overlays.mask_layer(layers.last_masks[name], colour)
    figure = Figure(
        name=title,
        caption=f"{title}: {clicks_needed(trajectory)}",
        alt=(
            f"{note} after {_counted(count)}, {positive} positive and "
            f"{count - positive} negative."
        ),
        mask=data_uris.encode_within(
            mask, longest, (data_uris.LOSSLESS,), cv2.INTER_NEAREST
        ),
        clicks=[*dots[-2::-1], *dots[-1:]],
        steps=steps,
    )
    return figure, note


def clicks_needed(trajectory: Trajectory) -> str:
    """Says after how many clicks a trajectory reached the threshold of IoU."""
    reached = interaction.reached(
        np.array(trajectory.intersection),
        np.array(trajectory.union),
        aggregate.THRESHOLD,
    )
    if not reached.any():
        return f"not {aggregate.THRESHOLD} % IoU in {_counted(reached.size)}"
    clicks = int(reached.argmax()) + 1
    return f"{aggregate.THRESHOLD} % IoU after {_counted(clicks)}"


def _counted(clicks: int) -> str:
    return f"{clicks} click" if clicks == 1 else f"{clicks} clicks"
