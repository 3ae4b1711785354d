"""A small click model for demos: trained on the sample dataset, once, into the cache.

Its clicks are synthetic. It shows that everything works; it says nothing about people.
"""

import dataclasses
import json
import sys

from etils import epath

from rclicks_jax import config, hosts
from rclicks_jax.data import packages, specs
from rclicks_jax.training import loop


def folder() -> epath.Path:
    """Returns the folder of the sample's model, training it first if need be."""
    training = config.SAMPLE_TRAINING
    described = json.dumps(dataclasses.asdict(training), sort_keys=True)
    (sample,) = specs.parse(training.data)
    name = f"{hosts.stable_hash(described + packages.fingerprint(sample)):016x}"
    workdir = hosts.cache_dir() / "models" / f"sample-{name}"
    # Several processes of a run want it at the same time.
    with hosts.exclusive(workdir):
        model = epath.Path(workdir) / loop.MODEL_NAME
        if not (model / "card.json").exists():
            what = f"Training the sample's click model into {workdir} (a few minutes)"
            print(what, file=sys.stderr)
            loop.train_and_evaluate(training, workdir)
    return model
