"""The commands as users start them: flags, exit statuses, kills, several processes."""

import pathlib
import shlex
import signal
import subprocess
import time

import compiled
import pytest
from benchmark_runs import content
from helpers import make_folder
from started import Forked, command, forked, run, run_together

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NAMES = tuple("abcdefgh")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return make_folder(tmp_path_factory.mktemp("data") / "mine", NAMES)


def benchmark_flags(folder, workdir):
    return (
        f"--config={ROOT / 'configs' / 'benchmark.py'}:smoke",
        f"--data=folder:{folder}",
        f"--workdir={workdir}",
        "--config.max_images=0",
        "--config.pictures=0",
    )


@pytest.fixture(scope="module")
def undisturbed(folder, cache, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("undisturbed") / "run"
    done = run("benchmark", *benchmark_flags(folder, workdir), RCLICKS_CACHE=cache)
    assert done.returncode == 0, done.stderr
    return workdir, done


def test_a_benchmark_prints_its_table_and_where_its_report_is(undisturbed):
    workdir, done = undisturbed
    assert "Base NoC@90" in done.stdout
    assert f"Report: {workdir}/report.html" in done.stdout
    assert (workdir / "report.html").exists()
    assert "Benchmarking noisy: 100%" in done.stderr


@pytest.mark.long
def test_tabulate_makes_the_same_tables_again(undisturbed):
    workdir, _ = undisturbed
    before = content(workdir)
    for path in (workdir / "tables").iterdir():
        path.unlink()
    done = forked("tabulate", workdir)
    assert done.returncode == 0, done.stderr
    assert content(workdir) == before


def records_in(workdir):
    return len(list((workdir / "records").glob("*/*.jsonl"))) if workdir.exists() else 0


def killed_when(flags, workdir, cache, number, enough):
    """Starts a benchmark and sends a signal once it has written `enough` records."""
    environment = compiled.environment(RCLICKS_CACHE=cache)
    process = Forked(command("benchmark", *flags)[2:], environment)
    deadline = time.monotonic() + 120
    while records_in(workdir) < enough and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output


def test_kill_9_loses_nothing(folder, cache, undisturbed, tmp_path):
    expected, _ = undisturbed
    workdir = tmp_path / "run"
    flags = benchmark_flags(folder, workdir)
    for enough in (1, 3, 4):
        status, _ = killed_when(flags, workdir, cache, signal.SIGKILL, enough)
        assert status in (-signal.SIGKILL, 0)
    done = forked("benchmark", *flags, RCLICKS_CACHE=cache)
    assert done.returncode == 0, done.stderr
    assert content(workdir) == content(expected)
    assert records_in(workdir) == len(NAMES)


def test_sigterm_finishes_the_image_and_stops(folder, cache, undisturbed, tmp_path):
    workdir = tmp_path / "run"
    flags = benchmark_flags(folder, workdir)
    status, output = killed_when(flags, workdir, cache, signal.SIGTERM, 1)
    assert status == 128 + signal.SIGTERM
    assert "Stopped by SIGTERM; the same command goes on." in output
    assert 1 <= records_in(workdir) < len(NAMES)
    assert not list((workdir / "records").rglob("*.partial"))


def test_two_processes_share_a_run(folder, cache, undisturbed, tmp_path):
    expected, _ = undisturbed
    workdir = tmp_path / "run"
    run_together(cache, "benchmark", *benchmark_flags(folder, workdir))
    assert content(workdir) == content(expected)


@pytest.mark.parametrize(
    ("name", "flags", "message"),
    [
        ("data", ("heal", "x"), "prepare DATA"),
        ("click_maps", ("--config.max_images=2",), "Do you mean --max_images? There"),
        ("click_maps", ("--config.max_images=2",), "There are --"),
        (
            "evaluate",
            ("--config.no=1", "--workdir=/tmp/x"),
            "There is no --config.no.",
        ),
        ("data", ("doctor", "/no/such"), "/no/such is not a folder"),
        ("data", ("prepare", "imagenet"), "'imagenet'"),
        ("tabulate", ("/no/such",), "is not a run folder"),
        ("tabulate", (), "one or more run folders"),
        ("segmenters", ("sing",), "got sing; allowed: list"),
        ("benchmark", ("--workdir=/tmp/x", "oops"), "flags only"),
        ("benchmark", ("--workdir=",), "--workdir: got nothing"),
        ("train", ("--workdir= ",), "--workdir: got nothing"),
        ("click_maps", ("--out=", "--model=DT"), "--out: got nothing"),
        ("train", ("--workdir=x", "--coordinator="), "--coordinator: got nothing"),
        ("click_maps", ("--out=/tmp/x", "--model=DT"), "--data: got nothing"),
        ("click_maps", ("--out=/tmp/x", "--data=sample"), "--model=DIR"),
        ("click_maps", ("--out=/tmp/x", "--groups=1,z"), "groups: got 'z'"),
        (
            "benchmark",
            (
                "--workdir=/tmp/x",
                "--data=folder:/no/such",
                "--segmenter=noisy",
                "--click_model=DT",
            ),
            "does not exist",
        ),
        ("benchmark", ("--workdir=/tmp/x", "--segmenters=,"), "one or more"),
        (
            "benchmark",
            ("--workdir=/tmp/x", "--segmenters=noisy", "--segmenter=stuck"),
            "one of the two",
        ),
    ],
)
def test_mistakes_are_one_message_and_no_traceback(name, flags, message):
    done = forked(name, *flags)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [("segmenters", "list"), ("benchmark", "--help")])
