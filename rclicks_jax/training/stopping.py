"""The end of a training that a signal asks for, on one host or on several.

Steps are taken by all processes together, and process 0 writes the checkpoints. So it
alone stops, after any of its steps, and the others, which can take no further step,
end with it. A process that gets the signal passes it on and goes on until then.
"""

import time

from rclicks_jax import distributed, signals

_NAME = "stop"
# Asking the others takes half a millisecond, some of which every step can spare.
_ASK_SECONDS = 0.5


class Stop:
    """Whether the training stops after a step.

    Attributes:
        reason: Why it stops: the signal, and the process that got it if that is
            another; empty until then.
    """

    def __init__(self, signal: signals.StopRequest) -> None:
        """Heeds the signals of this process and of the others."""
        self.reason = ""
        self._signal = signal
        self._passed_on = False
        self._asked = time.monotonic()

    def is_due(self) -> bool:
        """Tells whether to stop after this step: in process 0, if anyone shall."""
        if self.reason:
            return True
        if not distributed.is_first():
            if self._signal and not self._passed_on:
                distributed.post(_NAME, self._signal.reason)
                self._passed_on = True
            return False
        if self._signal:
            self.reason = self._signal.reason
        elif time.monotonic() - self._asked > _ASK_SECONDS:
            self._asked = time.monotonic()
            for number, reason in distributed.posted(_NAME).items():
                self.reason = f"{reason} at process {number}"
        return bool(self.reason)
