"""What click models reached on click tasks: records as one array a metric."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from rclicks_jax import errors
from rclicks_jax.evaluation import task_records
from rclicks_jax.evaluation.task_records import TaskRecord
from rclicks_jax.results import measures, publish

ALL = "all"
KINDS = (ALL, "first", "fn", "fp")


class Measure(NamedTuple):
    """A metric of click maps.

    Attributes:
        key: In records and tables.
        title: In headings; the arrow says which way is better.
        form: How a mean is written.
    """

    key: str
    title: str
    form: str


# The paper's five, then what people who work on saliency expect.
PAPER = (
    Measure("pl1", "PL1 ↓", ".3f"),
    Measure("wd", "WD ↓", ".3f"),
    Measure("ks", "KS ↑", ".3f"),
    Measure("nss", "NSS ↑", ".3f"),
    Measure("pde", "PDE ↑", ".3e"),
)
FURTHER = (
    Measure("pl1_expected", "PL1 in closed form ↓", ".3f"),
    Measure("kld", "KLD ↓", ".3f"),
    Measure("cc", "CC ↑", ".3f"),
    Measure("sim", "SIM ↑", ".3f"),
    Measure("auc_judd", "AUC-Judd ↑", ".3f"),
    Measure("ig", "IG over UD, bits ↑", ".3f"),
)
MEASURES = (*PAPER, *FURTHER)


class Scores(NamedTuple):
    """What one click model reached on one dataset; arrays run over tasks that are ok.

    Attributes:
        dataset: Its name.
        model: What tables call the click model.
        name: What the run calls it: without a label.
        described: What the run recorded of the click model.
        split: That was evaluated.
        task_ids: The tasks, in order.
        image_ids: The photograph of each.
        click_types: `first`, `fn` or `fp` of each.
        values: By metric, `f64[n]`; NaN where it is not defined.
        counts: Tasks by status, by kind of task.
        input_devices: What made the clicks.
    """

    dataset: str
    model: str
    name: str
    described: Mapping[str, Any]
    split: str
    task_ids: list[str]
    image_ids: np.ndarray
    click_types: np.ndarray
    values: dict[str, np.ndarray]
    counts: dict[str, dict[str, int]]
    input_devices: set[str]

    def of(self, kind: str) -> np.ndarray:
        """Returns which tasks are of a kind, or all, `bool[n]`."""
        return (self.click_types == kind) | (kind == ALL)

    def has(self, kind: str) -> bool:
        """Tells whether there are tasks of a kind."""
        return any(self.counts[kind].values())

    def adds(self, kind: str) -> bool:
        """Tells whether rows of a kind would not say what those of all say."""
        return self.has(kind) and (kind == ALL or self.counts[kind] != self.counts[ALL])

    def mean(self, metric: str, kind: str = ALL) -> float | None:
        """Returns a mean over tasks; None where the metric is not defined."""
        values = self.values[metric][self.of(kind)]
        return float(np.nanmean(values)) if np.isfinite(values).any() else None

    def interval(self, metric: str, kind: str = ALL) -> Any:
        """Returns a mean with its interval by a bootstrap over images; or None."""
        inside = self.of(kind)
        values = self.values[metric][inside]
        return measures.over_images(values, self.image_ids[inside].tolist())


class Evaluation(NamedTuple):
    """An evaluation as tables take it.

    Attributes:
        hashed: What was run.
        maps: Which maps are compared with people.
        records: Of every task.
        scores: By dataset, then in the order in which click models were named.
    """

    hashed: Mapping[str, Any]
    maps: str
    records: list[TaskRecord]
    scores: list[Scores]


def open_evaluation(text: str, maps: str | None = None) -> Evaluation:
    """Reads an evaluation: `FOLDER`, or `LABEL=FOLDER`.

    Args:
        text: The run; a label is put before the names of its click models.
        maps: Which maps are compared with people; the protocol's if None.

    Raises:
        RunFolderError: It is no evaluation, or has no record yet.
        UnknownNameError: There are no such maps.
    """
    if maps not in (None, *task_records.MAPS):
        raise errors.UnknownNameError("kind of maps", str(maps), task_records.MAPS)
    label, folder = publish.folder_of(text)
    hashed = folder.info()["hashed"]
    if hashed.get("kind") != task_records.KIND:
        raise errors.RunFolderError(
            f"{folder.path} holds no evaluation of click models."
        )
    records = task_records.read_all(folder)
    if not records:
        raise errors.RunFolderError(f"{folder.path} has no finished task yet.")
    maps = maps or task_records.shown_maps(hashed)
    scores = []
    for dataset in sorted({record.dataset for record in records}):
        of_dataset = [record for record in records if record.dataset == dataset]
        for name, described in hashed["click_models"].items():
            one = _scores(of_dataset, name, described, maps)
            shown = " ".join(filter(None, (label, name)))
            scores.append(one._replace(model=shown, split=hashed["split"]))
    return Evaluation(hashed, maps, records, scores)


def _scores(
    records: Sequence[TaskRecord], model: str, described: Mapping[str, Any], maps: str
) -> Scores:
    """Returns what a click model reached on the tasks of one dataset."""
    finished = [record for record in records if record.status == "ok"]
    values = {
        one.key: np.array(
            [task_records.value(record, model, maps, one.key) for record in finished]
        )
        for one in MEASURES
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
        counts=counts,
        input_devices={record.input_device for record in records} - {""},
    )


def parts(scores: Sequence[Scores]) -> Iterator[tuple[Scores, str]]:
    """Yields scores and the kinds of tasks that they have, by dataset and kind."""
    for dataset in sorted({one.dataset for one in scores}):
        for kind in KINDS:
            for one in scores:
                if one.dataset == dataset and one.has(kind):
                    yield one, kind


def joined(evaluations: Sequence[Evaluation]) -> list[Scores]:
    """Returns the scores of several evaluations.

    Raises:
        RunFolderError: They have other protocols, or a click model is in two of them.
    """
    protocols = {one.hashed["protocol"]["name"] for one in evaluations}
    if len(protocols) > 1:
        raise errors.RunFolderError(
            f"Evaluations have different protocols ({', '.join(sorted(protocols))}): "
            "their numbers cannot be compared."
        )
    every = [scores for one in evaluations for scores in one.scores]
    keys = [(scores.dataset, scores.model) for scores in every]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        named = ", ".join(f"{model} on {dataset}" for dataset, model in twice)
        raise errors.RunFolderError(
            f"Evaluated more than once: {named}. Give each evaluation another name, "
            "LABEL=FOLDER."
        )
    return every
