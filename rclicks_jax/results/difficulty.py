"""Objects and data sets on which users get different results (paper Figure 7)."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from rclicks_jax.metrics import intervals
from rclicks_jax.reporting.table_formats import Table
from rclicks_jax.results import comparison


class Difficulty(NamedTuple):
    """The difficulty of the objects of a dataset, over segmenters.

    Attributes:
        source: `users`, over real first clicks, or `groups`, over clicking groups.
        instance_ids: The objects.
        image_ids: The image of each object.
        mean: Mean IoU in percent, over clicks and segmenters, `f64[n]`.
        std: Mean over segmenters of the deviation over clicks, `f64[n]`.
    """

    source: str
    instance_ids: list[str]
    image_ids: list[str]
    mean: np.ndarray
    std: np.ndarray

    def only(self, names: Collection[str]) -> "Difficulty":
        """Returns the difficulty of some of the objects."""
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
    """Returns mean and spread of IoU for each shared object.

    For real first clicks they are the paper's (Figure 7); for clicking groups they are
    those of IoU-AuC. None if a run has not played the clicks.
    """
    keys = {
        "users": ("user_iou", "user_iou_std"),
        "groups": ("sample_auc", "sample_auc_std"),
    }
    mean, std = (comparison.paired(runs, dataset, key) for key in keys[source])
    if mean is None or std is None:
        return None
    # An object that has a mean has a spread too.
    assert mean.instance_ids == std.instance_ids
    return Difficulty(
        source,
        list(mean.instance_ids),
        mean.image_ids,
        mean.values.mean(axis=0),
        std.values.mean(axis=0),
    )


def hardest(runs: Sequence[comparison.Run]) -> Table:
    """Makes the table of shared objects with NSR over segmenters, the hardest first."""
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
        objects = difficulty(runs, dataset) or difficulty(runs, dataset, "groups")
        if objects is None:
            continue
        order = np.argsort(-np.nan_to_num(objects.nsr, nan=np.inf), kind="stable")
        rows += [
            {
                "dataset": dataset,
                "instance_id": objects.instance_ids[i],
                "image_id": objects.image_ids[i],
                "source": objects.source,
                "nsr": float(objects.nsr[i]),
                "mean": float(objects.mean[i]),
                "std": float(objects.std[i]),
            }
            for i in order
        ]
    title = "Objects on which users get different results"
    return Table("hardest", title, columns, rows)


def dataset_noise(runs: Sequence[comparison.Run]) -> Table:
    """Makes the table of NSR of each dataset over segmenters (paper Figure 7).

    If users clicked some of the objects, groups are measured on these objects only.
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
            objects = difficulty(runs, dataset, source)
            if objects is None:
                continue
            if source == "users":
                clicked = set(objects.instance_ids)
            elif clicked:
                objects = objects.only(clicked)
            rows.append(
                {
                    "dataset": dataset,
                    "source": source,
                    "objects": len(objects.mean),
                    "nsr": intervals.over_images(objects.nsr, objects.image_ids),
                    "mean": float(objects.mean.mean()),
                    "std": float(objects.std.mean()),
                }
            )
    title = "How much the results of users differ"
    return Table("dataset_nsr", title, columns, rows)
