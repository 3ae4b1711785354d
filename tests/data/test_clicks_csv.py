"""The table of clicks: encodings, numbers, frames, and tasks that share a name."""

import numpy as np
import pytest
from helpers import make_folder, write_image

from rclicks_jax import errors
from rclicks_jax.data import specs
from rclicks_jax.data.raw import clicks_csv, sources

HEADER = ",".join(clicks_csv.COLUMNS)
# Photographs of `make_folder` are 48 rows of 64.
GOOD = "mine,a,,a,first,,pc,25,20,64,48"


def table(tmp_path, *rows, header=HEADER):
    path = tmp_path / "clicks.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def source_with(tmp_path, *rows):
    folder = make_folder(tmp_path / "mine")
    table(folder, *rows)
    return sources.open_source(specs.DataSpec("folder", folder))


def first_image(source):
    return next(iter(source.images("test")))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_tables_are_read_in_every_encoding_of_unicode(tmp_path, encoding, end):
    row = "mine,caf\u00e9,,caf\u00e9,first,,pc,25,20,64,48"
    content = end.join([HEADER, row, ",,,,,,,,,,", "", GOOD, ""])
    (tmp_path / "clicks.csv").write_bytes(content.encode(encoding))
    found = clicks_csv.read(tmp_path / "clicks.csv", "mine")
    assert list(found) == [("caf\u00e9", "first"), ("a", "first")]
    assert found["a", "first"].clicks_yx.tolist() == [[20, 25]]


def test_quotes_blanks_and_more_columns_are_read(tmp_path):
    header = HEADER.replace(",", ", ") + ", note"
    row = '"mine", "a, b", , "a, b", first, , pc, 025, 20.9, 64, 48, "x, y"'
    found = clicks_csv.read(table(tmp_path, row, header=header), "mine")
    assert found["a, b", "first"].clicks_yx.tolist() == [[20, 25]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([GOOD, "mine,a,,a,first,,pc,1,2,0,48"], "line 3: w is '0'.*1 pixel or more"),
        ([GOOD, "mine,a,,a,first,,pc,1,2,64,-48"], "line 3: .*h is '-48'"),
        ([GOOD, "mine,a,,a,first,,pc,1,2,,48"], "line 3: w is '', not a number"),
        (["mine,a,,a,first,,pc,inf,2,64,48"], "line 2: x is 'inf', not a number"),
        (["mine,a,,a,first,,pc,1_0,2,64,48"], "line 2: x is '1_0'"),
        (["mine,a,,a,first,,pc,0x1,2,64,48"], "line 2: x is '0x1'"),
        (['mine,a,,a,first,,pc,"1,5",2,64,48'], "line 2: x is '1,5'"),
        (["mine,a,,a,first,,pc,9e9,2,64,48"], "line 2: x is '9e9'"),
        (["mine,a,,a,First,,pc,1,2,64,48"], "'First'; allowed: first, fn, fp"),
        (["mine,a,,a,first,,pc,1,2,64"], "line 2: 10 values"),
        (['"mine,a,,a,first,,pc,1,2,64,48'], "not CSV"),
    ],
)
def test_a_line_that_cannot_be_meant_is_named(tmp_path, rows, message):
    with pytest.raises(errors.DataError, match=message):
        clicks_csv.read(table(tmp_path, *rows), "mine")


@pytest.mark.parametrize("sides", ["64,48", "1,1"])
def test_clicks_in_shares_of_the_sides_are_refused(tmp_path, sides):
    rows = [f"mine,a,,a,first,,pc,{xy},{sides}" for xy in ("0.4,0.3", "0,1")]
    path = table(tmp_path, "other,a,,a,first,,pc,25,20,64,48", *rows)
    with pytest.raises(errors.DataError, match="clicks of mine lie between 0 and 1"):
        clicks_csv.read(path, "mine")


def test_clicks_in_pixels_of_a_corner_are_read(tmp_path):
    rows = [f"mine,a,,a,first,,pc,{xy},64,48" for xy in ("0.5,0.5", "1.5,0.2", "0,1")]
    found = clicks_csv.read(table(tmp_path, *rows), "mine")
    assert found["a", "first"].clicks_yx.tolist() == [[0, 0], [0, 1], [1, 0]]


def test_lines_are_counted_through_values_of_several_lines(tmp_path):
    rows = ['mine,"a\nb",,x,first,,pc,1,2,64,48', "mine,a,,a,first,,pc,?,2,64,48"]
    with pytest.raises(errors.DataError, match="line 4: x is"):
        clicks_csv.read(table(tmp_path, *rows), "mine")


