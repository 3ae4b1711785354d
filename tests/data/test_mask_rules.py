"""What is an object in mask files of a user's folder: one of all, or one a label."""

import io

import cv2
import image_bytes
import numpy as np
import pytest
from helpers import disk
from mask_readings import (
    DAVIS,
    DISK,
    SHAPE,
    THREE,
    VOC,
    assert_mask,
    assert_three,
    each,
    one,
    png_of,
)
from PIL import Image

from rclicks_jax import errors
from rclicks_jax.data.raw import (
    IGNORE,
    OBJECT,
    layouts,
    mask_files,
    mask_labels,
    mask_rules,
)

# One object.


@pytest.mark.parametrize("value", [1, 7, 255])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_not_0_is_the_object(value, dtype):
    assert_mask(one(png_of(DISK * dtype(value))), DISK)
    assert_mask(one(png_of(np.dstack([DISK * dtype(value)] * 3))), DISK)


@pytest.mark.parametrize("quality", [60, 80, 95])
def test_a_jpeg_mask_is_cut_at_half(quality):
    encoded = image_bytes.saved(DISK * np.uint8(255), "JPEG", quality=quality)
    assert_mask(one(encoded), DISK, mask_rules.CUT_LOSSY)


def test_a_lossy_webp_mask_is_cut_at_half():
    encoded = image_bytes.saved(np.dstack([DISK * np.uint8(255)] * 3), "WEBP")
    assert_mask(one(encoded), DISK, mask_rules.CUT_LOSSY)


def test_a_mask_that_was_a_jpeg_before_is_cut_at_half():
    encoded = image_bytes.saved(DISK * np.uint8(255), "JPEG", quality=75)
    noisy = cv2.imdecode(np.frombuffer(encoded, np.uint8), 0)
    assert len(np.unique(noisy)) > 8
    assert_mask(one(png_of(noisy)), DISK, mask_rules.CUT)


@pytest.mark.parametrize("levels", [80, 40])
def test_a_jpeg_of_several_levels_is_refused(levels):
    encoded = image_bytes.saved(THREE * np.uint8(levels), "JPEG", quality=90)
    with pytest.raises(errors.DataError, match="several levels of grey"):
        one(encoded)


def test_a_wide_slope_has_no_levels():
    soft = cv2.GaussianBlur(DISK * np.float32(255), (0, 0), 6).astype(np.uint8)
    half = 2 * soft.astype(int) > int(soft.min()) + soft.max()
    assert_mask(one(png_of(soft)), half, mask_rules.CUT)


def test_a_jpeg_whose_object_is_1_is_refused():
    encoded = image_bytes.saved(DISK.astype(np.uint8) * 9, "JPEG")
    with pytest.raises(errors.DataError, match="neither labels nor a mask"):
        one(encoded)


@pytest.mark.parametrize("value", [0, 255])
def test_a_jpeg_of_one_value_is_empty_or_full(value):
    mask, notes = one(image_bytes.saved(np.full(SHAPE, value, np.uint8), "JPEG"))
    assert (mask == value).all()
    assert notes == ({mask_rules.EVERYWHERE} if value else set())


@pytest.mark.parametrize("top", [255, 65535])
def test_soft_edges_are_cut_at_half(top):
    fine = disk((4 * SHAPE[0], 4 * SHAPE[1]), (96, 120), 56).astype(np.float32)
    soft = cv2.resize(fine, SHAPE[::-1], interpolation=cv2.INTER_AREA)
    stored = np.rint(soft * top).astype(np.uint8 if top == 255 else np.uint16)
    found, notes = one(png_of(stored))
    assert notes == {mask_rules.CUT}
    np.testing.assert_array_equal(found == OBJECT, 2 * stored.astype(int) > top)


def test_a_blurred_mask_is_cut_at_half():
    soft = cv2.GaussianBlur(DISK * np.float32(255), (0, 0), 3).astype(np.uint8)
    half = soft > soft.max() / 2
    assert_mask(one(png_of(soft)), half, mask_rules.CUT)


