import os
import signal

import jax
import pytest

from rclicks_jax import errors, hosts


def test_hashes_are_the_same_in_every_release():
    assert hosts.stable_hash("GrabCut/21077") == 6982377624570432300
    assert hosts.stable_hash("") == 16406829232824261652


def test_every_unit_has_one_owner(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 3)
    owners = []
    for process in range(3):
        monkeypatch.setattr(jax, "process_index", lambda process=process: process)
        owners.append({key for key in map(str, range(300)) if hosts.owns(key)})
    assert set.union(*owners) == set(map(str, range(300)))
    assert sum(map(len, owners)) == 300
    assert min(map(len, owners)) > 60


def test_every_unit_has_one_owner_among_shards_of_several_hosts(monkeypatch):
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    owned = []
    for process in range(2):
        monkeypatch.setattr(jax, "process_index", lambda process=process: process)
        for number in range(3):
            owned += [
                key for key in map(str, range(300)) if hosts.owns(key, (number, 3))
            ]
    assert sorted(owned) == sorted(map(str, range(300)))


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
    hosts.use_compilation_cache()
    assert value() == str(tmp_path / "xla")
    change(str(tmp_path / "mine"))
    hosts.use_compilation_cache()
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
def test_the_first_signal_asks_for_a_stop(foreground, number):
    before = signal.getsignal(number)
    with hosts.stop_on_signal() as stop:
        assert not stop
        os.kill(os.getpid(), number)
        assert stop
        assert stop.reason == number.name
        assert signal.getsignal(number) == before
    assert signal.getsignal(number) == before


def test_an_ignored_signal_stays_ignored(foreground):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with hosts.stop_on_signal() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert not stop
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_the_second_interrupt_acts_at_once(foreground):
    def interrupt_twice():
        with hosts.stop_on_signal():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        interrupt_twice()


@pytest.mark.parametrize(("count", "number"), [(0, 0), (2, 2), (2, -1)])
def test_a_process_without_a_place_is_refused(count, number):
    with pytest.raises(errors.BadValueError, match="process_id < process_count"):
        hosts.start("localhost:1", count, number)


def test_the_cache_can_be_put_anywhere(monkeypatch, tmp_path):
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path))
    assert hosts.cache_dir() == tmp_path
    monkeypatch.delenv("RCLICKS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert hosts.cache_dir() == tmp_path / "rclicks_jax"
