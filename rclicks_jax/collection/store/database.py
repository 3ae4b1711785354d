"""Opens the database; one thread writes, many actions to a commit."""

import contextlib
import logging
import pathlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeVar

from rclicks_jax import errors
from rclicks_jax.collection.store import schema

_LOG = logging.getLogger("rclicks_jax.collection")
T = TypeVar("T")
Action = Callable[[sqlite3.Connection], T]
# Actions that wait while a commit is under way go into the next one, at most so many.
_BATCH = 256
_BUSY_SECONDS = 30.0
_CLOSED = "The study is being closed."
# A trouble that lasts is said again after so long.
_SAY_AGAIN_SECONDS = 60.0
# What passes by itself: another program holds the database for a moment.
_PASSING = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# Errors of an action, which say nothing of the others of its commit.
_OF_ONE_ACTION = (sqlite3.IntegrityError, sqlite3.ProgrammingError)
_ADVICE = {
    sqlite3.SQLITE_FULL: "The disk is full: make room, and it goes on by itself.",
    sqlite3.SQLITE_IOERR: "The disk is full or fails: look at it; once it can be "
    "written, it goes on by itself.",
    sqlite3.SQLITE_READONLY: "Its file or its folder cannot be written: give back the "
    "right to write.",
    sqlite3.SQLITE_CANTOPEN: "Its file cannot be opened: give back the right to write.",
}


class StoreError(errors.RClicksError):
    """Nothing was written: the disk is full, or the database cannot be used.

    Attributes:
        lasting: Whether it lasts until the owner of the study does something.
    """

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        self.lasting = lasting


class Trouble(NamedTuple):
    """Why nothing can be written now.

    Attributes:
        message: What is wrong, and what to do.
        since: When it began, seconds of the monotonic clock.
        refused: Actions that were not written since.
    """

    message: str
    since: float
    refused: int


