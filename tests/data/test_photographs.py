"""Photographs and their masks: one frame, 8 bits, whole files."""

import io
import struct

import cv2
import image_bytes
import numpy as np
import pytest
from helpers import disk, make_folder
from PIL import Image

from rclicks_jax import errors
from rclicks_jax.data import doctor, packages, raw, specs
from rclicks_jax.data.raw import mask_rules, photographs, sources
from rclicks_jax.ops import image_headers, images

LOSSLESS = {"PNG": {}, "TIFF": {}, "WEBP": {"lossless": True}}
SUFFIXES = {"PNG": "png", "TIFF": "tif", "WEBP": "webp", "JPEG": "jpg"}


def scene(shape):
    """Returns a photograph with a bright object, and the object, both as stored."""
    target = disk(shape, (14, 20), 8)
    photo = np.random.default_rng(1).integers(0, 60, (*shape, 3), dtype=np.uint8)
    photo[target] += 170
    return photo, target


def with_turn(photo, turn, kind="PNG", **options):
    exif = Image.Exif()
    exif[0x112] = turn
    options |= LOSSLESS.get(kind, {"quality": 100, "subsampling": 0})
    return image_bytes.saved(photo, kind, exif=exif, **options)


def write(folder, photo, *masks, suffix="png"):
    """Writes a photograph's file and PNGs or files of its masks."""
    (folder / "images").mkdir(parents=True)
    (folder / "images" / f"a.{suffix}").write_bytes(photo)
    for number, mask in enumerate(masks):
        place = folder / "masks" / "a" / f"{number}.png"
        if len(masks) == 1:
            place = folder / "masks" / "a.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(mask, np.ndarray):
            mask = images.encode_png(np.where(mask, 255, 0).astype(np.uint8))
        place.write_bytes(mask)
    return folder


def read(folder):
    source = sources.open_source(specs.DataSpec("folder", folder))
    (image,) = source.images("test")
    return image


def kinds(image):
    return {note.kind for note in image.notes}


def brightness_of_object(image):
    """Returns how bright the photograph is where each object is said to be."""
    pixels = images.decode_image(image.encoded, "a")
    assert pixels.shape[:2] == image.shape
    return [pixels[o.mask == raw.OBJECT].min() for o in image.objects]


@pytest.mark.parametrize("kind", [*LOSSLESS, "JPEG"])
@pytest.mark.parametrize("turn", [5, 6, 7, 8])
def test_masks_of_stored_pixels_turn_the_photograph_back(tmp_path, kind, turn):
    photo, target = scene((36, 60))
    encoded = with_turn(photo, turn, kind)
    image = read(write(tmp_path, encoded, target, suffix=SUFFIXES[kind]))
    assert image.shape == (36, 60)
    assert kinds(image) == {photographs.NOT_TURNED}
    assert brightness_of_object(image)[0] > 150
    np.testing.assert_array_equal(image.objects[0].mask == raw.OBJECT, target)
    if kind != "JPEG":
        decoded = images.decode_image(image.encoded, "a")
        np.testing.assert_array_equal(decoded, photo)


@pytest.mark.parametrize("turn", [5, 6, 7, 8])
def test_masks_of_what_is_shown_fit_the_turned_photograph(tmp_path, turn):
    photo, target = scene((36, 60))
    image = read(write(tmp_path, with_turn(photo, turn), images.turned(target, turn)))
    assert image.shape == (60, 36)
    assert kinds(image) == {photographs.TURNED}
    assert brightness_of_object(image)[0] > 150


@pytest.mark.parametrize(
    ("shape", "turn"), [((40, 40), 6), ((40, 40), 2), ((36, 60), 3), ((36, 60), 2)]
)
def test_a_frame_that_cannot_be_told_is_refused(tmp_path, shape, turn):
    photo, target = scene(shape)
    image = read(write(tmp_path, with_turn(photo, turn), target))
    assert "EXIF" in image.problem
    assert "-auto-orient" in image.problem
    assert not image.encoded


def test_a_mask_with_a_tag_of_its_own_is_turned_as_the_photograph(tmp_path):
    photo, target = scene((40, 40))
    mask = with_turn(target * np.uint8(255), 6)
    image = read(write(tmp_path, with_turn(photo, 6), mask))
    assert kinds(image) == {photographs.TURNED}
    assert brightness_of_object(image)[0] > 150


def test_a_photograph_without_a_turn_has_one_frame(tmp_path):
    photo, target = scene((40, 40))
    image = read(write(tmp_path, with_turn(photo, 1), target))
    assert not image.problem
    assert not image.notes


def test_a_tag_that_opencv_does_not_obey_turns_nothing(tmp_path):
    photo, target = scene((40, 40))
    tag = struct.pack(">IHHHIII", 8, 1, 0x112, 4, 1, 6, 0)  # A long, not a short.
    encoded = image_bytes.saved(photo, "JPEG", exif=b"Exif\0\0MM\0*" + tag)
    image = read(write(tmp_path, encoded, target, suffix="jpg"))
    assert not image.problem
    assert not image.notes
    assert brightness_of_object(image)[0] > 100


