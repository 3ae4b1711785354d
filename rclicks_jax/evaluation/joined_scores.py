"""Scores of several evaluations for one table, on the tasks that they share."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from rclicks_jax import errors
from rclicks_jax.evaluation.click_scores import Evaluation, Scores
from rclicks_jax.reporting import common_notes, comparable

_CLICK_MODELS = "click_models"


class Joined(NamedTuple):
    """Scores of several evaluations for one table.

    Attributes:
        scores: Scores by evaluation; `model` tells all click models apart.
        head: The settings in which the evaluations differ; empty if there are none.
        notes: Sentences about these differences and about each evaluation.
    """

    scores: list[Scores]
    head: str
    notes: list[str]


def join(evaluations: Sequence[Evaluation], allowed: Collection[str] = ()) -> Joined:
    """Joins the scores of several evaluations on the tasks that they share.

    For each dataset, click models are compared on the tasks that all of them finished.
    A dataset need not be in every evaluation.

    Args:
        evaluations: One or more.
        allowed: Settings that may differ, as `--allow` names them.

    Raises:
        RunFolderError: They differ in more than the click models and `allowed`, or two
            of them have the same click model.
        UnknownNameError: `allowed` names an unknown setting.
    """
    settings = [
        comparable.settings_of(
            evaluation.identity, evaluation.provenance, {_CLICK_MODELS}
        )
        for evaluation in evaluations
    ]
    differences = comparable.differences(settings, partial=("data",))
    names = [evaluation.name for evaluation in evaluations]
    comparison = comparable.check(names, differences, allowed)
    all_scores = [
        scores._replace(
            model=f"{scores.model} ({side})" if side else scores.model, side=side
        )
        for evaluation, side in zip(evaluations, comparison.sides, strict=True)
        for scores in evaluation.scores
    ]
    keys = [(scores.dataset, scores.model) for scores in all_scores]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        listed = ", ".join(f"{model} on {dataset}" for dataset, model in repeated)
        raise errors.RunFolderError(
            f"Evaluated more than once: {listed}. Give each evaluation another name, "
            "LABEL=FOLDER."
        )
    data_notes = [
        (evaluation.name, common_notes.of_data(evaluation.provenance))
        for evaluation in evaluations
    ]
    means = comparable.means_note(
        names, [evaluation.provenance for evaluation in evaluations]
    )
    notes = [*filter(None, (comparison.note, means))]
    notes += common_notes.together(data_notes)
    return _on_shared(all_scores, notes)._replace(head=comparison.head)


def _on_shared(all_scores: Sequence[Scores], notes: Sequence[str]) -> Joined:
    """Restricts the click models of each dataset to the tasks that all finished."""
    lines = list(notes)
    kept = list(all_scores)
    for dataset in sorted({scores.dataset for scores in all_scores}):
        places = [i for i, scores in enumerate(all_scores) if scores.dataset == dataset]
        common = set.intersection(*(set(all_scores[i].task_ids) for i in places))
        finished = set().union(*(all_scores[i].task_ids for i in places))
        if len(common) == len(finished):
            continue
        lines.append(
            f"{dataset}: click models are compared on the {len(common)} tasks that all "
            f"of them have; {len(finished) - len(common)} are in some alone."
        )
        for i in places:
            names = all_scores[i].task_ids
            kept[i] = all_scores[i].only(
                [j for j, n in enumerate(names) if n in common]
            )
    return Joined(kept, "", lines)
