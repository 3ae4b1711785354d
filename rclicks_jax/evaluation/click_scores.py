"""What click models reached on click tasks: records as one array a metric."""

import types
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from etils import epath

from rclicks_jax import errors
from rclicks_jax.evaluation import job as evaluation_job
from rclicks_jax.evaluation import records as task_records
from rclicks_jax.evaluation.identity import EvaluationIdentity
from rclicks_jax.evaluation.records import TaskRecord
from rclicks_jax.jobs import opening, store
from rclicks_jax.metrics import intervals
from rclicks_jax.reporting import common_notes, comparable

ALL = "all"
KINDS = (ALL, "first", "fn", "fp")
_CLICK_MODELS = "click_models"


class ClickMeasure(NamedTuple):
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
    ClickMeasure("pl1", "PL1 ↓", ".3f"),
    ClickMeasure("wd", "WD ↓", ".3f"),
    ClickMeasure("ks", "KS ↑", ".3f"),
    ClickMeasure("nss", "NSS ↑", ".3f"),
    ClickMeasure("pde", "PDE ↑", ".3e"),
)
FURTHER = (
    ClickMeasure("pl1_expected", "PL1 in closed form ↓", ".3f"),
    ClickMeasure("kld", "KLD ↓", ".3f"),
    ClickMeasure("cc", "CC ↑", ".3f"),
    ClickMeasure("sim", "SIM ↑", ".3f"),
    ClickMeasure("auc_judd", "AUC-Judd ↑", ".3f"),
    ClickMeasure("ig", "IG over UD, bits ↑", ".3f"),
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
        side: Its side of what compared evaluations differ in beside the click model;
            empty if nothing does.
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
    side: str = ""

    def only(self, kept: Sequence[int]) -> "Scores":
        """Returns the scores of some of the tasks, which are the only ones counted."""
        chosen = np.asarray(kept, np.int64)
        kinds = self.click_types[chosen]
        return self._replace(
            task_ids=[self.task_ids[i] for i in chosen],
            image_ids=self.image_ids[chosen],
            click_types=kinds,
            values={key: values[chosen] for key, values in self.values.items()},
            counts={
                kind: {**counts, "ok": int(((kinds == kind) | (kind == ALL)).sum())}
                for kind, counts in self.counts.items()
            },
        )

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
        return intervals.over_images(values, self.image_ids[inside].tolist())


class Evaluation(NamedTuple):
    """An evaluation as tables take it.

    Attributes:
        identity: What was run.
        maps: Which maps are compared with people.
        records: Of every task.
        scores: By dataset, then in the order in which click models were named.
        provenance: What the run noted beside.
        name: What tells it from others: its label, or its folder.
    """

    identity: Mapping[str, Any]
    maps: str
    records: list[TaskRecord]
    scores: list[Scores]
    provenance: Mapping[str, Any] = types.MappingProxyType({})
    name: str = ""


def open_evaluation(
    path: epath.PathLike, maps: str | None = None, label: str = ""
) -> Evaluation:
    """Reads an evaluation.

    Args:
        path: The run folder.
        maps: Which maps are compared with people; the protocol's if None.
        label: Is put before the names of its click models.

    Raises:
        RunFolderError: It is no evaluation, or has no record yet.
        UnknownNameError: There are no such maps.
    """
    if maps not in (None, *task_records.MAPS):
        raise errors.UnknownNameError("kind of maps", str(maps), task_records.MAPS)
    folder = store.RunFolder(path)
    info, values = opening.typed_info(folder, evaluation_job.KIND, EvaluationIdentity)
    records = task_records.read_all(folder)
    if not records:
        raise errors.RunFolderError(f"{folder.path} has no finished task yet.")
    maps = maps or task_records.shown_maps(info.identity)
    scores = []
    for dataset in sorted({record.dataset for record in records}):
        of_dataset = [record for record in records if record.dataset == dataset]
        for name, described in values.click_models.items():
            one = _scores(of_dataset, name, described, maps)
            shown = " ".join(filter(None, (label, name)))
            scores.append(one._replace(model=shown, split=values.split))
    name = label or str(folder.path)
    return Evaluation(info.identity, maps, records, scores, info.provenance, name)


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


class Joined(NamedTuple):
    """Scores of several evaluations that may stand in one table.

    Attributes:
        scores: By evaluation, with the names that tables give the click models.
        head: What the evaluations differ in; empty if in nothing.
        notes: That in a sentence, and what to know of each evaluation.
    """

    scores: list[Scores]
    head: str
    notes: list[str]


def joined(evaluations: Sequence[Evaluation], allowed: Collection[str] = ()) -> Joined:
    """Returns the scores of several evaluations, on the tasks that they share.

    Click models of a dataset that several evaluations have are compared on the tasks
    that each of them finished. An evaluation may have datasets of its own.

    Args:
        evaluations: One or more.
        allowed: Settings that may differ, as `--allow` names them.

    Raises:
        RunFolderError: They differ in more than the click models, or a click model is
            in two of them.
        UnknownNameError: There is no such setting.
    """
    settings = [
        comparable.settings_of(one.identity, one.provenance, {_CLICK_MODELS})
        for one in evaluations
    ]
    found = comparable.differences(settings, partial=("data",))
    names = [one.name for one in evaluations]
    checked = comparable.check(names, found, allowed)
    every = [
        scores._replace(
            model=f"{scores.model} ({side})" if side else scores.model, side=side
        )
        for one, side in zip(evaluations, checked.sides, strict=True)
        for scores in one.scores
    ]
    keys = [(scores.dataset, scores.model) for scores in every]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        named = ", ".join(f"{model} on {dataset}" for dataset, model in twice)
        raise errors.RunFolderError(
            f"Evaluated more than once: {named}. Give each evaluation another name, "
            "LABEL=FOLDER."
        )
    noted = [
        (one.name, list(one.provenance.get("data_notes", []))) for one in evaluations
    ]
    means = comparable.means_note(names, [one.provenance for one in evaluations])
    notes = [*filter(None, (checked.note, means))]
    notes += common_notes.together(noted)
    return _on_shared(every, notes)._replace(head=checked.head)


def _on_shared(every: Sequence[Scores], notes: Sequence[str]) -> Joined:
    """Cuts click models of a dataset to the tasks that all of them finished."""
    told = list(notes)
    kept = list(every)
    for dataset in sorted({one.dataset for one in every}):
        places = [i for i, one in enumerate(every) if one.dataset == dataset]
        common = set.intersection(*(set(every[i].task_ids) for i in places))
        finished = set().union(*(every[i].task_ids for i in places))
        if len(common) == len(finished):
            continue
        told.append(
            f"{dataset}: click models are compared on the {len(common)} tasks that all "
            f"of them have; {len(finished) - len(common)} are in some alone."
        )
        for i in places:
            names = every[i].task_ids
            kept[i] = every[i].only([j for j, n in enumerate(names) if n in common])
    return Joined(kept, "", told)
