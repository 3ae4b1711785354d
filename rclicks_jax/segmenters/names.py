"""Names that do not exist, and what may be meant."""

import difflib
from collections.abc import Iterable

from rclicks_jax import errors


def unknown(
    kind: str, name: str, known: Iterable[str], more: str = ""
) -> errors.UnknownNameError:
    """Returns the error for a name that does not exist.

    Args:
        kind: What it should name.
        name: What was given.
        known: All names there are.
        more: A sentence that is said at the end.
    """
    listed = sorted(known)
    near = difflib.get_close_matches(name.lower(), listed, 2)
    meant = f" Do you mean {' or '.join(near)}?" if near else ""
    message = f"Unknown {kind} {name!r}.{meant} Known: {', '.join(listed)}. {more}"
    return errors.UnknownNameError(message.rstrip())
