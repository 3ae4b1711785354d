"""Settings of runs of click maps, and what such runs wrote."""

import csv
import dataclasses
import json

from rclicks_jax import config


def settings(folder, **changes):
    plain = config.ClickMapsConfig(
        model="DT", data=f"folder:{folder}", samples=4, groups=(0, 1, 10)
    )
    return dataclasses.replace(plain, **changes)


def files_of(out):
    """Everything a user reads, as bytes."""
    kept = [
        path
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "run.json" and path.parent.name != "attempts"
    ]
    return {str(path.relative_to(out)): path.read_bytes() for path in kept}


def rows_of(out):
    with (out / "clicks.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def index_of(out):
    return json.loads((out / "index.json").read_text())
