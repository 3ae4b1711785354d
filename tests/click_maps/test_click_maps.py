"""Click maps of three small photographs: files, tables, settings."""

import cv2
import jax
import numpy as np
import pytest
from click_map_runs import files_of, index_of, problems_of, rows_of, settings
from helpers import write_image

from rclicks_jax import errors
from rclicks_jax.benchmark import job as benchmark_job
from rclicks_jax.benchmark import records as image_records
from rclicks_jax.click_maps import files as click_map_files
from rclicks_jax.click_maps import job as click_maps_job
from rclicks_jax.click_maps import queries as click_map_queries
from rclicks_jax.clicks import click_models, groups
from rclicks_jax.jobs import records, store
from rclicks_jax.networks import infer
from rclicks_jax.results import outputs
from rclicks_jax.settings import benchmark, click_maps
from rclicks_jax.types import ClickQuery


def test_each_object_has_a_map_a_drawing_and_clicks(folder, tmp_path):
    outcome = click_maps_job.run(settings(folder), tmp_path / "out")
    assert outcome.counts == {"ok": 3, "skipped": 0, "failed": 0}
    assert problems_of(tmp_path / "out") == []
    assert set(files_of(tmp_path / "out")) == {
        *(f"maps/mine/{name}/{name}.png" for name in "abc"),
        *(f"drawings/mine/{name}/{name}.jpg" for name in "abc"),
        *(f"records/mine/{name}.1.jsonl" for name in "abc"),
        "clicks.csv",
        "index.json",
        "README.txt",
    }
    drawing = cv2.imread(str(tmp_path / "out" / "drawings" / "mine" / "a" / "a.jpg"))
    assert max(drawing.shape) == 640
    assert "65535" in (tmp_path / "out" / "README.txt").read_text()


def test_a_map_is_the_16_bit_levels_of_the_object(folder, tmp_path):
    click_maps_job.run(settings(folder), tmp_path / "out")
    read = cv2.imread(str(tmp_path / "out/maps/mine/b/b.png"), cv2.IMREAD_UNCHANGED)
    target = cv2.imread(str(folder / "masks/b.png"), cv2.IMREAD_UNCHANGED) > 0
    query = ClickQuery(np.zeros((*target.shape, 3), np.uint8), target, target)
    (click_map,) = click_models.load("DT")([query])
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, groups.quantise(click_map, target))


def test_the_table_has_a_row_for_each_click_and_all_lie_on_the_object(folder, tmp_path):
    click_maps_job.run(settings(folder), tmp_path / "out")
    rows = rows_of(tmp_path / "out")
    assert list(rows[0]) == [
        "dataset", "image_id", "instance_id", "group", "draw", "y", "x",
    ]  # fmt: skip
    keys = [(row["instance_id"], row["group"], row["draw"]) for row in rows]
    assert keys == [
        (name, group, str(draw))
        for name in "abc"
        for group in ("0", "1", "10")
        for draw in range(4)
    ]
    for row in rows:
        mask = cv2.imread(str(folder / f"masks/{row['image_id']}.png"), 0)
        assert mask[int(row["y"]), int(row["x"])]


def test_the_first_draws_are_the_first_clicks_of_a_benchmark(folder, tmp_path):
    click_maps_job.run(settings(folder, seed=3), tmp_path / "out")
    played = benchmark.BenchmarkConfig(
        data=f"folder:{folder}",
        segmenter="noisy",
        click_model="DT",
        groups=(1, 10),
        pictures=0,
        seed=3,
    )
    benchmark_job.run(played, tmp_path / "run")
    first = {
        (one.instance_id, str(track.group)): track.clicks[0][:2]
        for image in image_records.read_all(store.RunFolder(tmp_path / "run"))
        for one in image.instances
        for track in one.trajectories
        if track.strategy == "group"
    }
    drawn = {
        (row["instance_id"], row["group"]): (int(row["y"]), int(row["x"]))
        for row in rows_of(tmp_path / "out")
        if row["draw"] == "0" and row["group"] != "0"
    }
    assert drawn == first


def test_the_index_says_how_the_maps_were_made(folder, tmp_path, narrow):
    asked = settings(folder, model=narrow, batch=2, protocol="strict")
    click_maps_job.run(asked, tmp_path / "out")
    index = index_of(tmp_path / "out")
    assert index["card"]["metrics"] == {"sim": 0.5}
    assert index["model"]["checksum"] == index["card"]["checksum"]
    assert index["model"]["precision"] == "float32"
    assert index["precision_error"] is None
    assert index["protocol"]["name"] == "strict"
    assert index["seed"] == 0
    assert index["versions"]["jax"] == jax.__version__
    assert index["counts"] == {"ok": 3, "skipped": 0, "failed": 0}
    assert index["objects"][1] == {
        "dataset": "mine",
        "image_id": "b",
        "instance_id": "b",
        "status": "ok",
        "reason": "",
        "map": "maps/mine/b/b.png",
        "drawing": "drawings/mine/b/b.jpg",
    }


