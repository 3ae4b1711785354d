"""The page of a run, whatever its data are."""

import re
import shlex
import sys

import html_pages
import numpy as np
import pytest
import recorded_runs as runs

from rclicks_jax.benchmark import artifacts, records
from rclicks_jax.jobs import starts
from rclicks_jax.reporting.layers import Layers
from rclicks_jax.results import object_pictures, outputs, report
from rclicks_jax.results.runs import open_run

HOSTILE = "<script>&\"'\n\x00\u202e\udc80 $\\frac{ _ ` é"


def page_of(run):
    opened = open_run(run.path)
    return report.render(opened, outputs.make_tables(opened))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A page of three objects, two of them with pictures."""
    run = runs.begin(tmp_path_factory.mktemp("plain") / "run")
    objects = (runs.ok("one", 80), runs.ok("two", 95), runs.ok("three", 60))
    runs.record(run, objects)
    runs.picture(run, objects[:2])
    page = page_of(run)
    return html_pages.check(page), page


def test_the_heading_has_segmenter_and_click_model_and_no_people(plain):
    root, page = plain
    (heading,) = root.inside("h1")
    assert heading.text == "noisy under simulated clicks of DT"
    assert root.inside("title")[0].text == heading.text
    said = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    (line,) = [li.text for li in root.inside("li") if "people" in li.text]
    assert line == ("The click model is DT, a rule: it has learnt nothing from people.")
    assert said.count("people") == 1


@pytest.mark.parametrize(
    ("described", "heading", "warned"),
    [
        ({"name": "UD"}, "simulated clicks of UD", "learnt nothing from people"),
        (
            {"name": "SM", "source": "spectral_residual"},
            "simulated clicks of SM (spectral_residual)",
            "it has not learnt from clicks",
        ),
        (
            {"name": "CM", "variant": "tiny", "sigma": 20.0, "data": "sample: 205"},
            "simulated clicks of the toy click model (tiny, trained on the sample "
            "dataset)",
            "its numbers say nothing about people",
        ),
        (
            {"name": "CM", "variant": "b", "sigma": 5.0, "data": "TETRIS: 9 tasks"},
            "simulated clicks of CM (b, sigma 5, trained on TETRIS)",
            "",
        ),
    ],
)
def test_a_click_model_is_called_what_it_is(tmp_path, described, heading, warned):
    run = runs.begin(tmp_path / "run", click_model=described)
    runs.record(run, (runs.ok("one"),))
    root = html_pages.check(page_of(run))
    assert root.inside("h1")[0].text == f"noisy under {heading}"
    notes = [one.text for one in root.inside("div") if one["class"] == "warn"]
    assert (warned in notes[0]) if warned else "click model" not in notes[0]


def test_notes_of_a_table_are_said_once(plain):
    _, page = plain
    note = "Sample and the measures that follow from it are over clicking groups 1, 10"
    (summary,) = re.findall(r"(?s)<h2 id=.summary.*?</section>", page)
    assert summary.count(note) == 1


def test_a_run_of_robots_alone_names_no_click_model(tmp_path):
    run = runs.begin(tmp_path / "run", click_model={}, groups=())
    runs.record(run, (runs.ok("one", groups=()),))
    root = html_pages.check(page_of(run))
    assert root.inside("h1")[0].text == "noisy under the clicks of robots"


def test_contents_lead_to_every_heading(plain):
    root, _ = plain
    (contents,) = root.inside("nav")
    found = {a["href"][1:]: a.text for a in contents.inside("a")}
    assert found == {h["id"]: h.text for h in root.inside("h2")}


def test_a_row_leads_to_its_pictures_and_back(plain):
    root, _ = plain
    rows = {row["id"]: row for row in root.inside("tr") if row["id"]}
    assert set(rows) == {"row-object-1", "row-object-2"}
    for name, row in rows.items():
        (link,) = row.inside("a")
        (shown,) = [
            s for s in root.inside("section") if "#" + str(s["id"]) == link["href"]
        ]
        assert shown.inside("h3")[0].text == f"set / {link.text}"
        assert [a["href"] for a in shown.inside("a")] == [f"#{name}"]


def test_what_is_the_same_in_every_row_is_said_once_and_names_come_first(plain):
    root, _ = plain
    (table,) = [
        t for t in root.inside("table") if t["aria-labelledby"] == "table-instances"
    ]
    heads = [h.text for h in table.inside("thead")[0].inside("th")]
    assert heads[0] == "Object"
    assert "Dataset" not in heads
    assert "Base NoC@90 ↓" in heads
    assert "Base IoU-AuC ↑" in heads
    names = [row.inside("th")[0].text for row in table.inside("tbody")[0].inside("tr")]
    assert names == ["one", "two", "three"]
    assert any("Dataset set" in " ".join(p.text.split()) for p in root.inside("p"))


def test_kinds_of_clicks_differ_in_shape_and_the_legend_shows_both(plain):
    root, _ = plain
    shapes = {g["id"]: g for g in root.inside("g") if g["id"]}
    assert shapes["positive"].inside("circle")
    assert not shapes["positive"].inside("rect")
    assert shapes["negative"].inside("rect")
    assert not shapes["negative"].inside("circle")
    (legend,) = [p for p in root.inside("p") if "legend" in str(p["class"])]
    assert {u["href"] for u in legend.inside("use")} == {"#positive", "#negative"}


def test_clicks_and_what_is_said_of_them_are_those_of_the_trajectory(plain):
    root, _ = plain
    (figure,) = [
        f
        for f in root.inside("figure")
        if f.inside("title")[0].text.startswith("set / two. Baseline")
    ]
    assert figure["data-ious"] == "32.0 63.0 95.0"
    assert figure.inside("title")[0].text == (
        "set / two. Baseline ends at 95.0 % IoU after 3 clicks, 2 positive and 1 "
        "negative."
    )
    assert figure.inside("figcaption")[0].text.startswith(
        "Baseline: 90 % IoU after 3 clicks"
    )
    assert figure.inside("output")[0].text == "Click 3 of 3: 95.0 % IoU"
    clicks = [g for g in figure.inside("g") if g["data-click"]]
    shapes = {g["data-click"]: g.inside("use")[0]["href"] for g in clicks}
    assert shapes == {"1": "#positive", "2": "#negative", "3": "#positive"}
    (slider,) = figure.inside("input")
    assert (slider["min"], slider["max"], slider["value"]) == ("1", "3", "3")


def test_settings_are_a_table_and_commands_can_be_pasted(tmp_path, monkeypatch):
    command = [
        "rclicks-benchmark",
        "--data=folder:a b,c's",
        "--workdir=x\ny",
        "--p=$HOME",
    ]
    later = [*command, "--config.max_failed=1"]
    run = runs.begin(tmp_path / "run", command=command)
    for argv in (command, later, later):
        monkeypatch.setattr(sys, "argv", argv)
        starts.note(run)
    (run.path / "attempts" / "9.json").write_text("{")
    runs.record(run, (runs.ok("one"),))
    page = page_of(run)
    root = html_pages.check(page)
    found = [shlex.split(pre.text) for pre in root.inside("pre")]
    assert found == [command, later]
    assert "; again once, last " in root.text
    (table,) = [t for t in root.inside("table") if t["aria-labelledby"] == "made"]
    cells = {
        row.inside("th")[0].text: row.inside("td")[0].text
        for row in table.inside("tr")
        if row.inside("td")
    }
    assert cells["max clicks"] == "3"
    assert cells["groups"] == "1, 10"
    assert cells["users"] == "no"
    assert "{" not in table.text


def test_reasons_are_counted_whatever_object_they_name(tmp_path):
    run = runs.begin(tmp_path / "run")
    bad = [
        records.InstanceRecord(f"object{n}", "failed", f"object{n}: no memory")
        for n in range(3)
    ]
    empty = records.InstanceRecord("nothing", "skipped", "no pixel")
    runs.record(run, (runs.ok("one"), *bad, empty))
    root = html_pages.check(page_of(run))
    (reasons,) = [t for t in root.inside("table") if t["aria-label"] == "Reasons"]
    rows = [
        [cell.text for cell in row.children]
        for row in reasons.inside("tbody")[0].inside("tr")
    ]
    assert rows == [["…: no memory", "failed", "3"], ["no pixel", "skipped", "1"]]
    notes = [one.text for one in root.inside("div") if one["class"] == "warn"]
    assert "Of 5 objects 3 failed and 1 were skipped" in notes[0]
    assert "4 objects could not be scored" in root.text


def test_a_run_without_an_object_that_is_ok_has_a_page_without_charts(tmp_path):
    run = runs.begin(tmp_path / "run")
    runs.record(run, (records.InstanceRecord("a", "failed", "broken"),))
    page = page_of(run)
    root = html_pages.check(page)
    assert "matplotlib" not in page
    notes = [one.text for one in root.inside("div") if one["class"] == "warn"]
    assert "No object is “ok”: there are no numbers." in notes[0]


def test_no_name_and_no_reason_breaks_a_page(tmp_path):
    run = runs.begin(
        tmp_path / "run",
        segmenter=HOSTILE,
        command=["rclicks-benchmark", HOSTILE],
        data_notes=[HOSTILE],
    )
    dataset = HOSTILE.replace("\udc80", "")
    objects = (runs.ok(dataset), runs.ok("_two"))
    failed = records.InstanceRecord(HOSTILE, "failed", HOSTILE)
    runs.record(run, (*objects, failed), dataset=dataset)
    runs.picture(run, objects, dataset=dataset)
    page = page_of(run)
    root = html_pages.check(page)
    assert len([s for s in root.inside("section") if s["class"] == "object"]) == 2
    assert not [s for s in root.inside("script") if "frac" in s.text]
    assert "\\udc80" in page
    assert "\\u202e" in page
    (chart,) = [s for s in root.inside("svg") if "Mean IoU" in str(s["aria-label"])]
    assert "$\\frac{" in chart.text


@pytest.mark.parametrize("name", ["photo.jpg", "one/index.json", "one/G1.png"])
def test_pictures_that_cannot_be_read_are_left_out_and_said(tmp_path, name):
    run = runs.begin(tmp_path / "run")
    objects = (runs.ok("one"), runs.ok("two"))
    runs.record(run, objects)
    runs.picture(run, objects)
    (run.artifacts("set", "photo") / name).write_bytes(b"{}")
    root = html_pages.check(page_of(run))
    notes = [one.text for one in root.inside("div") if one["class"] == "warn"]
    assert "left out" in notes[0]
    assert "Base NoC@90" in root.text


def test_an_object_takes_less_than_300_kb(tmp_path):
    run = runs.begin(tmp_path / "run")
    noise = np.random.default_rng(0).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    objects = (runs.ok("one"),)
    runs.record(run, objects)
    runs.picture(run, objects, photo=noise)
    layers = artifacts.read(run, "set", "photo", "one")
    random = np.random.default_rng(1)
    worst = Layers(
        "one", layers.scale, layers.photo,
        random.random(layers.target.shape) > 0.5,
        random.integers(0, 256, layers.target.shape, dtype=np.uint8),
        {k: random.random(layers.target.shape) > 0.5 for k in layers.last_masks},
        rounds={
            k: random.integers(0, 2**20, layers.target.shape, dtype=np.uint32)
            for k in layers.rounds
        },
    )  # fmt: skip
    played = [object_pictures.ObjectOfRun("", objects[0], worst)]
    drawn = object_pictures.of_object("a", "set", played, {"click_map": "map"})
    size = len(drawn.photo) + len(drawn.target)
    for row in drawn.rows:
        for figure in row:
            size += len(figure.heat) + len(figure.mask)
            size += len(figure.steps.masks) if figure.steps else 0
    assert 100_000 < size < 270_000


def test_two_runs_are_drawn_side_by_side(tmp_path):
    for name, last in (("a", 80), ("b", 90)):
        run = runs.begin(tmp_path / name, segmenter=name)
        objects = (runs.ok("one", last), runs.ok("two", 70))
        runs.record(run, objects)
        runs.picture(run, objects)
    outputs.compare([("", tmp_path / "a"), ("", tmp_path / "b")], tmp_path / "out")
    root = html_pages.check((tmp_path / "out" / "comparison.html").read_text())
    assert root.inside("h1")[0].text == "a · b under simulated clicks of DT"
    shown = [s for s in root.inside("section") if s["class"] == "object"]
    # Where the runs differ most comes first.
    assert [s.inside("h3")[0].text for s in shown] == ["set / one", "set / two"]
    rows = [d for d in shown[0].inside("div") if d["class"] == "pictures"]
    captions = [
        [c.text.split("\n")[0] for c in row.inside("figcaption")] for row in rows
    ]
    assert captions == [
        [
            "a: baseline: not 90 % IoU in 3 clicks",
            "b: baseline: 90 % IoU after 3 clicks",
        ],
        ["a: G1: not 90 % IoU in 3 clicks", "b: G1: not 90 % IoU in 3 clicks"],
        ["a: G10: not 90 % IoU in 3 clicks", "b: G10: not 90 % IoU in 3 clicks"],
    ]
    notes = [one.text for one in root.inside("div") if one["class"] == "warn"]
    assert notes[0].count("learnt nothing from people") == 1
