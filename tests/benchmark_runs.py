"""Small benchmarks, their tables and records, for several tests."""

import dataclasses

from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store
from rclicks_jax.results import outputs
from rclicks_jax.settings import benchmark


def settings(folder, **changes):
    plain = benchmark.BenchmarkConfig(
        data=f"folder:{folder}",
        segmenter="noisy",
        click_model="DT",
        groups=(1, 5, 10),
        pictures=1,
    )
    return dataclasses.replace(plain, **changes)


def tables_of(workdir):
    """Makes the tables; returns every one but that of times, as bytes."""
    outputs.write(store.RunFolder(workdir))
    return _written_tables(workdir)


def content(workdir):
    """What a command left: tables and instances, without what is in seconds."""
    return _written_tables(workdir), instances_of(workdir)


def _written_tables(workdir):
    return {
        path.name: path.read_bytes()
        for path in sorted((workdir / "tables").iterdir())
        if not path.name.startswith("timing")
    }


def instances_of(workdir):
    return {
        instance.instance_id: instance
        for record in records.read_all(store.RunFolder(workdir))
        for instance in record.instances
    }
