"""Times the clickability network, ours and PyTorch's, in turns, in one run.

    python tests/perf/network.py --torch_python=PATH_OF_AN_INTERPRETER_WITH_TORCH

Every time is taken in a process of its own while no other of them runs: with one busy
process beside it PyTorch is ten times as slow. `--check` shows instead that both are
the same network. Without an interpreter only ours is timed.
"""

import dataclasses
import itertools
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import jobs
import page
import same_network
from absl import app, flags

HERE = pathlib.Path(__file__).resolve().parent
# Keeps big arrays from going back to the kernel, which costs more than using them.
TUNED_MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "20000000000",
    "MALLOC_TOP_PAD_": "500000000",
}
# Dense bfloat16 FLOP/s and bytes/s of memory, by the maker's data sheets.
PEAKS = {
    "H200": (989e12, 4.8e12),
    "H100 PCIe": (756e12, 2.0e12),
    "H100": (989e12, 3.35e12),
    "A100": (312e12, 2.04e12),
    "TPU v4": (275e12, 1.2e12),
}

VARIANT = flags.DEFINE_string("variant", "b", "Size of the network.")
SIZE = flags.DEFINE_integer("size", 416, "Side of the images, pixels.")
FORWARD = flags.DEFINE_list("forward", None, "Batches; 1,8 on CPU, 256 elsewhere.")
TRAIN = flags.DEFINE_list("train", None, "Batches; 2 on CPU, 64 elsewhere.")
ROUNDS = flags.DEFINE_integer("rounds", 3, "Processes of each way.")
REPEATS = flags.DEFINE_integer("repeats", 3, "Times taken in each process.")
PATIENCE = flags.DEFINE_integer("patience", 60, "Seconds to wait for idle cores.")
MALLOC = flags.DEFINE_bool("malloc", True, "Also with a tuned malloc (CPU only).")
TORCH = flags.DEFINE_string(
    "torch_python",
    os.environ.get("RCLICKS_TORCH_PYTHON", ""),
    "Interpreter with torch and NumPy.",
)
MATRIX_PEAK = flags.DEFINE_float("matrix_peak", 0, "FLOP/s, for unknown devices.")
MEMORY_PEAK = flags.DEFINE_float("memory_peak", 0, "Bytes/s, for unknown devices.")
CHECK = flags.DEFINE_bool("check", False, "Only compare results, on small networks.")
WRITE = flags.DEFINE_bool("write", True, "Put the table into docs/performance.md.")


@dataclasses.dataclass(frozen=True, eq=False)
class Way:
    """A way to compute the network: who, in which environment, with which options."""

    name: str
    python: str
    script: str
    options: dict = dataclasses.field(default_factory=dict)
    environment: dict = dataclasses.field(default_factory=dict)

    @property
    def is_ours(self):
        return self.script == "our_jobs.py"


