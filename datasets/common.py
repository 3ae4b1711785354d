"""What both builders share: their configurations, and where every file comes from."""

import abc
import dataclasses
import itertools
import pathlib
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow_datasets as tfds
import tqdm
from absl import logging

from rclicks_jax.data import raw, specs
from rclicks_jax.data.raw import layouts, sources

_SOURCE = (
    "Download the archives linked from https://github.com/emb-ai/rclicks (README, "
    "'Prepare datasets') and unpack them beside each other."
)
_CLICKS = (
    "clicks.csv (475,544 clicks) and the lists TETRIS_train.txt and TETRIS_val.txt "
    "are in its folder datasets/; put them above the dataset's folder. Masks of later "
    "rounds: SUBSEC_MASKS.zip (36 MB), also above it."
)


def instructions(name: str) -> str:
    """Returns what must lie in `manual_dir`, file by file, for one configuration."""
    if name == "sample":
        return "Nothing: the photographs come with scikit-image."
    if name == "coco":
        return (
            "manual_dir is the folder of images. Make a configuration of your own for "
            "the instances file: Config(name='mine', kind='coco', json_path=...)."
        )
    if name == "folder":
        return (
            "manual_dir has images/ and masks/ (what is not 0 is the object; a folder "
            "of masks for several objects) or labels/ (each value but 0 is an object), "
            "with the same stems; optionally clicks.csv, prev_masks/, train.txt, "
            "val.txt."
        )
    layout = layouts.LAYOUTS[name]
    return (
        f"manual_dir is the folder {name}/ of {layout.archive}, with {layout.images}/ "
        f"and {layout.masks}/. {_SOURCE} {_CLICKS}"
    )


@dataclasses.dataclass(eq=False)
class Config(tfds.core.BuilderConfig):
    """One dataset.

    Attributes:
        kind: A kind of `--data`; empty if `name` is one.
        json_path: Annotations of `coco`.
        max_side: What the longest side of photographs is limited to; 0 for no limit.
    """

    kind: str = ""
    json_path: str = ""
    max_side: int = 0


class Packager(tfds.core.GeneratorBasedBuilder, skip_registration=True):
    """Packages what a raw source yields, split by split, with a progress bar."""

    VERSION = tfds.core.Version("1.0.0")
    BUILDER_CONFIGS = [  # noqa: RUF012 - TFDS wants a list
        Config(name=name, description=instructions(name)) for name in specs.KINDS
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = "\n".join(
        f"{name}: {instructions(name)}" for name in specs.KINDS
    )

    def __init__(self, **kwargs: Any):
        """Takes what TFDS' builders take.

        TFDS warns of configurations that are not among `BUILDER_CONFIGS`, as those of
        users' own data are.
        """
        before = logging.get_verbosity()
        logging.set_verbosity(logging.ERROR)
        try:
            super().__init__(**kwargs)
        finally:
            logging.set_verbosity(before)

    def dataset_info_from_configs(self, **kwargs: Any) -> tfds.core.DatasetInfo:
        """Describes a dataset that is in no bucket of TFDS.

        TFDS would look there, and leave an empty temporary folder.
        """
        info = super().dataset_info_from_configs(**kwargs)
        info.initialize_from_bucket = lambda: None
        return info

    @abc.abstractmethod
    def _packaged(self, source: raw.RawSource, split: str) -> Iterator[dict[str, Any]]:
        """Yields the features of every example of a split."""

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> Any:
        config: Any = self.builder_config
        source = open_source(config, dl_manager)
        splits = {name: self._packaged(source, name) for name in source.split_names}
        kept = {}
        for name, examples in splits.items():
            first = next(examples, None)
            # TFDS cannot write a split without an example.
            if first is not None:
                whole = itertools.chain([first], examples)
                kept[name] = self._generate_examples(whole, f"{source.name} {name}")
        return kept

    def _generate_examples(
        self, examples: Iterable[dict[str, Any]], what: str
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        yield from enumerate(tqdm.tqdm(examples, f"Packaging {what}", leave=False))


def open_source(
    config: Config, dl_manager: tfds.download.DownloadManager
) -> raw.RawSource:
    """Opens the raw dataset that a builder packages."""
    kind = config.kind or config.name
    folder = None if kind == "sample" else pathlib.Path(dl_manager.manual_dir)
    json_path = pathlib.Path(config.json_path) if config.json_path else None
    spec = specs.DataSpec(kind, folder, json_path, config.max_side)
    return sources.open_source(spec)
