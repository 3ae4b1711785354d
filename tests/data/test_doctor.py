import numpy as np
import pytest
from helpers import make_folder, write_image

from rclicks_jax import errors
from rclicks_jax.data import doctor

HEADER = (
    "dataset,image_stem,object_stem,full_stem,click_type,model_type,device,x,y,w,h\n"
)


def test_a_good_folder_is_ready(tmp_path):
    diagnosis = doctor.examine(str(make_folder(tmp_path / "mine")), 1.0)
    assert diagnosis.healthy
    text = diagnosis.text()
    assert "3 images, 3 usable objects" in text
    assert "checksum of the masks: " in text
    assert text.endswith("Ready to use.")


def test_everything_wrong_is_named(tmp_path):
    folder = make_folder(tmp_path / "mine", ("a", "b", "c", "d", "e"))
    (folder / "images" / "a.png").write_bytes(b"broken")
    write_image(folder / "masks" / "b.png", np.full((9, 9), 255, np.uint8))
    write_image(folder / "masks" / "c.png", np.zeros((48, 64), np.uint8))
    (folder / "masks" / "d.png").unlink()
    write_image(folder / "masks" / "lonely.png", np.zeros((48, 64), np.uint8))
    (folder / "images" / "notes.txt").write_text("")
    diagnosis = doctor.examine(str(folder), 1.0)
    assert not diagnosis.healthy
    text = diagnosis.text()
    for expected in (
        "no image that OpenCV can read",
        "the mask is 9x9 pixels, the image 48x64: b",
        "note the mask has no object pixel: c",
        "has no mask called as the photograph (STEM.png): d",
        "masks without a photograph (1: lonely)",
        "images/ has files that end in .txt, which are not read",
        "1 usable objects",
        "Not ready",
    ):
        assert expected in text


def test_files_with_one_fault_share_a_line(tmp_path):
    names = [f"photo{number}" for number in range(9)]
    folder = make_folder(tmp_path / "mine", (*names, "the good one"))
    for number, name in enumerate(names[:4]):
        (folder / "images" / f"{name}.png").write_bytes(b"broken" * (number + 1))
    for name in names[4:7]:
        (folder / "masks" / f"{name}.png").unlink()
    write_image(folder / "masks" / "photo7.png", np.full((9, 9), 255, np.uint8))
    write_image(folder / "masks" / "photo8.png", np.full((7, 8), 255, np.uint8))
    diagnosis = doctor.examine(str(folder), 1.0)
    problems = [text for severity, text in diagnosis.findings if severity == "error"]
    assert len(problems) == 3
    broken, gone, sizes = problems
    assert "no image that OpenCV can read (6 bytes)" in broken
    assert ", and 3 more like it: photo0, photo1, photo2, photo3" in broken
    assert "has no mask called" in gone
    assert gone.endswith("photo4, photo5, photo6")
    assert "the mask is 9x9 pixels" in sizes
    assert "photo7, photo8" in sizes


def test_a_folder_of_coco_says_how_it_is_given(tmp_path):
    (tmp_path / "instances.json").write_text("{}")
    (tmp_path / "a.png").write_bytes(b"")
    text = doctor.examine(str(tmp_path), 1.0).text()
    assert f"coco:{tmp_path}/instances.json,{tmp_path}" in text


def test_a_part_of_a_folder_leads_to_the_whole(tmp_path):
    folder = make_folder(tmp_path / "mine")
    text = doctor.examine(str(folder / "images"), 1.0).text()
    assert f"Do you mean the folder above, {folder}?" in text


def test_a_folder_without_an_object_is_not_ready(tmp_path):
    folder = make_folder(tmp_path / "mine", ("a",))
    write_image(folder / "masks" / "a.png", np.zeros((48, 64), np.uint8))
    diagnosis = doctor.examine(str(folder), 1.0)
    assert not diagnosis.healthy
    assert "0 usable objects, 1 skipped, 0 failed" in diagnosis.text()
    assert "Ready to use" not in diagnosis.text()


def test_clicks_are_counted_by_where_they_fall(tmp_path):
    folder = make_folder(tmp_path / "mine")
    rows = [
        "mine,a,,a,first,,pc,25,20,64,48",
        "mine,a,,a,first,,pc,37,20,64,48",
        "mine,a,,a,first,,pc,60,40,64,48",
        "mine,a,,a,first,,pc,64,48,64,48",
        "mine,gone,,gone,first,,pc,1,1,64,48",
    ]
    (folder / "clicks.csv").write_text(HEADER + "\n".join(rows) + "\n")
    text = doctor.examine(str(folder), 1.0).text()
    assert "clicks: 5 first, 0 fn, 0 fp" in text
    assert (
        "1 in their region, 1 not further than 1 click radii from it, 2 further" in text
    )
    assert "clicks outside their image, which are moved to its border: a (1)" in text
    assert "clicks are on photographs that are not there (1: gone)" in text


