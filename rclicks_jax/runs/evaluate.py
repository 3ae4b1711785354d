"""How well click models predict real clicks: records, a file a task.

Source: emb-ai/rclicks, scripts/evaluate_click_models.py.
"""

import dataclasses
import json
import sys
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
import tqdm
from etils import epath

from rclicks_jax import config as config_lib
from rclicks_jax import errors, hosts
from rclicks_jax.clicks import click_models
from rclicks_jax.config import EvaluateConfig
from rclicks_jax.data import packages, raw, specs
from rclicks_jax.metrics import click_prediction
from rclicks_jax.ops import masks
from rclicks_jax.runs import (
    environment,
    evaluation_pictures,
    sample_model,
    store,
    task_records,
)
from rclicks_jax.types import ClickExample, ClickQuery

METRICS = ("pl1", "wd", "ks", "nss", "pde")
# Tasks whose maps are made in one call of a model.
_TOGETHER = 10
_NO_CLICKS = "nobody clicked"


def run(config: EvaluateConfig, workdir: epath.PathLike) -> None:
    """Evaluates click models on click tasks, or what is left of them.

    Args:
        config: What to compare.
        workdir: The run folder.

    Raises:
        RClicksError: It cannot start.
    """
    protocol = config_lib.protocol(config.protocol)
    datasets = [packages.open_clicks(spec) for spec in specs.parse(config.data)]
    named = {_name(spec): _resolved(spec) for spec in config.click_models}
    if len(named) < len(config.click_models):
        raise errors.BadValueError(
            "Click models", ", ".join(config.click_models), "different names for each"
        )
    folder = store.RunFolder(workdir)
    hashed = {
        "kind": task_records.KIND,
        "protocol": dataclasses.asdict(protocol),
        "seed": config.seed,
        "draws": config.draws,
        "click_models": {
            name: click_models.describe(spec, config.precision)
            for name, spec in named.items()
        },
        "data": {package.dataset: package.checksum for package in datasets},
        "split": config.split,
    }
    noted = {"command": sys.argv, **environment.describe()}
    folder.begin(hashed, noted)
    models = {
        name: click_models.load(
            spec,
            rescale=not protocol.mask_evaluated_maps,
            precision=config.precision,
        )
        for name, spec in named.items()
    }
    for package in datasets:
        rows = [
            row
            for row in package.select(config.split)
            if hosts.owns(f"{package.dataset}/{row.name}")
            and not _path(folder, package.dataset, row.name).exists()
        ]
        hidden = jax.process_index() != 0
        bar = tqdm.tqdm(
            total=len(rows), desc=f"Evaluating on {package.dataset}", disable=hidden
        )
        with bar:
            for first in range(0, len(rows), _TOGETHER):
                together = rows[first : first + _TOGETHER]
                for record in _evaluate(package, together, models, config):
                    path = _path(folder, package.dataset, record["click_set_id"])
                    line = json.dumps(record) + "\n"
                    store.write_atomically(path, line.encode())
                bar.update(len(together))
    hosts.barrier("evaluated")
    if hosts.is_first():
        evaluation_pictures.write(folder, datasets, models)


def measure(
    click_map: np.ndarray,
    example: ClickExample,
    draws: int,
    generator: np.random.Generator,
) -> dict[str, float]:
    """Compares a click map with the clicks of a task.

    Distances are relative to the box of the target, also where the error lies outside
    of it. One set of draws serves PL1, WD and KS.

    Args:
        click_map: Non-negative, `f32[h w]`.
        example: The task; it has a target and clicks.
        draws: Sets of as many clicks as people made.
        generator: Of the draws.
    """
    box = masks.bounding_box(example.gt_mask)
    assert box is not None
    height, width = box[1] - box[0], box[3] - box[2]
    clicks = example.clicks_yx
    distribution = click_prediction.as_distribution(click_map)
    if not distribution.any():
        raise errors.DataError("the click map has no mass")
    drawn = click_prediction.draw_clicks(distribution, draws, len(clicks), generator)
    wd = np.mean([click_prediction.wd(one, clicks) for one in drawn])
    return {
        "pl1": click_prediction.pl1(drawn, clicks, (height, width)),
        "wd": float(wd / np.hypot(height, width)),
        "ks": click_prediction.ks(drawn, clicks),
        "nss": click_prediction.nss(distribution, clicks),
        "pde": click_prediction.pde(distribution, clicks),
    }


def _evaluate(
    package: packages.Package,
    rows: Sequence[packages.Row],
    models: dict[str, click_models.ClickModel],
    config: EvaluateConfig,
) -> list[dict[str, Any]]:
    """Evaluates all models on a few tasks, whose maps are made together."""
    records = [_new_record(package.dataset, row) for row in rows]
    asked: list[tuple[dict[str, Any], ClickExample]] = []
    for row, record in zip(rows, records, strict=True):
        try:
            example: ClickExample = package.read(row)
            record["click_type"] = example.click_type
            record["input_device"] = example.input_device
            record["image_id"] = example.image_id
            record["clicks"] = len(example.clicks_yx)
            _check(example)
            asked.append((record, example))
        except errors.DataError as error:
            _reject(record, str(error))
    queries = [ClickQuery(one.image, one.gt_mask, one.error_mask) for _, one in asked]
    for name, model in models.items():
        maps = model(queries) if queries else []
        for (record, example), click_map in zip(asked, maps, strict=True):
            key = f"{package.dataset}/{example.click_set_id}/{name}"
            seeds = [config.seed, hosts.stable_hash(key)]
            maps = {
                task_records.RAW: click_map,
                task_records.MASKED: click_map * example.error_mask,
            }
            try:
                record["models"][name] = {
                    kind: measure(
                        one,
                        example,
                        config.draws,
                        np.random.Generator(np.random.Philox(seeds)),
                    )
                    for kind, one in maps.items()
                }
            except errors.DataError as error:
                _reject(record, f"{name}: {error}")
    return records


def _new_record(dataset: str, row: packages.Row) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "click_set_id": row.name,
        "image_id": "",
        "clicks": 0,
        "click_type": "unknown",
        "input_device": "",
        "status": "ok",
        "reason": "",
        "models": {},
    }


def _check(example: ClickExample) -> None:
    if not example.gt_mask.any():
        raise errors.DataError(raw.EMPTY)
    if not len(example.clicks_yx):
        raise errors.DataError(_NO_CLICKS)


def _reject(record: dict[str, Any], reason: str) -> None:
    """Takes a task out of all means: what has no answer is skipped, not failed."""
    skipped = reason in (raw.EMPTY, _NO_CLICKS)
    record["status"] = "skipped" if skipped else "failed"
    record["reason"] = reason


def _path(folder: store.RunFolder, dataset: str, name: str) -> epath.Path:
    of_dataset = folder.path / "records" / store.file_name(dataset)
    return of_dataset / f"{store.file_name(name)}.json"


def _name(spec: str) -> str:
    """Returns what tables call a click model; folders are told apart by their names."""
    if spec in ("UD", "DT"):
        return spec
    parts = [part for part in spec.rstrip("/").split("/") if part != "model"]
    return f"CM {parts[-1]}" if parts else "CM"


def _resolved(spec: str) -> str:
    return str(sample_model.folder()) if spec == "sample" else spec
