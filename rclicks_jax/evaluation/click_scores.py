"""Scores of click models on click tasks: the records as an array for each metric."""

import types
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from etils import epath

from rclicks_jax import errors
from rclicks_jax.evaluation import clicks_of_people
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation.identity import KIND, EvaluationIdentity
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.jobs import opening, store
from rclicks_jax.metrics import intervals
from rclicks_jax.types import JsonObject

ALL = "all"
KINDS = (ALL, "first", "fn", "fp")
_CLICK_MODELS = "click_models"


class ClickMeasure(NamedTuple):
    """A metric of click maps.

    Attributes:
        key: Name in records and tables.
        title: Title in headings; the arrow says which way is better.
        form: Format specification of a mean.
    """

    key: str
    title: str
    form: str


# The paper's five, energy distance, then metrics known from saliency prediction.
PAPER = (
    ClickMeasure("pl1", "PL1 ↓", ".3f"),
    ClickMeasure("wd", "WD ↓", ".3f"),
    ClickMeasure("ks", "KS ↑", ".3f"),
    ClickMeasure("nss", "NSS ↑", ".3f"),
    ClickMeasure("pde", "PDE ↑", ".3e"),
)
ENERGY = ClickMeasure("energy", "Energy ↓", ".3f")
# What the first table shows: energy distance stands beside PL1, WD and KS.
MAIN = (*PAPER[:3], ENERGY, *PAPER[3:])
FURTHER = (
    ClickMeasure("pl1_expected", "PL1 in closed form ↓", ".3f"),
    ClickMeasure("kld", "KLD ↓", ".3f"),
    ClickMeasure("cc", "CC ↑", ".3f"),
    ClickMeasure("sim", "SIM ↑", ".3f"),
    ClickMeasure("auc_judd", "AUC-Judd ↑", ".3f"),
    ClickMeasure("ig", "IG over UD, bits ↑", ".3f"),
)
MEASURES = (*MAIN, *FURTHER)
# Metrics of two sets of clicks without a map.
OF_HALVES = ("pl1", "wd", "ks", "energy")


class Scores(NamedTuple):
    """Scores of one click model on one dataset; arrays run over the `ok` tasks.

    Attributes:
        dataset: Name of the dataset.
        model: Name of the click model in tables, with a label.
        name: Name of the click model in the run, without a label.
        described: Description of the click model in the run.
        split: The split that was evaluated.
        task_ids: The tasks, in order.
        image_ids: The image of each task, `str[n]`.
        click_types: `first`, `fn` or `fp` for each task, `str[n]`.
        values: Values by metric, `f64[n]`; NaN where the metric is not defined.
        halves: Values between the two halves of people by metric, `f64[n]`; NaN where
            people are too few.
        people: The clicks of each task with those who made them, `[n]`; empty unless
            that is known of every task.
        counts: Number of tasks by kind of task, then status.
        input_devices: The devices on which people clicked.
        side: Value of the settings in which compared evaluations differ beside the
            click model; empty if they do not differ.
    """

    dataset: str
    model: str
    name: str
    described: JsonObject
    split: str
    task_ids: list[str]
    image_ids: np.ndarray
    click_types: np.ndarray
    values: dict[str, np.ndarray]
    halves: dict[str, np.ndarray]
    people: list[clicks_of_people.TaskClicks]
    counts: dict[str, dict[str, int]]
    input_devices: set[str]
    side: str = ""

    def only(self, kept: Sequence[int]) -> "Scores":
        """Returns the scores of the tasks at some positions; only these are counted."""
        chosen = np.asarray(kept, np.int64)
        kinds = self.click_types[chosen]
        return self._replace(
            task_ids=[self.task_ids[i] for i in chosen],
            image_ids=self.image_ids[chosen],
            click_types=kinds,
            values={key: values[chosen] for key, values in self.values.items()},
            halves={key: values[chosen] for key, values in self.halves.items()},
            people=[self.people[i] for i in chosen] if self.people else [],
            counts={
                kind: {**counts, "ok": int(((kinds == kind) | (kind == ALL)).sum())}
                for kind, counts in self.counts.items()
            },
        )

    def of(self, kind: str) -> np.ndarray:
        """Returns a mask of the tasks of a kind, `bool[n]`."""
        return (self.click_types == kind) | (kind == ALL)

    def has(self, kind: str) -> bool:
        """Tells whether there are tasks of a kind."""
        return any(self.counts[kind].values())

    def adds(self, kind: str) -> bool:
        """Tells whether a kind has tasks, and is not the only kind that has."""
        return self.has(kind) and (kind == ALL or self.counts[kind] != self.counts[ALL])

    def mean(self, metric: str, kind: str = ALL) -> float | None:
        """Returns a mean over tasks; None where the metric is not defined."""
        values = self.values[metric][self.of(kind)]
        return float(np.nanmean(values)) if np.isfinite(values).any() else None

    def interval(self, metric: str, kind: str = ALL) -> intervals.Interval | None:
        """Returns a mean and its interval; None if undefined.

        It is over images, and for distances of clicks whose people are known over
        people, too.
        """
        over_images = self._interval(self.values[metric], kind)
        places = np.flatnonzero(self.of(kind) & np.isfinite(self.values[metric]))
        of_people = [each.of(metric) for each in self._people_at(places, metric)]
        return clicks_of_people.with_people(over_images, of_people, metric)

    def interval_of_halves(
        self, metric: str, kind: str = ALL
    ) -> intervals.Interval | None:
        """Returns the same between the halves of people; None if undefined."""
        over_images = self._interval(self.halves[metric], kind)
        places = np.flatnonzero(self.of(kind) & np.isfinite(self.halves[metric]))
        halves = [each.in_halves() for each in self._people_at(places, metric)]
        return clicks_of_people.halves_with_people(over_images, halves, metric)

    def _people_at(
        self, places: np.ndarray, metric: str
    ) -> list[clicks_of_people.TaskClicks]:
        known = self.people and metric in clicks_of_people.OVER_PEOPLE
        return [self.people[i] for i in places] if known else []

    def _interval(self, values: np.ndarray, kind: str) -> intervals.Interval | None:
        inside = self.of(kind)
        return intervals.over_images(values[inside], self.image_ids[inside].tolist())


