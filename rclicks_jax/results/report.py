"""One self-contained HTML page of a run: tables, curves, and objects with clicks."""

import base64
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from rclicks_jax import config
from rclicks_jax.metrics import interaction, robustness
from rclicks_jax.ops import images
from rclicks_jax.results import aggregate, figures, formats, pages
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.runs import artifacts, overlays, records, store
from rclicks_jax.runs.tracks import SEEN_ROUNDS
from rclicks_jax.types import Trajectory

REPORT_NAME = "report.html"
# Objects shown where groups fare most differently, and as many where least.
_SHOWN_EACH = 4
SYNTHETIC = "synthetic"


@dataclasses.dataclass(frozen=True)
class Shown:
    """An object of the gallery.

    Attributes:
        title: Dataset and object.
        note: How it went, in words.
        pictures: Caption, data URI and steps of each; the steps may be None.
        photo: Data URI of the photograph with the outline of the target.
    """

    title: str
    note: str
    pictures: list[tuple[str, str, dict[str, Any] | None]]
    photo: str


def write(folder: store.RunFolder, made: Sequence[formats.Table]) -> None:
    """Writes `report.html` into a run folder."""
    page = render(folder, made)
    store.write_atomically(folder.path / REPORT_NAME, page.encode())


def render(folder: store.RunFolder, made: Sequence[formats.Table]) -> str:
    """Returns the page: a pure function of the folder.

    Args:
        folder: A run.
        made: Its tables.
    """
    info = folder.info()
    results = aggregate.collect(folder.read_all())
    by_name = {table.name: table for table in made}
    hashed, noted = info["hashed"], info["noted"]
    stopped = hashed["protocol"].get("stop_at")
    return pages.render(
        "report.html.jinja",
        segmenter=hashed["segmenter"]["name"],
        datasets=[result.dataset for result in results],
        hashed=hashed,
        noted=noted,
        run_hash=info["hash"],
        synthetic=_synthetic_parts(hashed, results),
        summary=pages.shown(formats.turned(by_name["summary"])),
        tables=[
            pages.shown(by_name[name])
            for name in ("noc", "users", "repeats", "instances", "timing")
            if by_name[name].rows
        ],
        curves="" if stopped or not results else figures.iou_per_click(results),
        gallery=_gallery(folder, results),
        problems=[(r.dataset, *problem) for r in results for problem in r.problems],
    )


def _synthetic_parts(
    hashed: dict[str, Any], results: Sequence[DatasetResults]
) -> list[str]:
    """Names what in a run rests on clicks that no person made."""
    parts = []
    data = str(hashed["click_model"].get("data", ""))
    if SYNTHETIC in data:
        parts.append("the click model was trained on synthetic clicks")
    if any(SYNTHETIC in result.input_devices for result in results):
        parts.append("the replayed first clicks are synthetic")
    return parts


def _gallery(folder: store.RunFolder, results: Sequence[DatasetResults]) -> list[Shown]:
    """Chooses the objects whose groups fare most and least differently."""
    protocol = config.recorded_protocol(folder.info()["hashed"]["protocol"])
    spread = {}
    for result in results:
        if result.by_group is not None:
            auc = interaction.iou_auc(result.by_group.iou).mean(axis=0)
            nsr = robustness.noise_to_signal(auc)
            keys = ((result.dataset, name) for name in result.instance_ids)
            spread |= dict(zip(keys, np.nan_to_num(nsr), strict=True))
    pictured = []
    for image in folder.read_all():
        for layers in artifacts.read(folder, image.dataset, image.image_id):
            record = _record_of(image, layers.instance_id)
            if record is not None:
                pictured.append((image, record, layers))
    pictured.sort(key=lambda p: -spread.get((p[0].dataset, p[1].instance_id), 0.0))
    if len(pictured) > 2 * _SHOWN_EACH:
        pictured = pictured[:_SHOWN_EACH] + pictured[-_SHOWN_EACH:]
    return [
        _shown(image, record, layers, protocol) for image, record, layers in pictured
    ]


def _record_of(
    image: records.ImageRecord, instance_id: str
) -> records.InstanceRecord | None:
    found = [
        one
        for one in image.instances
        if one.instance_id == instance_id and one.status == "ok"
    ]
    return found[0] if found else None


def _shown(
    image: records.ImageRecord,
    record: records.InstanceRecord,
    layers: artifacts.Layers,
    protocol: config.Protocol,
) -> Shown:
    shown = {
        artifacts.label(*key): track
        for key in artifacts.SHOWN
        for track in record.trajectories
        if (track.strategy, track.group, track.repeat) == (*key, 0)
    }
    layers = overlays.window(layers, [c for t in shown.values() for c in t.clicks])
    pictures = []
    if layers.click_map is not None:
        heat = overlays.to_data_uri(overlays.with_click_map(layers))
        pictures.append(("Where people would click first", heat, None))
    if layers.user_mean is not None:
        heat = overlays.to_data_uri(overlays.with_user_mean(layers))
        pictures.append(("Mean mask over users' first clicks", heat, None))
    notes = []
    for name, track in shown.items():
        picture = overlays.with_clicks(layers, name, track.clicks)
        caption = f"{name.capitalize()}: {_clicks_needed(track, protocol)}"
        steps = _steps(layers, name, track)
        pictures.append((caption, overlays.to_data_uri(picture), steps))
        last = 100 * track.intersection[-1] / max(1, track.union[-1])
        notes.append(f"{name.capitalize()} ends at {last:.1f} % IoU")
    title = f"{image.dataset} / {record.instance_id}"
    photo = overlays.to_data_uri(overlays.with_target(layers))
    return Shown(title, "; ".join(notes), pictures, photo)


def _steps(
    layers: artifacts.Layers, name: str, track: Trajectory
) -> dict[str, Any] | None:
    """Returns what the page needs to show a trajectory click by click."""
    if name not in layers.rounds:
        return None
    ious = [
        round(100 * inside / max(1, union), 1)
        for inside, union in zip(track.intersection, track.union, strict=True)
    ]
    clicks = [(*overlays.place_of(layers, y, x), on) for y, x, on in track.clicks]
    png = images.encode_png(artifacts.to_colours(layers.rounds[name]))
    masks = "data:image/png;base64," + base64.b64encode(png).decode()
    seen = min(len(clicks), SEEN_ROUNDS)
    return {"masks": masks, "clicks": clicks[:seen], "ious": ious[:seen]}


def _clicks_needed(track: Trajectory, protocol: config.Protocol) -> str:
    reached = interaction.reached(
        np.array(track.intersection), np.array(track.union), aggregate.THRESHOLD
    )
    if not reached.any():
        return f"not {aggregate.THRESHOLD} % in {protocol.max_clicks} clicks"
    clicks = int(reached.argmax()) + 1
    unit = "click" if clicks == 1 else "clicks"
    return f"{aggregate.THRESHOLD} % after {clicks} {unit}"
