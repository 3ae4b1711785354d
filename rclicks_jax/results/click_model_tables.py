"""Tables of an evaluation of click models: pure functions of its folder."""

import collections

import numpy as np

from rclicks_jax.results.formats import Table
from rclicks_jax.runs import click_metrics, click_records, store


def table(folder: store.RunFolder) -> Table:
    """Returns means by dataset, kind of task and model."""
    masked = folder.info()["hashed"]["protocol"]["mask_evaluated_maps"]
    values: dict[tuple[str, str, str], list[click_metrics.Values]]
    values = collections.defaultdict(list)
    counts: dict[tuple[str, str], collections.Counter[str]]
    counts = collections.defaultdict(collections.Counter)
    devices: dict[str, set[str]] = collections.defaultdict(set)
    for record in click_records.read_all(folder):
        devices[record["dataset"]] |= {record["input_device"]} - {""}
        for kind in (record["click_type"], "all"):
            counts[record["dataset"], kind][record["status"]] += 1
            if record["status"] == "ok":
                for name, both in record["models"].items():
                    shown = both["masked" if masked else "raw"]
                    values[record["dataset"], kind, name].append(shown)
    columns = {
        "dataset": ("Dataset", "s"),
        "click_type": ("Task", "s"),
        "model": ("Model", "s"),
        "input_device": ("Clicks by", "s"),
        "ok": ("tasks ok", "d"),
        "skipped": ("skipped", "d"),
        "failed": ("failed", "d"),
        "pl1": ("PL1 ↓", ".3f"),
        "wd": ("WD ↓", ".3f"),
        "ks": ("KS ↑", ".3f"),
        "nss": ("NSS ↑", ".3f"),
        "pde": ("PDE ↑", ".3e"),
    }
    rows = []
    for (dataset, kind, name), found in sorted(values.items()):
        of_kind = counts[dataset, kind]
        statuses = {s: of_kind[s] for s in ("ok", "skipped", "failed")}
        means = {m: _mean([one[m] for one in found]) for m in click_metrics.PAPER}
        key = {"dataset": dataset, "click_type": kind, "model": name}
        key["input_device"] = ", ".join(sorted(devices[dataset]))
        rows.append({**key, **statuses, **means})
    return Table("click_models", "How well click maps predict", columns, rows)


def _mean(values: list[float | None]) -> float | None:
    """Returns the mean of what is defined."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined else None
