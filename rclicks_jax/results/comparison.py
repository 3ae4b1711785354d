"""Several segmenters on the same objects: paired differences and ranks.

Two segmenters are compared on the objects that both finished, by the difference on each
object; the interval is a bootstrap over images. One is ranked before another only where
the interval of their difference excludes zero.
"""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.config import Protocol
from rclicks_jax.metrics import intervals
from rclicks_jax.results import measures
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.results.formats import Row, Table

# What two segmenters are compared by.
COMPARED = ("sample_noc", "base_noc", "delta_sb", "delta_gr", "sample_auc", "nsr")


class Run(NamedTuple):
    """What one segmenter did.

    Attributes:
        label: What tables call it.
        protocol: It was run with.
        results: By dataset.
        segmenter: What it recorded of its segmenter.
    """

    label: str
    protocol: Protocol
    results: dict[str, DatasetResults]
    segmenter: Mapping[str, Any] = types.MappingProxyType({})


def check(runs: Sequence[Run]) -> None:
    """Makes sure that runs can be compared.

    Raises:
        RunFolderError: They have other protocols, or equal labels.
    """
    names = [run.label for run in runs]
    if len(set(names)) < len(names):
        raise errors.RunFolderError(
            f"Runs are called {', '.join(names)}: give each another name, LABEL=FOLDER."
        )
    protocols = {run.protocol.name for run in runs}
    if len({run.protocol for run in runs}) > 1:
        raise errors.RunFolderError(
            f"Runs have different protocols ({', '.join(sorted(protocols))}): their "
            "numbers cannot be compared."
        )


def datasets_of(runs: Sequence[Run]) -> list[str]:
    """Returns the datasets that every run has, in order of their names."""
    common = set.intersection(*(set(run.results) for run in runs))
    return sorted(common)


def shared(runs: Sequence[Run], dataset: str) -> list[str]:
    """Returns the objects of a dataset that every run finished, in order."""
    finished = [set(run.results[dataset].instance_ids) for run in runs]
    return sorted(set.intersection(*finished))


class Paired(NamedTuple):
    """One measure of the same objects, by segmenter.

    Attributes:
        values: `f64[m n]`.
        image_ids: The image of each object.
    """

    values: np.ndarray
    image_ids: list[str]


def paired(runs: Sequence[Run], dataset: str, key: str) -> Paired | None:
    """Returns a measure of the shared objects; None where a run has not got it."""
    names = shared(runs, dataset)
    measure = measures.BY_KEY[key]
    rows, image_ids = [], [""] * len(names)
    for run in runs:
        result = run.results[dataset]
        values = measure.values(result, run.protocol)
        if values is None:
            return None
        place = {name: number for number, name in enumerate(result.instance_ids)}
        chosen = [place[name] for name in names]
        rows.append(values[chosen])
        image_ids = [result.image_ids[number] for number in chosen]
    return Paired(np.stack(rows), image_ids)


def difference(
    one: np.ndarray, other: np.ndarray, image_ids: list[str]
) -> intervals.Interval | None:
    """Returns the mean of one minus other over the objects that have both."""
    return measures.over_images(one - other, image_ids)


def ranks(values: Paired, better: int) -> list[tuple[int, int]]:
    """Returns the best and the worst rank that each segmenter may have, from 1.

    Args:
        values: A measure.
        better: -1 if less is better, 1 if more is.
    """
    count = len(values.values)
    signs = np.zeros((count, count), int)
    for i in range(count):
        for j in range(i):
            found = difference(values.values[i], values.values[j], values.image_ids)
            if found is not None and found.low * found.high > 0:
                signs[i, j] = better * int(np.sign(found.mean))
                signs[j, i] = -signs[i, j]
    beaten_by = (signs < 0).sum(axis=1)
    beats = (signs > 0).sum(axis=1)
    return [
        (1 + int(above), count - int(below))
        for above, below in zip(beaten_by, beats, strict=True)
    ]


def means(runs: Sequence[Run]) -> Table:
    """Every compared measure with its interval and rank, a row a segmenter."""
    columns = {
        "dataset": ("Dataset", "s"),
        "segmenter": ("Segmenter", "s"),
        "objects": ("objects shared", "d"),
    }
    rows = []
    for dataset in datasets_of(runs):
        of_dataset: list[Row] = [
            {
                "dataset": dataset,
                "segmenter": run.label,
                "objects": len(shared(runs, dataset)),
            }
            for run in runs
        ]
        for key in COMPARED:
            found = paired(runs, dataset, key)
            if found is None:
                continue
            measure = measures.BY_KEY[key]
            columns[key] = (measure.title, measure.form)
            columns[f"{key}_rank"] = ("rank", "s")
            places = ranks(found, measure.better)
            for row, values, place in zip(
                of_dataset, found.values, places, strict=True
            ):
                row[key] = measures.over_images(values, found.image_ids)
                row[f"{key}_rank"] = _written(place)
        rows += of_dataset
    return Table("comparison", "Segmenters on the same objects", columns, rows)


def _written(place: tuple[int, int]) -> str:
    best, worst = place
    return str(best) if best == worst else f"{best} to {worst}"


def differences(runs: Sequence[Run]) -> Table:
    """Paired differences of every two segmenters, a row a pair and measure."""
    columns = {
        "dataset": ("Dataset", "s"),
        "one": ("Segmenter", "s"),
        "other": ("minus", "s"),
        "measure": ("Measure", "s"),
        "objects": ("objects", "d"),
        "difference": ("Difference", ".2f"),
        "told_apart": ("told apart", "s"),
    }
    rows = []
    for dataset, first, second in _pairs(runs):
        for key in COMPARED:
            found = paired([first, second], dataset, key)
            if found is None:
                continue
            one, other = found.values
            between = difference(one, other, found.image_ids)
            apart = between is not None and between.low * between.high > 0
            rows.append(
                {
                    "dataset": dataset,
                    "one": first.label,
                    "other": second.label,
                    "measure": measures.BY_KEY[key].title,
                    "objects": found.values.shape[1],
                    "difference": between,
                    "told_apart": "yes" if apart else "no",
                }
            )
    title = "Differences on the same objects, with 95 % intervals"
    return Table("differences", title, columns, rows)


def _pairs(runs: Sequence[Run]) -> Iterator[tuple[str, Run, Run]]:
    for dataset in datasets_of(runs):
        for number, first in enumerate(runs):
            for second in runs[number + 1 :]:
                yield dataset, first, second
