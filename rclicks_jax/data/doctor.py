"""Examines a folder of data and describes what is wrong with it."""

import collections
import dataclasses
import math
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import numpy as np
import tqdm

from rclicks_jax import errors, registry
from rclicks_jax.data import click_pairs, raw, specs, targets
from rclicks_jax.data.raw import click_sets, clicks_csv, folders, layouts, sources

Severity = Literal["ok", "note", "error"]
_MARKS = {"ok": "   ok ", "note": " note ", "error": "ERROR "}
# Names of files in problems: a path that ends in a suffix, or text in quotation marks.
_PATH = re.compile(r"/[^\n]*?\.[A-Za-z]{2,5}\b")
_QUOTED = re.compile(r"'[^'\n]*'|\"[^\"\n]*\"")
# Number of files that are named for one problem.
_EXAMPLES = 5
_BESIDE = ("clicks.csv", "previews.csv", "TETRIS_train.txt", "TETRIS_val.txt")


@dataclasses.dataclass
class Diagnosis:
    """Findings about a folder.

    Attributes:
        findings: Severity and text of each finding, in order.
    """

    findings: list[tuple[Severity, str]] = dataclasses.field(default_factory=list)

    @property
    def healthy(self) -> bool:
        """Whether no finding is an error."""
        return all(severity != "error" for severity, _ in self.findings)

    def add(self, severity: Severity, text: str) -> None:
        """Adds a finding."""
        self.findings.append((severity, text))

    def add_files(self, severity: Severity, problem: str, names: list[str]) -> None:
        """Adds a problem of several files and names some; without files, nothing."""
        if names:
            shown = errors.few(sorted(names), _EXAMPLES)
            self.add(severity, f"{problem.removesuffix('.')}: {shown}")

    def add_problems(self, problems: Sequence[tuple[str, str]]) -> None:
        """Adds problems of objects or tasks, one line for each kind.

        Problems are of the same kind if they differ only in file names and in numbers.

        Args:
            problems: Name and problem of each object or task.
        """
        kinds: dict[str, list[tuple[str, str]]] = {}
        for name, problem in problems:
            kinds.setdefault(_kind(name, problem), []).append((name, problem))
        for alike in kinds.values():
            problem = alike[0][1]
            names = [name for name, _ in alike]
            severity = "error" if raw.status_of(problem) == "failed" else "note"
            if len({text for _, text in alike}) > 1:
                problem = f"{problem.rstrip('.')}, and {len(alike) - 1} more like it"
            self.add_files(severity, problem, names)

    def text(self) -> str:
        """Returns all findings, one on each line, and a verdict."""
        lines = [_MARKS[severity] + text for severity, text in self.findings]
        verdict = (
            "Ready to use." if self.healthy else "Not ready: see the errors above."
        )
        return "\n".join([*lines, verdict])


def examine(target: str, max_click_distance: float, max_side: int = 0) -> Diagnosis:
    """Examines a dataset, or all datasets in a folder.

    Args:
        target: A dataset as `--data` takes it: `DIR`, `NAME:DIR`, `folder:DIR`,
            `coco:JSON,DIR` or `sample`; or a folder that holds several.
        max_click_distance: Clicks that are farther from their region, in click radii,
            are counted.
        max_side: Limit on the longest side of photographs, pixels; 0 for none.

    Raises:
        DataError: The folder does not exist.
        BadValueError: The distance is not a number of 0 or more.
    """
    if not 0 <= max_click_distance < math.inf:
        raise errors.BadValueError(
            "--max_click_distance", max_click_distance, "a number, 0 or more"
        )
    diagnosis = Diagnosis()
    kind = target.partition(":")[0]
    if kind in specs.KINDS and not pathlib.Path(target).is_dir():
        datasets = specs.parse(target)
    else:
        folder = specs.expanded(registry.unquoted(target))
        datasets = list(_identify(folder, diagnosis))
    for spec in datasets:
        limited = dataclasses.replace(spec, max_side=max_side)
        _examine_dataset(limited, max_click_distance, diagnosis)
    return diagnosis


