"""What people type: evaluations, tables of them, and two sets of people."""

import csv
import json
import os
import shutil

import evaluations
import numpy as np
import pytest
import started
from clicked_folders import write_clicked
from commands import command
from helpers import write_image


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def evaluate(*flags, **options):
    """Runs `rclicks-evaluate` without processes of its own, which start slowly."""
    return command("evaluate", "--config.processes=1", *flags, **options)


@pytest.fixture(scope="module")
def clicked(tmp_path_factory):
    """Photographs that people clicked in by PC, by mobile, and shown in three ways."""
    place = tmp_path_factory.mktemp("clicked")
    random = np.random.default_rng(0)

    def some(count):
        return random.integers([20, 10], [50, 30], (count, 2)).tolist()

    stems = ("a", "b", "c")
    clicks = {(s, device): some(11) for s in stems for device in ("pc", "mobile")}
    modes = {
        mode: {(s, "pc"): some(6) for s in stems}
        for mode in ("Text_Description", "Object_CutOut", "Silhouette_Mask")
    }
    return write_clicked(place, clicks, modes)


def test_one_command_evaluates_tabulates_and_compares_with_the_paper(clicked, tmp_path):
    printed = evaluate(
        f"--data=folder:{clicked}", "--click_models=UD,DT",
        "--split=held_out", "--config.draws=5", "--against=published",
        f"--workdir={tmp_path / 'run'}",
    )  # fmt: skip
    assert "How well click maps predict" in printed
    assert "not published" in printed
    page = (tmp_path / "run" / "report.html").read_text()
    assert page.count("data:image/webp;base64,") == 3 * 3
    rows = rows_of(tmp_path / "run" / "tables" / "click_models_by_dataset.csv")
    assert [row["model"] for row in rows] == ["UD", "DT"]
    again = command("tabulate", str(tmp_path / "run"))
    assert again.split("Report")[0] in printed


