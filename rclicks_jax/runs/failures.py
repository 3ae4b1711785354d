"""What is said of images and objects that could not be used."""

import sys
import traceback

from rclicks_jax import errors

NOTHING_WRONG = "the error region has no pixel"


def reason(error: Exception, advice: str) -> str:
    """Says why an image failed; only want of memory, which would go on, is raised.

    Args:
        error: What was raised. What is none of ours is also printed as a traceback.
        advice: What to do if the memory is too small.

    Raises:
        RClicksError: The memory is too small.
    """
    if "RESOURCE_EXHAUSTED" in str(error) or isinstance(error, MemoryError):
        raise errors.RClicksError(
            f"Out of memory: {str(error)[:300]}. {advice}; finished images are kept."
        ) from error
    if isinstance(error, errors.RClicksError):
        return str(error)
    traceback.print_exception(error, file=sys.stderr)
    return f"{type(error).__name__}: {error}"
