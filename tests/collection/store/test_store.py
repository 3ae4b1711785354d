import multiprocessing
import os
import signal
import sqlite3
import threading

import pytest

from rclicks_jax import errors
from rclicks_jax.collection.store import catalogue, schema
from rclicks_jax.collection.store.database import Store, StoreError


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "study.db")
    yield opened
    opened.close()


def put(key, value="x"):
    return lambda db: catalogue.set_note(db, key, value)


def get(key):
    return lambda db: catalogue.note(db, key)


def test_what_is_written_can_be_read(store):
    store.write(put("a", "1")).result()
    assert store.read(get("a")) == "1"


def test_commits_are_full_and_logged_ahead(store):
    def pragmas(db):
        return [
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert store.write(pragmas).result() == ["wal", 2, 1]


def test_every_table_is_strict(store):
    rows = store.read(lambda db: db.execute("PRAGMA table_list").fetchall())
    tables = {row["name"]: row["strict"] for row in rows if row["type"] == "table"}
    assert {name for name, strict in tables.items() if not strict} <= {
        "sqlite_schema", "sqlite_temp_schema", "sqlite_sequence"
    }  # fmt: skip


def test_an_action_that_fails_leaves_nothing_and_others_stay(store):
    def fails(db):
        put("half")(db)
        raise errors.DataError("no")

    futures = [store.write(a) for a in (put("a"), fails, put("b"))]
    with pytest.raises(errors.DataError, match="no"):
        futures[1].result()
    assert [store.read(get(k)) for k in ("a", "half", "b")] == ["x", "", "x"]


def test_actions_that_wait_share_a_commit(store):
    held = threading.Event()
    store.write(lambda db: held.wait(5))
    futures = [store.write(put(str(number))) for number in range(20)]
    commits = []
    store.write(lambda db: db.set_trace_callback(
        lambda text: commits.append(text) if text == "COMMIT" else None))  # fmt: skip
    held.set()
    for future in futures:
        future.result()
    store.write(put("last")).result()
    assert len(commits) <= 2


def test_a_reader_cannot_write(store):
    with pytest.raises(StoreError, match="readonly"):
        store.read(put("a"))


def test_a_store_that_is_only_read_sees_what_another_writes(store, tmp_path):
    reader = Store(store._path, read_only=True)
    store.write(put("key")).result()
    assert reader.read(get("key")) == "x"
    with pytest.raises(StoreError, match="only read"):
        reader.write(put("key", "y")).result()
    reader.close()
    empty = tmp_path / "empty.db"
    empty.touch()
    with pytest.raises(errors.DataError, match="has no tables"):
        Store(empty, read_only=True)
    with pytest.raises(errors.DataError, match="cannot be opened"):
        Store(tmp_path / "none.db", read_only=True)
    assert not (tmp_path / "none.db").exists()


def test_threads_write_all_they_have(store):
    def work(number):
        for step in range(10):
            store.write(put(f"{number}/{step}")).result()

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    count = store.read(lambda db: db.execute("SELECT COUNT(*) FROM meta").fetchone()[0])
    assert count == 200


def test_a_closed_store_refuses(store):
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.write(put("a")).result()


def test_what_waits_is_written_before_the_store_is_closed(tmp_path):
    opened = Store(tmp_path / "study.db")
    futures = [opened.write(put(str(number))) for number in range(50)]
    opened.close()
    assert all(future.done() for future in futures)
    again = Store(tmp_path / "study.db")
    assert again.read(get("49")) == "x"
    again.close()


def test_a_full_disk_is_said_and_writing_goes_on_when_there_is_room(store):
    page = store.write(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    limit = page.result() + 2
    store.write(lambda db: db.execute(f"PRAGMA max_page_count = {limit}")).result()
    with pytest.raises(StoreError, match="full") as failed:
        store.write(put("large", "x" * 100_000)).result()
    assert failed.value.lasting
    assert store.trouble is not None
    assert "make room" in store.trouble.message
    # What writes nothing says nothing of the room.
    store.write(get("a")).result()
    assert store.trouble.refused == 1
    store.write(lambda db: db.execute("PRAGMA max_page_count = 100000")).result()
    store.write(put("large", "x" * 100_000)).result()
    assert len(store.read(get("large"))) == 100_000
    assert store.trouble is None


def test_a_trouble_is_said_once_in_a_while_and_when_it_ends(store, caplog):
    store._writer.execute("PRAGMA query_only = ON")
    for _ in range(50):
        with pytest.raises(StoreError, match="give back the right to write"):
            store.write(put("a")).result()
    store._writer.execute("PRAGMA query_only = OFF")
    store.write(put("a")).result()
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "not stored meanwhile: 50" in caplog.messages[1]


def test_a_database_that_another_program_holds_is_no_lasting_trouble(store):
    other = sqlite3.connect(store._path, isolation_level=None)
    store.write(lambda db: db.execute("PRAGMA busy_timeout = 10")).result()
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as failed:
        store.write(put("a")).result()
    assert not failed.value.lasting
    other.close()
    store.write(put("a")).result()


def test_a_file_that_is_no_database_is_refused(tmp_path):
    (tmp_path / "study.db").write_bytes(b"no database" * 1000)
    with pytest.raises(errors.DataError, match="not a database"):
        Store(tmp_path / "study.db")


def test_a_database_of_a_later_release_is_refused(tmp_path):
    Store(tmp_path / "study.db").close()
    connection = sqlite3.connect(tmp_path / "study.db")
    connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    connection.close()
    with pytest.raises(errors.DataError, match="later release"):
        Store(tmp_path / "study.db")


EVENT = (
    "INSERT INTO events (client_id, session_id, assignment_id, kind, received, content,"
    " answer) VALUES ('c', 's', 'a', 'click', 1, '{}', '{}')"
)
SESSION = (
    "INSERT INTO sessions (session_id, person_id, wave, platform, kind, counted,"
    " language, phase, device, entered)"
    " VALUES ('s', 'p', 1, 'open', 'real', 1, 'en', 'tasks', '{}', 1)"
)


@pytest.mark.parametrize(
    "change", ["UPDATE events SET received = 2", "DELETE FROM events"]
)
def test_events_are_never_changed(store, change):
    def fill(db):
        catalogue.add_wave(db, "hash", {}, 1.0)
        db.execute(SESSION)
        db.execute(EVENT)

    store.write(fill).result()
    with pytest.raises(sqlite3.IntegrityError, match="events are never"):
        store.write(lambda db: db.execute(change)).result()


def _acknowledge(path, pipe):
    """Writes for ever; says what was acknowledged."""
    opened = Store(path)
    number = 0
    while True:
        opened.write(put(str(number))).result()
        pipe.send(number)
        number += 1


def test_what_was_acknowledged_survives_a_kill(tmp_path):
    context = multiprocessing.get_context("spawn")
    for _ in range(2):
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(
            target=_acknowledge, args=(tmp_path / "study.db", sender)
        )
        process.start()
        sender.close()
        last = -1
        while last < 30:
            last = receiver.recv()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        while receiver.poll():
            try:
                last = receiver.recv()
            except EOFError:
                break
        opened = Store(tmp_path / "study.db")
        assert opened.read(get(str(last))) == "x"
        opened.close()


def test_sql_stands_in_one_package_only():
    import pathlib
    import re

    import rclicks_jax.collection as package

    statement = re.compile(r"\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)")
    folder = pathlib.Path(package.__file__).parent
    for path in folder.glob("*.py"):
        text = path.read_text()
        assert not statement.search(text), path
        assert ".execute(" not in text, path
