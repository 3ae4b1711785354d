"""How busy a start was: noted, written, read again, and never in the way."""

import json
import time

import pytest

from rclicks_jax import errors
from rclicks_jax.jobs import meter, scheduler, store, utilisation


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test sets."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def test_processes_are_half_busy_when_half_of_them_are(clock):
    noted = meter.Meter()
    noted.begin({"process pool": meter.Calls(4, is_shared=True)}, threads=1)
    with noted.call("process pool", 1, 1), noted.call("process pool", 1, 1):
        clock[0] += 6
    clock[0] += 4
    use = utilisation.of_meter(noted)
    assert use.busy_share(use.answerers[0]) == pytest.approx(6 / 10 / 2)
    assert use.answerers[0].first_minute[:7] == (0.5,) * 6 + (0,)


def test_a_device_is_not_busy_while_a_pass_is_packed_and_sent(clock):
    def send(items):
        clock[0] += 3
        return items

    def answer(sent):
        clock[0] += 5
        return sent

    def rounds():
        for number in range(2):
            yield scheduler.Question("device", [number], "pass")

    device = scheduler.Answerer("device", answer, batch=1, send=send)
    limits = scheduler.Limits(places=1, bytes=1, threads=0)
    noted = meter.Meter()
    list(scheduler.run(iter([rounds()]), [device], limits, noted))
    start = utilisation.of_meter(noted)
    assert (start.seconds, start.answerers[0].busy) == (16, 10)


@pytest.fixture
def noted(clock):
    """Ten seconds: passes took eight, and one of two threads worked for five."""
    noted = meter.Meter()
    lanes = {"click model": 2, "segmenter 0": 1}
    noted.begin({name: meter.Calls(each) for name, each in lanes.items()}, threads=2)
    for first, last in ((0, 6), (7, 9)):
        clock[0] = 100.0 + first
        with noted.call("click model", 7, 10):
            # The second lane does not make it busier.
            with noted.call("click model", 10, 10):
                clock[0] += 1
            clock[0] = 100.0 + last
    clock[0] = 100.5
    with noted.step():
        clock[0] = 105.5
    with noted.part("records"):
        clock[0] = 106.0
    clock[0] = 110.0
    return noted


def test_shares_and_fill_are_of_what_was_noted(noted):
    start = utilisation.of_meter(noted)
    model, segmenter = start.answerers
    assert (model.calls, model.real, model.rows, model.fill) == (4, 34, 40, 0.85)
    assert start.busy_share(model) == 0.8
    assert model.first_minute[5:10] == (1, 0, 1, 1, 0)
    assert (segmenter.calls, segmenter.fill, segmenter.busy) == (0, 1, 0)
    assert (start.seconds, start.host_seconds, start.host_share) == (10, 5, 0.25)
    assert start.host_first_minute[:7] == (0.25, 0.5, 0.5, 0.5, 0.5, 0.25, 0)
    assert start.parts == {"records": 0.5}


def test_what_is_written_is_read_again(noted, tmp_path):
    folder = store.RunFolder(tmp_path)
    assert utilisation.read_all(folder) == []
    utilisation.write(folder, meter.Meter())
    assert utilisation.read_all(folder) == []
    utilisation.write(folder, noted)
    assert utilisation.read_all(folder) == [utilisation.of_meter(noted)]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', '{"format": "x"}'])
def test_damaged_files_are_passed_over(noted, tmp_path, text):
    folder = store.RunFolder(tmp_path)
    utilisation.write(folder, noted)
    (tmp_path / "utilisation" / "0.json").write_text(text)
    assert utilisation.read_all(folder) == [utilisation.of_meter(noted)]


def test_a_later_format_is_refused_in_words(tmp_path):
    (tmp_path / "utilisation").mkdir()
    (tmp_path / "utilisation" / "0.json").write_text(json.dumps({"format": 2}))
    with pytest.raises(errors.RunFolderError, match="is of format 2; this release"):
        utilisation.read_all(store.RunFolder(tmp_path))
