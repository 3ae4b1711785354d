"""Run folders of evaluations, made of numbers."""

import numpy as np
from recorded_runs import provenance_of

from rclicks_jax.evaluation import click_scores
from rclicks_jax.evaluation.identity import EvaluationIdentity
from rclicks_jax.jobs import records as records_lib
from rclicks_jax.jobs import store
from rclicks_jax.settings import protocols

METRICS = [one.key for one in click_scores.MEASURES]
MODELS = {
    "UD": {"name": "UD"},
    "DT": {"name": "DT"},
    "CM mine": {"name": "CM", "variant": "t", "sigma": 20.0, "data": "my people"},
}
BASES = {"UD": 0.2, "DT": 0.3, "CM mine": 0.5}


def record(name, value, *, models=tuple(MODELS), **changes):
    """Returns what is recorded of a task; masked maps reach 1 more than raw ones.

    Args:
        name: The task.
        value: Added to what each model reaches in each metric.
        models: Their names.
        **changes: Of other entries.
    """
    measured = {
        model: {
            maps: {metric: BASES.get(model, 0.4) + value + more for metric in METRICS}
            for maps, more in (("raw", 0.0), ("masked", 1.0))
        }
        for model in models
    }
    made = {
        "dataset": "set", "click_set_id": name, "image_id": f"photo{name[:1]}",
        "click_type": "first", "input_device": "pc", "clicks": 12, "status": "ok",
        "reason": "", "models": measured,
    }  # fmt: skip
    return {**made, **changes}


def many(count=12, **changes):
    """Returns records of tasks of all kinds on six photographs, if there are enough."""
    noise = np.random.default_rng(count).normal(0, 0.05, count)
    return [
        record(
            f"{number % 6}{number}",
            float(noise[number]),
            click_type=("first", "fn", "fp")[number % 3],
            **changes,
        )
        for number in range(count)
    ]


def write(
    folder, records, *, protocol=protocols.PAPER, split="val", models=None, **changes
):
    """Writes a run folder; returns its path as text."""
    run = store.RunFolder(folder)
    values = {
        "metrics": tuple(METRICS),
        "masked_without_mass": "uniform",
        "protocol": protocol,
        "seed": 0,
        "draws": 100,
        "click_models": MODELS if models is None else models,
        "data": {},
        "split": split,
        **changes,
    }
    run.begin("evaluation", EvaluationIdentity(**values), provenance_of(["evaluate"]))
    for one in records:
        row = {**one, "instance_id": one["click_set_id"]}
        dataset, name = row.pop("dataset"), row.pop("click_set_id")
        run.write(records_lib.Record(dataset, name, (row,)))
    return str(folder)


def scores_of(folder, records, maps=None, **changes):
    """Returns the scores of an evaluation that is written into a folder."""
    path = write(folder, records, **changes)
    return click_scores.open_evaluation(path, maps).scores


def row_of(table, **wanted):
    """Returns the only row of a table that has some values."""
    (row,) = [r for r in table.rows if all(r[k] == v for k, v in wanted.items())]
    return row
