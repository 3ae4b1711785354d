"""Notes above the numbers of a run: the source of its clicks, and missing objects.

A comparison repeats the notes of each of its runs.
"""

import collections
from collections.abc import Sequence

from rclicks_jax.reporting import click_words, common_notes
from rclicks_jax.reporting.click_words import SYNTHETIC
from rclicks_jax.results import measures
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.types import JsonObject, json_part


def notes_of(
    identity: JsonObject,
    provenance: JsonObject,
    results: Sequence[DatasetResults],
) -> list[str]:
    """Returns the notes of a run.

    Args:
        identity: Identity of the run, JSON values.
        provenance: Provenance of the run, JSON values.
        results: The results of each dataset.
    """
    notes = [click_words.warning(json_part(identity, "click_model"))]
    notes += notes_of_groups(results)
    if any(SYNTHETIC in result.input_devices for result in results):
        notes.append(click_words.no_claim("the replayed first clicks are synthetic"))
    notes += notes_of_people(json_part(json_part(provenance, "job"), "trajectories"))
    notes += common_notes.of_data(provenance)
    counts = collections.Counter[str]()
    for result in results:
        counts.update(result.counts)
    return [*filter(None, notes), *common_notes.of_counts(counts, "object")]


def notes_of_people(described: JsonObject) -> list[str]:
    """Returns notes on people's trajectories that were replayed.

    Args:
        described: What a run records of them; empty if there are none.
    """
    if not described:
        return []
    notes = [
        f"{described['trajectories']} trajectories of people were made with the "
        f"segmenter {described['segmenter']}; {described['without_click']} of them "
        f"have no click, and {described['of_other_images']} are of images that this "
        "run does not play."
    ]
    if described["source"] != "people":
        notes.insert(0, click_words.no_claim("the replayed trajectories are of bots"))
    return notes


def notes_of_groups(results: Sequence[DatasetResults]) -> list[str]:
    """Returns a note if "Sample" is not over the paper's ten groups."""
    played = {tuple(result.groups) for result in results if result.groups}
    return [
        "Sample and the measures that follow from it are over clicking groups "
        f"{', '.join(map(str, groups))} only; the paper's are over all ten."
        for groups in sorted(played)
        if groups != measures.ALL_GROUPS
    ]
