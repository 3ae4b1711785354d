"""Data sets: images with their objects, and click tasks with the clicks of people."""

from collections.abc import Callable, Iterator
from typing import Generic, NamedTuple, TypeVar

from rclicks_jax import types
from rclicks_jax.api import arguments
from rclicks_jax.data import packages, specs

ImageExample = types.ImageExample
InstanceExample = types.InstanceExample
ClickExample = types.ClickExample
Example = TypeVar("Example", ImageExample, ClickExample)


class Problem(NamedTuple):
    """An object, a whole image or a click task that cannot be used, and why.

    Attributes:
        dataset: Name of its data set.
        name: Name of its image or click task.
        instance_id: The object; empty for a whole image or a click task.
        reason: Why it cannot be used, in words.
    """

    dataset: str
    name: str
    instance_id: str
    reason: str


class Dataset(Generic[Example]):
    """Examples of one or several data sets, each read from disk when it is asked for.

    Iterate over it, or take an example by its number.

    Attributes:
        names: Names of the data sets.
        notes: What to know of the data, in sentences: what was left out or decided when
            it was read.
        problems: All that cannot be used. An image of which no object can be used is
            no example.
    """

    def __init__(self, opened: list[packages.Package], split: str) -> None:
        """Takes packaged data sets; use `open_dataset` or `open_click_tasks`."""
        self.names: tuple[str, ...] = tuple(package.dataset for package in opened)
        self.notes: tuple[str, ...] = tuple(
            f"{package.dataset}: {note}" for package in opened for note in package.notes
        )
        self._places: list[tuple[packages.Package, packages.Row]] = []
        problems: list[Problem] = []
        for package in opened:
            rows = package.select(split)
            packages.require_usable(package.dataset, rows)
            self._places += [(package, row) for row in rows if "" in row.problems]
            problems += [each for row in rows for each in _problems(package, row)]
        self.problems: tuple[Problem, ...] = tuple(problems)

    def __len__(self) -> int:
        """Returns the number of examples."""
        return len(self._places)

    def __getitem__(self, index: int) -> Example:
        """Reads an example.

        Raises:
            RClicksError: The package of the data set is damaged.
        """
        package, row = self._places[index]
        return package.read(row)

    def __iter__(self) -> Iterator[Example]:
        """Reads one example after the other, in a stable order."""
        return (package.read(row) for package, row in self._places)


def open_dataset(
    data: str, *, split: str = "all", max_side: int = 0
) -> Dataset[ImageExample]:
    """Opens images with their objects; a data set is packaged on first use.

    Args:
        data: `NAME:DIR` of a data set of the paper, `folder:DIR`, `coco:JSON,DIR` or
            `sample`; several with commas between.
        split: `train`, `val`, `test`, `held_out` or `all`.
        max_side: Limit on the longest side of images and masks, pixels; larger ones are
            shrunk. 0 for no limit.

    Raises:
        RClicksError: There is no such data or split, or nothing in it can be used.

    Examples:
        >>> import rclicks_jax
        >>> dataset = rclicks_jax.open_dataset("sample")
        >>> dataset.names, len(dataset), len(dataset.problems)
        (('sample',), 10, 0)
        >>> example = dataset[0]
        >>> example.image_id, example.image.shape, len(example.instances)
        ('astronaut', (512, 512, 3), 10)
        >>> example.instances[0].gt_mask.shape
        (512, 512)
    """
    return Dataset(_opened(packages.open_instances, data, max_side), split)


def open_click_tasks(
    data: str, *, split: str = "all", max_side: int = 0
) -> Dataset[ClickExample]:
    """Opens click tasks: an object, what was segmented, and where people clicked.

    Args:
        data: The dataset, as `open_dataset` takes it.
        split: The split, as `open_dataset` takes it.
        max_side: Limit on the longest side, as `open_dataset` takes it.

    Raises:
        RClicksError: There is no such data or split, it has no clicks, or nothing in it
            can be used.

    Examples:
        >>> import rclicks_jax
        >>> task = rclicks_jax.open_click_tasks("sample")[0]
        >>> task.click_type, task.input_device, task.clicks_yx.shape[1]
        ('first', 'synthetic', 2)
    """
    return Dataset(_opened(packages.open_clicks, data, max_side), split)


def _opened(
    open_package: Callable[[specs.DataSpec], packages.Package], data: str, max_side: int
) -> list[packages.Package]:
    arguments.check_text("data", data, "text, such as 'sample' or 'folder:DIR'")
    return [open_package(spec) for spec in specs.parse(data, max_side)]


def _problems(package: packages.Package, row: packages.Row) -> Iterator[Problem]:
    """Yields what of a row cannot be used."""
    if not row.instance_ids:
        if "" not in row.problems:
            reason = row.problem or "it has no object"
            yield Problem(package.dataset, row.name, "", reason)
        return
    for instance_id, reason in zip(row.instance_ids, row.problems, strict=True):
        if reason:
            yield Problem(package.dataset, row.name, instance_id, reason)