@pytest.mark.parametrize(
    ("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_other_separators_are_named(tmp_path, mark, name):
    path = table(tmp_path, GOOD.replace(",", mark), header=HEADER.replace(",", mark))
    with pytest.raises(errors.DataError, match=f"has {name} between its values"):
        clicks_csv.read(path, "mine")


def test_a_column_that_comes_twice_is_refused(tmp_path):
    path = table(tmp_path, f"{GOOD},9", header=f"{HEADER},x")
    with pytest.raises(errors.DataError, match="has the columns x twice"):
        clicks_csv.read(path, "mine")


def test_each_click_is_moved_by_its_own_frame(tmp_path):
    rows = [
        "mine,a,,a,first,,pc,32,24,64,48",
        "mine,a,,a,first,,mobile,320,240,640,480",
        "mine,a,,a,first,,mobile,16,12,32,24",
        "mine,a,,a,first,,mobile,9999,-9999,640,480",
    ]
    source = source_with(tmp_path, *rows)
    expected = [[24, 32], [24, 32], [24, 32], [0, 63]]
    assert first_image(source).objects[0].clicks_yx.tolist() == expected
    (task,) = source.tasks("test")
    assert task.clicks_yx.tolist() == expected


@pytest.mark.parametrize("frame", ["64,48", "63,48", "65,49", "2048,1536", "100,75"])
def test_a_frame_is_the_photograph_at_any_size(tmp_path, frame):
    (task,) = source_with(tmp_path, f"mine,a,,a,first,,pc,1,2,{frame}").tasks("test")
    assert task.problem == ""


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        ("640,640", "w=640, h=640; the photograph has 64x48 pixels"),
        ("48,64", "w=48, h=64; the photograph has 64x48 pixels; w and h are exchanged"),
        ("640,400", "w=640, h=400"),
    ],
)
def test_a_frame_of_another_shape_is_refused_and_noted(tmp_path, frame, what):
    source = source_with(tmp_path, GOOD, f"mine,a,,a,first,,mobile,1,2,{frame}")
    (task,) = source.tasks("test")
    assert task.problem.startswith("line 3 of clicks.csv has a frame of another shape")
    assert what in task.problem
    image = first_image(source)
    assert image.objects[0].problem == ""
    assert len(image.objects[0].clicks_yx) == 0
    (note,) = image.notes
    assert note.kind == "first clicks cannot be used and are left out"
    assert note.where == f"a: {task.problem}"


@pytest.mark.parametrize("frame", [(4096, 1000), (2048, 500), (1024, 250)])
def test_clicks_in_the_frame_of_a_limited_photograph_move_with_it(tmp_path, frame):
    photo = np.zeros((1000, 4096, 3), np.uint8)
    mask = np.zeros_like(photo)
    mask[100:900, 1000:3000] = (0, 0, 9)
    write_image(tmp_path / "TETRIS" / "images" / "x.png", photo)
    write_image(tmp_path / "TETRIS" / "masks" / "x.png", mask)
    width, height = frame
    row = f"TETRIS,x,,x,first,,pc,{width // 2},{height // 2},{width},{height}"
    table(tmp_path, row)
    spec = specs.DataSpec("TETRIS", tmp_path / "TETRIS")
    (task,) = sources.open_source(spec).tasks("test")
    assert task.problem == ""
    assert task.clicks_yx.tolist() == [[250, 1024]]


def test_click_types_of_one_full_stem_are_tasks_of_their_own(tmp_path):
    rows = [
        GOOD,
        "mine,a,,a,fn,sam,pc,1,2,64,48",
        "mine,a,,a,fp,sam,pc,3,4,64,48",
        "mine,b,,b_sam_fn,fn,sam,pc,5,6,64,48",
    ]
    source = source_with(tmp_path, *rows)
    tasks = {task.click_set_id: task for task in source.tasks("test")}
    assert {name: task.click_type for name, task in tasks.items()} == {
        "a": "first", "a_fn": "fn", "a_fp": "fp", "b_sam_fn": "fn"
    }  # fmt: skip
    assert tasks["a_fp"].clicks_yx.tolist() == [[4, 3]]
    assert first_image(source).objects[0].clicks_yx.tolist() == [[20, 25]]


