"""Files of a study that are never served: photographs, masks, regions; their names."""

import pathlib

from rclicks_jax import errors
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import study_files, tokens
from rclicks_jax.data.raw import identities

# Text between the stem of a photograph and the id of an object in `clicks.csv`.
_OBJECT_MARK = "_______"


def file_stem(image_id: str) -> str:
    """Returns the identity of a photograph as the name of a file."""
    stem = image_id.replace("/", "_")
    if not identities.is_file_name(stem) or stem.startswith("."):
        raise errors.DataError(f"{image_id!r} cannot be the name of a file.")
    return stem


def object_stem(image_id: str, instance_id: str) -> str:
    """Returns the id of an object in its photograph; empty if it is alone."""
    if instance_id == image_id:
        return ""
    return file_stem(instance_id.removeprefix(f"{image_id}{_OBJECT_MARK}"))


def full_stem(image_stem: str, object_name: str) -> str:
    """Returns the name of an object in `clicks.csv`: that of a photograph if alone."""
    return f"{image_stem}{_OBJECT_MARK}{object_name}" if object_name else image_stem


def mask_path(study: study_files.Study, task: TaskFacts) -> pathlib.Path:
    """Returns the file of the target of a task."""
    stem = full_stem(task.image_stem, task.object_stem)
    return study.private("masks", f"{tokens.keyed(study.secret, 'mask', stem)}.png")


def region_path(study: study_files.Study, task_id: str) -> pathlib.Path:
    """Returns the file of the region of a task."""
    return study.private("regions", f"{task_id}.png")


def prev_mask_path(study: study_files.Study, task: TaskFacts) -> pathlib.Path:
    """Returns the file of the mask before, of a task of a later round."""
    return study.private("prev_masks", f"{task.task_id}.png")


def photograph_path(study: study_files.Study, task: TaskFacts) -> pathlib.Path:
    """Returns the file of the photograph of a task, without a suffix."""
    return study.private("photographs", task.image_id)