def test_a_header_is_read_of_what_pillow_takes_for_an_attack(monkeypatch):
    photo, _ = scene((40, 60))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    header = image_headers.header(with_turn(photo, 6, "WEBP"))
    assert header is not None
    assert (header.shape, header.turn) == ((40, 60), 6)
    assert Image.MAX_IMAGE_PIXELS == 100


def test_masks_of_two_frames_do_not_both_count(tmp_path):
    photo, target = scene((36, 60))
    image = read(write(tmp_path, with_turn(photo, 6), target, target.T[:, ::-1]))
    usable = [o for o in image.objects if o.mask is not None]
    assert len(usable) == 1
    assert usable[0].mask.shape == image.shape
    assert brightness_of_object(raw.RawImage("a", image.encoded, image.shape, usable))


def test_masks_of_no_frame_are_refused_by_their_size(tmp_path):
    photo, _ = scene((36, 60))
    image = read(write(tmp_path, with_turn(photo, 6), np.ones((10, 10), bool)))
    assert "the mask is 10x10 pixels, the image 60x36" in image.objects[0].problem


def published(folder, photo, mask):
    write(folder, photo, mask)
    (folder / "images").rename(folder / "img")
    (folder / "masks").rename(folder / "gt")
    source = sources.open_source(specs.DataSpec("DAVIS", folder))
    (image,) = source.images("test")
    return image


@pytest.mark.parametrize(
    ("shape", "turn", "note"),
    [
        ((36, 60), 6, photographs.TURNED),
        ((40, 40), 6, photographs.TAKEN_AS_TURNED),
        ((36, 60), 3, photographs.TAKEN_AS_TURNED),
    ],
)
def test_published_datasets_are_turned_as_the_original_turns_them(
    tmp_path, shape, turn, note
):
    photo, target = scene(shape)
    encoded = with_turn(photo, turn)
    image = published(tmp_path, encoded, images.turned(target, turn))
    assert image.encoded == encoded
    assert kinds(image) == {note}
    assert brightness_of_object(image)[0] > 150


def test_published_masks_of_stored_pixels_are_told_by_their_size(tmp_path):
    photo, target = scene((36, 60))
    image = published(tmp_path, with_turn(photo, 6), target)
    assert kinds(image) == {photographs.NOT_TURNED}
    assert brightness_of_object(image)[0] > 150


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("grey", [False, True])
def test_few_bits_in_16_are_scaled(tmp_path, bits, grey):
    photo, target = scene((36, 60))
    photo[0, 0] = 255
    deep = photo.astype(np.uint16) << (bits - 8)
    deep = deep[..., 0] if grey else deep
    image = read(write(tmp_path, images.encode_png(deep), target))
    assert kinds(image) == {photographs.SCALED}
    decoded = images.decode_image(image.encoded, "a")
    expected = np.dstack([photo[..., 0]] * 3) if grey else photo
    np.testing.assert_array_equal(decoded, expected)


def test_all_16_bits_are_read_as_opencv_reads_them(tmp_path):
    photo, target = scene((36, 60))
    encoded = images.encode_png(photo.astype(np.uint16) << 8)
    image = read(write(tmp_path, encoded, target))
    assert image.encoded == encoded
    assert not image.notes


def test_a_scaled_photograph_keeps_the_frame_of_its_masks(tmp_path):
    photo, target = scene((36, 60))
    deep = np.ascontiguousarray(photo[..., 0].astype(np.uint16) << 4)
    image = read(write(tmp_path, with_turn(deep, 6, "TIFF"), target, suffix="tif"))
    assert image.shape == (36, 60)
    assert kinds(image) == {photographs.NOT_TURNED, photographs.SCALED}
    assert brightness_of_object(image)[0] > 150


def test_colours_of_a_transparent_tiff_are_those_of_the_file(tmp_path):
    photo, target = scene((36, 60))
    alpha = np.where(target, 255, 0).astype(np.uint8)
    encoded = image_bytes.saved(np.dstack([photo, alpha]), "TIFF")
    image = read(write(tmp_path, encoded, target, suffix="tif"))
    np.testing.assert_array_equal(images.decode_image(image.encoded, "a"), photo)
    assert kinds(image) == {photographs.TRANSPARENT}


