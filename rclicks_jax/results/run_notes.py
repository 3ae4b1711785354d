"""What to know of a run before its numbers are read: whose clicks, and what is missing.

A comparison repeats these of each of its runs.
"""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from rclicks_jax.reporting import click_words, common_notes
from rclicks_jax.reporting.click_words import SYNTHETIC
from rclicks_jax.results import measures
from rclicks_jax.results.aggregate import DatasetResults


def notes_of(
    identity: Mapping[str, Any],
    provenance: Mapping[str, Any],
    results: Sequence[DatasetResults],
) -> list[str]:
    """Returns notes of one run.

    Args:
        identity: What it recorded as its identity.
        provenance: What it noted beside.
        results: By dataset.
    """
    found = [click_words.warning(identity.get("click_model", {}))]
    found += of_which_groups(results)
    if any(SYNTHETIC in one.input_devices for one in results):
        found.append(click_words.no_claim("the replayed first clicks are synthetic"))
    found += map(str, provenance.get("data_notes", []))
    counts = collections.Counter[str]()
    for one in results:
        counts.update(one.counts)
    return [*filter(None, found), *common_notes.of_counts(counts, "object")]


def of_which_groups(results: Sequence[DatasetResults]) -> list[str]:
    """Says so where "Sample" is not over the paper's ten groups."""
    played = {tuple(one.groups) for one in results if one.groups}
    return [
        "Sample and what follows from it are over clicking groups "
        f"{', '.join(map(str, groups))} alone; the paper's are over all ten."
        for groups in sorted(played)
        if groups != measures.ALL_GROUPS
    ]
