"""Readers of raw folders, on small ones laid out as the downloads are."""

import image_bytes
import numpy as np
import pytest
from helpers import disk, make_folder, write_image

from rclicks_jax import errors
from rclicks_jax.data import raw, specs
from rclicks_jax.data.raw import clicks_csv, sources

SHAPE = (30, 40)
PHOTO = np.full((*SHAPE, 3), 90, np.uint8)
HEADER = (
    "dataset,image_stem,object_stem,full_stem,click_type,model_type,device,x,y,w,h\n"
)


def source_of(kind, folder):
    return sources.open_source(specs.DataSpec(kind, folder))


def only_image(source):
    (image,) = source.images(source.split_names[0])
    return image


def test_grabcut_reads_128_as_ignored(tmp_path):
    mask = np.zeros(SHAPE, np.uint8)
    mask[5:20, 5:20], mask[5:7, 5:20], mask[25] = 255, 128, 100
    write_image(tmp_path / "data_GT" / "x.png", PHOTO)
    write_image(tmp_path / "boundary_GT" / "x.png", mask)
    image = only_image(source_of("GrabCut", tmp_path))
    (one,) = image.objects
    assert one.instance_id == "x"
    assert (one.mask[7:20, 5:20] == raw.OBJECT).all()
    assert (one.mask[5:7, 5:20] == raw.IGNORE).all()
    assert not one.mask[25].any()


@pytest.mark.parametrize("kind", ["DAVIS", "COCO_MVal"])
def test_davis_and_coco_mval_read_any_colour_as_object(tmp_path, kind):
    mask = np.zeros((*SHAPE, 3), np.uint8)
    mask[3:9, 4:8, 2] = 1
    write_image(tmp_path / "img" / "x.png", PHOTO)
    write_image(tmp_path / "gt" / "x.png", mask)
    (one,) = only_image(source_of(kind, tmp_path)).objects
    np.testing.assert_array_equal(one.mask > 0, mask.any(axis=2))


def test_tetris_reads_ids_from_colours_and_limits_the_longest_side(tmp_path):
    photo = np.zeros((1024, 4096, 3), np.uint8)
    mask = np.zeros_like(photo)
    mask[:512, :2048] = (0, 0, 1)
    mask[600:1000, 3000:] = (3, 2, 0)
    write_image(tmp_path / "images" / "a.b-c.png", photo)
    write_image(tmp_path / "masks" / "a.b-c.png", mask)
    image = only_image(source_of("TETRIS", tmp_path))
    assert image.shape == (512, 2048)
    # RGB (0, 0, 1) has B = 1; (3, 2, 0) has G = 2, R = 3.
    assert [o.instance_id for o in image.objects] == [
        "a.b-c_______515",
        "a.b-c_______65536",
    ]
    second = image.objects[1].mask
    assert second.shape == image.shape
    assert (second[:256, :1024] == raw.OBJECT).all()
    assert not second[:, 1025:].any()


def test_a_folder_of_masks_is_several_objects(tmp_path):
    folder = make_folder(tmp_path, ("a",))
    (folder / "masks" / "a.png").unlink()
    for name, centre in (("cat", (10, 10)), ("dog", (30, 40))):
        write_image(
            folder / "masks" / "a" / f"{name}.png",
            disk((48, 64), centre, 6) * np.uint8(255),
        )
    image = only_image(source_of("folder", folder))
    assert [o.instance_id for o in image.objects] == ["a_______cat", "a_______dog"]
    assert image.objects[0].mask[10, 10] == raw.OBJECT


def test_labels_are_objects_by_value(tmp_path):
    labels = np.zeros(SHAPE, np.uint16)
    labels[:5], labels[10:15] = 7, 1000
    write_image(tmp_path / "images" / "x.png", PHOTO)
    write_image(tmp_path / "labels" / "x.png", labels)
    image = only_image(source_of("folder", tmp_path))
    assert [o.instance_id for o in image.objects] == ["x_______7", "x_______1000"]


