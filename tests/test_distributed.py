import errno
import fcntl
import os
import pathlib
import platform
import signal
import subprocess
import sys
import threading

import jax
import pytest

from rclicks_jax import (
    cache,
    distributed,
    errors,
    hashing,
    signals,
    signs_of_life,
    waits,
)


def test_hashes_are_the_same_in_every_release():
    assert hashing.stable_hash("GrabCut/21077") == 6982377624570432300
    assert hashing.stable_hash("") == 16406829232824261652


@pytest.fixture
def jax_cache():
    key = "jax_compilation_cache_dir"
    before = jax.config.values[key]
    yield lambda path: jax.config.update(key, path), lambda: jax.config.values[key]
    jax.config.update(key, before)


def test_compiled_programs_are_kept_in_the_cache(jax_cache, tmp_path, monkeypatch):
    change, value = jax_cache
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path))
    change(None)
    distributed.use_compilation_cache()
    assert value() == str(tmp_path / "xla")
    change(str(tmp_path / "mine"))
    distributed.use_compilation_cache()
    assert value() == str(tmp_path / "mine")


@pytest.fixture
def foreground():
    """The handlers of a command in the foreground, whatever the tests run in."""
    handlers = {
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGINT: signal.default_int_handler,
    }
    before = {number: signal.signal(number, one) for number, one in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_for_a_stop(foreground, number, capfd):
    before = signal.getsignal(number)
    with signals.stop_on_signal() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert stop.reason == number.name
        assert signal.getsignal(number) == before
    assert signal.getsignal(number) == before
    assert f"{number.name} came: stopping once" in capfd.readouterr().err


def test_an_ignored_signal_stays_ignored(foreground):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with signals.stop_on_signal() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert not stop
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_the_second_interrupt_acts_at_once(foreground):
    def interrupt_twice():
        with signals.stop_on_signal():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()


@pytest.mark.parametrize(("count", "number"), [(0, 0), (2, 2), (2, -1)])
def test_a_process_without_a_place_is_refused(count, number):
    with pytest.raises(errors.BadValueError, match="process_id < process_count"):
        distributed.start("localhost:1", count, number)


def test_the_cache_can_be_put_anywhere(monkeypatch, tmp_path):
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path))
    assert cache.cache_dir() == tmp_path
    monkeypatch.delenv("RCLICKS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.cache_dir() == tmp_path / "rclicks_jax"


@pytest.fixture
def hasty(monkeypatch):
    """Waits that speak and give up soon."""
    monkeypatch.setattr(waits, "_QUIET_SECONDS", 0.1)
    monkeypatch.setattr(cache, "_ABANDONED_SECONDS", 1.0)
    monkeypatch.setattr(cache, "_DEAD_SECONDS", 0.5)
    monkeypatch.setattr(cache, "_TOUCH_SECONDS", 0.2)


HOLDER = """
import pathlib, sys, time
from rclicks_jax import cache
with cache.exclusive(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def holder(folder, seconds):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder, str(seconds)], stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    return process


def test_a_held_lock_is_waited_for_in_words(tmp_path, hasty, monkeypatch, capsys):
    # The holder touches its lock each ten seconds.
    monkeypatch.setattr(cache, "_ABANDONED_SECONDS", 60.0)
    process = holder(tmp_path, 1.5)
    with cache.exclusive(tmp_path):
        assert process.wait(timeout=10) == 0
    process.stdout.close()
    said = capsys.readouterr().err
    assert f"Waiting for {tmp_path}/lock, which process {process.pid} of" in said


def test_a_lock_ends_with_its_process(tmp_path):
    process = holder(tmp_path, 100)
    process.kill()
    process.wait()
    process.stdout.close()
    with cache.exclusive(tmp_path):
        pass


def test_a_lock_that_nobody_touches_is_given_up(tmp_path, hasty):
    path = tmp_path / "lock"
    # A machine that is gone; its server of files does not know.
    path.write_text("process 1 of elsewhere, since 12:00:00")
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(errors.RClicksError, match=r"of elsewhere.*no sign of life"),
            cache.exclusive(tmp_path),
        ):
            pass


def test_a_lock_of_a_dead_process_is_given_up(tmp_path, hasty, monkeypatch):
    monkeypatch.setattr(cache, "_ABANDONED_SECONDS", 60.0)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    path = tmp_path / "lock"
    node = platform.node()
    path.write_text(f"process {process.pid} of {node}, since 12:00:00")
    # As a child of it would hold it.
    with path.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(errors.RClicksError, match=r"remove .*lock"),
            cache.exclusive(tmp_path),
        ):
            pass


def test_who_holds_a_lock_for_long_is_not_given_up(tmp_path, hasty):
    began, done = threading.Event(), threading.Event()

    def hold():
        with cache.exclusive(tmp_path):
            began.set()
            done.wait(2.0)

    thread = threading.Thread(target=hold)
    thread.start()
    began.wait()
    with cache.exclusive(tmp_path):
        pass
    thread.join()


def test_a_file_system_without_locks_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (
        pytest.raises(OSError, match=f"No locks available: '{tmp_path}/lock'"),
        cache.exclusive(tmp_path),
    ):
        pass


def test_without_a_home_folder_the_variable_is_named(monkeypatch, jax_cache, capsys):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(pathlib.Path, "home", nobody)
    for name in ("RCLICKS_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.BadValueError, match=r"no home folder.*\$RCLICKS_CACHE"):
        cache.cache_dir()
    change, value = jax_cache
    change(None)
    distributed.use_compilation_cache()
    assert value() is None
    assert "compiled programs are not kept" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_is_no_cache(monkeypatch, jax_cache, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "file"))
    change, value = jax_cache
    change(None)
    distributed.use_compilation_cache()
    assert value() is None


class Unreachable:
    """The service of hosts, of which a call fails as when process 0 has died."""

    def __init__(self, failing):
        self.failing = failing

    def key_value_set(self, key, text, allow_overwrite=False):
        self._call("set")

    def key_value_dir_get(self, folder):
        self._call("get")
        return [(f"{folder}1", "here")]

    def _call(self, name):
        if name == self.failing:
            raise jax.errors.JaxRuntimeError("UNAVAILABLE: recvmsg: no such process")


@pytest.mark.parametrize("failing", ["set", "get"])
def test_a_service_that_is_gone_is_a_sentence(failing, monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "process_index", lambda: 0)
    monkeypatch.setattr(
        distributed.jax_distributed.global_state, "client", Unreachable(failing)
    )
    with pytest.raises(errors.RClicksError, match="Process 0 cannot be reached"):
        distributed.barrier("here")


def test_after_all_are_done_a_failed_parting_is_no_failure(monkeypatch):
    def fail():
        raise jax.errors.JaxRuntimeError("UNAVAILABLE: Socket closed")

    monkeypatch.setattr(jax.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    monkeypatch.setattr(jax, "process_index", lambda: 0)
    monkeypatch.setattr(
        distributed.jax_distributed.global_state, "client", Unreachable("")
    )
    monkeypatch.setattr(jax.distributed, "shutdown", fail)
    distributed.finish()


def test_who_leaves_a_service_that_is_gone_leaves(monkeypatch):
    monkeypatch.setattr(jax.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(
        distributed.jax_distributed.global_state, "client", Unreachable("set")
    )
    distributed.leave("It failed.")


def test_a_process_is_lost_when_its_signs_stay_the_same_for_long():
    silence = signs_of_life.Silence(range(3), 0.0, 75.0)
    assert silence.lost({0: "a", 1: "a"}, 60.0) == []
    assert silence.lost({0: "b", 1: "a"}, 76.0) == [2]
    assert silence.lost({0: "b", 1: "a", 2: "late"}, 136.0) == [1]
