"""The toy click model: a small network for demos, trained on first use.

It is kept in the cache. It learns the synthetic clicks of the sample dataset: it shows
that everything works, and says nothing about people.
"""

import dataclasses
import functools
import json
import pathlib
import sys

from etils import epath

from rclicks_jax import cache, hashing
from rclicks_jax.data import packages, specs
from rclicks_jax.settings import training
from rclicks_jax.training import loop

WARNING = (
    "The toy click model learned synthetic clicks on ten photographs: numbers made "
    "with it say nothing about people. docs/weights.md says how to use the published "
    "weights."
)


def folder() -> str:
    """Returns the folder of the toy model, training it first if need be."""
    return _model_in(_workdir())


def if_trained() -> str:
    """Returns the folder of the toy model; empty if it was never trained here."""
    model = _workdir() / loop.MODEL_NAME
    return str(model) if (model / "card.json").exists() else ""


def _workdir() -> pathlib.Path:
    values = dataclasses.asdict(training.SAMPLE_TRAINING)
    # So that those which earlier releases trained keep their names.
    del values["architecture"]
    settings = json.dumps(values, sort_keys=True)
    (sample,) = specs.parse(training.SAMPLE_TRAINING.data)
    name = f"{hashing.stable_hash(settings + packages.fingerprint(sample)):016x}"
    return cache.cache_dir() / "models" / f"toy-{name}"


# A run needs the folder several times, and one warning is enough.
@functools.cache
def _model_in(workdir: pathlib.Path) -> str:
    print(f"note: {WARNING}", file=sys.stderr)
    # Several processes of a run may need it at the same time.
    with cache.exclusive(workdir):
        model = epath.Path(workdir) / loop.MODEL_NAME
        if not (model / "card.json").exists():
            message = f"Training the toy click model into {workdir} (a few minutes)"
            print(message, file=sys.stderr)
            loop.train_and_evaluate(training.SAMPLE_TRAINING, workdir)
    return str(model)
