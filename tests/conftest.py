"""Four fake devices, errors for silent broadcasting, and where outside files are."""

import contextlib
import ctypes
import functools
import gc
import os
import pathlib

import compiled

_ROOT = pathlib.Path(__file__).resolve().parent.parent
os.environ["XLA_FLAGS"] = compiled.flags(devices=4)
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_NUMPY_RANK_PROMOTION"] = "raise"
os.environ.setdefault("RCLICKS_CACHE", str(_ROOT / ".cache"))
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_ROOT / ".cache" / "xla"))
# Small programs too: hundreds of processes need the same.
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import two_convolutions
from helpers import make_folder

from rclicks_jax.benchmark import host_processes
from rclicks_jax.data import packages, specs

# The same examples on every machine; `make soak` explores others.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.load_profile(os.environ.get("RCLICKS_EXAMPLES", "same"))


# What takes longest, first: the last to finish would keep the others waiting. What
# computes is between what waits for processes.
_LONGEST = (
    "launch/test_commands.py",
    "training/test_steps.py",
    "networks/test_platforms.py",
    "training/test_pods.py",
    "clicks/test_sampling.py",
    "networks/test_network.py",
    "jobs/test_device_limits.py",
    "evaluation/test_evaluate.py",
    "test_doc_blocks.py",
    "bridge/test_worker.py",
    "jobs/test_device_runs.py",
    "networks/test_simpleclick.py",
    "launch/test_faults.py",
    "benchmark/test_rounds.py",
    "launch/test_evaluations.py",
    "networks/test_mobile_sam.py",
    "clicks/test_on_device.py",
    "bridge/test_runs.py",
    "networks/test_sam2.py",
    "networks/test_sam.py",
    "networks/test_sam_hq.py",
    "benchmark/test_benchmark.py",
    "bridge/test_pool.py",
)


def pytest_collection_modifyitems(items):
    """Puts the files that take longest first; `make test` deals them in this order."""
    places = {str(_ROOT / "tests" / name): n for n, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(str(item.path), len(places)))


def pytest_collection_finish():
    """Keeps the collector of garbage from going through all tests again and again.

    It runs seldom, too: what JAX traces is many small objects, and most of them stay.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


def _shared(kind, name):
    """Finds an outside file by a variable or beside the checkout; skips without it."""
    variable = f"RCLICKS_{kind.upper()}_DIR"
    folder = os.environ.get(variable) or _ROOT.parent / "shared" / kind
    path = pathlib.Path(folder) / name
    if not path.exists():
        pytest.skip(f"{path} is not here; {variable} says where it is")
    return path


@pytest.fixture(scope="session")
def parity():
    """Loads a file of the original's outputs; skips where there is none."""

    def load(name):
        path = _shared("parity", name)
        if path.suffix == ".npz":
            return np.load(path, allow_pickle=False)
        return path.read_text()

    return load


@pytest.fixture(scope="session")
def reference():
    """Finds a file of published facts; skips where there is none."""
    return functools.partial(_shared, "reference")


@pytest.fixture(scope="session")
def real_data():
    """Finds a folder of real data; skips where there is none."""
    return functools.partial(_shared, "data")


@pytest.fixture(scope="session")
def sample_instances():
    """The sample's photographs and objects."""
    return packages.open_instances(specs.parse("sample")[0])


@pytest.fixture(scope="session")
def host_pool():
    """Two processes that find mistakes."""
    with host_processes.HostProcesses(2) as started:
        yield started


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache of the test's own."""
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path, cache):
    """Three small photographs."""
    return make_folder(tmp_path / "mine")


@pytest.fixture(scope="module", autouse=True)
def forgotten():
    """Forgets a module's programs at its end, which else fill gigabytes."""
    yield
    jax.clear_caches()
    # GNU's C library keeps what the compiler needed.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


@pytest.fixture(scope="module")
def compiled_for_users():
    """Compiles the programs of a module as users have them: for parity."""
    with compiled.for_users():
        yield


@pytest.fixture
def compiled_fast():
    """Compiles new programs of a test fast in a module of `compiled_for_users`."""
    with compiled.fast():
        yield


@pytest.fixture(
    scope="module",
    params=["fast", pytest.param("for users", marks=pytest.mark.long)],
)
def compiled_both_ways(request):
    """Compiles the programs of a module fast, and in long tests as users have them."""
    with contextlib.nullcontext() if request.param == "fast" else compiled.for_users():
        yield


@pytest.fixture(scope="module")
def second_architecture():
    """Registers the network of two convolutions, which compiles in a second."""
    with two_convolutions.registered():
        yield


@pytest.fixture
def narrow(tmp_path, second_architecture):
    """Folder of a network that compiles in a second and has learnt nothing."""
    return str(two_convolutions.save(tmp_path / "narrow"))


@pytest.fixture(params=["eager", "jit", "vmap", "pmap"])
def variant(request):
    """Runs a function of arrays in each of JAX's ways."""

    def vmapped(function):
        def run(*args):
            batch = [jnp.stack([jnp.asarray(arg)] * 2) for arg in args]
            return jax.tree.map(lambda x: x[1], jax.vmap(function)(*batch))

        return run

    def pmapped(function):
        def run(*args):
            count = jax.local_device_count()
            batch = [jnp.stack([jnp.asarray(arg)] * count) for arg in args]
            return jax.tree.map(lambda x: x[-1], jax.pmap(function)(*batch))

        return run

    ways = {"eager": lambda f: f, "jit": jax.jit, "vmap": vmapped, "pmap": pmapped}
    return ways[request.param]