class Store:
    """An open database of a study."""

    def __init__(self, path: pathlib.Path, *, read_only: bool = False) -> None:
        """Opens the database, or makes it.

        Args:
            path: The database.
            read_only: Whether it is only read, perhaps while a server writes it.

        Raises:
            DataError: The file is no database of a study, or of a later release; or
                there is none to be read.
        """
        self._path = path
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._waiting: queue.SimpleQueue[tuple[Action[Any], Future[Any]] | None] = (
            queue.SimpleQueue()
        )
        self._read_only = read_only
        self._trouble: Trouble | None = None
        self._said = 0.0
        try:
            self._writer = _connect(path, read_only)
        except sqlite3.Error as error:
            raise errors.DataError(f"{path} cannot be opened: {error}.") from error
        try:
            schema.prepare(self._writer, str(path), read_only=read_only)
        except BaseException:
            self._writer.close()
            raise
        self._thread = threading.Thread(target=self._work, name="study-writer")
        self._thread.daemon = True
        self._thread.start()

    @property
    def trouble(self) -> Trouble | None:
        """Why nothing can be written now; None if all is well."""
        return self._trouble

    def write(self, action: Action[T]) -> "Future[T]":
        """Runs an action that may write, all of it or nothing.

        Actions run one after another in one thread. Several may share a commit; an
        error of one undoes that one alone.

        Args:
            action: Is given the connection; must not end the transaction.

        Returns:
            A future, done once the result is on the disk. Its error is what the action
            raised, or a `StoreError`.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                future.set_exception(StoreError(_CLOSED))
            elif self._read_only:
                future.set_exception(StoreError(f"{self._path} is only read."))
            else:
                self._waiting.put((action, future))
        return future

    def read(self, action: Action[T]) -> T:
        """Runs an action on what is committed, in the calling thread.

        Raises:
            StoreError: The database cannot be read.
        """
        connection = getattr(self._local, "connection", None)
        try:
            if connection is None:
                connection = _connect(self._path, self._read_only)
                connection.execute("PRAGMA query_only = ON")
                self._local.connection = connection
                with self._lock:
                    self._readers.append(connection)
            connection.execute("BEGIN")
            try:
                return action(connection)
            finally:
                connection.execute("ROLLBACK")
        except sqlite3.Error as error:
            failed = _store_error(error)
            self._note_trouble(failed, 1)
            raise failed from error

    def close(self) -> None:
        """Writes what waits, and closes the database."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        for connection in (*self._readers, self._writer):
            connection.close()

    def _work(self) -> None:
        """Commits what waits until the store is closed."""
        closing = False
        while not closing:
            batch = [self._waiting.get()]
            while len(batch) < _BATCH:
                try:
                    batch.append(self._waiting.get_nowait())
                except queue.Empty:
                    break
            closing = None in batch
            self._commit([item for item in batch if item is not None])

    def _commit(self, batch: list[tuple[Action[Any], Future[Any]]]) -> None:
        """Runs actions in one transaction; then tells their results."""
        results: list[tuple[Future[Any], Any, BaseException | None]] = []
        changes = self._writer.total_changes
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            for action, future in batch:
                results.append((future, *self._run(action)))
            self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._writer.execute("ROLLBACK")
            failed = _store_error(error)
            results = [(future, None, failed) for _, future in batch]
            self._note_trouble(failed, len(batch))
        else:
            # What changes nothing needs no room, so it says nothing.
            if self._trouble is not None and self._writer.total_changes > changes:
                self._end_trouble(self._trouble)
        for future, result, error in results:
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

    def _run(self, action: Action[Any]) -> tuple[Any, BaseException | None]:
        """Runs one action; undoes it if it fails.

        Raises:
            Error: The database failed, so that no action of the batch is written.
        """
        self._writer.execute("SAVEPOINT action")
        try:
            result, failed = action(self._writer), None
        except sqlite3.DatabaseError as error:
            # A full disk ends the whole transaction.
            if not isinstance(error, _OF_ONE_ACTION):
                raise
            result, failed = None, error
            self._writer.execute("ROLLBACK TO action")
        except BaseException as error:
            result, failed = None, error
            self._writer.execute("ROLLBACK TO action")
        self._writer.execute("RELEASE action")
        return result, failed

    def _note_trouble(self, error: StoreError, actions: int) -> None:
        """Counts actions that were not written; says so from time to time."""
        now = time.monotonic()
        before = self._trouble or Trouble("", now, 0)
        refused = before.refused + actions
        self._trouble = Trouble(str(error), before.since, refused)
        if not before.refused or now - self._said >= _SAY_AGAIN_SECONDS:
            self._said = now
            _LOG.error(
                "%s Requests that were not stored so far: %d; pages keep their clicks "
                "and send them again.",
                error,
                refused,
            )

    def _end_trouble(self, trouble: Trouble) -> None:
        """Says that all is well again."""
        self._trouble = None
        _LOG.warning(
            "The study's database can be written again, after %.0f s. Requests that "
            "were not stored meanwhile: %d; pages send their clicks again.",
            time.monotonic() - trouble.since,
            trouble.refused,
        )


def _connect(path: pathlib.Path, read_only: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'ro' if read_only else 'rwc'}",
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
        uri=True,
    )
    connection.row_factory = sqlite3.Row
    if read_only:
        return connection
    for pragma in (
        "journal_mode = WAL",
        # What is acknowledged survives a power cut.
        "synchronous = FULL",
        "foreign_keys = ON",
        # Erased events are overwritten, too.
        "secure_delete = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _store_error(error: sqlite3.Error) -> StoreError:
    # The lowest byte is the kind of the error; the others tell where it was.
    kind = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_BUSY) & 0xFF
    advice = f" {_ADVICE[kind]}" if kind in _ADVICE else ""
    return StoreError(
        f"The study's database cannot be used: {error}.{advice}",
        lasting=kind not in _PASSING,
    )