@pytest.mark.parametrize(
    ("mode", "changes", "message"),
    [
        ("LAB", {}, "such as Lab"),
        ("RGB", {262: 1}, "3 channels of grey"),
        ("RGB", {339: 2}, "8-bit samples that may be negative"),
        ("RGB", {339: 3}, "8-bit samples that may be negative"),
    ],
)
def test_tiffs_that_are_read_wrongly_are_refused(tmp_path, mode, changes, message):
    photo, target = scene((36, 60))
    made = Image.fromarray(photo)
    made = Image.merge(mode, made.split()) if mode != "RGB" else made
    stream = io.BytesIO()
    # A tag of the sample format, so that it can be changed.
    made.save(stream, "TIFF", tiffinfo={339: (1, 1, 1)})
    encoded = image_bytes.with_tags(stream.getvalue(), changes)
    image = read(write(tmp_path, encoded, target, suffix="tif"))
    assert message in image.problem


def test_samples_of_other_kinds_are_refused_or_scaled(tmp_path):
    photo, target = scene((36, 60))
    grey = np.full((36, 60), 4095, np.uint16)
    pgm = cv2.imencode(".pgm", grey)[1].tobytes()
    image = read(write(tmp_path / "pgm", pgm, target))
    assert images.decode_image(image.encoded, "a").min() == 255
    assert kinds(image) == {photographs.SCALED}
    hdr = cv2.imencode(".hdr", photo.astype(np.float32))[1].tobytes()
    assert "fractions" in read(write(tmp_path / "hdr", hdr, target)).problem


def test_float_photographs_are_named(tmp_path):
    photo, target = scene((36, 60))
    encoded = image_bytes.saved(photo[..., 0].astype(np.float32), "TIFF")
    image = read(write(tmp_path, encoded, target, suffix="tif"))
    assert "the image has 32-bit samples" in image.problem


def test_pages_and_transparency_of_photographs_are_noted(tmp_path):
    photo, target = scene((36, 60))
    pages = image_bytes.saved(
        photo, "TIFF", save_all=True, append_images=[Image.fromarray(photo[::-1])]
    )
    image = read(write(tmp_path / "pages", pages, target, suffix="tif"))
    assert kinds(image) == {photographs.PAGES}
    np.testing.assert_array_equal(images.decode_image(image.encoded, "a"), photo)
    for alpha, notes in ((255, set()), (90, {photographs.TRANSPARENT})):
        layers = np.dstack([photo, np.full(target.shape, alpha, np.uint8)])
        encoded = image_bytes.saved(layers, "PNG")
        image = read(write(tmp_path / str(alpha), encoded, target))
        assert kinds(image) == notes


def test_a_cut_photograph_with_an_end_marker_is_refused(tmp_path):
    photo, target = scene((36, 60))
    encoded = image_bytes.saved(photo, "JPEG")
    cut = encoded[: len(encoded) * 2 // 3] + b"\xff\xd9"
    image = read(write(tmp_path, cut, target, suffix="jpg"))
    assert "the image is damaged or truncated" in image.problem


def test_a_bad_mask_is_a_problem_of_its_object_alone(tmp_path):
    photo, target = scene((36, 60))
    image = read(write(tmp_path, image_bytes.saved(photo, "PNG"), target, b"", target))
    assert not image.problem
    assert [o.instance_id for o in image.objects] == [
        f"a_______{number}" for number in (0, 2, 1)
    ]
    assert [bool(o.problem) for o in image.objects] == [False, False, True]
    assert "the mask 1 is empty (0 bytes)" in image.objects[2].problem


def test_problems_of_many_files_of_one_kind_are_one_line(tmp_path):
    folder = make_folder(tmp_path, ("a", "b", "c"))
    for name in "abc":
        pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n"
        (folder / "masks" / f"{name}.png").write_bytes(pointer)
    lines = [text for _, text in doctor.examine(f"folder:{folder}", 1).findings]
    (found,) = [line for line in lines if "Git LFS pointer" in line]
    assert "a, b, c" in found


def test_doctor_and_package_tell_the_same_and_keep_the_frame(tmp_path, monkeypatch):
    monkeypatch.setenv("RCLICKS_CACHE", str(tmp_path / "cache"))
    photo, target = scene((36, 60))
    mask = image_bytes.saved(target * np.uint8(255), "JPEG", quality=80)
    folder = write(tmp_path / "mine", with_turn(photo, 8, "JPEG"), mask, suffix="jpg")
    (spec,) = specs.parse(f"folder:{folder}")
    package = packages.open_instances(spec)
    said = [text for _, text in doctor.examine(f"folder:{folder}", 1).findings]
    for kind in (photographs.NOT_TURNED, mask_rules.CUT_LOSSY):
        assert any(kind in line for line in said)
        assert any(kind in line for line in package.notes)
    (row,) = package.select("all")
    example = package.read(row)
    (instance,) = example.instances
    assert example.image.shape[:2] == (36, 60)
    np.testing.assert_array_equal(instance.gt_mask, target)
    assert example.image[instance.gt_mask].min() > 150
    assert example.image[~instance.gt_mask].max() < 100


def test_reading_says_why_in_words(tmp_path):
    with pytest.raises(errors.DataError, match=r"gone\.png does not exist"):
        photographs.read(tmp_path / "gone.png")