def test_probabilities_are_cut_at_half():
    soft = cv2.GaussianBlur(DISK.astype(np.float32), (0, 0), 2)
    encoded = image_bytes.saved(soft, "TIFF")
    assert_mask(one(encoded), soft > soft.max() / 2, mask_rules.CUT)


def test_video_levels_are_cut_at_half():
    stored = np.where(DISK, 235, 16).astype(np.uint8)
    assert_mask(one(png_of(stored)), DISK, mask_rules.CUT)


def test_a_label_image_in_masks_is_one_object_with_a_note():
    for stored in (THREE, THREE * np.uint8(85), np.dstack([THREE * 40] * 3)):
        assert_mask(one(png_of(stored)), THREE > 0, mask_rules.SEVERAL)


def test_a_photograph_is_no_mask():
    rows, columns = np.indices(SHAPE)
    photo = np.dstack([rows * 5, columns * 3, rows + columns]).astype(np.uint8)
    for encoded in (png_of(photo), image_bytes.saved(photo, "JPEG")):
        with pytest.raises(errors.DataError, match="is no mask"):
            one(encoded)


def test_values_without_0_are_refused():
    with pytest.raises(errors.DataError, match="no pixel of 0"):
        one(png_of(np.where(DISK, 2, 1).astype(np.uint8)))


# Label images.


def test_label_images_with_loss_are_refused():
    stored = THREE * np.uint8(80)
    encoded = image_bytes.saved(stored, "JPEG")
    with pytest.raises(errors.DataError, match="label image saved with loss"):
        each(encoded)
    noisy = cv2.imdecode(np.frombuffer(encoded, np.uint8), 0)
    with pytest.raises(errors.DataError, match="along edges only"):
        each(png_of(noisy))


def test_label_images_that_were_resized_softly_are_refused():
    soft = cv2.resize(THREE * np.uint8(80), None, fx=1.7, fy=1.7)
    with pytest.raises(errors.DataError, match="nearest neighbour"):
        each(png_of(soft))


def test_a_label_along_edges_only_is_noted():
    stored = np.where(THREE > 0, 3, 0).astype(np.uint8)
    stored[0:3, 0:3] = 1
    soft = cv2.resize(stored, None, fx=2, fy=2)
    objects, notes = each(png_of(soft))
    assert list(objects) == ["1", "2", "3"]
    assert notes == {mask_rules.EDGES}


def test_labels_of_16_and_32_bits_and_colours_keep_their_ids():
    wide = THREE.astype(np.uint16)
    wide[THREE == 3] = 60000
    assert_three(each(png_of(wide))[0], ("1", "2", "60000"))
    wide = THREE.astype(np.int32)
    wide[THREE == 3] = 70000
    assert_three(each(image_bytes.saved(wide, "TIFF"))[0], ("1", "2", "70000"))
    assert_three(each(image_bytes.saved(THREE.astype(np.float32), "TIFF"))[0])
    colours = np.array(DAVIS, np.uint8)[THREE]
    ids = ("128", "32768", "32896")
    assert_three(each(png_of(colours[..., ::-1]))[0], ids)
    assert_three(each(png_of(np.dstack([THREE] * 3)))[0])


def test_fractions_are_no_labels():
    encoded = image_bytes.saved(THREE * np.float32(0.4), "TIFF")
    with pytest.raises(errors.DataError, match="has fractions"):
        each(encoded)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("read", [one, each])
def test_values_that_are_no_numbers_are_refused(value, read):
    stored = THREE.astype(np.float32)
    stored[0, 0] = value
    with pytest.raises(errors.DataError, match="no numbers"):
        read(image_bytes.saved(stored, "TIFF"))


def test_a_coloured_image_on_white_is_refused():
    colours = np.array([(255, 255, 255), *DAVIS[1:]], np.uint8)[THREE]
    for read in (one, each):
        with pytest.raises(errors.DataError, match="no pixel of 0"):
            read(png_of(colours[..., ::-1]))


