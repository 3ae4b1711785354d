"""What to know of a run before its numbers are read: whose clicks, and what is missing.

A comparison repeats these of each of its runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rclicks_jax.results import measures
from rclicks_jax.results.aggregate import DatasetResults

SYNTHETIC = "synthetic"
# Click models that are formulas.
_RULES = ("UD", "DT")


def notes_of(
    hashed: Mapping[str, Any],
    noted: Mapping[str, Any],
    results: Sequence[DatasetResults],
) -> list[str]:
    """Returns notes of one run.

    Args:
        hashed: What it recorded as its identity.
        noted: What it noted beside.
        results: By dataset.
    """
    found = [str(note) for note in noted.get("data_notes", [])]
    described = hashed.get("click_model", {})
    if SYNTHETIC in str(described.get("data", "")):
        found.append(
            "The click model was trained on synthetic clicks: no claim about people "
            "can rest on these numbers."
        )
    if described.get("name") in _RULES:
        found.append(
            f"The click model is {described['name']}, a rule: it has learnt nothing "
            "from people."
        )
    found += of_which_groups(results)
    if any(SYNTHETIC in one.input_devices for one in results):
        found.append("The replayed first clicks are synthetic.")
    counts = {
        status: sum(one.counts[status] for one in results)
        for status in ("ok", "skipped", "failed")
    }
    if counts["skipped"] or counts["failed"]:
        found.append(
            f"Of {sum(counts.values())} objects {counts['failed']} failed and "
            f"{counts['skipped']} were skipped: they are in no mean."
        )
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
