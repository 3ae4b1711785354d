"""Several segmenters on the same objects: paired differences and ranks.

Two segmenters are compared on the objects that both finished, by the difference on each
object; the interval is a bootstrap over images. A segmenter is ranked before another
only if the interval of their difference excludes zero. Runs that differ in more than
their segmenter are refused; or, if that is allowed, their labels name the differences
and they are not ranked (`comparable`).
"""

import dataclasses
import types
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.metrics import intervals
from rclicks_jax.reporting import common_notes, comparable
from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.results import measures, run_notes
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.results.kept_pictures import KeptPictures
from rclicks_jax.settings.protocols import Protocol
from rclicks_jax.types import JsonObject

# The measures by which segmenters are compared.
COMPARED = ("sample_noc", "base_noc", "delta_sb", "delta_gr", "sample_auc", "nsr")
_SEGMENTER = "segmenter"
_EMPTY: JsonObject = types.MappingProxyType({})
_NO_PICTURES = KeptPictures(types.MappingProxyType({}), [])


class Run(NamedTuple):
    """A run of one segmenter, read for tables.

    Attributes:
        label: Label of the run in tables.
        protocol: The protocol of the run.
        results: Results by dataset.
        segmenter: Description of its segmenter, JSON values.
        identity: Identity of the run, JSON values.
        provenance: Provenance of the run, JSON values.
        folder: Path of the run folder.
        side: Values of the settings in which compared runs differ beside the
            segmenter; empty if they do not differ.
        hash: Hash of its identity, as its folder says.
        pictures: Its objects that have pictures.
    """

    label: str
    protocol: Protocol
    results: dict[str, DatasetResults]
    segmenter: JsonObject = _EMPTY
    identity: JsonObject = _EMPTY
    provenance: JsonObject = _EMPTY
    folder: str = ""
    side: str = ""
    hash: str = ""
    pictures: KeptPictures = _NO_PICTURES

    def notes(self) -> list[str]:
        """Returns the notes that stand above the numbers of the run."""
        results = list(self.results.values())
        return run_notes.notes_of(self.identity, self.provenance, results)


class ComparableRuns(NamedTuple):
    """Runs that may be compared.

    Attributes:
        runs: The runs with distinct labels.
        head: The settings in which they differ beside the segmenter; empty if there are
            none.
        notes: Sentences about these differences and about each run.
    """

    runs: list[Run]
    head: str
    notes: list[str]

    def named(self, table: Table) -> Table:
        """Returns a table with the differences in its title."""
        if not self.head:
            return table
        return dataclasses.replace(table, title=f"{table.title} ({self.head})")


def check(runs: Sequence[Run], allowed: Collection[str] = ()) -> ComparableRuns:
    """Checks that runs can be compared, and labels them by their differences.

    Args:
        runs: One or more runs.
        allowed: Settings that may differ, as `--allow` names them.

    Raises:
        RunFolderError: They differ in another setting, have no dataset in common, or
            have equal labels.
        UnknownNameError: `allowed` has an unknown setting.
    """
    differing = comparable.differences([_settings(run) for run in runs])
    if len({frozenset(_images(run)) for run in runs}) == 1:
        # All runs have the same images. A run that was continued with another number
        # has the first number in its provenance.
        differing = [
            difference for difference in differing if difference.setting != "max_images"
        ]
    names = [run.label for run in runs]
    if len(set(names)) < len(names):
        names = [
            run.folder or f"run {number}" for number, run in enumerate(runs, start=1)
        ]
    compared = comparable.check(names, differing, allowed)
    labelled = [
        run._replace(label=f"{run.label} ({side})" if side else run.label, side=side)
        for run, side in zip(runs, compared.sides, strict=True)
    ]
    labels = [run.label for run in labelled]
    if len(set(labels)) < len(labels):
        raise errors.RunFolderError(
            f"Labels of runs are {', '.join(labels)}: give each run another label, "
            "LABEL=FOLDER."
        )
    if not datasets_of(labelled):
        held = "; ".join(f"{run.label} has {', '.join(run.results)}" for run in runs)
        raise errors.RunFolderError(f"Runs have no dataset in common: {held}.")
    means = comparable.means_note(names, [run.provenance for run in runs])
    notes = [*filter(None, (compared.note, means))]
    counts = [len({*_images(run)}) for run in labelled]
    if len(set(counts)) > 1:
        pairs = zip(counts, labelled, strict=True)
        held = ", ".join(f"{count} in {run.label}" for count, run in pairs)
        notes.append(
            f"Images with a record: {held}. Runs are compared on objects of all."
        )
    notes += common_notes.together((run.label, run.notes()) for run in labelled)
    return ComparableRuns(labelled, compared.head, notes)


def _settings(run: Run) -> comparable.Settings:
    if not run.identity:
        # Results without a folder: only their protocol is known.
        return comparable.settings_of({"protocol": vars(run.protocol)}, {}, ())
    return comparable.settings_of(run.identity, run.provenance, {_SEGMENTER})


def _images(run: Run) -> Iterator[tuple[str, str]]:
    for name, result in run.results.items():
        for image_id in result.seen_images:
            yield name, image_id


def datasets_of(runs: Sequence[Run]) -> list[str]:
    """Returns the datasets that every run has, in order of their names."""
    common = set.intersection(*(set(run.results) for run in runs))
    return sorted(common)


def shared(runs: Sequence[Run], dataset: str) -> list[str]:
    """Returns the objects of a dataset that every run finished, in order."""
    finished = [set(run.results[dataset].instance_ids) for run in runs]
    return sorted(set.intersection(*finished))


