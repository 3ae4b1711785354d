"""`rclicks-train` with a network of two convolutions, which compiles in a second.

RCLICKS_SLOW_SAVE names seconds that every checkpoint takes longer, and RCLICKS_LOST
seconds of silence after which a host counts as lost.
"""

import os
import pathlib
import sys
import time

from rclicks_jax.launch import train

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import two_convolutions

from rclicks_jax import distributed

SLOW = float(os.environ.get("RCLICKS_SLOW_SAVE", "0"))
LOST = os.environ.get("RCLICKS_LOST")


def save_slowly():
    """Makes the thread that writes a checkpoint wait in the middle of it."""
    import orbax.checkpoint as ocp

    wait = ocp.CheckpointManager.wait_until_finished

    def late(manager):
        wait(manager)
        time.sleep(SLOW)

    ocp.CheckpointManager.wait_until_finished = late


if __name__ == "__main__":
    two_convolutions.register()
    if SLOW:
        save_slowly()
    if LOST:
        distributed._LOST_SECONDS = float(LOST)
    train.run()
