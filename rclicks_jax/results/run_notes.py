"""What to know of a run before its numbers are read: whose clicks, and what is missing.

A comparison repeats these of each of its runs.
"""

import collections
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rclicks_jax.results import click_words, measures
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.results.click_words import SYNTHETIC


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
    return [*filter(None, found), *of_counts(counts, "object")]


def of_counts(counts: Mapping[str, int], noun: str) -> list[str]:
    """Returns notes of what is in no mean.

    Args:
        counts: By status; may lack some.
        noun: What was counted.
    """
    total = sum(counts.values())
    missing = {status: counts.get(status, 0) for status in ("failed", "skipped")}
    found = []
    if any(missing.values()):
        found.append(
            f"Of {total} {noun}s {missing['failed']} failed and {missing['skipped']} "
            "were skipped: they are in no mean."
        )
    if total and not counts.get("ok"):
        found.append(f"No {noun} is “ok”: there are no numbers.")
    return found


def of_which_groups(results: Sequence[DatasetResults]) -> list[str]:
    """Says so where "Sample" is not over the paper's ten groups."""
    played = {tuple(one.groups) for one in results if one.groups}
    return [
        "Sample and what follows from it are over clicking groups "
        f"{', '.join(map(str, groups))} alone; the paper's are over all ten."
        for groups in sorted(played)
        if groups != measures.ALL_GROUPS
    ]


def together(by_label: Iterable[tuple[str, Sequence[str]]]) -> list[str]:
    """Returns the notes of several runs, each once, with the runs that have it."""
    labels: dict[str, list[str]] = {}
    count = 0
    for label, notes in by_label:
        count += 1
        for note in notes:
            labels.setdefault(note, []).append(label)
    return [
        note if len(of) == count else f"{', '.join(of)}: {note}"
        for note, of in labels.items()
    ]
