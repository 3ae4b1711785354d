"""The files of `rclicks-click-maps`.

run.json                         settings of the run, and their hash
maps/DATASET/IMAGE/OBJECT.png    click maps
drawings/DATASET/IMAGE/OBJECT.jpg
records/DATASET/IMAGE.1.jsonl    results for each image; written after its files
clicks.csv, index.json           made from the records
README.txt                       description of these files
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import NotRequired, TypedDict, cast

import numpy as np

from rclicks_jax import files
from rclicks_jax.click_maps.queries import Target
from rclicks_jax.clicks import groups
from rclicks_jax.jobs import records, store
from rclicks_jax.ops import images
from rclicks_jax.reporting import overlays
from rclicks_jax.types import Status, json_part

CSV_NAME, INDEX_NAME, README_NAME = "clicks.csv", "index.json", "README.txt"
_COLUMNS = ("dataset", "image_id", "instance_id", "group", "draw", "y", "x")
_README = f"""Click maps of rclicks-click-maps: where would people click?

maps/DATASET/IMAGE/OBJECT.png
    The click map of an object: 16-bit greyscale, of the size of the photograph.
    {groups.TOP_LEVEL} is the likeliest pixel; 0 outside the region that the click shall
    mend. Probability of a click on a pixel = its value / the sum of all values.
drawings/DATASET/IMAGE/OBJECT.jpg
    The object in a white outline, its click map as heat, and the sampled clicks as
    dots; a cyan outline is the region to mend where it is not the whole object.
clicks.csv
    The sampled clicks: y and x from 0 at the top left; group from 1, unlikely places,
    to 10, the likeliest, or 0 for the whole map.
index.json
    Model, precision, seed, protocol, and every object with its status and its files.
run.json, records/
    What lets the command go on where it was stopped.

Characters of ids that file names cannot have are written as %XX.
"""


def write_object(
    folder: store.RunFolder,
    target: Target,
    levels: np.ndarray,
    clicks: Mapping[int, np.ndarray],
    *,
    draw: bool,
) -> dict[str, object]:
    """Writes the click map of an object and, with `draw`, its drawing.

    Args:
        folder: The run folder.
        target: The object.
        levels: Its click map in levels, `u16[h w]`.
        clicks: Sampled clicks `(y, x)` by group, `i32[n 2]`.
        draw: Whether to write the drawing.

    Returns:
        The row of the object in the record of its image.
    """
    ids = (target.dataset, target.image_id, target.instance_id)
    place = "/".join(map(store.file_name, ids))
    names = {"map": f"maps/{place}.png"}
    contents = [images.encode_png(levels)]
    if draw:
        names["drawing"] = f"drawings/{place}.jpg"
        heat = (levels >> 8).astype(np.uint8)
        picture = overlays.of_query(target.query, heat, clicks)
        contents.append(overlays.to_jpeg(picture))
    for name, content in zip(names.values(), contents, strict=True):
        files.write_output(folder.path / name, content)
    clicks_by_group = {
        str(group): positions.tolist() for group, positions in clicks.items()
    }
    return target.row("ok", **names, clicks=clicks_by_group)


class ObjectRow(TypedDict):
    """The row of an object in a record, with its dataset.

    Attributes:
        dataset: Name of the dataset.
        image_id: The image of the object.
        instance_id: The object or click task.
        status: `ok`, `skipped` or `failed`.
        reason: The reason if the status is not `ok`.
        map: Path of the click map in the folder, if the status is `ok`.
        drawing: Path of the drawing, if there is one.
        clicks: Sampled clicks `(y, x)` by group, if the status is `ok`.
    """

    dataset: str
    image_id: str
    instance_id: str
    status: Status
    reason: str
    map: NotRequired[str]
    drawing: NotRequired[str]
    clicks: NotRequired[dict[str, list[tuple[int, int]]]]


def read_objects(folder: store.RunFolder) -> Iterator[ObjectRow]:
    """Yields the row of every object, with its dataset, in a fixed order.

    Raises:
        RecordError: A record is damaged, or belongs to another run.
    """
    for record in folder.read_all():
        for row in record.rows:
            yield cast(ObjectRow, {"dataset": record.dataset, **row})


def problems(folder: store.RunFolder) -> list[str]:
    """Returns a line for each object that was skipped or failed."""
    return [
        f"{row['dataset']}/{row['instance_id']}: {row['status']}: {row['reason']}"
        for row in read_objects(folder)
        if row["status"] != "ok"
    ]


def write_tables(folder: store.RunFolder) -> None:
    """Writes `clicks.csv`, `index.json` and `README.txt` from the records."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_COLUMNS)
    objects: list[ObjectRow] = []
    for row in read_objects(folder):
        ids = (row["dataset"], row["image_id"], row["instance_id"])
        for group, clicks in row.pop("clicks", {}).items():
            for draw, (y, x) in enumerate(clicks):
                table.writerow((*ids, group, draw, y, x))
        objects.append(row)
    info = folder.info()
    index = {
        **info.identity,
        **json_part(info.provenance, "job"),
        "versions": info.provenance["versions"],
        "counts": records.count(row["status"] for row in objects),
        "objects": objects,
    }
    contents = {
        CSV_NAME: text.getvalue(),
        INDEX_NAME: json.dumps(index, indent=1) + "\n",
        README_NAME: _README,
    }
    for name, content in contents.items():
        files.write_output(folder.path / name, content.encode())