def test_two_tasks_of_one_name_are_refused(tmp_path):
    rows = [GOOD, "mine,a,,a,fn,,pc,1,2,64,48", "mine,a,,a_fn,fn,,pc,1,2,64,48"]
    with pytest.raises(errors.DataError, match="would be called a_fn"):
        source_with(tmp_path, *rows)


def test_one_full_stem_of_two_photographs_is_refused(tmp_path):
    source = source_with(tmp_path, GOOD, "mine,b,,a,first,,pc,1,2,64,48")
    (task,) = source.tasks("test")
    assert "lines 2 and 3 of clicks.csv have one full_stem" in task.problem
    assert len(first_image(source).objects[0].clicks_yx) == 0


@pytest.mark.parametrize("stem", ["../secret", "/tmp/secret", "x/../../secret"])
def test_a_full_stem_reads_nothing_outside_of_its_folder(tmp_path, stem):
    write_image(tmp_path / "secret.png", np.full((48, 64), 255, np.uint8))
    stem = stem.replace("/tmp", str(tmp_path))
    (tmp_path / "mine" / "prev_masks" / "x").mkdir(parents=True)
    source = source_with(tmp_path, f"mine,a,,{stem},fn,sam,pc,1,2,64,48")
    (task,) = source.tasks("test")
    assert task.prev_mask is None
    assert "is not the name of a file" in task.problem
    inside = (tmp_path / "mine").resolve()
    outside = [path for path in source.files() if not path.is_relative_to(inside)]
    assert all(path.parent == tmp_path for path in outside)
    assert tmp_path / "secret.png" not in outside


def test_clicks_that_no_object_has_are_counted(tmp_path):
    rows = [GOOD, "mine,gone,,gone,first,,pc,1,2,64,48"]
    source = source_with(tmp_path, *rows, "mine,b,,b_______7,first,,pc,1,2,64,48")
    (note,) = source.notes
    assert note.kind == "clicks are on photographs that are not there"
    assert note.where == "gone"
    noted = [note for image in source.images("test") for note in image.notes]
    kind = "first clicks are of no single object and are not replayed"
    assert [(note.kind, note.where) for note in noted] == [(kind, "b_______7")]


@pytest.mark.parametrize("stem", ["a.png", " a", "A", "images/a", "0a", "x\\a.jpg"])
def test_the_photograph_that_clicks_mean_is_named(tmp_path, stem):
    source = source_with(tmp_path, f"mine,{stem},,{stem},first,,pc,1,2,64,48")
    (note,) = source.notes
    assert note.where == f"{stem} (there is a)"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_excels_first_line_and_capitals_are_read(tmp_path, end):
    path = tmp_path / "clicks.csv"
    rows = ["sep=,", HEADER.upper(), GOOD, GOOD.replace("64,48", "0,48")]
    path.write_bytes(end.join(rows[:3]).encode())
    assert list(clicks_csv.read(path, "mine")) == [("a", "first")]
    path.write_bytes(end.join(rows).encode())
    with pytest.raises(errors.DataError, match="line 4: w is '0'"):
        clicks_csv.read(path, "mine")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty, or its first line is"),
        (b"\xef\xbb\xbf\n", "is empty, or its first line is"),
        (f"{GOOD}\n".encode(), "the first line names no column of the table"),
        (b"PK\3\4" + b"\0" * 26 + b"[Content_Types].xml", "Office file"),
        (b"PK\3\4" + b"\0" * 26 + b"clicks.csv", "a zip archive"),
        (f"{HEADER}\n{GOOD}\0\n".encode(), "line 2: there are zero bytes"),
        (b"<html></html>", "a web page"),
    ],
)
def test_what_is_no_table_is_named(tmp_path, content, message):
    (tmp_path / "clicks.csv").write_bytes(content)
    with pytest.raises(errors.DataError, match=message):
        clicks_csv.read(tmp_path / "clicks.csv", "mine")


def test_a_frame_of_a_single_pixel_places_nothing(tmp_path):
    source = source_with(tmp_path, "mine,a,,a,first,,pc,20,30,1,1")
    image = first_image(source)
    assert len(image.objects[0].clicks_yx) == 0
    assert "w=1, h=1" in image.notes[0].where


def test_a_table_of_other_datasets_is_told(tmp_path):
    source = source_with(tmp_path, GOOD.replace("mine", "Mine"))
    assert not source.has_clicks
    (note,) = source.notes
    assert note.kind == "clicks.csv has no rows of the dataset mine, but of"
    assert note.where == "Mine"
