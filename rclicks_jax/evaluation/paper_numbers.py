"""Beside an evaluation's numbers, those that the original has.

They are in `paper_numbers.toml`, which names their source; they are of raw
maps.
"""

import functools
import importlib.resources
import tomllib
from collections.abc import Mapping
from typing import Any

from rclicks_jax.evaluation.click_scores import PAPER, Evaluation, Scores, parts
from rclicks_jax.reporting.table_formats import Row, Table

_FILE = "paper_numbers.toml"
_NETWORK, _VARIANT, _DATA = "CM", "b", "TETRIS"
# Splits that hold what the original evaluated: TETRIS val, all of the other datasets.
_SPLITS = {"TETRIS": ("val", "held_out")}
_WHOLE = ("all", "test", "held_out")
_NOT_PUBLISHED = "not published"


def columns() -> dict[str, tuple[str, str]]:
    """Returns the columns that a comparison with published numbers ends with."""
    return {
        "ours": ("ours", ".4g"),
        "published": ("published", ".4g"),
        "difference": ("difference", "+.2g"),
        "note": ("", "s"),
    }


def beside(ours: Any, published: float | None, note: str = "") -> Row:
    """Returns the cells of `columns`.

    Args:
        ours: A mean with its interval; None where there is none.
        published: The original's; None where it has none.
        note: What differs in what was measured.
    """
    if published is None:
        return {"ours": ours, "note": _NOT_PUBLISHED}
    row: Row = {"ours": ours, "published": published, "note": note}
    if ours is not None:
        row["difference"] = ours.mean - published
    return row


def table(evaluation: Evaluation) -> Table:
    """Compares click models with the original's: ours, published, the difference.

    Args:
        evaluation: Of raw maps, which the published numbers are of.
    """
    made: list[Row] = []
    for one, kind in parts(evaluation.scores):
        numbers = _find(one, kind)
        note = _note(one.counts[kind]["ok"], numbers) if numbers else ""
        for measure in PAPER:
            head = {
                "dataset": one.dataset,
                "click_type": kind,
                "model": one.model,
                "measure": measure.title,
            }
            published = numbers[measure.key] if numbers else None
            ours = one.interval(measure.key, kind)
            made.append({**head, **beside(ours, published, note)})
    heads = {
        "dataset": ("Dataset", "s"),
        "click_type": ("Task", "s"),
        "model": ("Model", "s"),
        "measure": ("Measure", "s"),
    }
    protocol = evaluation.identity["protocol"]["name"]
    title = f"Against the paper ({evaluation.maps} maps, protocol “{protocol}”)"
    return Table("published", title, {**heads, **columns()}, made)


def _note(tasks: int, numbers: Mapping[str, Any]) -> str:
    if numbers["tasks"] in (0, tasks):
        return ""
    return f"{tasks} of {numbers['tasks']} published tasks"


def is_published_split(dataset: str, split: str) -> bool:
    """Tells whether a split is what the original's numbers of a dataset are of."""
    return split in _SPLITS.get(dataset, _WHOLE)


def _find(one: Scores, kind: str) -> Mapping[str, Any] | None:
    """Finds the numbers of the same click model on the same data; None without."""
    if not is_published_split(one.dataset, one.split):
        return None
    # A saliency model other than the paper's has another name than SM or SI.
    name, sigma = one.name, 0.0
    if one.described["name"] == _NETWORK:
        # Another network, or one that learnt from other people, is another model.
        if one.described["variant"] != _VARIANT or _DATA not in one.described["data"]:
            return None
        name, sigma = _NETWORK, float(one.described["sigma"])
    return _rows().get((one.dataset, kind, name, sigma))


@functools.cache
def _rows() -> dict[tuple[str, str, str, float], dict[str, Any]]:
    rows = _named("click_models")
    return {
        (r["dataset"], r["click_type"], r["name"], float(r["sigma"])): r for r in rows
    }


def pc_against_mobile() -> dict[str, dict[str, Any]]:
    """Returns the original's KS, and its WD and PL1 of (x, x), by dataset."""
    return {row["dataset"]: row for row in _named("pc_against_mobile")}


def _named(part: str) -> list[dict[str, Any]]:
    path = importlib.resources.files("rclicks_jax.evaluation") / _FILE
    found = tomllib.loads(path.read_text())[part]
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]
