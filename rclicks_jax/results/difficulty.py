"""Which objects and data sets users fare differently on (Figure 7 of the paper)."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.metrics import intervals
from rclicks_jax.reporting.table_formats import Table
from rclicks_jax.results import comparison


class Difficulty(NamedTuple):
    """How hard the objects of a dataset are, over segmenters.

    Attributes:
        source: `users`, over real first clicks, or `groups`, over clicking groups.
        instance_ids: The objects.
        image_ids: The image of each.
        mean: Mean IoU in percent, over clicks and segmenters, `f64[n]`.
        std: Mean over segmenters of the deviation over clicks, `f64[n]`.
    """

    source: str
    instance_ids: list[str]
    image_ids: list[str]
    mean: np.ndarray
    std: np.ndarray

    def only(self, names: Collection[str]) -> "Difficulty":
        """Returns that of some of the objects."""
        kept = [i for i, name in enumerate(self.instance_ids) if name in names]
        return self._replace(
            instance_ids=[self.instance_ids[i] for i in kept],
            image_ids=[self.image_ids[i] for i in kept],
            mean=self.mean[kept],
            std=self.std[kept],
        )

    @property
    def nsr(self) -> np.ndarray:
        """Deviation over mean in percent, `f64[n]`; NaN where the mean is 0."""
        out = np.full(self.mean.shape, np.nan)
        return np.divide(100 * self.std, self.mean, out=out, where=self.mean > 0)


def difficulty(
    runs: Sequence[comparison.Run], dataset: str, source: str = "users"
) -> Difficulty | None:
    """Says how hard each shared object is: the spread of IoU over its mean.

    Over real first clicks it is the paper's (Figure 7); over clicking groups it is of
    IoU-AuC. None where a run has not played what it needs.
    """
    keys = {
        "users": ("user_iou", "user_iou_std"),
        "groups": ("sample_auc", "sample_auc_std"),
    }
    mean, std = (comparison.paired(runs, dataset, key) for key in keys[source])
    if mean is None or std is None:
        return None
    # Both are of the same objects: where there is a mean there is a spread.
    assert mean.instance_ids == std.instance_ids
    return Difficulty(
        source,
        list(mean.instance_ids),
        mean.image_ids,
        mean.values.mean(axis=0),
        std.values.mean(axis=0),
    )


def hardest(runs: Sequence[comparison.Run]) -> Table:
    """Every shared object with its NSR over all segmenters, the hardest first."""
    columns = {
        "dataset": ("Dataset", "s"),
        "instance_id": ("Object", "s"),
        "image_id": ("Image", "s"),
        "source": ("Clicks of", "s"),
        "nsr": ("NSR % ↓", ".2f"),
        "mean": ("IoU % ↑", ".2f"),
        "std": ("± ↓", ".2f"),
    }
    rows = []
    for dataset in comparison.datasets_of(runs):
        found = difficulty(runs, dataset) or difficulty(runs, dataset, "groups")
        if found is None:
            continue
        order = np.argsort(-np.nan_to_num(found.nsr, nan=np.inf), kind="stable")
        rows += [
            {
                "dataset": dataset,
                "instance_id": found.instance_ids[i],
                "image_id": found.image_ids[i],
                "source": found.source,
                "nsr": float(found.nsr[i]),
                "mean": float(found.mean[i]),
                "std": float(found.std[i]),
            }
            for i in order
        ]
    return Table("hardest", "Objects on which users fare differently", columns, rows)


def dataset_noise(runs: Sequence[comparison.Run]) -> Table:
    """NSR of each dataset over all segmenters (Figure 7 of the paper).

    Where users clicked some objects, groups are measured on the same ones.
    """
    columns = {
        "dataset": ("Dataset", "s"),
        "source": ("Clicks of", "s"),
        "objects": ("objects", "d"),
        "nsr": ("Dataset NSR % ↓", ".2f"),
        "mean": ("IoU % ↑", ".2f"),
        "std": ("± ↓", ".2f"),
    }
    rows = []
    for dataset in comparison.datasets_of(runs):
        clicked: set[str] = set()
        for source in ("users", "groups"):
            found = difficulty(runs, dataset, source)
            if found is None:
                continue
            if source == "users":
                clicked = set(found.instance_ids)
            elif clicked:
                found = found.only(clicked)
            rows.append(
                {
                    "dataset": dataset,
                    "source": source,
                    "objects": len(found.mean),
                    "nsr": intervals.over_images(found.nsr, found.image_ids),
                    "mean": float(found.mean.mean()),
                    "std": float(found.std.mean()),
                }
            )
    return Table("dataset_nsr", "How differently users fare", columns, rows)
