"""Where a person goes on who has opened the study twice: a phone and a PC, two windows.

The page that was opened last goes on; the one before is told so when it asks for its
next task, and can take over again. It is kept in memory: after a restart, whoever asks
first goes on.
"""

import collections

# Sessions that are remembered; of a forgotten one, whoever asks first goes on.
_MOST_KEPT = 20_000


class Visits:
    """Remembers which page of a session was opened last."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._last: collections.OrderedDict[str, str] = collections.OrderedDict()

    def enter(self, session_id: str, visit: str) -> None:
        """Notes that a session was opened by a page.

        Args:
            session_id: The session.
            visit: Random id of the page; empty for a browser that has none.
        """
        self._last.pop(session_id, None)
        self._last[session_id] = visit
        if len(self._last) > _MOST_KEPT:
            self._last.popitem(last=False)

    def is_here(self, session_id: str, visit: str) -> bool:
        """Tells whether a session goes on in a page; takes the first if unknown."""
        if session_id not in self._last:
            self.enter(session_id, visit)
        return self._last[session_id] == visit
