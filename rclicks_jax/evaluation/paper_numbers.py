"""The paper's numbers beside those of an evaluation.

`paper_numbers.toml` holds them and names their source. They are for raw maps.
"""

import functools
import importlib.resources
import tomllib
from collections.abc import Mapping

from rclicks_jax.evaluation.click_scores import PAPER, Evaluation, Scores, parts
from rclicks_jax.metrics.intervals import Interval
from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.types import json_part

# Numbers of a row of the paper's tables, by column.
PaperRow = Mapping[str, float]
_FILE = "paper_numbers.toml"
_NETWORK, _VARIANT, _DATA = "CM", "b", "TETRIS"
# Splits that the paper evaluates on: TETRIS val, and all of the other datasets.
_SPLITS = {"TETRIS": ("val", "held_out")}
_WHOLE = ("all", "test", "held_out")
_NOT_PUBLISHED = "not published"


def columns() -> dict[str, tuple[str, str]]:
    """Returns the last columns of a comparison with published numbers."""
    return {
        "ours": ("ours", ".4g"),
        "published": ("published", ".4g"),
        "difference": ("difference", "+.2g"),
        "note": ("", "s"),
    }


def beside(ours: Interval | None, published: float | None, note: str = "") -> Row:
    """Returns the cells of `columns`.

    Args:
        ours: Our mean with its interval; None if it is undefined.
        published: The published mean; None if there is none.
        note: What differs between the two measurements.
    """
    if published is None:
        return {"ours": ours, "note": _NOT_PUBLISHED}
    row: Row = {"ours": ours, "published": published, "note": note}
    if ours is not None:
        row["difference"] = ours.mean - published
    return row


def table(evaluation: Evaluation) -> Table:
    """Returns a table of our means, the published means, and the differences.

    Args:
        evaluation: An evaluation read with `raw` maps, as the published numbers are.
    """
    rows: list[Row] = []
    for scores, kind in parts(evaluation.scores):
        numbers = _find(scores, kind)
        note = _note(scores.counts[kind]["ok"], numbers) if numbers else ""
        for measure in PAPER:
            head = {
                "dataset": scores.dataset,
                "click_type": kind,
                "model": scores.model,
                "measure": measure.title,
            }
            published = numbers[measure.key] if numbers else None
            ours = scores.interval(measure.key, kind)
            rows.append({**head, **beside(ours, published, note)})
    heads = {
        "dataset": ("Dataset", "s"),
        "click_type": ("Task", "s"),
        "model": ("Model", "s"),
        "measure": ("Measure", "s"),
    }
    protocol = json_part(evaluation.identity, "protocol")["name"]
    title = f"Against the paper ({evaluation.maps} maps, protocol “{protocol}”)"
    return Table("published", title, {**heads, **columns()}, rows)


def _note(tasks: int, numbers: PaperRow) -> str:
    if numbers["tasks"] in (0, tasks):
        return ""
    return f"{tasks} of {numbers['tasks']} published tasks"


def is_published_split(dataset: str, split: str) -> bool:
    """Tells whether the published numbers of a dataset are those of a split."""
    return split in _SPLITS.get(dataset, _WHOLE)


def _find(scores: Scores, kind: str) -> PaperRow | None:
    """Returns the published numbers of a click model on a dataset; None without any."""
    if not is_published_split(scores.dataset, scores.split):
        return None
    # A saliency model other than the paper's has another name than SM or SI.
    name, sigma = scores.name, 0.0
    described = scores.described
    if described["name"] == _NETWORK:
        # Published numbers are of one variant that was trained on one dataset.
        if described["variant"] != _VARIANT or _DATA not in str(described["data"]):
            return None
        name, sigma = _NETWORK, float(str(described["sigma"]))
    return _rows().get((scores.dataset, kind, name, sigma))


@functools.cache
def _rows() -> dict[tuple[str, str, str, float], PaperRow]:
    return {
        (text["dataset"], text["click_type"], text["name"], numbers["sigma"]): numbers
        for text, numbers in _read_rows("click_models")
    }


def pc_against_mobile() -> dict[str, PaperRow]:
    """Returns the published KS, and WD and PL1 of points (x, x), by dataset."""
    rows = _read_rows("pc_against_mobile")
    return {text["dataset"]: numbers for text, numbers in rows}


def _read_rows(part: str) -> list[tuple[dict[str, str], PaperRow]]:
    """Returns the text and the numbers of each row of a table, by column."""
    path = importlib.resources.files("rclicks_jax.evaluation") / _FILE
    table = tomllib.loads(path.read_text())[part]
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["rows"]]
    return [
        (
            {key: value for key, value in row.items() if isinstance(value, str)},
            {key: value for key, value in row.items() if not isinstance(value, str)},
        )
        for row in rows
    ]
