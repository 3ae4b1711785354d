"""What number a pixel of a mask file has: void, palettes, alpha, white as 0."""

import io

import cv2
import hypothesis
import hypothesis.strategies as st
import image_bytes
import numpy as np
import pytest
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


# Bilevel TIFFs.


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


@pytest.mark.parametrize("read", [one, each])
def test_65535_beside_small_labels_is_void_in_16_bits(read):
    labels = DISK.astype(np.uint16)
    ring = cv2.dilate(DISK * np.uint8(1), np.ones((5, 5))) > DISK
    labels[ring] = 65535
    found, notes = read(png_of(labels))
    mask = found if read is one else found["1"]
    assert_mask((mask, notes), DISK, mask_labels.VOID_65535)
    np.testing.assert_array_equal(mask == IGNORE, ring)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_labels_on_white_are_refused(dtype):
    labels = np.where(THREE > 0, THREE.astype(dtype) * 60, np.iinfo(dtype).max)
    with pytest.raises(errors.DataError, match="no pixel of 0"):
        each(png_of(labels))


@pytest.mark.parametrize("name", ["DAVIS", "Berkeley", "TETRIS"])
@pytest.mark.parametrize(
    "palette", [[(255,) * 3, (0,) * 3], [(0,) * 3, (0,) * 3], [(0,) * 3]]
)
def test_palettes_whose_colours_hide_the_object_are_refused(name, palette):
    file = mask_files.parse(image_bytes.png(DISK, 8, palette), "m")
    with pytest.raises(errors.DataError, match="not the only black"):
        layouts.LAYOUTS[name].rule(file, SHAPE)