def test_who_has_read_enough_may_close_the_pipe(words):
    process = subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    said = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait() == 128 + signal.SIGPIPE
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-"])
def test_closed_streams_change_nothing_else(tmp_path, closed):
    data = make_folder(tmp_path / "mine")
    line = shlex.join(command("data", "doctor", data))
    ended = subprocess.run(
        ["sh", "-c", f"{line} {closed}"], capture_output=True, text=True
    )
    assert ended.returncode == 0, ended.stderr
    assert ("Ready to use" in ended.stdout) == (closed != ">&-")
    assert "Traceback" not in ended.stderr


def test_many_failures_are_a_status(tmp_path, cache):
    folder = make_folder(tmp_path / "mine", ("a", "b"))
    (folder / "images" / "a.png").write_bytes(b"broken")
    done = forked(
        "benchmark", *benchmark_flags(folder, tmp_path / "run"), RCLICKS_CACHE=cache
    )
    assert done.returncode == 1
    assert "50.0% of the objects failed" in done.stderr


def click_maps_of(out):
    kept = ("*.png", "*.jpg", "clicks.csv", "index.json")
    return {
        str(path.relative_to(out)): path.read_bytes()
        for pattern in kept
        for path in out.rglob(pattern)
    }


@pytest.mark.long
def test_click_maps_survive_kill_9(folder, cache, tmp_path):
    flags = (f"--data=folder:{folder}", "--model=DT", "--samples=2", "--groups=1,10")
    done = forked("click_maps", *flags, f"--out={tmp_path}/a", RCLICKS_CACHE=cache)
    assert done.returncode == 0, done.stderr
    assert "Objects: 8 ok, 0 skipped, 0 failed." in done.stdout
    assert "Writing click maps: 100%" in done.stderr
    again = command("click_maps", *flags, f"--out={tmp_path}/b")[2:]
    environment = compiled.environment(RCLICKS_CACHE=cache)
    for enough in (1, 5):
        process = Forked(again, environment)
        while process.poll() is None:
            if len(list((tmp_path / "b").rglob("*.png"))) >= enough:
                process.kill()
            time.sleep(0.002)
    done = forked("click_maps", *flags, f"--out={tmp_path}/b", RCLICKS_CACHE=cache)
    assert done.returncode == 0, done.stderr
    assert click_maps_of(tmp_path / "b") == click_maps_of(tmp_path / "a")
    assert len(click_maps_of(tmp_path / "a")) == 18


def test_broken_photographs_are_named_and_a_status(tmp_path, cache):
    folder = make_folder(tmp_path / "mine", ("a", "b"))
    (folder / "images" / "a.png").write_bytes(b"broken")
    flags = (f"--data=folder:{folder}", "--model=UD", f"--out={tmp_path}/out")
    done = forked("click_maps", *flags, RCLICKS_CACHE=cache)
    assert done.returncode == 1
    assert "mine/a: failed: " in done.stderr
    assert "Objects: 1 ok, 0 skipped, 1 failed." in done.stdout
    done = forked("click_maps", *flags, "--max_failed=0.5", RCLICKS_CACHE=cache)
    assert done.returncode == 0


def test_data_is_prepared_and_examined(tmp_path, cache):
    folder = make_folder(tmp_path / "mine")
    done = forked("data", "prepare", f"folder:{folder}", RCLICKS_CACHE=cache)
    assert done.returncode == 0, done.stderr
    assert "mine instances: 3 packaged" in done.stdout
    (folder / "masks" / "a.png").unlink()
    (folder / "images" / "x\x1b[2Jy.gif").touch()
    done = forked("data", "doctor", folder)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout
    assert "x\\x1b[2Jy.gif" in done.stdout
    assert "has no mask called a" in done.stdout


def test_segmenters_are_listed():
    done = forked("segmenters", "list")
    assert "random_walker" in done.stdout


@pytest.mark.long
def test_click_models_are_evaluated(tmp_path):
    done = forked(
        "evaluate", "--data=sample", "--split=val", "--click_models=UD,DT",
        "--config.draws=2", f"--workdir={tmp_path}",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "PL1" in done.stdout
    assert (tmp_path / "tables" / "click_models.csv").exists()
