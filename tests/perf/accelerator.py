"""Measures what one accelerator does, in a script that ends within ten minutes.

    python tests/perf/accelerator.py [--torch_python=PATH] [--data=sample]

Passes of the click model, clicks of all groups on the device and on the host, a whole
run, and then `network.py` for the training step and PyTorch's `torch.compile`. Rows are
printed as they come, so that a machine that goes away has shown something. On a CPU
everything is tiny, and only shows that the script works: nothing is written then.
"""

import dataclasses
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import jax
import numpy as np
import page
import timing
from absl import app, flags

from rclicks_jax import distributed
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records
from rclicks_jax.clicks import groups, map_clicks, on_device
from rclicks_jax.jobs import store
from rclicks_jax.networks import cards, clickability, infer
from rclicks_jax.ops import bit_masks
from rclicks_jax.settings import networks
from rclicks_jax.settings.benchmark import BenchmarkConfig

HERE = pathlib.Path(__file__).resolve().parent
RULES = {"cut": "mass", "empty_map": "baseline"}
TORCH = flags.DEFINE_string(
    "torch_python",
    os.environ.get("RCLICKS_TORCH_PYTHON", ""),
    "Interpreter with torch and NumPy.",
)
DATA = flags.DEFINE_string("data", "sample", "Photographs and objects of the run.")
MINUTES = flags.DEFINE_float("minutes", 9, "When the script ends.")


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What is measured: an accelerator's sizes, and tiny ones for a CPU.

    Attributes:
        variant: Size of the network.
        side: Side of its squares.
        photograph: Height and width of the photographs of draws.
        objects: Objects whose groups get a click.
        images: Photographs of the run; 0 for all.
        batch: Batch of the training step.
    """

    variant: str
    side: int
    photograph: tuple[int, int]
    objects: int
    images: int
    batch: int


SIZES = {
    True: Sizes("nano", 64, (96, 120), 8, 1, 2),
    False: Sizes("b", 416, (480, 640), 1000, 0, 64),
}


def saved_model(sizes, folder):
    """Writes a model folder of random weights."""
    network = networks.network(sizes.variant)
    card = cards.Card(network, sizes.side, 5.0, "nothing", "random weights", {})
    cards.save(folder, clickability.init_variables(network, 0), card)
    return folder


def queries(sizes, count):
    """Objects of as many photographs, at their first click, with all ten groups."""
    random = np.random.default_rng(0)
    height, width = sizes.photograph
    target = np.zeros(sizes.photograph, bool)
    target[height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = True
    region = bit_masks.pack(target)
    nothing = np.zeros((0, 2), np.int32)
    numbers = np.arange(1, groups.GROUP_COUNT + 1, dtype=np.int32)
    made = []
    for _ in range(count):
        image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        bits = random.integers(0, 2**64, len(numbers), dtype=np.uint64)
        asked = nothing, numbers, bits, False
        made.append(map_clicks.Query(image, target, region, *asked))
    return made


def passes(model, sizes):
    """Full passes of the click model; images have been sent before."""
    asked = [each.click_query for each in queries(sizes, model.rows)]
    prepared = model.prepare(asked)
    seconds = timing.median_ms(lambda: model.fetch(model.start(prepared)), 3) / 1000
    yield row("click model, images/s", model.rows / seconds, 1500)


def draws(model, sizes):
    """Objects a second, each with its map and a click of each group, from new masks."""
    seconds = {}
    for name, answerer in (
        ("device", on_device.OnDevice(model, **RULES)),
        ("host", map_clicks.OnHost(model, **RULES)),
    ):
        asked = queries(sizes, max(answerer.batch, sizes.objects // answerer.batch))

        def answer(asked=asked, answerer=answerer):
            for first in range(0, len(asked), answerer.batch):
                some = asked[first : first + answerer.batch]
                sent = answerer.send(answerer.prepare(some))
                answerer.finish(some, answerer.answer(sent))

        seconds[name] = timing.median_ms(answer, 1) / 1000 / len(asked)
        yield row(f"objects/s, ten clicks each, {name}", 1 / seconds[name], 1000)
    yield row("host's time over the device's", seconds["host"] / seconds["device"], 0)


def whole_run(folder, sizes, data):
    """A benchmark: how full its passes are, and how long the device waits."""
    calls, plain = [], on_device.answers

    def noting(*arguments, **options):
        answerer = plain(*arguments, **options)
        answer = answerer.answer

        def noted(sent):
            start = time.perf_counter()
            raw = answer(sent)
            calls.append((start, time.perf_counter(), len(raw), answerer.batch))
            return raw

        answerer.answer = noted
        return answerer

    on_device.answers = noting
    config = BenchmarkConfig(
        data=data,
        segmenter="noisy",
        click_model=str(folder),
        pictures=0,
        max_images=sizes.images,
        devices=1,
    )
    try:
        with tempfile.TemporaryDirectory() as workdir:
            benchmark_job.run(config, workdir)
            played = sum(
                instance.status == "ok"
                for image in records.read_all(store.RunFolder(workdir))
                for instance in image.instances
            )
    finally:
        on_device.answers = plain
    # The first pass compiles.
    columns = zip(*calls[1:], strict=True)
    starts, ends, real, rows = map(np.array, columns)
    wall = ends.max() - starts.min()
    yield row("a run: fill of its passes", real.sum() / rows.sum(), 0.95)
    yield row("a run: time in no pass", 1 - (ends - starts).sum() / wall, 0)
    yield row("a run: objects/s", played / wall, 0)


def network(sizes, seconds):
    """Ours and PyTorch's network, by `network.py`; what is printed in time counts."""
    command = [sys.executable, str(HERE / "network.py"), "--nowrite", "--rounds=1"]
    command += ["--repeats=3", "--patience=1", "--nomalloc"]
    command += [f"--variant={sizes.variant}", f"--size={sizes.side}"]
    command += [f"--train={sizes.batch}", f"--torch_python={TORCH.value}"]
    if sizes.variant == "nano":
        command += ["--forward=2"]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, timeout=seconds, check=False
        )
        printed = done.stdout
    except subprocess.TimeoutExpired as error:
        printed = (error.stdout or b"").decode() + "\nThe time was over.\n"
    yield from printed.splitlines()


def row(what, value, aim):
    ratio = f"{value / aim:.2f}" if aim else ""
    return f"| {what} | {value:.3g} | {aim or ''} | {ratio} |"


def table(started):
    distributed.use_compilation_cache()
    on_cpu = jax.default_backend() == "cpu"
    sizes = SIZES[on_cpu]
    yield f"{jax.devices()[0].device_kind}; {page.machine()}; jax {jax.__version__}."
    with tempfile.TemporaryDirectory() as name:
        folder = saved_model(sizes, pathlib.Path(name) / "model")
        model = infer.load(folder, batch=4 if on_cpu else 0)
        yield f"`{sizes.variant}`, {sizes.side}x{sizes.side}, {model!r}"
        yield ""
        yield "| what | measured | aim | measured over aim |"
        yield "|---|---:|---:|---:|"
        yield from passes(model, sizes)
        yield from draws(model, sizes)
        yield from whole_run(folder, sizes, DATA.value)
    yield f"These took {time.monotonic() - started:.0f} s."
    left = 60 * MINUTES.value - (time.monotonic() - started)
    if left > 30:
        yield ""
        yield from network(sizes, left)


def main(argv):
    del argv
    lines = page.printed(table(time.monotonic()))
    if jax.default_backend() != "cpu":
        page.put("accelerator", lines)


if __name__ == "__main__":
    app.run(main)