def test_the_folder_above_several_says_what_is_missing(tmp_path):
    make_folder(tmp_path / "Berkeley")
    text = doctor.examine(str(tmp_path), 1.0).text()
    assert "GrabCut/ is not there (GrabCut.zip (11 MB))" in text
    assert "clicks.csv is not there" in text
    assert "SUBSEC_MASKS/ is not there" in text
    assert "only a part of the published data" in text


def test_display_modes_are_counted(tmp_path):
    make_folder(tmp_path / "Berkeley")
    rows = ["Silhouette_Mask,a,,a,first,,pc,1,2,64,48"] * 3
    rows += ["Text_Description,a,,a,first,,pc,1,2,64,48"]
    (tmp_path / "previews.csv").write_text(HEADER + "\n".join(rows) + "\n")
    text = doctor.examine(str(tmp_path), 1.0).text()
    assert "by display mode: Silhouette_Mask 3, Text_Description 1" in text
    (tmp_path / "previews.csv").write_text("x,y\n1,2\n")
    assert not doctor.examine(str(tmp_path), 1.0).healthy


def test_display_modes_of_one_folder_are_examined_as_they_are_compared(tmp_path):
    folder = make_folder(tmp_path / "mine")
    good = [f"{mode},a,,a,first,,pc,1,2,64,48" for mode in ("Text_Description", "Box")]
    turned = "Box,b,,b,first,,pc,1,2,48,64"
    gone = "Box,gone,,gone,first,,pc,1,2,64,48"
    # In the folder, then above it.
    for table in (folder / "previews.csv", tmp_path / "previews.csv"):
        table.write_text(HEADER + "\n".join([*good, turned, gone]) + "\n")
        text = doctor.examine(str(folder), 1.0).text()
        table.unlink()
        counts = "clicks by display mode: Box 3, Text_Description 1"
        assert f"   ok previews.csv: 2 click tasks, {counts}" in text
        note = "clicks are on photographs that are not there (1: gone)"
        assert f" note previews.csv: {note}" in text
        assert "ERROR line 4 of previews.csv has a frame of another shape" in text
    table.write_text(HEADER + good[1] + "\n")
    diagnosis = doctor.examine(str(folder), 1.0)
    assert diagnosis.healthy
    assert " note display modes cannot be compared: " in diagnosis.text()
    table.write_text("x,y\n1,2\n")
    assert not doctor.examine(str(folder), 1.0).healthy


def test_display_modes_of_another_dataset_are_passed_over(tmp_path):
    folder = make_folder(tmp_path / "mine")
    row = "Text_Description,gone,,gone,first,,pc,1,2,64,48\n"
    (tmp_path / "previews.csv").write_text(HEADER + row)
    diagnosis = doctor.examine(str(folder), 1.0)
    assert diagnosis.healthy
    assert "previews" not in diagnosis.text()


def test_a_wrong_variant_is_an_error(tmp_path):
    names = [f"{number:05}" for number in range(585)]
    folder = tmp_path / "DAVIS"
    make_folder(folder, names[:1], shape=(44, 60))
    for name in names[1:]:
        for part in ("images", "masks"):
            content = (folder / part / f"{names[0]}.png").read_bytes()
            (folder / part / f"{name}.png").write_bytes(content)
    (folder / "images").rename(folder / "img")
    (folder / "masks").rename(folder / "gt")
    diagnosis = doctor.examine(str(folder), 1.0)
    assert not diagnosis.healthy
    assert "this looks like DAVIS585 of FocalClick" in diagnosis.text()


def test_a_folder_that_is_none_is_an_error():
    with pytest.raises(errors.DataError, match="/no/such is not a folder"):
        doctor.examine("/no/such", 1.0)


@pytest.mark.real
def test_real_clicks_lie_in_their_objects(real_data, tmp_path):
    """Those of every twelfth photograph; tests/soak examines all."""
    folder, table = real_data("VOC_WTP"), real_data("clicks.csv")
    stems = {path.stem for path in sorted((folder / "masks").iterdir())[::12]}
    for kind in ("images", "masks"):
        part = tmp_path / "VOC_WTP" / kind
        part.mkdir(parents=True)
        for path in (folder / kind).iterdir():
            if path.stem in stems:
                (part / path.name).symlink_to(path)
    head, *rows = table.read_text().splitlines()
    kept = [row for row in rows if row.split(",")[1] in stems]
    (tmp_path / "clicks.csv").write_text("\n".join([head, *kept]) + "\n")
    text = doctor.examine(str(tmp_path / "VOC_WTP"), 1.0).text()
    assert "clicks: 372 first, 0 fn, 0 fp" in text
    assert "clicks: 372 in their region" in text


@pytest.mark.parametrize("distance", [float("nan"), float("inf"), -1.0])
def test_a_distance_that_no_click_has_is_refused(tmp_path, distance):
    with pytest.raises(errors.BadValueError, match="--max_click_distance: got"):
        doctor.examine(str(tmp_path), distance)
