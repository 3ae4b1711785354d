"""Which pictures a session fetched: a person who clicks has seen them.

It is kept in memory, for the task that a session was given last. After a restart, and
for browsers that keep no cookie, it is not known. A page asks once for a picture that
several tasks show, so what a session ever fetched counts.
"""

import collections
import dataclasses
from collections.abc import Iterable

# Sessions that are remembered; what is forgotten counts as not known.
_MOST_KEPT = 5_000


@dataclasses.dataclass
class _Open:
    assignment: str = ""
    wanted: frozenset[str] = frozenset()
    fetched: set[str] = dataclasses.field(default_factory=set)


class Fetching:
    """Remembers the pictures of the open tasks of sessions."""

    def __init__(self) -> None:
        """Knows nothing yet."""
        self._open: collections.OrderedDict[str, _Open] = collections.OrderedDict()

    def give(self, session_id: str, assignment: str, urls: Iterable[str]) -> None:
        """Notes the task that a session was given, and the addresses of its pictures.

        Args:
            session_id: The session.
            assignment: Id of the assignment.
            urls: Addresses, `/a/ID.webp`.
        """
        known = self._open.pop(session_id, None) or _Open()
        known.assignment = assignment
        known.wanted = frozenset(
            url.rpartition("/")[2].partition(".")[0] for url in urls
        )
        self._open[session_id] = known
        if len(self._open) > _MOST_KEPT:
            self._open.popitem(last=False)

    def fetch(self, session_id: str, asset_id: str) -> None:
        """Notes that a session fetched a picture."""
        known = self._open.get(session_id)
        if known is not None:
            known.fetched.add(asset_id)

    def fetched(self, session_id: str, assignment: str) -> bool | None:
        """Tells whether a session fetched all pictures of a task; None if unknown."""
        known = self._open.get(session_id)
        if known is None or known.assignment != assignment:
            return None
        return known.wanted <= known.fetched