def test_the_error_of_bfloat16_is_printed_and_recorded(
    folder, tmp_path, narrow, capsys
):
    asked = settings(folder, model=narrow, batch=2, precision="bfloat16")
    click_maps_job.run(asked, tmp_path / "out")
    found = index_of(tmp_path / "out")["precision_error"]
    assert found["maps"] == 3
    assert 0 < found["mean"] < found["largest"] < 0.06
    printed = capsys.readouterr().err
    assert f"{found['largest']:.2g} at most (3 objects)" in printed
    click_maps_job.run(asked, tmp_path / "out")
    assert index_of(tmp_path / "out")["precision_error"] == found
    assert "bfloat16: click maps" in capsys.readouterr().err


def test_a_precision_that_cannot_be_measured_ends_nothing(
    folder, tmp_path, narrow, monkeypatch, capsys
):
    def fail(*_):
        raise ValueError("no")

    monkeypatch.setattr(infer.ClickabilityModel, "precision_error", fail)
    outcome = click_maps_job.run(
        settings(folder, model=narrow, batch=2, precision="bfloat16"), tmp_path / "out"
    )
    assert outcome.counts["ok"] == 3
    found = index_of(tmp_path / "out")["precision_error"]["problem"]
    assert found == "not compared with float32: ValueError: no"
    assert f"bfloat16: {found}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["..", "../../up", "/etc/passwd", "a\\..\\b", "C:x", "nul", "a.", "ä b", ""]
)
def test_no_id_leads_out_of_the_folder(tmp_path, name):
    out = store.RunFolder(tmp_path / "deep" / "er" / "out")
    target = np.ones((4, 5), bool)
    query = ClickQuery(np.zeros((4, 5, 3), np.uint8), target, target)
    asked = click_map_queries.Target(name, name, name, query)
    levels = np.full((4, 5), 9, np.uint16)
    clicks = {0: np.zeros((1, 2), np.int32)}
    one = click_map_files.write_object(out, asked, levels, clicks, draw=True)
    out.write(records.Record(name, name, (one,)))
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 3
    for path in written:
        assert path.is_relative_to(out.path)
        assert not path.name.lower().startswith("nul.")
        assert not set('<>:"\\|?*') & set(str(path.relative_to(out.path)))
    ((attempt, path),) = out.newest().values()
    assert attempt == 1
    assert out.read(path).rows[0]["instance_id"] == name
    assert list(out.newest()) == [store.key_of(name, name)]


def test_click_tasks_are_drawn_in_what_is_to_mend(tmp_path):
    asked = click_maps.ClickMapsConfig(
        model="UD", data="sample", tasks=True, split="val", samples=3, max_images=6
    )
    outcome = click_maps_job.run(asked, tmp_path / "out")
    assert outcome.counts == {"ok": 6, "skipped": 0, "failed": 0}
    for row in rows_of(tmp_path / "out"):
        place = f"maps/sample/{row['image_id']}/{row['instance_id']}.png"
        levels = cv2.imread(str(tmp_path / "out" / place), cv2.IMREAD_UNCHANGED)
        assert levels[int(row["y"]), int(row["x"])]
    kinds = {row["instance_id"].rpartition("_")[2] for row in rows_of(tmp_path / "out")}
    assert {"fn", "fp"} <= kinds


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (700, 2), (3, 3)])
def test_odd_shapes_are_written_and_drawn(tmp_path, cache, narrow, shape):
    folder = tmp_path / "odd"
    write_image(folder / "images" / "a.png", np.zeros((*shape, 3), np.uint8))
    write_image(folder / "masks" / "a.png", np.full(shape, 255, np.uint8))
    outcome = click_maps_job.run(
        settings(folder, model=narrow, batch=2), tmp_path / "out"
    )
    assert outcome.counts["ok"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": (11,)}, "--groups: got 11; allowed: numbers 1 to 10, or 0"),
        ({"groups": (1, 1)}, "--groups: got 1,1; .* each once"),
        ({"samples": -1}, "--samples: got -1"),
        ({"model": ""}, "Click model: got none"),
        ({"data": ""}, "--data: got nothing"),
        ({"protocol": "loose"}, "Known: paper, strict"),
        ({"precision": "half"}, "'half'"),
        ({"split": "dev"}, "Split of mine"),
    ],
)
def test_settings_that_mean_nothing_are_named(
    folder, tmp_path, narrow, changes, message
):
    with pytest.raises(errors.RClicksError, match=message):
        click_maps_job.run(
            settings(folder, **{"model": narrow, **changes}), tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()


def test_there_is_no_table_of_click_maps(folder, tmp_path):
    click_maps_job.run(settings(folder, max_images=1), tmp_path / "out")
    with pytest.raises(errors.RunFolderError, match="kind: click maps, not"):
        outputs.write(store.RunFolder(tmp_path / "out"))


def test_no_clicks_and_no_drawings_leave_maps(folder, tmp_path):
    asked = settings(folder, samples=0, drawings=False, groups=())
    click_maps_job.run(asked, tmp_path / "out")
    assert rows_of(tmp_path / "out") == []
    assert not (tmp_path / "out" / "drawings").exists()
    assert len(list((tmp_path / "out" / "maps").rglob("*.png"))) == 3