def test_a_folder_without_masks_says_what_it_must_have(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(errors.DataError, match=r"images/ and.*masks/.*labels/"):
        source_of("folder", tmp_path)


def test_a_wrong_folder_says_what_the_dataset_has(tmp_path):
    make_folder(tmp_path)
    with pytest.raises(
        errors.DataError, match=r"GrabCut dataset has data_GT/ and boundary_GT/"
    ):
        source_of("GrabCut", tmp_path)


def damage_truncate(folder):
    path = folder / "images" / "a.png"
    path.write_bytes(path.read_bytes()[:500])


def damage_size(folder):
    write_image(folder / "masks" / "a.png", np.full((10, 12), 255, np.uint8))


def damage_size_of_no_picture(folder):
    claimed = image_bytes.png(np.zeros((10, 12), int), 8, claimed=(9000, 9001))
    (folder / "masks" / "a.png").write_bytes(claimed)


def damage_size_of_no_photograph(folder):
    claimed = image_bytes.png(np.zeros((10, 12), int), 8, claimed=(9000, 9001))
    (folder / "images" / "a.png").write_bytes(claimed)


def damage_to_folder(folder):
    (folder / "masks" / "a.png").unlink()
    (folder / "masks" / "a.png").mkdir()


def damage_empty(folder):
    write_image(folder / "masks" / "a.png", np.zeros((48, 64), np.uint8))


def damage_no_mask(folder):
    (folder / "masks" / "a.png").unlink()


def damage_no_image(folder):
    (folder / "images" / "a.png").write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damage_truncate, "truncated"),
        (damage_size, "the mask is 10x12 pixels, the image 48x64"),
        # Headers are compared before anything is decoded.
        (damage_size_of_no_picture, "the mask is 9000x9001 pixels, the image 48x64"),
        (damage_size_of_no_photograph, "is 48x64 pixels, the image 9000x9001"),
        (damage_to_folder, "there is STEM.png, which is a folder: call it STEM"),
        (damage_empty, "no object pixel"),
        (damage_no_mask, "has no mask called a"),
        (damage_no_image, "the image is empty (0 bytes)"),
    ],
)
def test_a_bad_file_is_an_image_with_a_problem(tmp_path, damage, reason):
    folder = make_folder(tmp_path)
    damage(folder)
    images = list(source_of("folder", folder).images("test"))
    assert len(images) == 3
    (broken,) = images[0].objects
    assert broken.mask is None
    assert reason in broken.problem
    assert all(
        not image.problem and image.objects[0].mask is not None for image in images[1:]
    )


@pytest.fixture
def clicked(tmp_path):
    folder = make_folder(tmp_path / "mine")
    rows = [
        "mine,a,,a,first,,pc,25,20,64,48",
        "mine,a,,a,first,,mobile,999,-5,64,48",
        "mine,a,,a_sam_fn_pc_3,fn,sam,pc,27,22,64,48",
        "mine,b,,b_mivos_fp,fp,mivos,pc,1,1,64,48",
        "other,a,,a,first,,pc,1,2,3,4",
        "mine,gone,,gone,first,,pc,1,2,64,48",
    ]
    (tmp_path / "clicks.csv").write_text(HEADER + "\n".join(rows) + "\n")
    prev_mask = np.zeros((48, 64), np.uint8)
    prev_mask[:22] = 255
    write_image(tmp_path / "mine" / "prev_masks" / "a_sam_fn_pc_3.png", prev_mask)
    return folder


def test_clicks_belong_to_their_tasks_and_stay_inside(clicked):
    source = source_of("folder", clicked)
    first, later, lost = source.tasks("test")
    assert first.click_set_id == "a"
    assert first.click_type == "first"
    assert first.input_device == "mobile+pc"
    assert first.clicks_yx.tolist() == [[20, 25], [0, 63]]
    assert (later.click_type, later.mask_source) == ("fn", "sam")
    assert later.prev_mask[:22].min() == 255
    assert lost.click_set_id == "b_mivos_fp"
    assert "no previous mask b_mivos_fp.png" in lost.problem


def test_a_previous_mask_of_another_size_is_not_decoded(clicked):
    claimed = image_bytes.png(np.zeros((10, 12), int), 8, claimed=(9000, 9001))
    (clicked / "prev_masks" / "a_sam_fn_pc_3.png").write_bytes(claimed)
    _, later, _ = source_of("folder", clicked).tasks("test")
    assert later.problem == "the mask is 9000x9001 pixels, the image 48x64"