def difference(
    first: Scores, second: Scores, places: tuple[list[int], list[int]], metric: str
) -> intervals.Interval | None:
    """Returns the mean difference of two click models, with its interval.

    Args:
        first: Scores of the first click model.
        second: Scores of the second, which are subtracted.
        places: Positions, in each, of the tasks that both finished.
        metric: The metric.
    """
    one, other = (
        scores.values[metric][own]
        for scores, own in zip((first, second), places, strict=True)
    )
    image_ids: list[str] = first.image_ids[places[0]].tolist()
    over_images = intervals.difference(one, other, image_ids)
    known = first.people and second.people
    if not known or metric not in clicks_of_people.OVER_PEOPLE:
        return over_images
    of_people = [
        first.people[i].less(second.people[j], metric)
        for i, j, known in zip(*places, np.isfinite(one - other), strict=True)
        if known
    ]
    return clicks_of_people.with_people(
        over_images, of_people, metric, is_difference=True
    )


class Evaluation(NamedTuple):
    """An evaluation, read for tables.

    Attributes:
        identity: Identity of the run, JSON values.
        maps: Kind of maps that are compared with people: `raw` or `masked`.
        records: The records of all tasks.
        scores: Scores, ordered by dataset, then as the click models were given.
        provenance: Provenance of the run, JSON values.
        name: Label of the evaluation, or its folder.
    """

    identity: JsonObject
    maps: str
    records: list[TaskRecord]
    scores: list[Scores]
    provenance: JsonObject = types.MappingProxyType({})
    name: str = ""

    def with_maps(self, maps: str) -> "Evaluation":
        """Returns the evaluation with scores of another kind of maps."""
        scores = [
            of_records(
                [record for record in self.records if record.dataset == known.dataset],
                known.name,
                known.described,
                maps,
            )._replace(model=known.model, split=known.split)
            for known in self.scores
        ]
        return self._replace(maps=maps, scores=scores)


def open_evaluation(
    path: epath.PathLike, maps: str | None = None, label: str = ""
) -> Evaluation:
    """Reads an evaluation.

    Args:
        path: The run folder.
        maps: Kind of maps that are compared with people; the protocol's if None.
        label: Prefix for the names of its click models.

    Raises:
        RunFolderError: It is not an evaluation, or has no record yet.
        UnknownNameError: `maps` is not a kind of maps.
    """
    if maps not in (None, *task_records.MAPS):
        raise errors.UnknownNameError("kind of maps", str(maps), task_records.MAPS)
    folder = store.RunFolder(path)
    info, values = opening.typed_info(folder, KIND, EvaluationIdentity)
    records = task_records.read_all(folder)
    if not records:
        raise errors.RunFolderError(f"{folder.path} has no finished task yet.")
    maps = maps or task_records.shown_maps(info.identity)
    scores = []
    for dataset in sorted({record.dataset for record in records}):
        of_dataset = [record for record in records if record.dataset == dataset]
        for name, described in values.click_models.items():
            model_scores = of_records(of_dataset, name, described, maps)
            title = " ".join(filter(None, (label, name)))
            scores.append(model_scores._replace(model=title, split=values.split))
    name = label or str(folder.path)
    return Evaluation(info.identity, maps, records, scores, info.provenance, name)


def of_records(
    records: Sequence[TaskRecord], model: str, described: JsonObject, maps: str
) -> Scores:
    """Returns the scores of a click model on the tasks of one dataset.

    Args:
        records: The records of the tasks, one or more.
        model: Name of the click model in the records.
        described: Its description.
        maps: Kind of maps that are compared with people.
    """
    finished = [record for record in records if record.status == "ok"]
    values = {
        measure.key: np.array(
            [
                task_records.value(record, model, maps, measure.key)
                for record in finished
            ]
        )
        for measure in MEASURES
    }
    counts = {
        kind: {
            status: sum(
                record.status == status and kind in (ALL, record.click_type)
                for record in records
            )
            for status in ("ok", "skipped", "failed")
        }
        for kind in KINDS
    }
    return Scores(
        dataset=records[0].dataset,
        model=model,
        name=model,
        described=described,
        split="",
        task_ids=[record.click_set_id for record in finished],
        image_ids=np.array([record.image_id for record in finished], str),
        click_types=np.array([record.click_type for record in finished], str),
        values=values,
        halves={
            key: np.array([record.halves.get(key, np.nan) for record in finished])
            for key in OF_HALVES
        },
        people=clicks_of_people.of_records(finished, model, maps),
        counts=counts,
        input_devices={record.input_device for record in records} - {""},
    )


def parts(scores: Sequence[Scores]) -> Iterator[tuple[Scores, str]]:
    """Yields scores with each kind of task that they have, by dataset and kind."""
    for dataset in sorted({model_scores.dataset for model_scores in scores}):
        for kind in KINDS:
            for model_scores in scores:
                if model_scores.dataset == dataset and model_scores.has(kind):
                    yield model_scores, kind