def test_what_cannot_be_scored_is_counted_by_kind_and_is_a_status(clicked, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(clicked, folder)
    clicks = (clicked.parent / "clicks.csv").read_text()
    # The last one is 60 wide: its clicks lie beside it.
    far = ",".join(["mine,c,,c,first,,pc", "70", "20", "60", "40"])
    (tmp_path / "clicks.csv").write_text(f"{clicks}{far}\n")
    (folder / "images" / "a.png").write_bytes(b"broken")
    write_image(folder / "masks" / "b.png", np.zeros((40, 60), np.uint8))
    printed = evaluate(
        f"--data=folder:{folder}", "--click_models=UD",
        "--config.draws=2", f"--workdir={tmp_path / 'run'}", status=1,
    )  # fmt: skip
    assert "33.3% of the tasks failed" in printed
    assert "1 of 67 clicks, in 1 tasks, lie off their photograph" in printed
    rows = rows_of(tmp_path / "run" / "tables" / "click_models.csv")
    of_models = [(row["click_type"], row["model"], row["ok"]) for row in rows]
    assert of_models[0] == ("all", "UD", "1")
    assert of_models[1:] == [("all", "people, in halves", "1")]
    assert (rows[0]["skipped"], rows[0]["failed"]) == ("1", "1")
    assert "lie off their photograph" in (tmp_path / "run" / "report.html").read_text()


def test_an_evaluation_of_nothing_usable_does_not_start(clicked, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(clicked, folder)
    shutil.copy(clicked.parent / "clicks.csv", tmp_path)
    for path in (folder / "images").iterdir():
        path.write_bytes(b"broken")
    flags = [f"--data=folder:{folder}", f"--workdir={tmp_path / 'run'}"]
    printed = evaluate(*flags, status=2)
    assert "mine has nothing that can be used" in printed
    assert "no image that OpenCV can read" in printed
    assert not (tmp_path / "run").exists()


def test_devices_that_cannot_be_compared_are_a_status(clicked, tmp_path):
    folder = tmp_path / "mine"
    shutil.copytree(clicked, folder)
    shutil.copy(clicked.parent / "clicks.csv", tmp_path)
    (folder / "images" / "a.png").write_bytes(b"broken")
    printed = evaluate(
        "--compare_clicks=device", f"--data=folder:{folder}",
        f"--workdir={tmp_path / 'run'}", status=1,
    )  # fmt: skip
    assert "33.3% of the tasks failed" in printed


def test_too_few_clicks_to_compare_are_an_error_that_says_so(clicked, tmp_path):
    folder = tmp_path / clicked.name
    shutil.copytree(clicked, folder)
    head, *rows = (clicked.parent / "clicks.csv").read_text().splitlines()
    place = head.split(",").index("full_stem")
    phones = [row for row in rows if ",mobile," in row]
    few = {row.split(",")[place]: row for row in phones}.values()
    others = [row for row in rows if ",mobile," not in row]
    (folder / "clicks.csv").write_text("\n".join([head, *others, *few]) + "\n")
    printed = evaluate(
        "--compare_clicks=device", f"--data=folder:{folder}",
        "--split=all", f"--workdir={tmp_path / 'run'}", status=2,
    )  # fmt: skip
    assert "None of 3 click tasks can be compared: fewer than 10 clicks" in printed


def test_masked_maps_show_on_request(tmp_path):
    run = evaluations.write(tmp_path / "run", evaluations.many())
    means = {}
    for maps in ("raw", "masked"):
        command("tabulate", run, f"--maps={maps}")
        (row, *_) = rows_of(tmp_path / "run" / "tables" / "click_models.csv")
        means[maps] = float(row["nss"])
    assert means["masked"] == pytest.approx(means["raw"] + 1)


def test_evaluations_are_compared_in_one_table(tmp_path):
    named = [
        evaluations.write(
            tmp_path / name,
            evaluations.many(models=(name,)),
            models={name: {"name": name}},
        )
        for name in ("UD", "DT")
    ]
    printed = command("tabulate", "compare", *named, f"--out={tmp_path / 'both'}")
    assert "UD" in printed
    (row, *_) = rows_of(tmp_path / "both" / "tables" / "click_model_differences.csv")
    assert (row["one"], row["other"], row["tasks"]) == ("UD", "DT", "12")
    command("tabulate", "export", named[0], f"--out={tmp_path / 'out'}")
    assert len(rows_of(tmp_path / "out" / "tasks.csv")) == 12 * 2
    said = command("tabulate", "hard", named[0], status=2)
    assert "holds a run of another kind: evaluation, not benchmark." in said


def test_devices_are_compared_and_stand_beside_the_original(clicked, tmp_path):
    printed = evaluate(
        "--compare_clicks=device", f"--data=folder:{clicked}",
        "--split=all", f"--workdir={tmp_path}", "--against=published",
    )  # fmt: skip
    assert "clicks by PC and by mobile" in printed
    (row, *_) = rows_of(tmp_path / "tables" / "click_agreement.csv")
    assert (row["one"], row["other"], row["ok"]) == ("pc", "mobile", "3")
    tasks = rows_of(tmp_path / "tasks.csv")
    mean = np.mean([float(task["wd"]) for task in tasks])
    assert float(row["wd"]) == pytest.approx(mean)
    notes = {one["note"] for one in rows_of(tmp_path / "tables" / "published.csv")}
    assert notes == {"not published"}


def test_display_modes_are_compared(clicked, tmp_path):
    evaluate(
        "--compare_clicks=display_mode", f"--data=folder:{clicked}",
        f"--workdir={tmp_path}",
    )  # fmt: skip
    rows = rows_of(tmp_path / "tables" / "click_agreement.csv")
    modes = [row["other"] for row in rows if row["click_type"] == "all"]
    others = [mode for mode in modes if mode != "the other half"]
    assert others == ["Object_CutOut", "Silhouette_Mask"]
    # Halves of the mode beside them, and of each of them.
    assert len(modes) == 5
    described = json.loads((tmp_path / "run.json").read_text())
    assert described["kind"] == "click_agreement"


@pytest.mark.long
def test_two_processes_share_an_evaluation(tmp_path):
    # With the sample that other tests packaged.
    cache = os.environ["RCLICKS_CACHE"]

    def flags(workdir):
        return (
            "--data=sample",
            "--split=val",
            "--click_models=UD,SM:source=spectral_residual",
            "--config.draws=5",
            "--config.processes=1",
            f"--workdir={workdir}",
        )

    alone = tmp_path / "alone"
    done = started.forked("evaluate", *flags(alone), RCLICKS_CACHE=cache)
    assert done.returncode == 0, done.stderr
    started.run_together(cache, "evaluate", *flags(tmp_path / "both"))
    alone, both = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for part in ("records", "tables")
            for path in (tmp_path / name / part).rglob("*.*")
            if path.is_file()
        }
        for name in ("alone", "both")
    )
    assert len(alone) > 90
    assert both == alone
