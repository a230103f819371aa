"""Photographs are read by one rule, refused by name, and written back without loss."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from senm_jax.data import encoding, images

RNG = np.random.default_rng(0)
COLOUR_8 = RNG.integers(0, 256, (7, 10, 3), np.uint8)
COLOUR_16 = RNG.integers(0, 65536, (7, 10, 3), np.uint16)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def exif_block(orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[0x0112], exif[0x0110] = orientation, "Camera X"
    exif.get_ifd(0x8769)[0x8827] = 800
    return exif.tobytes()


ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
JPEG = encoded(Image.fromarray(COLOUR_8.repeat(20, 0).repeat(20, 1)), "JPEG", quality=95)
PNG_16 = cv2.imencode(".png", COLOUR_16[..., ::-1].repeat(20, 0))[1].tobytes()
LYING = PNG_16[:16] + struct.pack(">II", 2**17, 2**17) + PNG_16[24:]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.png", b"", "is empty"),
        ("text.png", b"this is text, not a photograph\n", "is no PNG, JPEG"),
        ("cut.jpg", JPEG[: len(JPEG) // 2], "cannot be decoded"),
        ("header.jpg", JPEG[:12], "is no PNG|cannot be decoded"),
        ("cut16.png", PNG_16[: len(PNG_16) // 2], "cannot be decoded"),
        ("svg.webp", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no PNG"),
        ("tiny.tif", b"II*\0", "cannot be read|is no PNG|cannot be decoded"),
        ("gif.png", encoded(Image.fromarray(COLOUR_8), "GIF"), "is no PNG"),
        ("float.tif", encoded(Image.new("F", (4, 4)), "TIFF"), "8 or 16 bits"),
        ("int32.tif", encoded(Image.new("I", (4, 4)), "TIFF"), "8 or 16 bits"),
        ("lies.png", LYING, "pixels|decoded|is no PNG"),
    ],
)
def test_files_that_are_no_whole_image_are_refused_by_name(tmp_path, name, data, message):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as error:
        images.read(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("data, message", [
    (b"", "is empty"), (b"text", "is no PNG"), (b"II*\0cut off", "is a TIFF of a kind that cannot"),
])
def test_sizes_are_refused_for_the_same_reasons(tmp_path, data, message):
    (tmp_path / "x.tif").write_bytes(data)
    with pytest.raises(ValueError, match=message):
        images.read_size(tmp_path / "x.tif")


def test_every_truncation_of_a_file_is_refused_or_read_whole(tmp_path):
    tiff = encoding.encode(".tif", COLOUR_16.repeat(20, 0), None, None, None)
    for data, name in ((JPEG, "a.jpg"), (PNG_16, "b.png"), (tiff, "c.tif")):
        path = tmp_path / name
        for part in np.linspace(1, len(data) - 30, 12).astype(int):
            path.write_bytes(data[:part])
            with pytest.raises(ValueError, match=name):
                images.read(path)


def test_a_flipped_byte_of_a_deep_png_is_noticed(tmp_path):
    path = tmp_path / "flipped.png"
    data = bytearray(PNG_16)
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    with pytest.raises(ValueError, match="flipped.png: cannot be decoded"):
        images.read(path)


def test_one_pixel(tmp_path):
    path = tmp_path / "one.png"
    Image.new("RGB", (1, 1), (1, 2, 3)).save(path)
    assert images.read(path).pixels.tolist() == [[[1, 2, 3]]]


def test_a_wide_strip(tmp_path):
    strip = RNG.integers(0, 256, (3, 20_000, 3), np.uint8)
    path = tmp_path / "strip.png"
    Image.fromarray(strip).save(path)
    np.testing.assert_array_equal(images.read_rgb8(path), strip)
    assert images.read_size(path) == (3, 20_000)


def test_images_over_pillows_own_limit_are_read(tmp_path):
    path = tmp_path / "large.png"
    Image.new("1", (20_000, 10_000), 1).save(path)
    assert images.read_size(path) == (10_000, 20_000)


def test_more_pixels_than_the_limit_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "large.png"
    Image.fromarray(COLOUR_8).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    for read in (images.read, images.read_size):
        with pytest.raises(ValueError, match="large.png: has more than"):
            read(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bits_are_kept(tmp_path, suffix, channels):
    samples = RNG.integers(0, 65536, (7, 10, channels), np.uint16)
    stored = samples if channels == 1 else samples[..., [2, 1, 0, 3][:channels]]
    path = tmp_path / f"deep{suffix}"
    assert cv2.imwrite(str(path), stored)
    photo = images.read(path)
    assert (photo.depth, photo.grey) == (16, channels == 1)
    np.testing.assert_array_equal(photo.pixels, np.broadcast_to(samples[..., :3], (7, 10, 3)))
    if channels == 4:
        np.testing.assert_array_equal(photo.alpha, samples[..., 3])
    else:
        assert photo.alpha is None


def retagged(data: bytes, tag: int, value: int) -> bytes:
    """A little-endian TIFF with the tag's 16-bit value replaced."""
    start, = struct.unpack_from("<I", data, 4)
    count, = struct.unpack_from("<H", data, start)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        if struct.unpack_from("<H", data, at)[0] == tag:
            return data[: at + 8] + struct.pack("<H", value) + data[at + 10 :]
    raise AssertionError(f"no tag {tag}")


