"""Settings of runs of click maps, and what such runs wrote."""

import csv
import dataclasses
import json

from rclicks_jax.click_maps import files
from rclicks_jax.jobs import store
from rclicks_jax.settings import click_maps


def settings(folder, **changes):
    plain = click_maps.ClickMapsConfig(
        model="DT", data=f"folder:{folder}", samples=4, groups=(0, 1, 10)
    )
    return dataclasses.replace(plain, **changes)


def files_of(out):
    """Everything a user reads, as bytes; what says when it was made is none of it."""
    kept = [
        path
        for path in sorted(out.rglob("*"))
        if path.is_file()
        and path.name != "run.json"
        and path.parent.name not in ("attempts", "utilisation")
    ]
    return {str(path.relative_to(out)): path.read_bytes() for path in kept}


def results_of(out):
    """The same but for records, of which the newest rows count, whatever was before."""
    found = {
        name: content
        for name, content in files_of(out).items()
        if not name.startswith("records/")
    }
    records = store.RunFolder(out).read_all()
    return found, {(record.dataset, record.name): record.rows for record in records}


def rows_of(out):
    with (out / "clicks.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def index_of(out):
    return json.loads((out / "index.json").read_text())


def problems_of(out):
    return files.problems(store.RunFolder(out))
