"""What a command says and answers at the end of a job, whichever it is."""

import jax
import pytest
from rclicks_jax.launch import endings

from rclicks_jax.jobs import engine


def end(counts, *, left=0, stopped="", max_failed=0.01):
    """Concludes a job; returns the exit status, and whether tables were made."""
    shown = []
    outcome = engine.Outcome(
        dict(zip(("ok", "skipped", "failed"), counts, strict=True)), 1, left, stopped
    )
    status = endings.conclude(
        outcome, lambda: shown.append(1), max_failed, "the objects failed: see there"
    )
    return status, bool(shown)


@pytest.mark.parametrize(
    ("counts", "max_failed", "status"),
    [
        ((100, 0, 1), 0.01, 0),
        ((98, 0, 2), 0.01, 1),
        ((98, 0, 2), 0.02, 0),
        ((0, 0, 3), 1.0, 0),
    ],
)
def test_too_many_failures_are_an_exit_status(counts, max_failed, status, capsys):
    assert end(counts, max_failed=max_failed) == (status, True)
    said = capsys.readouterr().err
    assert ("error: 2.0% of the objects failed: see there" in said) == bool(status)


def test_a_signal_is_an_exit_status_and_makes_no_table(capsys):
    assert end((3, 0, 0), left=2, stopped="SIGTERM") == (143, False)
    assert "Stopped by SIGTERM; the same command goes on." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("counts", "status", "shown"), [((0, 0, 0), 0, False), ((0, 0, 2), 1, False),
                                    ((1, 0, 0), 0, True)]
)  # fmt: skip
def test_a_shard_that_ends_first_says_what_is_left(counts, status, shown, capsys):
    assert end(counts, left=5) == (status, shown)
    said = capsys.readouterr().out
    assert "5 images or tasks are left, as of other shards." in said


def test_other_processes_than_the_first_leave_tables_to_it(monkeypatch):
    monkeypatch.setattr(jax, "process_index", lambda: 1)
    assert end((0, 0, 9)) == (0, False)