def test_a_16_bit_tiff_that_opencv_misreads_is_mended_or_refused(tmp_path):
    grey = encoding.encode(".tif", COLOUR_16[..., :1], None, None, None)
    (tmp_path / "white.tif").write_bytes(retagged(grey, 0x0106, 0))
    pixels = images.read(tmp_path / "white.tif").pixels
    np.testing.assert_array_equal(pixels[..., 0], 65535 - COLOUR_16[..., 0])
    colour = encoding.encode(".tif", COLOUR_16, None, None, None)
    (tmp_path / "planes.tif").write_bytes(retagged(colour, 0x011C, 2))
    with pytest.raises(ValueError, match="planes.tif.*planes of their own"):
        images.read(tmp_path / "planes.tif")
    alpha = encoding.encode(".tif", COLOUR_16, COLOUR_16[..., 0], None, None)
    (tmp_path / "alpha.tif").write_bytes(retagged(alpha, 0x0152, 1))
    with pytest.raises(ValueError, match="alpha.tif.*multiplied by alpha"):
        images.read(tmp_path / "alpha.tif")


def test_exif_that_cannot_be_written_again_stops_nothing(tmp_path):
    entry = struct.pack("<HHI", 0x011A, 2, 3) + b"72\0\0"  # a resolution, stored as text
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)
    path = tmp_path / "a.jpg"
    path.write_bytes(encoded(Image.fromarray(COLOUR_8), "JPEG", exif=exif))
    photo = images.read(path)
    images.write(tmp_path / "b.jpg", photo, photo.pixels / np.float32(255))
    assert images.read(tmp_path / "b.jpg").pixels.shape == COLOUR_8.shape


def test_16_bits_are_rounded_to_8_not_cut(tmp_path):
    path = tmp_path / "all.png"
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    cv2.imwrite(str(path), values)
    expected = np.rint(values / 65535 * 255).astype(np.uint8)
    np.testing.assert_array_equal(images.read_rgb8(path)[..., 1], expected)


def test_alpha_is_kept_apart_and_the_colours_as_stored(tmp_path):
    alpha = RNG.integers(0, 256, (7, 10), np.uint8)
    path = tmp_path / "alpha.png"
    Image.fromarray(np.dstack([COLOUR_8, alpha])).save(path)
    photo = images.read(path)
    np.testing.assert_array_equal(photo.pixels, COLOUR_8)
    np.testing.assert_array_equal(photo.alpha, alpha)