def on_shared(runs: Sequence[Run]) -> list[Run]:
    """Returns the runs with only the objects that all of them finished."""
    names = {dataset: shared(runs, dataset) for dataset in datasets_of(runs)}
    return [
        run._replace(
            results={
                dataset: run.results[dataset].only(_places(run.results[dataset], kept))
                for dataset, kept in names.items()
            }
        )
        for run in runs
    ]


def _places(result: DatasetResults, names: Sequence[str]) -> list[int]:
    place = {name: number for number, name in enumerate(result.instance_ids)}
    return [place[name] for name in names]


class Paired(NamedTuple):
    """The values of a measure for several segmenters on the same objects.

    Attributes:
        values: The values, without NaN, `f64[m n]`.
        image_ids: The image of each object.
        instance_ids: The objects.
    """

    values: np.ndarray
    image_ids: list[str]
    instance_ids: Sequence[str] = ()


def paired(runs: Sequence[Run], dataset: str, key: str) -> Paired | None:
    """Returns a measure on the shared objects for which every run has a number.

    None if a run has not played what the measure needs, or no object has a number.
    """
    names = shared(runs, dataset)
    measure = measures.BY_KEY[key]
    rows = []
    for run in runs:
        result = run.results[dataset]
        values = measure.values(result, run.protocol)
        if values is None:
            return None
        rows.append(values[_places(result, names)])
    stacked = np.stack(rows)
    kept = np.flatnonzero(np.isfinite(stacked).all(axis=0))
    if not kept.size:
        return None
    first = runs[0].results[dataset]
    places = _places(first, [names[i] for i in kept])
    return Paired(
        stacked[:, kept],
        [first.image_ids[place] for place in places],
        [first.instance_ids[place] for place in places],
    )


def ranks(
    values: Paired, better: int, sides: Sequence[str] | None = None
) -> list[tuple[int, int] | None]:
    """Returns the best and the worst rank that each segmenter may have, from 1.

    None for a segmenter that is compared with no other, or whose difference to another
    has no interval.

    Args:
        values: The values of a measure.
        better: -1 if less is better, 1 if more is.
        sides: Only runs of equal sides are compared; all of them if None.
    """
    count = len(values.values)
    sides = [""] * count if sides is None else sides
    places: list[tuple[int, int] | None] = []
    for i in range(count):
        others = [j for j in range(count) if j != i and sides[j] == sides[i]]
        gaps = [
            intervals.difference(values.values[i], values.values[j], values.image_ids)
            for j in others
        ]
        signs = [None if gap is None else gap.sign for gap in gaps]
        if not signs or None in signs:
            places.append(None)
            continue
        beaten_by = sum(sign == -better for sign in signs)
        beats = sum(sign == better for sign in signs)
        places.append((1 + beaten_by, len(others) + 1 - beats))
    return places


def means(runs: Sequence[Run]) -> Table:
    """Makes the table of compared measures with intervals and ranks."""
    columns = {
        "dataset": ("Dataset", "s"),
        "segmenter": ("Segmenter", "s"),
        "objects": ("objects shared", "d"),
    }
    rows: list[Row] = []
    notes: list[str] = []
    for dataset in datasets_of(runs):
        names = shared(runs, dataset)
        of_dataset: list[Row] = [
            {"dataset": dataset, "segmenter": run.label, "objects": len(names)}
            for run in runs
        ]
        for key in COMPARED:
            measured = paired(runs, dataset, key)
            if measured is None:
                continue
            measure = measures.BY_KEY[key]
            columns[key] = (measure.heading, measure.form)
            columns[f"{key}_rank"] = ("rank", "s")
            places = ranks(measured, measure.better, [run.side for run in runs])
            for row, values, place in zip(
                of_dataset, measured.values, places, strict=True
            ):
                row[key] = intervals.over_images(values, measured.image_ids)
                row[f"{key}_rank"] = _written(place)
            if (count := measured.values.shape[1]) < len(names):
                notes.append(_of_fewer(measure.title, dataset, count, len(names)))
        rows += of_dataset
    title = "Segmenters on the same objects"
    return Table("comparison", title, columns, rows, tuple(notes))


def _of_fewer(title: str, dataset: str, count: int, of: int) -> str:
    return f"{title} on {dataset}: over the {count} of {of} objects that have a number."


def _written(place: tuple[int, int] | None) -> str | None:
    if place is None:
        return None
    best, worst = place
    return str(best) if best == worst else f"{best} to {worst}"


def differences(runs: Sequence[Run]) -> Table:
    """Makes the table of paired differences of every two segmenters."""
    columns = {
        "dataset": ("Dataset", "s"),
        "one": ("Segmenter", "s"),
        "other": ("minus", "s"),
        "measure": ("Measure", "s"),
        "objects": ("objects", "d"),
        "difference": ("Difference", "+.2f"),
        "told_apart": ("told apart", "s"),
    }
    rows = []
    for dataset, first, second in _pairs(runs):
        for key in COMPARED:
            measured = paired([first, second], dataset, key)
            if measured is None:
                continue
            values, others = measured.values
            difference = intervals.difference(values, others, measured.image_ids)
            rows.append(
                {
                    "dataset": dataset,
                    "one": first.label,
                    "other": second.label,
                    "measure": measures.BY_KEY[key].heading,
                    "objects": measured.values.shape[1],
                    "difference": difference,
                    "told_apart": intervals.told_apart(
                        difference, first.side == second.side
                    ),
                }
            )
    title = "Differences on the same objects, with 95 % intervals"
    return Table("differences", title, columns, rows)


def _pairs(runs: Sequence[Run]) -> Iterator[tuple[str, Run, Run]]:
    for dataset in datasets_of(runs):
        for number, first in enumerate(runs):
            for second in runs[number + 1 :]:
                yield dataset, first, second