def test_white_beside_colours_is_noted():
    colours = np.array([*DAVIS[:3], (255, 255, 255)], np.uint8)[THREE]
    objects, notes = each(png_of(colours[..., ::-1]))
    assert_three(objects, ("128", "32768", "16777215"))
    assert notes == {mask_rules.NOT_GROUND}


def test_many_objects_and_a_full_image_are_noted():
    stored = np.arange(12 * 16).reshape(12, 16).repeat(4, 0).repeat(4, 1)
    objects, notes = each(png_of(stored.astype(np.uint8)))
    assert len(objects) == 191
    assert notes == {mask_rules.MANY}
    objects, notes = each(png_of(np.where(DISK, 2, 1).astype(np.uint8)))
    assert list(objects) == ["1", "2"]
    assert notes == {mask_rules.FULL, mask_rules.EVERYWHERE}


def test_an_object_on_all_borders_is_noted():
    assert_mask(one(png_of(~DISK * np.uint8(255))), ~DISK, mask_rules.EVERYWHERE)


# TIFF, pages.


def test_a_whole_tiff_that_opencv_cannot_read_is_not_called_truncated():
    content = io.BytesIO()
    grey = Image.fromarray(DISK * np.uint8(255))
    grey.save(content, "TIFF", compression="zstd")
    whole = content.getvalue()
    with pytest.raises(errors.DataError, match=r"a whole TIFF.*Save it as PNG"):
        mask_files.parse(whole, "m")


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG"])
@pytest.mark.parametrize("read", [one, each])
def test_several_pages_are_refused(kind, read):
    pages = [Image.fromarray((i == THREE) * np.uint8(255)) for i in (1, 2)]
    encoded = image_bytes.saved(
        np.array(pages[0]), kind, save_all=True, append_images=pages[1:]
    )
    with pytest.raises(errors.DataError, match="has 2 pages or frames"):
        read(encoded)


# Previous masks.


def test_previous_masks_are_soft_in_8_bits():
    soft = np.linspace(0, 255, 48 * 64).astype(np.uint8).reshape(SHAPE)
    for stored in (soft, soft * np.uint16(257), np.dstack([soft] * 3)):
        read = mask_rules.soft(mask_files.parse(png_of(stored), "m"))
        np.testing.assert_array_equal(read, soft)
    ones = mask_rules.soft(mask_files.parse(png_of(DISK.astype(np.uint8)), "m"))
    np.testing.assert_array_equal(ones, DISK * 255)
    floats = image_bytes.saved(soft.astype(np.float32) / 255, "TIFF")
    np.testing.assert_array_equal(mask_rules.soft(mask_files.parse(floats, "m")), soft)


# The published rules.


def test_published_rules_read_numbers_as_they_stand():
    encoded = image_bytes.saved(DISK * np.uint8(255), "JPEG", quality=75)
    file = mask_files.parse(encoded, "m")
    for name in ("DAVIS", "COCO_MVal", "VOC_WTP"):
        reading = layouts.LAYOUTS[name].rule(file, SHAPE)
        np.testing.assert_array_equal(reading.objects[""] > 0, file.pixels > 0)
        assert reading.notes == (layouts.LOSSY,)
    soft = cv2.blur(DISK * np.uint8(255), (3, 3))
    reading = layouts.nonzero(mask_files.parse(png_of(soft), "m"), SHAPE)
    np.testing.assert_array_equal(reading.objects[""] > 0, soft > 0)
    assert reading.notes == (layouts.VALUES,)


def test_tetris_keeps_ids_by_colour():
    encoded = image_bytes.png(THREE, 8, DAVIS)
    reading = layouts.LAYOUTS["TETRIS"].rule(mask_files.parse(encoded, "m"), SHAPE)
    assert list(reading.objects) == ["128", "32768", "32896"]


