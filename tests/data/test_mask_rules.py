"""What mask files of a user's folder mean, on small ones of every kind."""

import io

import cv2
import hypothesis
import hypothesis.strategies as st
import image_bytes
import numpy as np
import pytest
from helpers import disk
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

SHAPE = (48, 64)
DISK = disk(SHAPE, (24, 30), 14)
# Three objects of 60 pixels on the ground.
THREE = np.zeros(SHAPE, np.uint8)
THREE[4:10, 4:14], THREE[20:26, 30:40], THREE[36:42, 50:60] = 1, 2, 3
VOC = {0: (0, 0, 0), 1: (128, 0, 0), 2: (0, 128, 0), 3: (128, 128, 0)}
DAVIS = [VOC[i] for i in range(4)]


def png_of(array):
    """Returns a PNG of `u8`, `u16` or BGR(A) pixels."""
    return cv2.imencode(".png", np.ascontiguousarray(array))[1].tobytes()


def one(encoded):
    """Returns the mask and the notes of a file in masks/."""
    reading = mask_rules.one_object(mask_files.parse(encoded, "m"), SHAPE)
    (mask,) = reading.objects.values()
    return mask, set(reading.notes)


def each(encoded):
    """Returns the masks and the notes of a file in labels/."""
    reading = mask_rules.each_label(mask_files.parse(encoded, "m"), SHAPE)
    return reading.objects, set(reading.notes)


def assert_three(objects, ids=("1", "2", "3")):
    assert tuple(objects) == ids
    for number, mask in enumerate(objects.values(), 1):
        np.testing.assert_array_equal(mask == OBJECT, number == THREE)


def assert_mask(found, expected, *notes):
    mask, said = found
    np.testing.assert_array_equal(mask == OBJECT, expected)
    assert said == set(notes)


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


# Void.


def bordered():
    """Returns an image of 1 with a border of 255 around it, as VOC's."""
    wide = cv2.dilate(DISK.astype(np.uint8), np.ones((5, 5)))
    return np.where(DISK, 1, wide * 255).astype(np.uint8)


@pytest.mark.parametrize("form", ["grey", "colour", "palette", "rgb of grey"])
@pytest.mark.parametrize("read", [one, each])
def test_void_is_ignored_with_a_note(form, read):
    stored = bordered()
    palette = np.zeros((256, 3), np.uint8)
    palette[1], palette[255] = VOC[1], (224, 224, 192)
    encoded = {
        "grey": lambda: png_of(stored),
        "rgb of grey": lambda: png_of(np.dstack([stored] * 3)),
        "colour": lambda: png_of(palette[stored][..., ::-1]),
        "palette": lambda: image_bytes.png(stored, 8, palette),
    }[form]()
    grey = form in ("grey", "rgb of grey")
    note = mask_labels.VOID_255 if grey else mask_labels.VOID_COLOUR
    found, notes = read(encoded)
    if read is each:
        assert len(found) == 1
        (found,) = found.values()
    assert notes == {note}
    np.testing.assert_array_equal(found == OBJECT, DISK)
    np.testing.assert_array_equal(found == IGNORE, stored == 255)


def test_evenly_spread_labels_are_not_void():
    objects, notes = each(png_of(THREE * np.uint8(85)))
    assert_three(objects, ("85", "170", "255"))
    assert notes == {mask_rules.NOT_VOID}


def test_a_trimap_is_read_as_one():
    stored = bordered()
    stored = np.where(stored == 255, 128, stored * 255).astype(np.uint8)
    mask, notes = one(png_of(stored))
    np.testing.assert_array_equal(mask == OBJECT, DISK)
    np.testing.assert_array_equal(mask == IGNORE, stored == 128)
    assert notes == {mask_labels.TRIMAP}


def test_negative_labels_are_void():
    stored = THREE.astype(np.int32)
    stored[0] = -1
    objects, notes = each(image_bytes.saved(stored, "TIFF"))
    assert_three(objects)
    assert (objects["1"][0] == IGNORE).all()
    assert notes == {mask_labels.NEGATIVE}


