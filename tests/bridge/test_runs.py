"""Whole benchmarks of a worker that fails on one photograph: nothing else is lost."""

import gc
import os
import pathlib
import re
import shutil

import numpy as np
import pytest
from helpers import make_folder, write_image

from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.jobs import store
from rclicks_jax.settings import benchmark

ADAPTER = pathlib.Path(__file__).parent.parent / "programs" / "troublesome_adapter.py"


def instances_of(workdir):
    return {
        instance.instance_id: instance
        for record in records.read_all(store.RunFolder(workdir))
        for instance in record.instances
    }


def processes_of(adapter):
    """Command lines of what runs with this file."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(adapter) in command:
            found.append(command)
    return found


def open_descriptors():
    # Tracebacks keep what they pass through until the next collection.
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """Plays a benchmark whose second photograph of three makes trouble."""
    home = tmp_path_factory.mktemp("faults")
    adapter = shutil.copy(ADAPTER, home / "adapter.py")
    # So large that masks go through shared memory.
    folder = make_folder(home / "mine", shape=(160, 180))
    write_image(folder / "images" / "b.png", np.full((160, 180, 3), 7, np.uint8))

    def play(options):
        workdir = home / re.sub(r"\W+", "_", options or "undisturbed")
        asked = benchmark.BenchmarkConfig(
            data=f"folder:{folder}",
            segmenter=f"bridge:adapter={adapter}:image=7{options}",
            click_model="DT",
            groups=(1, 10),
            pictures=0,
        )
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("RCLICKS_CACHE", str(home / "cache"))
            outcome = benchmark_job.run(asked, workdir)
        return outcome, instances_of(workdir), processes_of(adapter)

    return play


@pytest.fixture(scope="module")
def undisturbed(played):
    outcome, instances, left = played("")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    assert not left
    return instances


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ("die", r"died twice: first, it ended \(exit status 7\)[\s\S]*last words"),
        ("kill", r"died twice: [\s\S]*memory ran out[\s\S]*last words"),
        ("hang:timeout=3", r"died twice: [\s\S]*not answer in time[\s\S]*last words"),
        ("garbage", r"died twice: [\s\S]*an invalid frame[\s\S]*last words"),
        ("cut:cut=40", r"died twice: [\s\S]*exit status 9[\s\S]*last words"),
        ("deaf:cut=40", r"died twice: [\s\S]*exit status 9[\s\S]*last words"),
        ("memory", "Unable to allocate"),
        ("nan", "NaN instead of masks"),
        ("shape", r"shape \(3, 159, 180\) instead of \(3, 160, 180\)"),
        ("more", r"shape \(6, 160, 180\) instead of \(3, 160, 180\)"),
        ("raise", "ValueError: cannot do this one"),
        ("exit", "SystemExit: bye"),
    ],
)
def test_one_failed_with_its_reason_and_the_rest_as_ever(
    played, undisturbed, trouble, reason
):
    descriptors = open_descriptors()
    outcome, instances, left = played(f":trouble={trouble}")
    assert outcome.counts == {"ok": 2, "skipped": 0, "failed": 1}
    assert instances["b"].status == "failed"
    assert re.search(reason, instances["b"].reason), instances["b"].reason
    assert instances["a"] == undisturbed["a"]
    assert instances["c"] == undisturbed["c"]
    assert not left
    assert open_descriptors() == descriptors


@pytest.mark.parametrize("trouble", ["print", "full"])
def test_what_harms_nothing_changes_nothing(played, undisturbed, trouble):
    outcome, instances, _ = played(f":trouble={trouble}")
    assert outcome.counts["ok"] == 3
    assert instances == undisturbed


def test_a_death_that_is_mended_changes_nothing(played, undisturbed, tmp_path):
    marker = tmp_path / "died"
    outcome, instances, _ = played(f":trouble=die:marker={marker}")
    assert marker.exists()
    assert outcome.counts["ok"] == 3
    assert instances == undisturbed
