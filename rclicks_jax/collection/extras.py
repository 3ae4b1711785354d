"""What the package needs beside the core: the extra `collect`."""

import importlib.util

from rclicks_jax import errors

# Of all commands, and further ones of the web server.
_NEEDED = ("msgspec",)
_OF_SERVER = ("starlette", "uvicorn")


def require(*, server: bool = False) -> None:
    """Makes sure that the packages are installed.

    Args:
        server: Whether a web server is to run.

    Raises:
        RClicksError: One is missing; the message says what to install.
    """
    names = (*_NEEDED, *(_OF_SERVER if server else ()))
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        raise errors.RClicksError(
            f"rclicks-collect needs {' and '.join(missing)}: "
            "pip install 'rclicks-jax[collect]'"
        )
