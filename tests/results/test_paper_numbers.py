import dataclasses

import pytest
import results_of

from rclicks_jax.results import paper_numbers
from rclicks_jax.segmenters import methods


def run_of(file, name="sam"):
    run = results_of.run("mine", dataset="DAVIS")
    options = {"checkpoint": f"{file} sha256:0123456789abcdef"}
    return run._replace(segmenter={"name": name, "options": options})


def test_a_run_is_set_beside_the_papers_numbers_for_its_checkpoint():
    table = paper_numbers.table(run_of("sam_vit_b_01ec64.pth"))
    (known,) = [
        one
        for one in methods.find("sam").checkpoints
        if one.file == "sam_vit_b_01ec64.pth"
    ]
    assert [row["published"] for row in table.rows] == known.rclicks["DAVIS"]
    for row in table.rows:
        assert row["difference"] == pytest.approx(row["ours"].mean - row["published"])


@pytest.mark.parametrize(
    ("file", "name"), [("mine.pth", "sam"), ("sam_vit_b_01ec64.pth", "noisy")]
)
def test_what_the_paper_has_not_is_said(file, name):
    table = paper_numbers.table(run_of(file, name))
    assert {row["note"] for row in table.rows} == {"not published"}
    assert all("published" not in row for row in table.rows)


def test_fewer_groups_than_the_papers_are_said_and_not_subtracted():
    run = run_of("sam_vit_b_01ec64.pth")
    result = run.results["DAVIS"]
    outer = dataclasses.replace(
        result,
        groups=[1, 10],
        by_group=results_of.areas(result.by_group.iou[:, [0, 9]]),
    )
    rows = paper_numbers.table(run._replace(results={"DAVIS": outer})).rows
    noted = {row["measure"]: row["note"] for row in rows}
    said = "ours over groups 1, 10; the paper's over all ten"
    assert noted == {
        "Sample NoC@90 ↓": said, "± groups ↓": said, "ΔSB % ↓": said, "ΔGR % ↓": ""
    }  # fmt: skip
    assert [row["measure"] for row in rows if "difference" in row] == ["ΔGR % ↓"]
    assert {row["objects"] for row in rows} == {12}
