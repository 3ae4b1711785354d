"""The paper's numbers for the checkpoint of a run, beside the run's own.

`segmenters/methods.toml` holds them and names their source.
"""

from rclicks_jax.reporting.table_formats import Row, Table
from rclicks_jax.results import comparison, measures
from rclicks_jax.results.aggregate import DatasetResults
from rclicks_jax.segmenters import methods
from rclicks_jax.types import JsonObject, json_part

# The order is that of the numbers in the catalogue.
_MEASURES = ("sample_noc", "sample_noc_std", "delta_sb", "delta_gr")


def checkpoint_of(segmenter: JsonObject) -> methods.Checkpoint | None:
    """Returns the published checkpoint that a run used; None if it used another.

    Args:
        segmenter: Description of the segmenter in the run.
    """
    catalogue = methods.catalogue()
    options = json_part(segmenter, "options")
    file = str(options.get("checkpoint", "")).partition(" ")[0]
    name = str(segmenter.get("name"))
    if name not in catalogue.methods or not file:
        return None
    known = catalogue.methods[name].checkpoints
    matches = [
        checkpoint
        for checkpoint in known
        if checkpoint.file == file and checkpoint.rclicks
    ]
    return matches[0] if len(matches) == 1 else None


def _what_differs(key: str, result: DatasetResults) -> str:
    """Returns why a number cannot be compared with the paper's; empty if it can."""
    if key == "delta_gr" or tuple(result.groups) == measures.ALL_GROUPS:
        return ""
    groups = ", ".join(map(str, result.groups)) or "none"
    return f"ours over groups {groups}; the paper's over all ten"


def table(run: comparison.Run) -> Table:
    """Makes a table of our means with intervals, the paper's, and the differences."""
    checkpoint = checkpoint_of(run.segmenter)
    columns = {
        "dataset": ("Dataset", "s"),
        "measure": ("Measure", "s"),
        "objects": ("objects", "d"),
        "ours": ("ours", ".2f"),
        "published": ("published", ".2f"),
        "difference": ("difference", "+.2f"),
        "note": ("", "s"),
    }
    rows = []
    for dataset, result in run.results.items():
        numbers = checkpoint.rclicks.get(dataset) if checkpoint else None
        for index, key in enumerate(_MEASURES):
            ours = measures.mean(measures.BY_KEY[key], result, run.protocol)
            row: Row = {
                "dataset": dataset,
                "measure": measures.BY_KEY[key].heading,
                "objects": len(result.instance_ids),
                "ours": ours,
                "note": "" if numbers else "not published",
            }
            if numbers:
                row["published"] = numbers[index]
                row["note"] = _what_differs(key, result)
            if numbers and ours is not None and not row["note"]:
                row["difference"] = ours.mean - numbers[index]
            rows.append(row)
    file = checkpoint.file if checkpoint else "no published checkpoint"
    return Table("published", f"Against the paper: {run.label}, {file}", columns, rows)
