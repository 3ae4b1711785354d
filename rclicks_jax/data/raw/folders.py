"""Readers of folders of images and masks: those of RClicks and a user's own."""

import pathlib
from collections.abc import Iterator, Mapping

import numpy as np

from rclicks_jax import errors
from rclicks_jax.data import raw
from rclicks_jax.data.raw import (
    clicks_csv,
    layouts,
    mask_files,
    mask_rules,
    masked_photographs,
)

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
# Parts the stem of an image from the id of one of its objects.
_OBJECT_MARK = "_______"


class FolderSource:
    """Photographs in one folder, masks of the same stems in another, perhaps clicks.

    Attributes:
        name: Of the dataset.
        folder: Where it lies.
        layout: How it is laid out.
        image_paths: The photographs, by stem, in order of their names.
        mask_paths: Mask files, by stem; several for a folder of masks.
        clicks: Click sets, by full stem.
        split_names: `train` and `val`; `test` for images that no list names.
        notes: What was decided or left out when the files were listed.
    """

    def __init__(
        self,
        name: str,
        folder: pathlib.Path,
        layout: layouts.Layout,
        clicks: Mapping[str, clicks_csv.ClickSet] | None = None,
    ) -> None:
        """Lists the files; reads only the table of clicks.

        Args:
            name: Of the dataset.
            folder: Where it lies.
            layout: How it is laid out.
            clicks: Click sets by full stem; those of `clicks.csv` if None.

        Raises:
            DataError: A folder is missing or holds no image.
        """
        self.name = name
        self.folder = folder
        self.layout = layout
        self.notes: list[raw.Note] = []
        self.image_paths = {path.stem: path for path in self._files(layout.images)}
        if not self.image_paths:
            raise errors.DataError(
                f"{folder / layout.images} has no image. Looked for files ending in "
                f"{', '.join(sorted(IMAGE_SUFFIXES))}."
            )
        self.mask_paths = self._masks()
        self._splits = self._read_splits()
        self.split_names = tuple(sorted(set(self._splits.values())))
        csv_path = self.beside("clicks.csv")
        if clicks is None:
            clicks = clicks_csv.read(csv_path, name) if csv_path else {}
        self.clicks = clicks

    def __len__(self) -> int:
        """Returns the number of photographs."""
        return len(self.image_paths)

    @property
    def has_clicks(self) -> bool:
        """Tells whether the table of clicks has rows for the dataset."""
        return bool(self.clicks)

    def beside(self, name: str) -> pathlib.Path | None:
        """Returns a file or folder inside the dataset's folder or next to it."""
        for parent in (self.folder, self.folder.resolve().parent):
            if (parent / name).exists():
                return parent / name
        return None

    def images(self, split: str) -> Iterator[raw.RawImage]:
        """Yields the photographs of a split with their objects, by name."""
        for stem in self.image_paths:
            if self._splits[stem] == split:
                yield self.image(stem)

    def image(self, stem: str) -> raw.RawImage:
        """Reads one photograph and its masks."""
        if not self.mask_paths.get(stem):
            folder = self.folder / self.layout.masks
            return self._unusable(stem, f"{folder} has no mask called {stem}")
        mask_paths = {
            "" if path.stem == stem else path.stem: path
            for path in self.mask_paths[stem]
        }
        try:
            found = masked_photographs.read(
                self.image_paths[stem], mask_paths, self.layout
            )
        except errors.DataError as error:
            return self._unusable(stem, str(error))
        count = len(found.masks) + len(found.problems)
        objects = [
            self._object(self._full_stem(stem, key, count), mask, found.shape)
            for key, mask in found.masks.items()
        ]
        objects += [
            raw.RawObject(self._full_stem(stem, key, count), None, problem)
            for key, problem in found.problems.items()
        ]
        if not objects:
            return self._unusable(stem, raw.EMPTY)
        return raw.RawImage(
            stem, found.encoded, found.shape, tuple(objects), notes=found.notes
        )

    def tasks(self, split: str) -> Iterator[raw.RawTask]:
        """Yields the click tasks of a split whose photograph is here."""
        by_image: dict[str, list[clicks_csv.ClickSet]] = {}
        for click_set in self.clicks.values():
            by_image.setdefault(click_set.image_stem, []).append(click_set)
        for stem in self.image_paths:
            if stem in by_image and self._splits[stem] == split:
                image = self.image(stem)
                for click_set in by_image[stem]:
                    yield self._task(image, click_set)

    def _read_splits(self) -> dict[str, str]:
        """Returns the split of each stem; what no list names is `test`."""
        listed = {}
        for split in ("train", "val"):
            for name in (f"{self.name}_{split}.txt", f"{split}.txt"):
                path = self.beside(name)
                if path is not None:
                    listed |= {s.strip(): split for s in path.read_text().split("\n")}
                    break
        return {stem: listed.get(stem, raw.UNLISTED) for stem in self.image_paths}

    def _files(self, folder_name: str) -> list[pathlib.Path]:
        folder = self.folder / folder_name
        if not folder.is_dir():
            raise errors.DataError(
                f"{self.folder} has no folder {folder_name}/; a {self.name} dataset "
                f"has {self.layout.images}/ and {self.layout.masks}/."
            )
        return sorted(
            path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES
        )

    def _masks(self) -> dict[str, list[pathlib.Path]]:
        found = {path.stem: [path] for path in self._files(self.layout.masks)}
        folder = self.folder / self.layout.masks
        for sub in sorted(path for path in folder.iterdir() if path.is_dir()):
            several = [p for p in sub.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES]
            found.setdefault(sub.name, []).extend(sorted(several))
        return found

    def _full_stem(self, stem: str, key: str, count: int) -> str:
        """Names an object as `clicks.csv` does: the id only where there are several."""
        marked = f"{stem}{_OBJECT_MARK}{key}"
        alone = count == 1 and marked not in self.clicks
        return stem if alone or not key else marked

    def _object(
        self, instance_id: str, mask: np.ndarray, shape: tuple[int, int]
    ) -> raw.RawObject:
        problem = raw.object_problem(mask, shape)
        clicks = self.clicks.get(instance_id)
        if problem or clicks is None or clicks.click_type != "first":
            return raw.RawObject(instance_id, None if problem else mask, problem)
        yx = clicks.in_shape(shape)
        return raw.RawObject(instance_id, mask, "", yx, clicks.input_device)

    def _unusable(self, stem: str, problem: str) -> raw.RawImage:
        broken = raw.RawObject(stem, None, problem)
        return raw.RawImage(stem, b"", (0, 0), (broken,), problem)

    def _task(self, image: raw.RawImage, clicks: clicks_csv.ClickSet) -> raw.RawTask:
        gt_mask, prev_mask, problem = None, None, image.problem
        if not problem:
            gt_mask, problem = self._target(image, clicks)
        if not problem and clicks.click_type != "first":
            prev_mask, problem = self._prev_mask(clicks.full_stem, image.shape)
        return raw.RawTask(
            click_set_id=clicks.full_stem,
            image=image,
            click_type=clicks.click_type,
            mask_source=clicks.mask_source,
            input_device=clicks.input_device,
            gt_mask=gt_mask,
            prev_mask=prev_mask,
            clicks_yx=clicks.in_shape(image.shape),
            problem=problem,
        )

    def _target(
        self, image: raw.RawImage, clicks: clicks_csv.ClickSet
    ) -> tuple[np.ndarray | None, str]:
        """Returns the mask a click set speaks of, or why there is none."""
        broken = [o for o in image.objects if o.problem not in ("", raw.EMPTY)]
        if broken and not clicks.object_stem:  # The target is all of them.
            return None, f"{broken[0].instance_id}: {broken[0].problem}"
        marked = f"{clicks.image_stem}{_OBJECT_MARK}{clicks.object_stem}"
        asked = [
            o.mask
            for o in image.objects
            if o.mask is not None
            and (not clicks.object_stem or o.instance_id in (marked, image.image_id))
        ]
        if not asked and {o.problem for o in image.objects} == {raw.EMPTY}:
            return None, raw.EMPTY
        if not asked:
            known = ", ".join(f"{o.instance_id}: {o.problem}" for o in image.objects)
            return None, f"no object {clicks.object_stem!r} in the mask ({known})"
        return np.maximum.reduce(asked), ""

    def _prev_mask(
        self, full_stem: str, shape: tuple[int, int]
    ) -> tuple[np.ndarray | None, str]:
        for name in (self.layout.prev_masks, "prev_masks"):
            folder = self.beside(name)
            path = folder / f"{full_stem}.png" if folder else None
            if path is not None and path.exists():
                try:
                    mask = mask_rules.soft(mask_files.read(path, "the previous mask"))
                except errors.DataError as error:
                    return None, str(error)
                problem = raw.object_problem(np.full(mask.shape, raw.OBJECT), shape)
                return (None, problem) if problem else (mask, "")
        return None, f"no previous mask {full_stem}.png in {self.layout.prev_masks}"