# Palettes.


@pytest.mark.parametrize(
    "palette",
    [
        DAVIS,
        DAVIS[:2],
        [VOC[0], VOC[1], VOC[1], VOC[0]],
        [(255, 255, 255), VOC[1], VOC[2], VOC[3]],
        [(i, i, i) for i in (0, 85, 170, 255)],
    ],
    ids=["DAVIS", "too short", "equal colours", "white ground", "greys"],
)
def test_objects_are_told_apart_by_index(palette):
    encoded = image_bytes.png(THREE, 8, palette)
    objects, notes = each(encoded)
    assert_three(objects)
    assert not notes
    assert_mask(one(encoded), THREE > 0, mask_rules.SEVERAL)


@hypothesis.given(
    depth=st.sampled_from([1, 2, 4, 8]),
    size=st.integers(0, 256),
    seed=st.integers(0, 99),
    grey=st.booleans(),
)
@hypothesis.settings(deadline=None, max_examples=60)
def test_ids_are_the_stored_numbers_at_every_depth(depth, size, seed, grey):
    random = np.random.default_rng(seed)
    top = min(2**depth - 1, 20)
    stored = np.zeros((24, 40), int)
    ids = sorted({1, *random.integers(1, top + 1, 3).tolist()})
    for number, label in enumerate(ids):
        stored[4:20, 2 + 9 * number : 8 + 9 * number] = label
    palette = random.integers(1, 200, (max(1, min(size, 2**depth)), 3))
    palette[:, 0] = 201  # No grey and no border colour.
    encoded = image_bytes.png(stored, depth, None if grey else palette)
    objects, notes = each(encoded)
    assert list(objects) == [str(label) for label in ids]
    for label in ids:
        np.testing.assert_array_equal(objects[str(label)] == OBJECT, stored == label)
    assert not notes


def test_a_shortened_grey_mask_keeps_its_greys():
    encoded = image_bytes.png(DISK.astype(int), 1, [(0, 0, 0), (255, 255, 255)])
    assert_mask(one(encoded), DISK)
    stored = np.where(bordered() == 255, 2, bordered())
    palette = [(0, 0, 0), (1, 1, 1), (255, 255, 255)]
    objects, notes = each(image_bytes.png(stored, 2, palette))
    assert list(objects) == ["1"]
    np.testing.assert_array_equal(objects["1"] == OBJECT, DISK)
    assert notes == {mask_labels.VOID_255}


@pytest.mark.parametrize("colour", [(255, 255, 255), (255, 0, 0)])
def test_soft_edges_in_a_palette_are_cut_at_half(colour):
    soft = cv2.GaussianBlur(DISK * np.float32(255), (0, 0), 2).astype(np.uint8)
    palette = np.arange(256)[:, None] * np.array(colour) // 255
    half = 2 * soft.astype(int) > int(soft.max())
    assert_mask(one(image_bytes.png(soft, 8, palette)), half, mask_rules.CUT)
    with pytest.raises(errors.DataError, match="along edges only"):
        each(image_bytes.png(soft, 8, palette))


def test_a_palette_with_black_elsewhere_is_refused():
    encoded = image_bytes.png(DISK.astype(int), 1, [(255, 255, 255), (0, 0, 0)])
    for read in (one, each):
        with pytest.raises(errors.DataError, match="which of them is the ground"):
            read(encoded)


def test_black_is_the_ground_where_index_0_is_not_used():
    stored = np.where(DISK, 2, 1)
    palette = [(9, 9, 9), (0, 0, 0), (255, 0, 0)]
    assert_mask(
        one(image_bytes.png(stored, 2, palette)), DISK, mask_labels.BLACK_GROUND
    )


# Alpha.


