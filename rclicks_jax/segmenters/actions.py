"""The actions of `rclicks-segmenters`; each returns the exit status."""

import pathlib
import sys

from rclicks_jax import errors, registry
from rclicks_jax.segmenters import catalogue_text, environments, methods, specs
from rclicks_jax.settings import protocols


def show_list() -> int:
    """Prints the catalogue."""
    print(catalogue_text.listing())
    return 0


def show(name: str) -> int:
    """Prints the page of a segmenter; raises `UnknownNameError`."""
    print(catalogue_text.page(name))
    return 0


def make_environment(
    name: str,
    *,
    wheels: str = "default",
    python: str = "",
    folder: str = "",
    pins: tuple[str, ...] = (),
    dry_run: bool = False,
) -> int:
    """Makes the environment of a method, and prints how to use it.

    Args:
        name: Name of the method.
        wheels: Source of PyTorch; see `environments.Request`.
        python: Interpreter that makes the environment; this process's if empty.
        folder: Folder of the environment; if empty, a folder below the cache.
        pins: Further requirements.
        dry_run: Whether the commands are only printed.

    Raises:
        RClicksError: A setting is wrong, or a command failed.
    """
    if name in registry.SEGMENTERS or name in registry.NATIVE_SEGMENTERS:
        raise errors.BadValueError(
            f"{name} runs in this process and needs no environment: leave `env` out."
        )
    request = environments.Request(
        methods.find(name).environment,
        pathlib.Path(folder) if folder else None,
        python or sys.executable,
        wheels,
        tuple(pins),
    )
    interpreter = environments.make(request, dry_run)
    if dry_run:
        return 0
    print(f"{interpreter} is ready.")
    if folder:
        print(f"Give it to segmenters as {name}:python={interpreter}:...")
    return 0


def check(
    spec: str, *, seed: int = 0, large: bool = False, protocol: str = "paper"
) -> int:
    """Checks a segmenter and prints the findings; returns 1 if a check failed.

    Args:
        spec: `name:key=value:...`, as for a benchmark.
        seed: Seed of the synthetic photographs.
        large: Whether a large photograph is among them.
        protocol: Name of the protocol whose switches the segmenter gets.

    Raises:
        RClicksError: The segmenter cannot be loaded, or there is no such protocol.
    """
    switches = protocols.protocol(protocol)
    # Imported here because JAX takes seconds to import; lists and pages do not need it.
    from rclicks_jax.segmenters.conformance import suite

    specs.check(spec)
    findings = suite.check(spec, seed=seed, large=large, protocol=switches)
    return 0 if suite.conforms(findings) else 1