def _identify(folder: pathlib.Path, diagnosis: Diagnosis) -> Iterator[specs.DataSpec]:
    """Yields the datasets that a folder is or holds."""
    if not folder.is_dir():
        raise errors.DataError(
            f"{folder} is not a folder. Give DIR, NAME:DIR, folder:DIR or "
            "coco:INSTANCES.json,IMAGE_FOLDER."
        )
    inside = [n for n in layouts.LAYOUTS if (folder / n).is_dir()]
    if inside:
        for name in layouts.LAYOUTS:
            if name not in inside:
                archive = layouts.LAYOUTS[name].archive
                diagnosis.add("note", f"{name}/ is not there ({archive})")
        for name in _BESIDE:
            if not (folder / name).exists():
                diagnosis.add("note", f"{name} is not there")
        _examine_previews(folder / "previews.csv", diagnosis)
        if not (folder / "SUBSEC_MASKS").is_dir():
            text = "SUBSEC_MASKS/ is not there: tasks of later rounds cannot be used"
            diagnosis.add("note", text)
        yield from (specs.DataSpec(name, folder / name) for name in inside)
        return
    fitting = [
        name
        for name, layout in layouts.LAYOUTS.items()
        if (folder / layout.images).is_dir() and (folder / layout.masks).is_dir()
    ]
    name = folder.resolve().name
    if name in fitting:
        yield specs.DataSpec(name, folder)
        return
    by_count = [
        n for n in fitting if _count(folder, n) == layouts.LAYOUTS[n].image_count
    ]
    if by_count:
        diagnosis.add("note", f"{folder} has the folders and counts of {by_count[0]}")
        yield specs.DataSpec(by_count[0], folder)
        return
    if fitting:
        alike = ", ".join(fitting)
        text = (
            f"{folder} is laid out as {alike}; by its name it is a folder of your own"
        )
        diagnosis.add("note", text)
    yield specs.DataSpec("folder", folder)


def _examine_previews(path: pathlib.Path, diagnosis: Diagnosis) -> None:
    """Counts the clicks of each display mode."""
    if not path.exists():
        return
    try:
        modes = clicks_csv.read_all(path)
    except errors.DataError as error:
        diagnosis.add("error", str(error))
        return
    listed = _by_mode({mode: list(sets.values()) for mode, sets in modes.items()})
    diagnosis.add("ok", f"previews.csv, {listed}")


def _kind(name: str, problem: str) -> str:
    """Returns a problem without the names and numbers that differ between files."""
    unquoted = _QUOTED.sub("NAME", _PATH.sub("FILE", problem))
    return re.sub(r"\d+", "N", re.sub(rf"\b{re.escape(name)}$", "NAME", unquoted))


def _count(folder: pathlib.Path, name: str) -> int:
    files = (folder / layouts.LAYOUTS[name].images).iterdir()
    return sum(path.suffix.lower() in folders.IMAGE_SUFFIXES for path in files)


def _examine_dataset(
    spec: specs.DataSpec, max_click_distance: float, diagnosis: Diagnosis
) -> None:
    try:
        source = sources.open_source(spec)
    except errors.DataError as error:
        diagnosis.add("error", str(error))
        return
    diagnosis.add("ok", f"{spec.name} in {spec.folder or 'the scikit-image package'}")
    objects: list[tuple[str, str]] = []
    problems: list[tuple[str, str]] = []
    object_problems: list[list[str]] = []
    notes = list(source.notes)
    usable_images = 0
    for split in source.split_names:
        for image in tqdm.tqdm(source.images(split), "Reading", leave=False):
            object_problems.append([o.problem for o in image.objects])
            notes += image.notes
            digests = [
                (o.instance_id, layouts.mask_digest(mask))
                for o in image.objects
                if (mask := o.mask) is not None
            ]
            usable_images += bool(digests)
            objects += digests
            problems += [(o.instance_id, o.problem) for o in image.objects if o.problem]
    counts = raw.count(object_problems)
    text = f"{counts.text()}, splits {', '.join(source.split_names)}"
    if counts.ok:
        diagnosis.add("ok", text)
    else:
        diagnosis.add("error", f"{text}: no object can be used")
    diagnosis.add_problems(problems)
    for text in raw.describe(notes):
        diagnosis.add("note", text)
    checksum = layouts.joint_digest(objects)
    layout = sources.layout_of(spec) if spec.kind in layouts.LAYOUTS else None
    if layout is not None and layout.image_count:
        judged = layout.judge(usable_images, len(objects), checksum)
        for text in judged:
            diagnosis.add("error" if "looks like" in text else "note", text)
        if not judged:
            same = " and masks" if layout.masks_checksum else ""
            diagnosis.add("ok", f"counts{same} are the published ones")
    diagnosis.add("ok", f"checksum of the masks: {checksum}")
    if isinstance(source, folders.FolderSource):
        _examine_clicks(source, layout, diagnosis)
        _examine_modes(spec, source, diagnosis)
    if source.has_clicks:
        _examine_tasks(source, max_click_distance, diagnosis)