def test_grey_palette_bilevel_and_cmyk_become_rgb(tmp_path):
    grey = COLOUR_8[..., 0]
    Image.fromarray(grey).save(tmp_path / "grey.png")
    photo = images.read(tmp_path / "grey.png")
    assert photo.grey
    np.testing.assert_array_equal(photo.pixels, np.dstack([grey] * 3))

    palette = Image.fromarray(COLOUR_8 // 64 * 64).convert("P", palette=Image.Palette.ADAPTIVE)
    palette.save(tmp_path / "palette.png")
    photo = images.read(tmp_path / "palette.png")
    assert not photo.grey
    np.testing.assert_array_equal(photo.pixels, np.asarray(palette.convert("RGB")))

    Image.fromarray(grey > 128).save(tmp_path / "bilevel.png")
    np.testing.assert_array_equal(
        images.read_rgb8(tmp_path / "bilevel.png")[..., 2], np.where(grey > 128, 255, 0)
    )

    cmyk = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    cmyk.save(tmp_path / "cmyk.jpg", icc_profile=b"a profile for four inks")
    photo = images.read(tmp_path / "cmyk.jpg")
    assert photo.icc is None
    np.testing.assert_allclose(photo.pixels[8, 8].astype(int), (0, 255, 255), atol=3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("suffix", "depth"), [(".png", 8), (".webp", 8), (".tif", 8), (".png", 16), (".tif", 16)]
)
def test_orientation_is_applied_and_reset(tmp_path, orientation, suffix, depth):
    turn = {
        1: lambda x: x, 2: np.fliplr, 3: lambda x: np.rot90(x, 2), 4: np.flipud,
        5: lambda x: x.swapaxes(0, 1), 6: lambda x: np.rot90(x, 3),
        7: lambda x: np.rot90(x, 2).swapaxes(0, 1), 8: lambda x: np.rot90(x, 1),
    }[orientation]  # fmt: skip
    path = tmp_path / f"turned{suffix}"
    stored = COLOUR_8 if depth == 8 else COLOUR_16
    path.write_bytes(encoding.encode(suffix, stored, None, exif_block(orientation), None))
    photo = images.read(path)
    np.testing.assert_array_equal(photo.pixels, turn(stored))
    assert images.read_size(path) == photo.pixels.shape[:2]
    kept = Image.Exif()
    kept.load(photo.exif)
    assert (kept.get(0x0112, 1), kept[0x0110], kept.get_ifd(0x8769)[0x8827]) == (1, "Camera X", 800)


@pytest.mark.parametrize("kept", ["before", "behind", "as XMP", "not at all"])
def test_a_png_is_not_decoded_for_its_size(tmp_path, kept, monkeypatch):
    path = tmp_path / "a.png"
    text = PngImagePlugin.PngInfo()
    if kept == "as XMP":
        text.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    tags = exif_block(6) if kept in ("before", "behind") else None
    data = encoded(Image.fromarray(COLOUR_8), "PNG", pnginfo=text, exif=tags)
    if kept == "behind":
        start = data.index(b"eXIf") - 4
        end = start + 12 + int.from_bytes(data[start: start + 4])
        rest = data[:start] + data[end:]
        last = rest.index(b"IEND") - 4
        data = rest[:last] + data[start:end] + rest[last:]
    path.write_bytes(data)
    whole = images.read(path).pixels.shape[:2]
    if kept != "as XMP":  # of which Pillow alone knows what to make
        monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", None)
    assert images.read_size(path) == whole
    assert images.read_tags(path) == (("Camera X", 800) if tags else (None, None))


def test_what_decoders_did_not_expect_is_refused_by_name(tmp_path):
    palette = encoded(Image.fromarray(COLOUR_8).convert("P"), "PNG")
    start = palette.index(b"PLTE") - 4
    end = start + 12 + int.from_bytes(palette[start: start + 4])
    (tmp_path / "p.png").write_bytes(palette[:start] + palette[end:])
    with pytest.raises(ValueError, match="p.png: cannot be decoded"):
        images.read(tmp_path / "p.png")


def test_tags(tmp_path):
    Image.fromarray(COLOUR_8).save(tmp_path / "a.jpg", exif=exif_block())
    Image.fromarray(COLOUR_8).save(tmp_path / "b.jpg")
    (tmp_path / "c.jpg").write_text("text")
    assert images.read_tags(tmp_path / "a.jpg") == ("Camera X", 800)
    assert images.read_tags(tmp_path / "b.jpg") == (None, None)
    assert images.read_tags(tmp_path / "c.jpg") == (None, None)


@pytest.mark.parametrize("suffix", images.SUFFIXES)
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("grey", [False, True])
@pytest.mark.parametrize("with_alpha", [False, True])
def test_what_the_format_holds_is_written_back(tmp_path, suffix, depth, grey, with_alpha):
    top = 2**depth - 1
    pixels = (COLOUR_8 if depth == 8 else COLOUR_16).copy()
    pixels[..., 1:] = pixels[..., :1] if grey else pixels[..., 1:]
    alpha = pixels[..., 0] // 2 if with_alpha else None
    like = images.Photo(pixels, depth, alpha, grey, exif_block(), ICC, "like")
    path = tmp_path / f"out{suffix}"
    images.write(path, like, pixels / top)
    found = images.read(path)
    exact = suffix in (".png", ".tif", ".tiff")
    assert found.depth == (depth if exact else 8)
    if exact or (depth == 8 and suffix in (".bmp", ".webp")):
        np.testing.assert_array_equal(found.pixels, pixels)
    else:
        error = found.pixels / 255 - pixels / top
        assert np.abs(error).max() < (0.5 if suffix.startswith(".j") else 0.5001 / 255)
    if suffix not in (".webp", ".bmp") and not (with_alpha and depth == 16):
        assert found.grey == grey
    if with_alpha and (exact or (suffix == ".webp" and depth == 8)):
        np.testing.assert_array_equal(found.alpha, alpha)
    if suffix != ".bmp":
        kept = Image.Exif()
        kept.load(found.exif)
        assert (kept[0x0110], kept.get_ifd(0x8769)[0x8827]) == ("Camera X", 800)
        assert found.icc == ICC
    assert [child.name for child in tmp_path.iterdir()] == [path.name]


def test_values_are_clipped_and_rounded_half_to_even():
    values = np.array([-1.0, 0.5, 1.5, 2.5, 254.5, 300.0]) / 255
    assert images.quantise(values, 8).tolist() == [0, 0, 2, 2, 254, 255]


def test_large_images_are_rounded_like_small_ones(monkeypatch):
    values = np.random.default_rng(0).random((7, 5, 3), np.float32)
    whole = images.quantise(values, 16)
    monkeypatch.setattr(images, "_BLOCK", 4)
    np.testing.assert_array_equal(images.quantise(values, 16), whole)
    np.testing.assert_array_equal(images.quantise(values[:, ::2], 16), whole[:, ::2])


def test_alpha_follows_a_larger_result(tmp_path):
    like = images.Photo(COLOUR_8, 8, COLOUR_8[..., 0], False, None, None, "like")
    images.write(tmp_path / "out.png", like, np.zeros((14, 20, 3), np.float32))
    assert images.read(tmp_path / "out.png").alpha.shape == (14, 20)


def test_a_failed_write_leaves_the_old_file_alone(tmp_path):
    path = tmp_path / "out.webp"
    path.write_text("old")
    like = images.Photo(COLOUR_8, 8, None, False, None, None, "like")
    with pytest.raises(ValueError, match="out.webp: cannot be written"):
        images.write(path, like, np.zeros((1, 20_000, 3), np.float32))
    with pytest.raises(ValueError, match="cannot write '.gif' files"):
        images.write(tmp_path / "out.gif", like, np.zeros((2, 2, 3)))
    assert path.read_text() == "old"
    assert [child.name for child in tmp_path.iterdir()] == ["out.webp"]


def test_find(tmp_path):
    for name in ("b.PNG", "a/c.jpeg", "a/notes.txt", ".hidden.png", "a/d.webp"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [path.relative_to(tmp_path).as_posix() for path in images.find(tmp_path)]
    assert found == ["a/c.jpeg", "a/d.webp", "b.PNG"]
    assert images.find(tmp_path / "b.PNG") == [tmp_path / "b.PNG"]
    with pytest.raises(ValueError, match="nowhere: no such file or folder"):
        images.find(tmp_path / "nowhere")
