"""Compares run folders of two releases: the same identity, the same rows, to the bit.

    python tests/same_numbers.py OLD NEW

`OLD` and `NEW` hold run folders of the same names. Data packages have other checksums
where the readers changed, and seconds differ always; all else must be equal. Between
releases that draw clicks in different ways (`click_draws`), rows with draws differ.
"""

import pathlib
import sys

from rclicks_jax.jobs import store

# What a release may change without changing a number.
_OTHERWISE = {"data"}


def rows_of(folder):
    """Returns the rows of every unit, by dataset and name."""
    return {(record.dataset, record.name): record.rows for record in folder.read_all()}


def changed(before, after, name=""):
    """Yields values of an identity that changed; what is new is a default."""
    for key in before.keys() - _OTHERWISE:
        inner = f"{name}.{key}".strip(".")
        if isinstance(before[key], dict) and isinstance(after.get(key), dict):
            yield from changed(before[key], after[key], inner)
        elif key not in after or before[key] != after[key]:
            yield f"{inner}: {before[key]} and {after.get(key)}"


def differences(old, new):
    """Yields what differs between two run folders.

    Args:
        old: Path of one.
        new: Path of the other.
    """
    before, after = store.RunFolder(old), store.RunFolder(new)
    if before.kind != after.kind:
        yield f"kind {before.kind} and {after.kind}"
    yield from changed(before.info().identity, after.info().identity)
    first, second = rows_of(before), rows_of(after)
    for key in sorted({*first, *second}):
        if first.get(key) != second.get(key):
            yield f"rows of {'/'.join(key)}"


def main():
    """Prints what differs; the exit status tells whether anything does."""
    old, new = map(pathlib.Path, sys.argv[1:])
    status = 0
    for place in sorted(path.parent for path in old.glob("**/run.json")):
        name = place.relative_to(old)
        found = list(differences(place, new / name))
        units = len(rows_of(store.RunFolder(place)))
        print(f"{name}: {units} units, {'; '.join(found) or 'equal'}")
        status |= bool(found) or not units
    return status


if __name__ == "__main__":
    sys.exit(main())
