"""Mistakes that processes find: the same answers, whatever becomes of a process."""

import errno
import os
import signal
import subprocess
import sys
import time
from concurrent import futures

import numpy as np
import pytest
from helpers import disk, is_alive

from rclicks_jax import errors
from rclicks_jax.benchmark import host_processes, mistakes, scoring
from rclicks_jax.benchmark.mistakes import Wanted
from rclicks_jax.bridge import keeper, process_pool
from rclicks_jax.ops import bit_masks
from rclicks_jax.types import InstanceExample

NO_CLICKS = np.zeros((0, 2), np.int32)


def query_of(number=0, shape=(45, 70), counted=False):
    random = np.random.default_rng(number)
    height, width = shape
    target = disk(shape, (height // 2, width // 2), min(shape) // 3)
    shifts = random.integers(-min(shape) // 6, min(shape) // 6, (5, 2))
    predictions = [np.roll(target, shift, (0, 1)) for shift in shifts]
    predictions[4] = target
    ignored = disk(shape, (height // 3, width // 2), 4) if counted else None
    instance = InstanceExample("object", target, ignored, NO_CLICKS, "")
    return mistakes.Query(
        scoring.target_of(instance),
        bit_masks.pack_all(predictions),
        (random.random((5, 3, 2)) * shape).astype(np.int32),
        [Wanted.CLICK, Wanted.REGION, Wanted.NOTHING, Wanted.REGION, Wanted.CLICK],
        stop_at=95,
    )


def plain(found):
    """Returns mistakes as values that can be compared."""
    mends = {
        place: (*mend.click[:3], mend.click.error_mask.unpack().tolist(), mend.is_wrong)
        for place, mend in found.mends.items()
    }
    return found.areas.tolist(), mends


def here(query):
    return plain(mistakes.find(query))


def answer_of(processes, query):
    (found,) = processes.answer([query])
    return plain(found)


@pytest.mark.parametrize("counted", [False, True])
# The masks of the last lie in shared memory, those of the others come by the pipe.
@pytest.mark.parametrize("shape", [(1, 1), (45, 70), (800, 1000)])
def test_processes_find_what_is_found_here(host_pool, shape, counted):
    queries = [query_of(number, shape, counted) for number in range(3)]
    assert list(map(plain, host_pool.answer(queries))) == list(map(here, queries))


def test_a_query_without_clicks_is_answered(host_pool):
    query = query_of()._replace(clicked_yx=np.zeros((5, 0, 2), np.int32))
    assert answer_of(host_pool, query) == here(query)


def test_a_process_needs_neither_jax_nor_pandas():
    modules = "rclicks_jax.bridge.pool_process, rclicks_jax.benchmark.mistakes"
    heavy = "{'jax', 'flax', 'pandas', 'scipy', 'tensorflow_datasets', 'etils'}"
    code = f"import {modules}, sys; print({heavy} & set(sys.modules))"
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert shown.stdout == "set()\n"


@pytest.fixture
def pool():
    """One process of its own, and what lists it."""
    others = set(keeper.descendants(os.getpid()))
    with host_processes.HostProcesses(1) as started:
        started.answer([query_of()])
        yield started, lambda: set(keeper.descendants(os.getpid())) - others


def test_a_process_that_was_killed_is_replaced(pool, capfd):
    started, pids = pool
    (first,) = pids()
    os.kill(first, signal.SIGKILL)
    assert answer_of(started, query_of(1)) == here(query_of(1))
    (second,) = pids()
    assert second != first
    assert capfd.readouterr().err == ""


def test_a_question_to_a_process_that_is_killed_is_asked_again(pool):
    started, pids = pool
    (process,) = pids()
    os.kill(process, signal.SIGSTOP)
    with futures.ThreadPoolExecutor(1) as thread:
        asked = thread.submit(answer_of, started, query_of(2))
        with pytest.raises(TimeoutError):
            asked.result(timeout=0.2)
        os.kill(process, signal.SIGKILL)
        assert asked.result(timeout=30) == here(query_of(2))


def test_without_processes_the_work_is_done_here_and_said_once(
    pool, monkeypatch, capsys
):
    started, pids = pool

    def full(*_, **__):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(process_pool.subprocess, "Popen", full)
    os.kill(*pids(), signal.SIGKILL)
    for number in range(2):
        query = query_of(number)
        assert answer_of(started, query) == here(query)
    assert capsys.readouterr().err.count("host_processes") == 1


def test_an_error_of_a_question_is_that_of_this_process(pool, capfd):
    started, _ = pool
    with pytest.raises(IndexError, match="out of bounds"):
        started.answer([query_of()._replace(clicked_yx=np.zeros((1, 3, 2), np.int32))])
    assert "out of bounds" in capfd.readouterr().err
    assert answer_of(started, query_of()) == here(query_of())


def test_processes_that_cannot_be_started_are_a_sentence(monkeypatch):
    def full(*_, **__):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(process_pool.subprocess, "Popen", full)
    with pytest.raises(errors.RClicksError, match=r"^2 processes.*unava.*processes=0"):
        host_processes.HostProcesses(2)


def test_signals_that_end_a_run_end_no_process(pool):
    started, pids = pool
    (process,) = pids()
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(process, number)
    assert answer_of(started, query_of()) == here(query_of())
    assert pids() == {process}


def test_nothing_is_left_of_a_pool():
    def held():
        descriptors = os.listdir("/proc/self/fd")
        return len(descriptors), set(keeper.descendants(os.getpid()))

    before = held()
    with host_processes.HostProcesses(2):
        assert len(held()[1] - before[1]) == 2
    assert held() == before


PARENT = """
import os, sys, time
from rclicks_jax.bridge import keeper
from rclicks_jax.benchmark import host_processes

with host_processes.HostProcesses(2):
    print(*keeper.descendants(os.getpid()), flush=True)
    time.sleep(60)
"""


def test_processes_end_with_their_parent():
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True
    ) as parent:
        children = parent.stdout.readline().split()
        parent.kill()
    assert len(children) == 2
    deadline = time.monotonic() + 20
    while any(map(is_alive, children)):
        assert time.monotonic() < deadline, "a process outlived its parent"
        time.sleep(0.02)
