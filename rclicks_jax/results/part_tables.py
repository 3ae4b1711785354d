"""Tables of means by size of objects, by share of the photograph, by category."""

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
    """Makes the table of means by COCO's sizes of objects."""
    title = "By size of the object: small below 32², large from 96² pixels, as in COCO"

    def part(result: DatasetResults) -> list[str]:
        return [_bin_of(area, _SIZES) for area in result.areas]

    return _in_parts("by_size", title, ("size", "Size"), results, protocol, part)


def by_share(results: Sequence[DatasetResults], protocol: Protocol) -> Table:
    """Makes the table of means by share of the photograph; empty if it is unknown."""
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
    """Makes the table of means by category; empty for data without categories."""

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
    """Makes a table of means, with a row for each dataset and part of its objects.

    Args:
        name: Name of the table.
        title: Title of the table.
        head: Key and heading of the column that names the part.
        results: The results of each dataset.
        protocol: The protocol of the run.
        parts_of: Function that returns the name of the part of each object, empty if it
            is unknown; an empty list if the dataset has no parts.
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
            for measure_key in _IN_PARTS:
                measure = measures.BY_KEY[measure_key]
                mean = measures.mean(measure, of_part, protocol)
                if mean is not None:
                    columns[measure.key] = (measure.heading, measure.form)
                    row[measure.key] = mean
            rows.append(row)
    return Table(name, title, columns, rows)


def _ordered(parts: np.ndarray) -> list[str]:
    """Returns the distinct parts: sizes ascending, categories by name."""
    known = [*_SIZES, *_SHARES]
    names = {str(part) for part in parts}
    return [part for part in known if part in names] + sorted(names - set(known))


MAKERS = (by_size, by_share, by_category)