def _examine_modes(
    spec: specs.DataSpec, source: folders.FolderSource, diagnosis: Diagnosis
) -> None:
    """Reads the tasks of display modes, of a table in the folder or above it."""
    try:
        shown, modes = click_pairs.open_modes(spec)
    except errors.DataError as error:
        # Of a table above several datasets it is told once.
        if ("error", str(error)) not in diagnosis.findings:
            diagnosis.add("error", str(error))
        return
    path = shown.beside("previews.csv")
    here = sum(each.image_stem in shown.image_paths for each in shown.clicks.values())
    # A table above several datasets is about one of them.
    if path is None or not (here or path.parent == spec.folder):
        return
    listed = _by_mode({mode: list(sets.values()) for mode, sets in modes.items()})
    diagnosis.add("ok", f"previews.csv: {here} click tasks, {listed}")
    for text in raw.describe(n for n in shown.notes if n not in source.notes):
        diagnosis.add("note", f"previews.csv: {text}")
    try:
        problems = [
            (f"{pair.click_set_id}, {pair.other}", pair.problem)
            for pair in click_pairs.by_display_mode(spec)
            if pair.problem
        ]
    except errors.DataError as error:
        diagnosis.add("note", f"display modes cannot be compared: {error}")
        return
    diagnosis.add_problems(problems)


def _by_mode(modes: Mapping[str, Iterable[click_sets.ClickSet]]) -> str:
    counts = {mode: sum(len(s.clicks_yx) for s in sets) for mode, sets in modes.items()}
    listed = ", ".join(f"{mode} {count}" for mode, count in sorted(counts.items()))
    return f"clicks by display mode: {listed}"


def _examine_clicks(
    source: folders.FolderSource, layout: layouts.Layout | None, diagnosis: Diagnosis
) -> None:
    """Compares the table of clicks with the published counts and with the images."""
    if not source.clicks:
        diagnosis.add("note", "no clicks.csv with rows for it: no click tasks")
        return
    counts: collections.Counter[str] = collections.Counter()
    for click_set in source.clicks.values():
        counts[click_set.click_type] += len(click_set.clicks_yx)
    listed = ", ".join(f"{counts[t]} {t}" for t in clicks_csv.CLICK_TYPES)
    diagnosis.add("ok", f"clicks: {listed}")
    if layout is not None and layout.first_clicks:
        expected = (layout.first_clicks, layout.later_clicks)
        if (counts["first"], counts["fn"] + counts["fp"]) != expected:
            text = f"published are {expected[0]} first and {expected[1]} later clicks"
            diagnosis.add("note", text)
    sets = source.clicks.values()
    outside = [f"{s.full_stem} ({s.outside()})" for s in sets if s.outside()]
    text = "clicks outside their image, which are moved to its border"
    diagnosis.add_files("note", text, outside)


def _examine_tasks(
    source: raw.RawSource, max_click_distance: float, diagnosis: Diagnosis
) -> None:
    """Reads every task, and checks previous masks, sizes and positions of clicks."""
    problems: list[tuple[str, str]] = []
    inside = near = far = tasks = 0
    for split in source.split_names:
        for task in tqdm.tqdm(source.tasks(split), "Reading clicks", leave=False):
            tasks += 1
            if task.problem or task.gt_mask is None:
                problems.append((task.click_set_id, task.problem))
                continue
            region = _region(task)
            if not region.any():
                problems.append((task.click_set_id, "nothing to mend"))
                continue
            radius = max(1, targets.click_radius(region.shape))
            away = targets.distance_to_region(task.clicks_yx, region)
            inside += int((away == 0).sum())
            near += int(((away > 0) & (away <= max_click_distance * radius)).sum())
            far += int((away > max_click_distance * radius).sum())
    diagnosis.add("ok", f"{tasks} click tasks")
    diagnosis.add_problems(problems)
    diagnosis.add(
        "note" if far else "ok",
        f"clicks: {inside} in their region, {near} not further than "
        f"{max_click_distance:g} click radii from it, {far} further",
    )


def _region(task: raw.RawTask) -> np.ndarray:
    assert task.gt_mask is not None
    target = task.gt_mask == raw.OBJECT
    if task.prev_mask is None:
        return target
    before = task.prev_mask > 127
    return ~target & before if task.click_type == "fp" else target & ~before
