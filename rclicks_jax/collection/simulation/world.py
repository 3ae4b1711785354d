"""What all bots of a simulation share."""

import threading
from collections.abc import Mapping
from typing import NamedTuple

from rclicks_jax import errors
from rclicks_jax.collection.simulation.record import Record
from rclicks_jax.collection.simulation.targets import Targets
from rclicks_jax.collection.study.platforms import Platform
from rclicks_jax.settings.collection import CollectionConfig, SimulationSettings


class World(NamedTuple):
    """What all bots of a simulation share.

    Attributes:
        url: Address of the server.
        settings: What is planted.
        config: Settings of the study.
        targets: What is clicked on.
        platform: Where the bots come from.
        record: What they did.
        sessions: Session tokens of bots that were here before, by number.
        over: Set when all bots shall stop.
    """

    url: str
    settings: SimulationSettings
    config: CollectionConfig
    targets: Targets
    platform: Platform
    record: Record
    sessions: Mapping[int, str]
    over: threading.Event

    def wait(self, seconds: float) -> None:
        """Waits for seconds of the study.

        Raises:
            StoppedError: All bots shall stop.
        """
        self.wait_really(seconds / self.settings.speed)

    def wait_really(self, seconds: float) -> None:
        """Waits for seconds as they are, as for a segmenter, which is no faster.

        Raises:
            StoppedError: All bots shall stop.
        """
        if self.over.wait(seconds):
            raise StoppedError("The simulation was stopped; the same command goes on.")


class StoppedError(errors.RClicksError):
    """The simulation was stopped."""
