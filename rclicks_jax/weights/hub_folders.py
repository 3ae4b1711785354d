"""Weights as the Hugging Face hub has them: a folder, or an index of several files.

A folder has `model.safetensors`, or `model.safetensors.index.json` that says in which
of several files beside it each array is.
"""

from collections.abc import Mapping
from typing import cast

from etils import epath

from rclicks_jax import errors
from rclicks_jax.weights import faults, limits, safetensors_files, state_dicts

WHOLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
INDEX_SUFFIX = ".index.json"
_CARD = "card.json"
_MOST_SHOWN = 5


def load(folder: epath.Path) -> state_dicts.Checkpoint:
    """Returns the weights in a folder of the hub; no array is read yet.

    Raises:
        DataError: There are none, or some files are missing or damaged.
    """
    if (folder / WHOLE).exists():
        return load_file(folder / WHOLE)
    if (folder / INDEX).exists():
        return load_index(folder / INDEX)
    raise errors.DataError(_without_weights(folder))


def load_file(path: epath.Path) -> state_dicts.Checkpoint:
    """Returns the weights in a file of safetensors; no array is read yet."""
    file = safetensors_files.File(path)
    return state_dicts.Checkpoint(str(path), [path], file.shapes, file.read)


def load_index(path: epath.Path) -> state_dicts.Checkpoint:
    """Returns the weights in the files that an index names; no array is read yet.

    Raises:
        DataError: Files or arrays are missing or left over, or the index is damaged.
    """
    homes = _homes(path)
    parts = {name: path.parent / name for name in sorted(set(homes.values()))}
    missing = [name for name, part in parts.items() if not part.is_file()]
    if missing:
        raise errors.DataError(
            f"{path} names {len(parts)} files, of which {len(missing)} are not beside "
            f"it: {errors.few([*map(faults.shown, missing)], _MOST_SHOWN)}. Get them "
            "from where the index came from."
        )
    files = {name: safetensors_files.File(part) for name, part in parts.items()}
    there = {(key, name) for name, file in files.items() for key in file.shapes}
    wrong = there ^ set(homes.items())
    if wrong:
        raise errors.DataError(
            f"{path} and its files do not say the same about the arrays "
            f"{state_dicts.listed(key for key, _ in wrong)}. They are of different "
            "models, or of different versions of one: get all of them again."
        )
    return state_dicts.Checkpoint(
        str(path),
        [path, *parts.values()],
        {key: files[name].shapes[key] for key, name in homes.items()},
        lambda key: files[homes[key]].read(key),
    )


def _homes(path: epath.Path) -> Mapping[str, str]:
    """Returns the name of the file of each array, as an index says."""
    with faults.explained(path):
        limits.HEADER.check(path.stat().length)
        content = safetensors_files.json_object(path.read_bytes())
        homes = content.get("weight_map")
        if not isinstance(homes, dict) or not homes:
            raise faults.UnreadableError("it has no `weight_map` of arrays and files")
        names = cast("dict[str, object]", homes)
        for name in names.values():
            if not isinstance(name, str) or not _is_beside(name):
                raise faults.UnreadableError(
                    f"it names the file {faults.shown(name)}; allowed: files beside it "
                    f"that end in {safetensors_files.SUFFIX}"
                )
        limits.SHARDS.check(len(set(names.values())))
        return cast("dict[str, str]", names)


def _is_beside(name: str) -> bool:
    return name.endswith(safetensors_files.SUFFIX) and not set("/\\\0") & set(name)


def _without_weights(folder: epath.Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    others = [name for name in names if name.endswith((".bin", ".pth", ".pt"))]
    found = f"it has {errors.few(names, _MOST_SHOWN)}" if names else "it is empty"
    if _CARD in names:
        found = f"it is a model folder ({_CARD}) of click models"
    elif others:
        found = f"it has {errors.few(others, _MOST_SHOWN)}: give the path of that file"
    return (
        f"{folder} is a folder without weights of the hub: {found}. Allowed: a folder "
        f"with {WHOLE}, or with {INDEX} and the files it names."
    )