@pytest.mark.parametrize("place", ["", "SUBSEC_MASKS/all_benchmark_datasets/fn_fp"])
def test_previous_masks_are_found_where_the_download_has_them(tmp_path, place):
    write_image(tmp_path / "GrabCut" / "data_GT" / "x.png", PHOTO)
    target = disk(SHAPE, (10, 10), 6).astype(np.uint8) * 255
    write_image(tmp_path / "GrabCut" / "boundary_GT" / "x.png", target)
    (tmp_path / "clicks.csv").write_text(
        HEADER + "GrabCut,x,,x_ritm_fp_pc_4,fp,ritm,pc,30,20,40,30\n"
    )
    soft = np.full(SHAPE, 100, np.uint8)
    name = place or "prev_masks"
    write_image(tmp_path / name / "x_ritm_fp_pc_4.png", soft)
    (task,) = source_of("GrabCut", tmp_path / "GrabCut").tasks("test")
    assert not task.problem
    np.testing.assert_array_equal(task.prev_mask, soft)


def test_a_target_of_all_objects_needs_all_of_their_masks(tmp_path):
    folder = make_folder(tmp_path / "mine", ("a",))
    whole = (folder / "masks" / "a.png").read_bytes()
    (folder / "masks" / "a.png").unlink()
    (folder / "masks" / "a").mkdir()
    for name, content in (("cat", whole), ("dog", whole[:-30])):
        (folder / "masks" / "a" / f"{name}.png").write_bytes(content)
    rows = ["mine,a,,a,first,,pc,25,20,64,48", "mine,a,cat,b,first,,pc,25,20,64,48"]
    (folder / "clicks.csv").write_text(HEADER + "\n".join(rows) + "\n")
    of_all, of_one = source_of("folder", folder).tasks("test")
    assert "a_______dog: the mask dog ends early" in of_all.problem
    assert of_all.gt_mask is None
    assert not of_one.problem


def test_first_clicks_are_also_the_users_of_an_instance(clicked):
    image = next(source_of("folder", clicked).images("test"))
    (one,) = image.objects
    assert one.clicks_yx.tolist() == [[20, 25], [0, 63]]
    assert one.input_device == "mobile+pc"


def test_lists_divide_the_images(clicked):
    (clicked / "train.txt").write_text("a\n")
    (clicked / "val.txt").write_text("b\n\n")
    source = source_of("folder", clicked)
    assert source.split_names == ("test", "train", "val")
    assert [image.image_id for image in source.images("train")] == ["a"]
    assert [task.click_set_id for task in source.tasks("val")] == ["b_mivos_fp"]
    assert [image.image_id for image in source.images("test")] == ["c"]


def test_clicks_of_a_limited_image_move_with_it(tmp_path):
    photo = np.zeros((1000, 4096, 3), np.uint8)
    mask = np.zeros_like(photo)
    mask[100:900, 1000:3000] = (0, 0, 9)
    write_image(tmp_path / "TETRIS" / "images" / "x.png", photo)
    write_image(tmp_path / "TETRIS" / "masks" / "x.png", mask)
    row = "TETRIS,x,,x,first,,pc,2001,501,4096,1000\n"
    (tmp_path / "clicks.csv").write_text(HEADER + row)
    (task,) = source_of("TETRIS", tmp_path / "TETRIS").tasks("test")
    assert task.clicks_yx.tolist() == [[250, 1000]]


@pytest.mark.parametrize("wrong", ["nan", "", "left", "1e300"])
def test_a_click_that_is_no_number_is_named(tmp_path, wrong):
    head = ",".join(clicks_csv.COLUMNS)
    rows = ["mine,a,,a,first,,pc,3,4,60,40", f"mine,a,,a,first,,pc,5,{wrong},60,40"]
    (tmp_path / "clicks.csv").write_text("\n".join([head, *rows]))
    with pytest.raises(errors.DataError, match=r"line 3: y is .*, not a number"):
        clicks_csv.read(tmp_path / "clicks.csv", "mine")


def test_a_table_without_its_columns_is_refused(tmp_path):
    make_folder(tmp_path / "mine")
    (tmp_path / "clicks.csv").write_text("dataset,x,y\nmine,1,2\n")
    with pytest.raises(errors.DataError, match="lacks the columns image_stem"):
        source_of("folder", tmp_path / "mine")


def test_what_is_passed_over_beside_masks_is_told(tmp_path):
    folder = make_folder(tmp_path / "mine", names=("a", "b"))
    (folder / "labels").mkdir()
    (folder / "masks" / "b.png").unlink()
    (folder / "masks" / "b").mkdir()
    source = source_of("folder", folder)
    kind = "masks/ is read, and labels/ beside it is not"
    assert raw.Note(kind, "labels/") in source.notes
    (problem,) = [image.problem for image in source.images("test") if image.problem]
    assert problem == f"{folder / 'masks' / 'b'} has no mask file"
