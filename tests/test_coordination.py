"""Several real processes that come late, fail, or look for each other in vain."""

import pathlib
import signal
import socket
import time

import compiled
import pytest
import started

from rclicks_jax import coordination, distributed, errors

HOST = pathlib.Path(__file__).resolve().parent / "programs" / "waiting_host.py"


def free_port():
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


def start(number, port, *flags, count=2, **environment):
    arguments = [
        HOST, f"--coordinator=localhost:{port}", f"--process_count={count}",
        f"--process_id={number}", *flags,
    ]  # fmt: skip
    environment = compiled.environment(**{"QUIET": "0.5", **environment})
    return started.Forked(arguments, environment)


def ended(*processes):
    """Waits for all; returns status, output and errors of each."""
    try:
        outputs = [process.communicate(timeout=100) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [
        (process.returncode, *output)
        for process, output in zip(processes, outputs, strict=True)
    ]


def test_hosts_wait_for_a_late_one_and_say_so():
    port = free_port()
    late = start(1, port, "--pause=2.5")
    first, second = ended(start(0, port, "--pause=0.8"), late)
    assert (first[0], second[0]) == (0, 0), (first, second)
    assert "met" in first[1]
    assert "met" in second[1]
    assert "Waiting for process 1 at 'half way'" in first[2]
    assert "Waiting for process 0 at 'the end'" in second[2]
    assert "Traceback" not in first[2] + second[2]


@pytest.mark.parametrize("guilty", [0, 1])
def test_a_host_that_fails_ends_the_others_within_seconds(guilty):
    port = free_port()
    began = time.monotonic()
    processes = [
        start(number, port, *(["--deed=fail"] if number == guilty else []))
        for number in range(2)
    ]
    both = ended(*processes)
    assert time.monotonic() - began < 60
    assert [one[0] for one in both] == [2, 2], both
    assert "error: The photograph is broken." in both[guilty][2]
    told = both[1 - guilty][2]
    assert f"error: Process {guilty} ended before 'half way': The photograph" in told
    assert "Traceback" not in both[0][2] + both[1][2]


def test_a_host_that_is_busy_ends_in_words_with_the_first_one():
    port = free_port()
    first, busy = ended(start(0, port, "--deed=fail"), start(1, port, "--pause=90"))
    assert [first[0], busy[0]] == [2, 2]
    assert "error: Process 0 ended early: The photograph is broken." in busy[2]
    assert "Fatal Python error" not in busy[2]


def test_a_host_that_was_stopped_keeps_nobody_waiting():
    port = free_port()
    first, second = ended(start(0, port), start(1, port, "--deed=stop"))
    assert second[0] == 128 + 15
    assert first[0] == 2
    assert "Process 1 ended before 'half way': It was stopped" in first[2]


def test_a_host_that_was_killed_ends_the_others_in_words():
    port = free_port()
    busy, killed, waiting = ended(
        start(0, port, "--pause=90", count=3),
        start(1, port, "--deed=die", count=3),
        start(2, port, count=3),
    )
    assert [busy[0], killed[0], waiting[0]] == [2, -signal.SIGKILL, 2]
    lost = "It gave no sign of life for 2 s; it was killed, or its machine is gone."
    advice = "What is finished is kept; start all processes again."
    for _, _, said in (busy, waiting):
        assert said.count(f"{lost} {advice}") == 1, said
        assert said.count("error: ") == said.count(advice) == 1, said
        assert "Traceback" not in said
        assert "Fatal Python error" not in said


@pytest.mark.long
@pytest.mark.parametrize("guilty", [0, 1])
def test_a_host_that_stands_still_ends_the_others_in_words(guilty):
    """As one whose machine hangs, or whose network is gone: its sockets stay open."""
    port = free_port()
    processes = [start(n, port, "--pause=90", HEARTBEAT="6") for n in range(2)]
    for process in processes:
        while "started\n" not in process.printed()[0]:
            assert process.poll() is None
            time.sleep(0.02)
    processes[guilty].send_signal(signal.SIGSTOP)
    began = time.monotonic()
    try:
        _, said = processes[1 - guilty].communicate(timeout=60)
    finally:
        ended(*[(process.kill(), process)[1] for process in processes])
    assert time.monotonic() - began < 60
    assert processes[1 - guilty].returncode == 2
    assert said.rstrip().endswith("is kept; start all processes again.")
    assert "Fatal Python error" not in said


def test_whoever_is_lost_is_missed_within_a_minute():
    # A sign, its silence, the look for it, and the time to read the reason.
    ours = distributed._SIGN_SECONDS + distributed._LOST_SECONDS
    assert ours + 2 * distributed._FAREWELL_SECONDS < coordination._HEARTBEAT_SECONDS
    assert coordination._HEARTBEAT_SECONDS < 60


def test_a_process_0_that_was_killed_leaves_a_sentence():
    port = free_port()
    _, other = ended(start(0, port, "--deed=die"), start(1, port))
    assert other[0] == 2
    assert other[2].rstrip().endswith("is kept; start all processes again.")
    assert "\nerror: JAX ended this process, as said above" in other[2]
    assert "Fatal Python error" not in other[2]


def test_nobody_at_the_coordinators_port_is_said_and_given_up():
    lonely = start(1, free_port(), PATIENCE="1.5")
    ((status, _, said),) = ended(lonely)
    assert status == 2
    assert "Waiting for process 0 at localhost:" in said
    assert "(Connection refused)" in said
    assert "where nobody answered for 2 s" in said
    assert "Traceback" not in said


def test_a_process_0_that_stays_alone_says_so_and_gives_up():
    ((status, _, said),) = ended(start(0, free_port(), PATIENCE="1.5"))
    assert status == 2
    assert "Waiting for all 2 processes to come to localhost:" in said
    assert "error: Waited 2 s for all 2 processes" in said
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_a_sentence():
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        ((status, _, said),) = ended(start(0, taken.getsockname()[1]))
    assert status == 2
    assert "which process 0 cannot have (Address already in use)" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "coordinator",
    ["nonsense", "host:", ":1", "localhost:0", "localhost:99999", "a:b:c"],
)
def test_what_is_no_address_is_refused(coordinator):
    with pytest.raises(errors.BadValueError, match="host:port"):
        coordination.connect(coordinator, 2, 0)


def test_an_unknown_host_is_refused():
    with pytest.raises(errors.BadValueError, match=r"no\.such\.host\.invalid is unk"):
        coordination.connect("no.such.host.invalid:1234", 2, 0)


def test_auto_off_a_pod_is_a_sentence():
    with pytest.raises(errors.BadValueError, match="auto on a TPU pod or under SLURM"):
        coordination.connect("auto", 0, -1)
