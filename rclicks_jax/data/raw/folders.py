"""Readers of folders of images and masks: those of RClicks and a user's own."""

import os
import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import (
    click_sets,
    clicks_csv,
    identities,
    layouts,
    listing,
    lists,
    mask_files,
    mask_rules,
    masked_photographs,
    passed_over,
)
from rclicks_jax.ops import images

IMAGE_SUFFIXES = listing.IMAGE_SUFFIXES
# Text between the stem of an image and the id of one of its objects.
_OBJECT_MARK = "_______"
_NOT_REPLAYED = "first clicks are of no single object and are not replayed"
_NOT_USED = "first clicks cannot be used and are left out"
# Kinds of notes on clicks that stand with an object.
CLICK_NOTES = (_NOT_REPLAYED, _NOT_USED)
_CLICKS, _PREVIEWS, _PREV_MASKS = "clicks.csv", "previews.csv", "prev_masks"


class FolderSource:
    """A dataset of a folder of photographs, a folder of masks, and perhaps clicks.

    Attributes:
        name: Name of the dataset.
        folder: Folder of the dataset.
        layout: Layout of the dataset.
        image_paths: The photographs, by stem, in order of their names.
        mask_paths: Mask files, by stem; several for a folder of masks.
        clicks: Click sets, by click set id.
        split_names: `train` and `val`; `test` for images that no list names.
        notes: Notes on what was decided or left out when the files were listed.
    """

    def __init__(
        self,
        name: str,
        folder: pathlib.Path,
        layout: layouts.Layout,
        clicks: Mapping[str, click_sets.ClickSet] | None = None,
    ) -> None:
        """Lists the files; reads only the table of clicks.

        Args:
            name: Name of the dataset.
            folder: Folder of the dataset.
            layout: Layout of the dataset.
            clicks: Click sets by their ids; those of `clicks.csv` if None.

        Raises:
            DataError: A folder is missing or has no image, or a list or table cannot be
                used.
        """
        self.name = name
        self.folder = folder
        self.layout = layout
        self.notes: list[raw.Note] = []
        # Problems of photographs that are known from their names.
        self._problems: dict[str, str] = {}
        # Names that were looked for beside the folder.
        self._sought = {_PREVIEWS: None}
        # Files and folders that make a photograph unusable.
        self._refused: list[pathlib.Path] = []
        self.notes += passed_over.notes(name, folder, layout)
        self.image_paths = self._photographs()
        self.mask_paths = self._masks()
        self._splits = self._read_splits()
        self.split_names = tuple(sorted(set(self._splits.values())))
        self.clicks = self._read_clicks() if clicks is None else clicks
        self._full_stems = {click_set.full_stem for click_set in self.clicks.values()}
        self._clicks_of: dict[str, list[str]] = {}
        for set_id, click_set in self.clicks.items():
            self._clicks_of.setdefault(click_set.image_stem, []).append(set_id)
        kind = "clicks are on photographs that are not there"
        gone = [stem for stem in self._clicks_of if stem not in self.image_paths]
        self.notes += [
            raw.Note(kind, f"{stem} (there is {meant})" if meant else stem)
            for stem, meant in identities.meant(gone, self.image_paths)
        ]

    def __len__(self) -> int:
        """Returns the number of photographs."""
        return len(self.image_paths)

    @property
    def has_clicks(self) -> bool:
        """Whether the table of clicks has rows for the dataset."""
        return bool(self.clicks)

    def files(self) -> Iterator[pathlib.Path]:
        """Yields every file that determines the content of the dataset.

        Missing files that would be read are among them. Of files that are not read only
        the names matter, and these are in `notes`.
        """
        yield from self.image_paths.values()
        for paths in self.mask_paths.values():
            yield from paths
        yield from self._refused
        for click_set in self.clicks.values():
            if click_set.click_type != "first":
                yield from self._prev_mask_places(click_set.full_stem)
        for name in list(self._sought):
            yield from self._places(name)

    def _places(self, name: str) -> list[pathlib.Path]:
        """Returns the paths where a file or folder beside the photographs may be."""
        above, of_link = self.folder.resolve().parent, self.folder.absolute().parent
        places = [self.folder / name, above / name]
        # If the folder is a link, the path beside the link counts if it exists.
        if of_link.resolve() != above and os.path.lexists(of_link / name):
            places.append(of_link / name)
        return places

    def beside(self, name: str) -> pathlib.Path | None:
        """Returns a file or folder inside the dataset's folder or next to it."""
        self._sought[name] = None
        # A broken link counts as existing, so that reading it reports it.
        return next(filter(os.path.lexists, self._places(name)), None)

    def images(self, split: str) -> Iterator[raw.RawImage]:
        """Yields the photographs of a split with their objects, by name."""
        for stem in self.image_paths:
            if self._splits[stem] == split:
                yield self.image(stem)

    def image(self, stem: str) -> raw.RawImage:
        """Reads one photograph and its masks."""
        if stem in self._problems:
            return self._unusable(stem, self._problems[stem])
        if not self.mask_paths.get(stem):
            return self._unusable(stem, self._no_mask(stem))
        names = ((identities.stem_of(path), path) for path in self.mask_paths[stem])
        mask_paths = {"" if name == stem else name: path for name, path in names}
        try:
            photo = masked_photographs.read(
                self.image_paths[stem], mask_paths, self.layout
            )
        except errors.DataError as error:
            return self._unusable(stem, str(error))
        count = len(photo.masks) + len(photo.problems)
        objects = [
            self._object(stem, self._full_stem(stem, key, count), mask, photo.shape)
            for key, mask in photo.masks.items()
        ]
        objects += [
            raw.RawObject(self._full_stem(stem, key, count), None, problem)
            for key, problem in photo.problems.items()
        ]
        if not objects:
            return self._unusable(stem, raw.EMPTY)
        named = {item.instance_id for item in objects}
        notes = (*photo.notes, *self._click_notes(stem, named, photo.shape))
        return raw.RawImage(
            stem, photo.encoded, photo.shape, tuple(objects), notes=notes
        )

    def tasks(self, split: str) -> Iterator[raw.RawTask]:
        """Yields the click tasks of a split whose photograph is here."""
        for stem in self.image_paths:
            if stem in self._clicks_of and self._splits[stem] == split:
                image = self.image(stem)
                for name in self._clicks_of[stem]:
                    yield self._task(image, name, self.clicks[name])

    def _read_splits(self) -> dict[str, str]:
        """Returns the split of each stem; a stem in no list is in `test`."""
        paths = {}
        for split in (raw.TRAIN, raw.VAL):
            places = map(self.beside, (f"{self.name}_{split}.txt", f"{split}.txt"))
            path = next(filter(None, places), None)
            if path is not None:
                paths[split] = path
        splits, notes = lists.splits(self.image_paths, paths)
        self.notes += notes
        return splits

    def _read_clicks(self) -> dict[str, click_sets.ClickSet]:
        path = self.beside(_CLICKS)
        if path is None:
            return {}
        sets = clicks_csv.read(path, self.name)
        if not sets and path.parent == self.folder:
            known = ", ".join(clicks_csv.read_all(path)) or "no dataset"
            kind = f"clicks.csv has no rows of the dataset {self.name}, but of"
            self.notes.append(raw.Note(kind, known))
        return click_sets.sets_by_id(sets)

    def _listing(self, folder_name: str) -> listing.Listing:
        folder = self.folder / folder_name
        if not folder.is_dir():
            raise errors.DataError(
                f"{self.folder} has no folder {folder_name}/; a {self.name} dataset "
                f"has {self.layout.images}/ and {self.layout.masks}/."
            )
        return listing.read(folder)

    def _photographs(self) -> dict[str, pathlib.Path]:
        """Returns the photographs; files with the same stem get a problem."""
        content = self._listing(self.layout.images)
        if not content.files:
            inside = [*content.others, *(f"{name}/" for name in content.folders)][:5]
            others = f" It has {', '.join(inside)}." if inside else ""
            raise errors.DataError(
                f"{content.folder} has no image. Looked for files ending in "
                f"{', '.join(sorted(IMAGE_SUFFIXES))}.{others}"
            )
        self.notes += content.notes(folders_are_read=False)
        for stem, paths in content.files.items():
            if len(paths) > 1:
                self._refuse(stem, f"{content.folder.name}/ has", paths)
            if not identities.is_text(paths[0].name):
                self._problems[stem] = (
                    "the name of the file is not UTF-8 text: rename it"
                )
        return {stem: paths[0] for stem, paths in content.files.items()}

    def _refuse(self, stem: str, place: str, paths: list[pathlib.Path]) -> None:
        self._refused += paths
        self._problems.setdefault(
            stem,
            f"{place} {listing.names(paths)}, which have one name: rename or remove "
            "all but one",
        )

    def _masks(self) -> dict[str, list[pathlib.Path]]:
        """Returns the mask files of each stem, or those in a folder of that name."""
        content = self._listing(self.layout.masks)
        self.notes += content.notes(folders_are_read=True)
        self._mask_names = [*content.others, *map(str, content.folders)]
        self._mask_names += [
            path.name for same_stem in content.files.values() for path in same_stem
        ]
        paths: dict[str, list[pathlib.Path]] = {}
        for stem in sorted({*content.files, *content.folders}):
            inside = content.folders.get(stem, [])
            both = [*content.files.get(stem, []), *inside]
            if len(both) > 1:
                self._refuse(stem, f"{content.folder.name}/ has", both)
            paths[stem] = self._in_folder(stem, inside[0]) if inside else both
        kind = "masks without a photograph"
        lonely = [stem for stem in paths if stem not in self.image_paths]
        self.notes += [raw.Note(kind, stem) for stem in lonely]
        return paths

    def _in_folder(self, stem: str, folder: pathlib.Path) -> list[pathlib.Path]:
        """Returns the masks of a photograph's objects."""
        try:
            content = listing.read(folder)
        except errors.DataError as error:
            self._problems.setdefault(stem, str(error))
            self._refused.append(folder)
            return []
        self.notes += content.notes(folders_are_read=False)
        for same_stem in content.files.values():
            if len(same_stem) > 1:
                self._refuse(stem, f"{self.layout.masks}/{stem}/ has", same_stem)
        return [path for same_stem in content.files.values() for path in same_stem]

    def _no_mask(self, stem: str) -> str:
        """Returns the problem of a photograph without mask, naming a similar file."""
        folder = self.folder / self.layout.masks
        if stem in self.mask_paths:
            return f"{folder / stem} has no mask file"
        problem = f"{folder} has no mask called as the photograph (STEM.png)"
        name = identities.alike(stem, self._mask_names)
        if not name:
            return problem
        if (folder / name.replace("STEM", stem)).is_dir():
            return f"{problem}; there is {name}, which is a folder: call it STEM"
        if pathlib.PurePath(name).suffix.lower() not in IMAGE_SUFFIXES:
            return f"{problem}; there is {name}, which is not read: save it as PNG"
        return f"{problem}; there is {name}: rename it, capital letters count"

    def _full_stem(self, stem: str, key: str, count: int) -> str:
        """Returns the name of an object in `clicks.csv`, with its id if needed."""
        marked = f"{stem}{_OBJECT_MARK}{key}"
        alone = count == 1 and marked not in self._full_stems
        return stem if alone or not key else marked

    def _object(
        self, stem: str, instance_id: str, mask: np.ndarray, shape: tuple[int, int]
    ) -> raw.RawObject:
        problem = raw.object_problem(mask, shape)
        if instance_id != stem and instance_id in self.image_paths:
            problem = (
                f"{instance_id} is the name of an object of {stem} and of another "
                "photograph: rename one"
            )
        clicks = self.clicks.get(instance_id)
        if problem or clicks is None or not clicks.is_first_on(stem, shape):
            return raw.RawObject(instance_id, None if problem else mask, problem)
        yx = clicks.in_shape(shape)
        return raw.RawObject(instance_id, mask, "", yx, clicks.input_device)

    def _click_notes(
        self, stem: str, instance_ids: set[str], shape: tuple[int, int]
    ) -> Iterator[raw.Note]:
        """Yields notes on first clicks of a photograph that no object has."""
        for name in self._clicks_of.get(stem, ()):
            clicks = self.clicks[name]
            if clicks.click_type != "first":
                continue
            if name not in instance_ids:
                yield raw.Note(_NOT_REPLAYED, name)
            elif not clicks.is_first_on(stem, shape):
                yield raw.Note(_NOT_USED, f"{name}: {clicks.problem_in(shape)}")

    def _unusable(self, stem: str, problem: str) -> raw.RawImage:
        broken = raw.RawObject(stem, None, problem)
        return raw.RawImage(stem, b"", (0, 0), (broken,), problem)

    def _task(
        self, image: raw.RawImage, name: str, clicks: click_sets.ClickSet
    ) -> raw.RawTask:
        gt_mask, prev_mask = None, None
        problem = image.problem or clicks.problem_in(image.shape)
        if not problem:
            gt_mask, problem = self._target(image, clicks)
        if not problem and clicks.click_type != "first":
            prev_mask, problem = self._prev_mask(clicks.full_stem, image.shape)
        return raw.RawTask(
            click_set_id=name,
            image=image,
            click_type=clicks.click_type,
            mask_source=clicks.mask_source,
            input_device=clicks.input_device,
            gt_mask=gt_mask,
            prev_mask=prev_mask,
            clicks_yx=clicks.in_shape(image.shape),
            problem=problem,
            people=clicks.people,
        )

    def _target(
        self, image: raw.RawImage, clicks: click_sets.ClickSet
    ) -> tuple[np.ndarray | None, str]:
        """Returns the mask of the object of a click set, or a problem."""
        broken = [o for o in image.objects if o.problem not in ("", raw.EMPTY)]
        if broken and not clicks.object_stem:  # The target is all of them.
            return None, f"{broken[0].instance_id}: {broken[0].problem}"
        marked = f"{clicks.image_stem}{_OBJECT_MARK}{clicks.object_stem}"
        target: np.ndarray | None = None
        for item in image.objects:
            is_meant = item.instance_id in (marked, image.image_id)
            if (is_meant or not clicks.object_stem) and (mask := item.mask) is not None:
                target = mask if target is None else np.maximum(target, mask)
        if target is not None:
            return target, ""
        if {o.problem for o in image.objects} == {raw.EMPTY}:
            return None, raw.EMPTY
        known = ", ".join(f"{o.instance_id}: {o.problem}" for o in image.objects)
        return None, f"no object {clicks.object_stem!r} in the mask ({known})"

    def _prev_mask(
        self, full_stem: str, shape: tuple[int, int]
    ) -> tuple[np.ndarray | None, str]:
        if not identities.is_file_name(full_stem):
            return None, f"full_stem {full_stem!r} is not the name of a file"
        for path in self._prev_mask_places(full_stem):
            if os.path.exists(path):
                longest = self.layout.longest_side
                shapes = [] if longest else [shape]
                try:
                    file = mask_files.read(path, "the previous mask", shapes)
                    mask = mask_rules.soft(file)
                except errors.DataError as error:
                    return None, str(error)
                if longest and images.limited_shape(mask.shape, longest) == shape:
                    mask = images.resize_image(mask, shape)
                problem = raw.object_problem(np.full(mask.shape, raw.OBJECT), shape)
                return (None, problem) if problem else (mask, "")
        return None, f"no previous mask {full_stem}.png in {self.layout.prev_masks}"

    def _prev_mask_places(self, full_stem: str) -> Iterator[pathlib.Path]:
        """Yields the paths where the previous mask of a task may lie."""
        if not identities.is_file_name(full_stem):
            return
        for name in (self.layout.prev_masks, _PREV_MASKS):
            for folder in self._places(name):
                for written in identities.forms(full_stem):
                    yield folder / f"{written}.png"