def run(way, job):
    """Does a job in a process of its own; returns its result."""
    process = subprocess.run(
        [way.python, HERE / way.script],
        input=json.dumps(job | way.options),
        env=os.environ | way.environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if process.returncode:
        sys.exit(f"{way.name}: {job['kind']} failed with {process.returncode}.")
    return json.loads(process.stdout)


def ways_of(platform):
    """Returns ours and PyTorch's ways on a platform; ours come first."""
    ours = Way("ours", sys.executable, "our_jobs.py")
    if platform != "cpu":
        half = {"dtype": "bfloat16"}
        ways = [dataclasses.replace(ours, name="ours, bfloat16", options=half)]
        options = half | {"layout": "last", "compile": True}
        name = "torch.compile, channels last, bfloat16 autocast"
        peers = [Way(name, TORCH.value, "torch_jobs.py", options)]
        return ways + (peers if TORCH.value else [])
    ways = [ours]
    for layout in ("last", "first") if TORCH.value else ():
        name, options = f"PyTorch, channels {layout}", {"layout": layout}
        ways.append(Way(name, TORCH.value, "torch_jobs.py", options))
    tuned = [
        dataclasses.replace(
            way, name=f"{way.name}, tuned malloc", environment=TUNED_MALLOC
        )
        for way in ways
    ]
    return ways + (tuned if MALLOC.value else [])


def measured(ways, job):
    """Takes turns; returns for each way its results joined over the rounds."""
    results = {way: [] for way in ways}
    for _, way in itertools.product(range(ROUNDS.value), ways):
        results[way].append(run(way, job))
    return {way: joined(each) for way, each in results.items()}


def joined(results):
    """The first process compiles; the others find that in the cache, and need less."""
    return results[0] | {
        "seconds": [time for result in results for time in result["seconds"]],
        "others": max(result["others"] for result in results),
        "memory": min(result["memory"] for result in results),
    }


def row(what, batch, way, result, ours, peaks):
    middle, least = statistics.median(result["seconds"]), min(result["seconds"])
    ratio = statistics.median(ours["seconds"]) / middle
    cells = [what, way.name, seconds(middle), seconds(least), f"{batch / middle:.3g}"]
    cells.append("" if way.is_ours else f"{ratio:.2f}")
    # With another malloc ours finds the program of the first way in the cache.
    cold = result["compile"] and not way.environment
    cells.append(f"{result['compile']:.0f}" if cold else "")
    cells.append(f"{result['memory'] / 1e9:.1f}")
    if peaks and way.is_ours:
        for done, unit, peak in zip(
            (result["flops"], result["bytes"]), ("FLOP/s", "B/s"), peaks, strict=True
        ):
            rate = done / middle
            cells.append(f"{rate / 1e12:.2f} T{unit} ({100 * rate / peak:.0f} %)")
    elif peaks:
        cells += ["", ""]
    return "| " + " | ".join(cells) + " |"


def seconds(value):
    return f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def peaks_of(described):
    """Returns the limits of a device's matrix units and memory; None if unknown."""
    if MATRIX_PEAK.value and MEMORY_PEAK.value:
        return MATRIX_PEAK.value, MEMORY_PEAK.value
    names = [name for name in PEAKS if name in described["device"]]
    return PEAKS[names[0]] if names else None


def table(folder):
    weights, inputs = str(folder / "weights.npz"), str(folder / "inputs.npz")
    ways = ways_of("cpu")[:1]
    question = {"kind": "describe", "variant": VARIANT.value, "weights": weights}
    described = run(ways[0], question)
    ways = ways_of(described["platform"])
    peaks = peaks_of(described)
    jobs.make_inputs(inputs, (SIZE.value, SIZE.value))
    yield from header(described, ways, peaks)
    on_cpu = described["platform"] == "cpu"
    tasks = [
        ("forward", int(n)) for n in FORWARD.value or ([1, 8] if on_cpu else [256])
    ]
    tasks += [("train", int(n)) for n in TRAIN.value or ([2] if on_cpu else [64])]
    most = 0.0
    for kind, batch in tasks:
        job = {
            "kind": kind,
            "batch": batch,
            "devices": 1,
            "config": described["config"],
            "weights": weights,
            "inputs": inputs,
            "repeats": REPEATS.value,
            "patience": PATIENCE.value,
            "cache": str(folder / "programs"),
            "optimizer": "adam",
            "rate": 1e-3,
        }
        results = measured(ways, job)
        what = f"{'forward' if kind == 'forward' else 'training step'}, batch {batch}"
        for way, result in results.items():
            same = [each for each in ways if each.environment == way.environment]
            yield row(what, batch, way, result, results[same[0]], peaks)
        most = max(most, *(result["others"] for result in results.values()))
    yield ""
    yield f"Other processes used at most {100 * most:.0f} % of the cores in a repeat."


def header(described, ways, peaks):
    versions = [described["versions"]]
    if not ways[-1].is_ours:
        versions.append(run(ways[-1], {"kind": "describe"})["versions"])
    device = "" if described["platform"] == "cpu" else f"{described['device']}; "
    yield f"{device}{page.machine()}; {', '.join(versions)}."
    yield (
        f"`{VARIANT.value}`, {SIZE.value}x{SIZE.value}, medians of "
        f"{ROUNDS.value * REPEATS.value} repeats in {ROUNDS.value} processes, in turns."
    )
    if ways[-1].is_ours:
        yield "PyTorch was not measured: `--torch_python` named no interpreter."
    yield ""
    titles = ["what", "way", "median, s", "fastest, s", "images/s"]
    titles += ["ours takes, times", "compiling, s", "memory, GB"]
    titles += ["products", "memory traffic"] if peaks else []
    yield "| " + " | ".join(titles) + " |"
    yield "|---|---|" + "---:|" * (len(titles) - 2)


def main(argv):
    del argv
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if CHECK.value:
            ours, peer = Way("ours", sys.executable, "our_jobs.py"), ways_of("cpu")[1]
            same_network.compare(
                folder, lambda job: run(ours, job), lambda job: run(peer, job)
            )
            return
        lines = page.printed(table(folder))
    if WRITE.value:
        page.put("network", lines)


if __name__ == "__main__":
    app.run(main)
