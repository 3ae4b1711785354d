"""Exceptions of libraries and of the operating system, as sentences for users."""

import concurrent.futures
import contextlib
import pathlib
import re

import jax

from rclicks_jax import cache, errors, files

_MEMORY = (
    "The memory is full. Smaller batches, fewer processes or smaller images need less; "
    "what is finished is kept: then run the same command again."
)
# What collectives of XLA say when a host does not answer.
_LOST = re.compile(
    r"(?i)gloo|deadline.exceeded|connection (closed|reset|refused|timed out)|barrier"
    r"|peer|socket closed|failed to connect|heartbeat|coordination service"
)
# Libraries that speak to buckets, most of whose errors are of kinds of their own.
_BUCKETS = (
    "aiohttp", "aiobotocore", "botocore", "fsspec", "gcsfs", "google.api_core",
    "google.auth", "requests", "s3fs", "urllib3",
)  # fmt: skip


def sentence(error: BaseException) -> str | None:
    """Returns an error as a sentence for users; None if it is a fault of ours."""
    for cause in _causes(error):
        if isinstance(cause, errors.RClicksError):
            return str(cause)
        if isinstance(cause, OSError):
            return f"{files.explain(cause)}{_of_cache(cause)}"
        if isinstance(cause, MemoryError):
            return _MEMORY
        if type(cause).__module__.startswith(_BUCKETS):
            why = str(cause).strip().partition("\n")[0] or type(cause).__name__
            return (
                f"A bucket or the network refused: {why.rstrip('.')}. Look at its name "
                "and at your credentials. What is finished is kept: then run the same "
                "command again."
            )
        if isinstance(cause, concurrent.futures.BrokenExecutor):
            return "A process of the run died. What is finished is kept: run it again."
        if isinstance(cause, jax.errors.JaxRuntimeError) and _LOST.search(str(cause)):
            return (
                "The hosts lost each other while they computed together: "
                f"{str(cause).strip().partition(chr(10))[0]}. One of them died, or is "
                "too slow to be waited for. What is finished is kept: start all again."
            )
    return _of_devices()


def _of_cache(error: OSError) -> str:
    """Says how to have another cache, if its folder is what refused; else nothing."""
    name = error.filename
    with contextlib.suppress(errors.RClicksError):
        if isinstance(name, str) and pathlib.Path(name).is_relative_to(
            cache.cache_dir()
        ):
            return f" ${cache.VARIABLE} names another folder for the cache."
    return ""


def _causes(error: BaseException) -> list[BaseException]:
    """Returns an error, and those that it was raised from."""
    chain = [error]
    while chain[-1].__cause__ is not None and chain[-1].__cause__ not in chain:
        chain.append(chain[-1].__cause__)
    return chain


def _of_devices() -> str | None:
    """Returns a sentence if JAX cannot use the devices it is to use; else None."""
    try:
        jax.devices()
    except Exception as error:
        platforms = jax.config.jax_platforms or "none"
        why = str(error).strip().partition("\n")[0] or "it was built without them"
        return (
            f"JAX cannot use the devices of JAX_PLATFORMS={platforms}: "
            f"{why.rstrip('.')}. Usable here: {_present()}. pip install "
            "'rclicks-jax[cuda]' or 'rclicks-jax[tpu]' brings what other devices need; "
            "JAX_PLATFORMS=cpu works everywhere."
        )
    return None


def _present() -> str:
    """Names the platforms of which there are devices."""
    present = []
    for name in ("cpu", "cuda", "rocm", "tpu"):
        try:
            present += [f"{len(jax.local_devices(backend=name))} {name}"]
        # A platform that is not there raises whatever its plugin raises.
        except Exception:
            continue
    return ", ".join(present) or "cpu"