@pytest.mark.parametrize(
    "stored",
    [
        png_of(DISK.astype(np.uint16)),
        png_of(DISK * np.uint16(255)),
        png_of(np.dstack([DISK * np.uint8(255), DISK * 0, DISK * 0])),
        png_of(np.dstack([np.full((*SHAPE, 3), 255), DISK * 255]).astype(np.uint8)),
        png_of(np.dstack([np.zeros((*SHAPE, 3)), DISK * 255]).astype(np.uint8)),
        image_bytes.png(DISK, 8, [(0, 0, 0), (128, 0, 0)]),
        image_bytes.png(DISK, 8, [(0, 0, 0), (0, 0, 0)]),
    ],
)
def test_a_previous_mask_of_two_values_is_an_object_whatever_its_file(stored):
    read = mask_rules.soft(mask_files.parse(stored, "m"))
    np.testing.assert_array_equal(read, DISK * 255)


def test_a_previous_mask_of_several_colours_or_pages_is_refused():
    colours = np.zeros((*SHAPE, 3), np.uint8)
    colours[THREE == 1], colours[THREE == 2] = (255, 0, 0), (0, 255, 0)
    with pytest.raises(errors.DataError, match="previous mask has several colours"):
        mask_rules.soft(mask_files.parse(png_of(colours), "m"))
    pages = [Image.fromarray(DISK)] * 2
    two = image_bytes.saved(
        DISK * np.uint8(255), "TIFF", save_all=True, append_images=pages
    )
    with pytest.raises(errors.DataError, match="3 pages"):
        mask_rules.soft(mask_files.parse(two, "m"))


@pytest.mark.parametrize("name", ["DAVIS", "Berkeley", "TETRIS"])
def test_published_rules_find_the_mask_in_the_alpha_channel(name):
    white = np.dstack([np.full((*SHAPE, 3), 255), DISK * 255]).astype(np.uint8)
    reading = layouts.LAYOUTS[name].rule(mask_files.parse(png_of(white), "m"), SHAPE)
    (mask,) = reading.objects.values()
    assert_mask((mask, set(reading.notes)), DISK, mask_labels.ALPHA)


def test_published_rules_note_what_they_pass_over():
    void = np.where(cv2.dilate(DISK * np.uint8(1), np.ones((5, 5))) > DISK, 255, DISK)
    file = mask_files.parse(png_of(void.astype(np.uint8)), "m")
    assert layouts.trimap(file, SHAPE).notes == (layouts.LEVELS,)
    assert mask_rules.NOT_VOID in layouts.colour_ids(file, SHAPE).notes
    file = mask_files.parse(png_of((~DISK) * np.uint8(255)), "m")
    assert layouts.nonzero(file, SHAPE).notes == (mask_rules.EVERYWHERE,)
    twins = image_bytes.png(THREE, 8, [(0,) * 3, *[(200, 0, 0)] * 3])
    with pytest.raises(errors.DataError, match="several indices in one colour"):
        layouts.colour_ids(mask_files.parse(twins, "m"), SHAPE)
    red = np.dstack([DISK * 0, DISK * 0, DISK * 255]).astype(np.uint8)
    with pytest.raises(errors.DataError, match="is coloured"):
        layouts.trimap(mask_files.parse(png_of(red), "m"), SHAPE)


def test_colours_of_8_bits_in_16_are_those_of_8():
    coloured = np.zeros((*SHAPE, 3), np.uint8)
    for number, colour in VOC.items():
        coloured[number == THREE] = colour[::-1]
    coloured[2:4, 4:14] = (192, 224, 224)
    assert (
        each(png_of(coloured.astype(np.uint16) * 257))[1] == each(png_of(coloured))[1]
    )
    assert tuple(each(png_of(coloured.astype(np.uint16) * 257))[0]) == (
        "128",
        "32768",
        "32896",
    )
    deep, plain = (
        each(png_of(image))[0] for image in (coloured.astype(np.uint16) * 257, coloured)
    )
    for key, mask in plain.items():
        np.testing.assert_array_equal(deep[key], mask)
        assert (mask[2:4, 4:14] == IGNORE).all()