@pytest.mark.parametrize("colour", [0, 255])
def test_the_mask_may_be_the_alpha_channel(colour):
    alpha = DISK * np.uint8(255)
    stored = np.dstack([np.full((*SHAPE, 3), colour, np.uint8), alpha])
    assert_mask(one(png_of(stored)), DISK, mask_labels.ALPHA)
    objects, notes = each(png_of(stored))
    np.testing.assert_array_equal(objects["255"] == OBJECT, DISK)
    assert notes == {mask_labels.ALPHA}


def test_an_alpha_channel_beside_a_mask_is_dropped():
    grey = DISK * np.uint8(255)
    full = np.full(SHAPE, 255, np.uint8)
    assert_mask(one(png_of(np.dstack([grey] * 3 + [full]))), DISK)
    assert_mask(one(png_of(np.dstack([grey] * 4))), DISK)
    full[:9] = 100
    stored = np.dstack([grey] * 3 + [full])
    assert_mask(one(png_of(stored)), DISK, mask_labels.ALPHA_DROPPED)


def test_alpha_that_hides_the_mask_is_refused():
    grey = DISK * np.uint8(255)
    with pytest.raises(errors.DataError, match="alpha channel that hides"):
        one(png_of(np.dstack([grey] * 3 + [255 - grey])))


def test_a_photograph_that_was_cut_out_is_its_alpha_channel():
    # Its dark half would be lost if its colours were cut at half.
    photo = np.random.default_rng(0).integers(1, 99, (*SHAPE, 3), np.uint8)
    photo[:, 32:] += 150
    stored = np.dstack([photo * DISK[..., None], DISK * np.uint8(255)])
    assert_mask(one(png_of(stored)), DISK, mask_labels.CUT_OUT)


def test_coloured_labels_that_were_cut_out_stay_labels():
    colours = np.array([(0, 0, 0), *(c[::-1] for c in DAVIS[1:])], np.uint8)[THREE]
    stored = np.dstack([colours, (THREE > 0) * np.uint8(255)])
    objects, notes = each(png_of(stored))
    assert_three(objects, ("128", "32768", "32896"))
    assert notes == set()


def test_a_tiff_whose_alpha_cannot_be_read_is_refused():
    white = Image.new("L", SHAPE[::-1], 255)
    grey = Image.fromarray(DISK * np.uint8(255))
    content = io.BytesIO()
    Image.merge("LA", [white, grey]).save(content, "TIFF")
    with pytest.raises(errors.DataError, match="2 channels, of which 1 can be read"):
        mask_files.parse(content.getvalue(), "m")


def test_a_whole_tiff_that_opencv_cannot_read_is_not_called_truncated():
    content = io.BytesIO()
    grey = Image.fromarray(DISK * np.uint8(255))
    grey.save(content, "TIFF", compression="zstd")
    whole = content.getvalue()
    with pytest.raises(errors.DataError, match=r"a whole TIFF.*Save it as PNG"):
        mask_files.parse(whole, "m")


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
    wide[THREE == 3] = 65535
    assert_three(each(png_of(wide))[0], ("1", "2", "65535"))
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


@pytest.mark.parametrize(
    ("software", "expected", "note"),
    [
        ("tifffile.py", DISK, mask_labels.AS_WRITTEN),
        ("GIMP", ~DISK, mask_labels.AS_SHOWN),
    ],
)
def test_bilevel_tiffs_that_show_0_as_white(software, expected, note):
    # Pillow writes bilevel TIFFs with 1 as white; the header is changed afterwards.
    encoded = image_bytes.saved(DISK, "TIFF", tiffinfo={305: software})
    black, white = (b"\x06\x01\x03\x00\x01\x00\x00\x00" + bytes([b]) for b in (1, 0))
    assert encoded.count(black) == 1
    mask, notes = one(encoded.replace(black, white))
    np.testing.assert_array_equal(mask == OBJECT, expected)
    assert note in notes
    assert_mask(one(encoded), DISK)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "PNG"])
@pytest.mark.parametrize("read", [one, each])
def test_several_pages_are_refused(kind, read):
    from PIL import Image

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
