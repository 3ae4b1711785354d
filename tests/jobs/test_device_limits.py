"""What devices cannot do is said, job by job, and nothing that was done is lost.

Commands run in processes of their own, on simulated accelerators.
"""

import accelerated
import numpy as np
import pytest
import two_convolutions
from clicked_folders import SHAPE, write_clicked
from helpers import write_image

from rclicks_jax.jobs import store

COUNT, WIDE = 4, (16, 8200)
# Flags of each command: its own, its batch, its devices, its folder.
COMMANDS = {
    "benchmark": (
        [
            "--segmenter=noisy", "--config.groups=5", "--config.stop_at=50",
            "--config.pictures=0", "--config.click_model_precision=float32",
            "--config.users=False", "--config.objects_in_flight=1",
        ],
        "--config.click_model_batch", "--config.devices", "--workdir",
    ),
    "click_maps": (
        ["--samples=2", "--precision=float32", "--drawings=False"],
        "--batch", "--devices", "--out",
    ),
    "evaluate": (
        [
            "--split=all", "--config.draws=2", "--config.processes=1",
            "--config.precision=float32",
        ],
        "--config.batch", "--config.devices", "--workdir",
    ),
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """One cache for all tests, so that the data is packaged once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RCLICKS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return two_convolutions.save(tmp_path_factory.mktemp("model") / "narrow")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Small photographs, and one that is wider than any static shape."""
    parent = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    clicks = {
        (f"p{number}", "pc"): random.integers([20, 10], [50, 30], (12, 2)).tolist()
        for number in range(COUNT)
    }
    folder = write_clicked(parent, clicks)
    for number in range(COUNT):
        image = random.integers(0, 256, (*SHAPE, 3), dtype=np.uint8)
        write_image(folder / "images" / f"p{number}.png", image)
    for kind, shape in (("images", (*WIDE, 3)), ("masks", WIDE)):
        write_image(folder / kind / "wide.png", np.full(shape, 255, np.uint8))
    with (parent / "clicks.csv").open("a") as file:
        row = f"mine,wide,,wide,first,,pc,{{x}},8,{WIDE[1]},{WIDE[0]}\n"
        file.writelines(row.format(x=100 * number) for number in range(12))
    return folder


@pytest.fixture(params=list(COMMANDS))
def run(request, model, tmp_path):
    """Runs a command on some data in one folder; batches are of one map."""
    own, batch, devices_flag, out = COMMANDS[request.param]
    models = "--model" if request.param == "click_maps" else "--click_model"
    models += "s" * (request.param == "evaluate")

    def start(data, *more, maps=1, asked=1, **options):
        flags = [f"--data=folder:{data}", f"{models}={model}", f"{out}={tmp_path}/run"]
        sizes = [f"{batch}={maps}", f"{devices_flag}={asked}"]
        return accelerated.command(
            request.param, *own, *flags, *sizes, *more, **options
        )

    start.batch, start.folder = batch, tmp_path / "run"
    return start


def statuses(folder):
    """Returns the records of the run as they were written, by status of their rows."""
    found = {"ok": {}, "failed": {}, "skipped": {}}
    newest = store.RunFolder(folder).newest()
    for record in store.RunFolder(folder).read_all():
        (status,) = set(record.statuses)
        _, path = newest[store.key_of(record.dataset, record.name)]
        found[status][record.name] = path.read_bytes()
    return found


@pytest.mark.long
def test_faults_of_devices_are_said_and_nothing_that_was_done_is_lost(run, data):
    """A device is lost, the next start has no memory, and the third ends the run."""
    status, said = run(data, fault=("lost", 3))
    assert status == 2, said
    assert "Traceback" not in said
    assert "A device failed or was lost while click maps were made (INTERNAL: " in said
    assert "run the same command again" in said
    first = statuses(run.folder)
    assert set(first["failed"]) <= {"wide"}

    status, said = run(data, fault=("memory", 2))
    assert status == 1, said
    assert "Traceback" not in said
    assert "out of memory (in a pass of 1 click maps on each device: RES" in said
    assert run.batch in said.split("RESOURCE_EXHAUSTED")[1]
    second = statuses(run.folder)
    assert set(second["failed"]) > {"wide"}
    assert second["ok"].items() >= first["ok"].items()

    # One photograph is larger than any static shape.
    status, said = run(data)
    assert status == 1, said
    assert "has 16x8200 pixels; click maps of an accelerator have at most 8192" in said
    assert "Set max_side to 8192 or less" in said
    third = statuses(run.folder)
    assert (len(third["ok"]), set(third["failed"])) == (COUNT, {"wide"})
    assert third["ok"].items() >= second["ok"].items()


def test_devices_that_are_not_there_are_refused(run, data):
    status, said = run(data, asked=9, devices=8)
    assert status == 2
    assert "devices: got 9; allowed: 0 for all, or 1 to 8. 8 cpu devices are in" in said
    assert not run.folder.exists()


def test_a_batch_that_no_device_can_hold_is_refused(run, data):
    status, said = run(data, maps=64, memory=1000)
    assert status == 2
    assert "batch (click_model_batch of a benchmark, batch elsewhere): got 64" in said
    assert "0, which lets the device decide" in said
    assert not run.folder.exists()
