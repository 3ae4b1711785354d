"""Opens the database; one thread writes, many actions to a commit."""

import contextlib
import pathlib
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from rclicks_jax import errors
from rclicks_jax.collection.store import schema

T = TypeVar("T")
Action = Callable[[sqlite3.Connection], T]
# Actions that wait while a commit is under way go into the next one, at most so many.
_BATCH = 256
_BUSY_SECONDS = 30.0
_CLOSED = "The study is being closed."


class StoreError(errors.RClicksError):
    """Nothing was written: the disk is full, or the database cannot be used.

    Attributes:
        full: Whether the disk is full.
    """

    def __init__(self, message: str, *, full: bool = False) -> None:
        super().__init__(message)
        self.full = full


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
            raise _store_error(error) from error

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
        except (sqlite3.OperationalError, sqlite3.InternalError):
            # A full disk ends the whole transaction.
            raise
        except BaseException as error:
            result, failed = None, error
            self._writer.execute("ROLLBACK TO action")
        self._writer.execute("RELEASE action")
        return result, failed


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
    full = "full" in str(error)
    advice = "The disk is full: make room." if full else f"{error}."
    return StoreError(f"The study's database cannot be used. {advice}", full=full)
