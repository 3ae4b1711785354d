"""What parts of the objects took: by size, by share of the photograph, by category."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.results import measures
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.settings.protocols import Protocol

# COCO's sizes: areas of the target in pixels, half-open.
_SIZES = {
    "small": (0, 32**2),
    "medium": (32**2, 96**2),
    "large": (96**2, float("inf")),
}
# Shares of the photograph, half-open.
_SHARES = {
    "below 1 %": (0.0, 0.01),
    "1 to 10 %": (0.01, 0.1),
    "above 10 %": (0.1, float("inf")),
}
_IN_PARTS = (
    "base_noc", "sample_noc", "sample_noc_std", "delta_sb", "delta_gr", "base_auc",
    "sample_auc", "nsr",
)  # fmt: skip


def by_size(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """What objects of each size took, as COCO calls sizes."""
    title = "By size of the object: small below 32², large from 96² pixels, as in COCO"

    def part(result: DatasetResults) -> list[str]:
        return [_bin_of(area, _SIZES) for area in result.areas]

    return _in_parts("by_size", title, ("size", "Size"), results, protocol, part)


def by_share(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """What objects took by their share of the photograph; empty where it is unknown."""
    title = "By the object's share of its photograph"

    def part(result: DatasetResults) -> list[str]:
        if not result.image_pixels.any():
            return []
        shares = result.areas / np.maximum(1, result.image_pixels)
        return [
            _bin_of(share, _SHARES) if pixels else ""
            for share, pixels in zip(shares, result.image_pixels, strict=True)
        ]

    return _in_parts("by_share", title, ("share", "Share"), results, protocol, part)


def by_category(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """What objects of each category took; empty for data without categories."""

    def part(result: DatasetResults) -> list[str]:
        return result.categories if any(result.categories) else []

    head = ("category", "Category")
    return _in_parts("by_category", "By category", head, results, protocol, part)


def _bin_of(value: float, bins: Mapping[str, tuple[float, float]]) -> str:
    return next(name for name, (low, high) in bins.items() if low <= value < high)


def _in_parts(
    name: str,
    title: str,
    head: tuple[str, str],
    results: Sequence[DatasetResults],
    protocol: Protocol,
    parts_of: Callable[[DatasetResults], list[str]],
) -> Table:
    """Returns means over the objects of each part, a row a dataset and part.

    Args:
        name: Of the table.
        title: Of the table.
        head: Key and heading of the column that names the part.
        results: By dataset.
        protocol: Of the run.
        parts_of: Names the part of each object; nothing if a dataset has no parts, and
            an empty name if it is unknown.
    """
    key, heading = head
    columns = {
        "dataset": ("Dataset", "s"),
        key: (heading, "s"),
        "objects": ("objects", "d"),
    }
    rows: list[Row] = []
    for result in results:
        parts = np.array(parts_of(result))
        for part in _ordered(parts):
            of_part = result.only(np.flatnonzero(parts == part).tolist())
            row: Row = {
                "dataset": result.dataset,
                key: part or None,
                "objects": len(of_part.instance_ids),
            }
            for one in (measures.BY_KEY[each] for each in _IN_PARTS):
                mean = measures.mean(one, of_part, protocol)
                if mean is not None:
                    columns[one.key] = (one.heading, one.form)
                    row[one.key] = mean
            rows.append(row)
    return Table(name, title, columns, rows)


def _ordered(parts: np.ndarray) -> list[str]:
    """Returns the parts there are: sizes ascending, categories by name."""
    known = [*_SIZES, *_SHARES]
    found = {str(part) for part in parts}
    return [part for part in known if part in found] + sorted(found - set(known))


MAKERS = (by_size, by_share, by_category)
