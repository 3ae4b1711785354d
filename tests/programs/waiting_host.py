"""One host of several, which comes late, fails or dies; for tests of waiting."""

import os
import signal
import time

import jax
from absl import flags
from rclicks_jax.launch import commands, endings, host_flags

from rclicks_jax import distributed, errors

_DEED = flags.DEFINE_string("deed", "", "late, fail, stop, die, or nothing.")
_PAUSE = flags.DEFINE_float("pause", 0.0, "Seconds before it.")


def main(arguments):
    """Does the deed, then meets the others."""
    del arguments
    host_flags.start(lambda: None)
    print("started", flush=True)
    time.sleep(_PAUSE.value)
    if _DEED.value == "fail":
        raise errors.DataError("The photograph is broken.")
    if _DEED.value == "stop":
        return endings.stopped("SIGTERM")
    if _DEED.value == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    distributed.barrier("half way")
    texts = distributed.texts_of_all("plan", f"of {jax.process_index()}")
    assert texts == [f"of {number}" for number in range(jax.process_count())]
    print("met", flush=True)
    # What the first one writes at the end may take long.
    if distributed.is_first():
        time.sleep(_PAUSE.value)
    return 0


if __name__ == "__main__":
    # Short, so that the test is.
    from rclicks_jax import coordination, waits

    distributed._SIGN_SECONDS, distributed._LOST_SECONDS = 0.3, 2.0
    waits._QUIET_SECONDS = float(os.environ.get("QUIET", "3"))
    coordination._HEARTBEAT_SECONDS = int(os.environ.get("HEARTBEAT", "50"))
    coordination._START_SECONDS = float(os.environ.get("PATIENCE", "300"))
    commands.run(main, "usage")
