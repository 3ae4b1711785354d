"""Correlations between measures over segmenters (Figure 14 of the paper)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from rclicks_jax.reporting.table_formats import Table
from rclicks_jax.results import comparison, measures

CORRELATED = (
    "base_noc",
    "sample_noc",
    "base_nof",
    "sample_nof",
    "base_auc",
    "sample_auc",
    "delta_sb",
    "delta_gr",
    "nsr",
    "user_iou",
)
# With three points, half of all correlations are above 0.7 by chance.
LEAST = 5


def correlation_matrix(
    runs: Sequence[comparison.Run],
) -> tuple[list[str], np.ndarray, np.ndarray] | None:
    """Correlates the means of measures over segmenters, averaged over datasets.

    Returns:
        The keys of the measures, and the absolute Pearson and Spearman correlations,
        `f64[k k]`, NaN where a measure is the same for all segmenters. None for fewer
        than five segmenters, where almost any two measures correlate.
    """
    if len(runs) < LEAST:
        return None
    tables = []
    for dataset in comparison.datasets_of(runs):
        columns = {key: comparison.paired(runs, dataset, key) for key in CORRELATED}
        tables.append(
            {
                key: column.values.mean(axis=1)
                for key, column in columns.items()
                if column is not None
            }
        )
    keys = [key for key in CORRELATED if all(key in table for table in tables)]
    linear = [_correlations(table, keys, stats.pearsonr) for table in tables]
    by_rank = [_correlations(table, keys, stats.spearmanr) for table in tables]
    return keys, np.mean(linear, axis=0), np.mean(by_rank, axis=0)


def _correlations(
    table: dict[str, np.ndarray], keys: list[str], correlate: Callable[..., Any]
) -> np.ndarray:
    matrix = np.full((len(keys), len(keys)), np.nan)
    for i, first_key in enumerate(keys):
        for j, second_key in enumerate(keys):
            first, second = table[first_key], table[second_key]
            if np.ptp(first) > 0 and np.ptp(second) > 0:
                matrix[i, j] = abs(correlate(first, second).statistic)
    return matrix


def correlations(runs: Sequence[comparison.Run]) -> Table:
    """Makes the table of correlations: Pearson above the diagonal, Spearman below."""
    title = "Correlations of means over segmenters: Pearson above, Spearman below"
    matrices = correlation_matrix(runs)
    if matrices is None:
        return Table("correlations", title, {"measure": ("Measure", "s")}, [])
    keys, linear, by_rank = matrices
    both = np.triu(linear) + np.tril(by_rank, -1)
    columns = {"measure": ("Measure", "s")}
    columns |= {key: (measures.BY_KEY[key].title, ".2f") for key in keys}
    rows = [
        {"measure": measures.BY_KEY[key].title}
        | dict(zip(keys, map(float, row), strict=True))
        for key, row in zip(keys, both, strict=True)
    ]
    return Table("correlations", title, columns, rows)
