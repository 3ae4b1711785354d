"""Makes the tasks of a study from photographs and masks: files first, then rows.

A photograph whose tasks are in the database is not made again, so the same command goes
on where it was stopped; pictures are made anew if the settings of the display changed.
"""

import pathlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
import numpy as np

from rclicks_jax import errors, files
from rclicks_jax.collection import words
from rclicks_jax.collection.store import catalogue
from rclicks_jax.collection.store.database import Store
from rclicks_jax.collection.store.task_facts import TaskFacts
from rclicks_jax.collection.study import descriptions, study_files, tokens
from rclicks_jax.collection.tasks import apart, assets, demand, private_files, regions
from rclicks_jax.data import raw, specs, targets
from rclicks_jax.data.raw import sources
from rclicks_jax.ops import images, masks

DISPLAY_NOTE, BUILT_NOTE = "display_hash", "built"


class Built(NamedTuple):
    """What `build` made.

    Attributes:
        photographs: Photographs with a task.
        tasks: Tasks by role.
        without_text: Tasks that Text_Description leaves out for lack of a text.
        problems: Object and why it is left out.
    """

    photographs: int
    tasks: Mapping[str, int]
    without_text: int
    problems: list[tuple[str, str]]


def build(
    study: study_files.Study,
    store: Store,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Built:
    """Makes the tasks of first clicks, and their pictures.

    Args:
        study: The study; its data are read.
        store: Its database.
        progress: Is told how many photographs are done, and of how many.

    Raises:
        DataError: The data cannot be read, or two photographs have one name.
    """
    roles = _roles(study, store)
    texts = descriptions.read(study.folder)
    remade = _is_remade(study, store)
    done = _done(study, store, texts)
    problems: list[tuple[str, str]] = []
    total, seen = _count(study), set[str]()
    for number, image in enumerate(photographs(study)):
        stem = private_files.file_stem(image.image_id)
        if stem in seen:
            raise errors.DataError(
                f"Two photographs have the name {stem}: rename one of them."
            )
        seen.add(stem)
        usable = [item for item in image.objects if not item.problem]
        problems += [(i.instance_id, i.problem) for i in image.objects if i.problem]
        if usable and (remade or stem not in done):
            made = _tasks_of(study, image, usable, roles.get(stem, "main"), texts)
            store.write(lambda db, made=made: demand.put(db, study, made)).result()
        progress(number + 1, total)
    if remade:
        _remake_later(study, store)
    display = study_files.display_hash(study.config)
    store.write(lambda db: catalogue.set_note(db, DISPLAY_NOTE, display)).result()
    store.write(lambda db: catalogue.set_note(db, BUILT_NOTE, "yes")).result()
    return _built(study, store, problems)


def _remake_later(study: study_files.Study, store: Store) -> None:
    """Makes the pictures of later rounds anew, by other settings of the display."""
    for task in store.read(catalogue.tasks):
        if task.click_type == "first":
            continue
        pixels = assets.decode(
            private_files.photograph_path(study, task).read_bytes(),
            task.image_stem,
            study.config.limits,
        )
        region = regions.decode(
            private_files.region_path(study, task.task_id).read_bytes(), task.full_stem
        )
        made = msgspec.structs.replace(
            task,
            image=assets.store(study, assets.encode(pixels, study.config.display)),
            targets=assets.store_targets(study, pixels, region),
        )
        store.write(lambda db, made=made: demand.put(db, study, [made])).result()


def photographs(study: study_files.Study) -> Iterator[raw.RawImage]:
    """Yields the photographs of the study's data with their objects."""
    for spec in specs.parse(study.config.study.data):
        source = sources.open_source(spec)
        for split in source.split_names:
            yield from source.images(split)


def decoded(study: study_files.Study, image: raw.RawImage) -> np.ndarray:
    """Decodes a photograph in the frame of its masks, RGB, `u8[h w 3]`."""
    pixels = assets.decode(image.encoded, image.image_id, study.config.limits)
    return images.resize_image(pixels, image.shape)


def _roles(study: study_files.Study, store: Store) -> dict[str, words.Role]:
    """Returns the photographs that are apart; chosen once, then kept."""
    kept = store.read(catalogue.tasks)
    if kept or store.read(lambda db: catalogue.note(db, BUILT_NOTE)):
        return {task.image_stem: task.role for task in kept}
    return apart.choose(study.config, photographs(study), private_files.file_stem)


def _done(
    study: study_files.Study, store: Store, texts: Mapping[str, Mapping[str, str]]
) -> set[str]:
    """Returns the photographs whose tasks are there, with the texts as they are now."""
    firsts = [t for t in store.read(catalogue.tasks) if t.click_type == "first"]
    changed = {
        task.image_stem
        for task in firsts
        if task.texts != _texts_of(study, texts.get(task.full_stem, {}))
    }
    return {task.image_stem for task in firsts} - changed


def _is_remade(study: study_files.Study, store: Store) -> bool:
    made = store.read(lambda db: catalogue.note(db, DISPLAY_NOTE))
    return made not in ("", study_files.display_hash(study.config))


def _count(study: study_files.Study) -> int:
    return sum(
        len(sources.open_source(s)) for s in specs.parse(study.config.study.data)
    )


def _tasks_of(
    study: study_files.Study,
    image: raw.RawImage,
    usable: list[raw.RawObject],
    role: words.Role,
    texts: Mapping[str, Mapping[str, str]],
) -> list[TaskFacts]:
    """Writes the files of a photograph and its objects; returns their tasks."""
    pixels = decoded(study, image)
    stem = private_files.file_stem(image.image_id)
    picture = assets.store(study, assets.encode(pixels, study.config.display))
    if role != "main":
        usable = [max(usable, key=lambda item: _area(item.mask))]
    made: list[TaskFacts] = []
    for item in usable:
        name = private_files.object_stem(image.image_id, item.instance_id)
        full_stem = private_files.full_stem(stem, name)
        gt_mask = item.mask
        assert gt_mask is not None
        task_id = tokens.keyed(study.secret, "task", full_stem, "first")
        region = regions.of_task(gt_mask, None, "first")
        made.append(
            TaskFacts(
                task_id=task_id,
                image_id=tokens.keyed(study.secret, "image", stem),
                role=role,
                full_stem=full_stem,
                image_stem=stem,
                object_stem=name,
                click_type="first",
                mask_source="",
                **frame_of(study, task_id, region),
                image=picture,
                targets=assets.store_targets(study, pixels, region),
                texts=_texts_of(study, texts.get(full_stem, {})),
            )
        )
        path = private_files.mask_path(study, made[-1])
        files.write_output(path, images.encode_png(gt_mask))
    _keep_photograph(
        study, image, pixels, private_files.photograph_path(study, made[0])
    )
    return made


def frame_of(
    study: study_files.Study, task_id: str, region: np.ndarray
) -> dict[str, Any]:
    """Writes the region of a task; returns what `TaskFacts` says of its frame."""
    files.write_output(
        private_files.region_path(study, task_id), regions.encode(region)
    )
    height, width = region.shape
    return {
        "height": height,
        "width": width,
        "box": masks.bounding_box(region),
        # In the smallest pictures it would be 0.
        "radius": max(1, targets.click_radius(region.shape)),
    }


def _keep_photograph(
    study: study_files.Study,
    image: raw.RawImage,
    pixels: np.ndarray,
    path: pathlib.Path,
) -> None:
    """Keeps a photograph as it is, or as a PNG if the data are shrunk."""
    whole = assets.decode(image.encoded, image.image_id, study.config.limits)
    same = whole.shape[:2] == image.shape
    if not path.exists():
        files.write_output(path, image.encoded if same else images.encode_png(pixels))


def _area(mask: np.ndarray | None) -> int:
    return 0 if mask is None else int(np.count_nonzero(mask == raw.OBJECT))


def _texts_of(study: study_files.Study, texts: Mapping[str, str]) -> dict[str, str]:
    """Returns the texts of an object if it has one in each language, else none."""
    codes = list(study.languages)
    return {code: texts[code] for code in codes} if set(codes) <= set(texts) else {}


def _built(
    study: study_files.Study, store: Store, problems: list[tuple[str, str]]
) -> Built:
    tasks = store.read(catalogue.tasks)
    roles = [task.role for task in tasks]
    firsts = [t for t in tasks if t.click_type == "first" and t.role == "main"]
    lacking = [task for task in firsts if not task.texts]
    wanted = words.TEXT_MODE in study.config.display.modes
    return Built(
        photographs=len({task.image_id for task in tasks}),
        tasks={role: roles.count(role) for role in dict.fromkeys(roles)},
        without_text=len(lacking) * wanted,
        problems=problems,
    )
