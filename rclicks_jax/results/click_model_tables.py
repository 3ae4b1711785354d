"""Tables of an evaluation of click models: pure functions of its folder."""

import collections
import json

import numpy as np

from rclicks_jax.results.formats import Table
from rclicks_jax.runs import evaluate, store


def table(folder: store.RunFolder) -> Table:
    """Returns means by dataset, kind of task and model."""
    values: dict[tuple[str, str, str], list[dict[str, float]]]
    values = collections.defaultdict(list)
    counts: dict[tuple[str, str], collections.Counter[str]]
    counts = collections.defaultdict(collections.Counter)
    devices: dict[str, set[str]] = collections.defaultdict(set)
    for path in sorted(folder.path.glob("records/*/*.json")):
        record = json.loads(path.read_text())
        devices[record["dataset"]] |= {record["input_device"]} - {""}
        for kind in (record["click_type"], "all"):
            counts[record["dataset"], kind][record["status"]] += 1
            if record["status"] == "ok":
                for name, metrics in record["models"].items():
                    values[record["dataset"], kind, name].append(metrics)
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
        means = {
            m: float(np.nanmean([one[m] for one in found])) for m in evaluate.METRICS
        }
        key = {"dataset": dataset, "click_type": kind, "model": name}
        key["input_device"] = ", ".join(sorted(devices[dataset]))
        rows.append({**key, **statuses, **means})
    return Table("click_models", "How well click maps predict", columns, rows)
