"""Crowds that click in a study without a browser, for tests of its results."""

import numpy as np
from collect_events import PC, PHONE
from collect_studies import Person, facts_shown

from rclicks_jax.collection import messages
from rclicks_jax.collection.tasks import private_files, regions


class Crowd:
    """People whose clicks have a known bias.

    Attributes:
        pull: How far clicks are pulled to the middle, 0 to 1, by display mode.
    """

    def __init__(self, desk, clock, pull, seed=0):
        self.desk, self.clock, self.pull = desk, clock, pull
        self.random = np.random.default_rng(seed)
        self._regions = {}

    def come(self, count, device=PC, most=1000, **entry):
        """Lets people come and click; returns them."""
        return [self._one(device, most, entry) for _ in range(count)]

    def _one(self, device, most, entry):
        person = Person(self.desk, self.clock, device=device, **entry).agree()
        pointer = "touch" if device is PHONE else "mouse"
        for _ in range(most):
            task = person.next()
            if not isinstance(task, messages.Task):
                break
            person.click(task, uv=self._place(person, task), pointer=pointer)
        return person

    def _place(self, person, task):
        """Returns a place on the target, pulled to its middle in some modes."""
        facts = facts_shown(self.desk, task)
        if facts.task_id not in self._regions:
            path = private_files.region_path(self.desk.study, facts.task_id)
            region = regions.decode(path.read_bytes(), path.name)
            self._regions[facts.task_id] = np.argwhere(region)
        places = self._regions[facts.task_id]
        drawn = places[self.random.integers(len(places))]
        middle = places[len(places) // 2]
        y, x = middle + (drawn - middle) * (1 - self.pull.get(task.mode, 0))
        return (float((x + 0.5) / facts.width), float((y + 0.5) / facts.height))
