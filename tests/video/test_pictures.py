"""Pictures of every kind come out as the RGB that a person would see."""

from __future__ import annotations

import io
import sys

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from sam2_demo.errors import MediaError
from sam2_demo.video import FolderReader, picture_size, pictures, read_picture

CORNERS = np.zeros((32, 48, 3), np.uint8)
CORNERS[:8, :8] = (255, 0, 0)
CORNERS[-8:, :8] = (0, 255, 0)
UNDO = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


ORIENTED = {
    "phone.jpg": {"quality": 95},
    "scan.tif": {},
    "packed.tif": {"compression": "tiff_lzw"},
    "scanned.tif": {"compression": "jpeg", "quality": 95},
    "big.tif": {"big_tiff": True},
    "screen.png": {},
    "web.webp": {"lossless": True},
    "new.avif": {"quality": 95},
    "camera.mpo": {"save_all": True, "append_images": [Image.fromarray(CORNERS)], "quality": 95},
}


@pytest.mark.parametrize("orientation", UNDO)
@pytest.mark.parametrize("name", ORIENTED)
def test_orientation_in_every_kind_of_file(tmp_path, name, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / name
    Image.fromarray(CORNERS).save(path, exif=exif, **ORIENTED[name])
    assert_is_upright(path, orientation)
    (tmp_path / name).rename(tmp_path / "0.jpg")  # as it is, whatever it is called
    Image.fromarray(UNDO[orientation](CORNERS)).save(tmp_path / "1.png")
    with FolderReader(tmp_path) as reader:
        assert (reader.height, reader.width) == reader.read(0).shape[:2] == reader.read(1).shape[:2]


@pytest.mark.parametrize("orientation", UNDO)
@pytest.mark.parametrize("name", ["edited.jpg", "edited.webp", "edited.png"])
def test_orientation_that_only_xmp_tells(tmp_path, name, orientation):
    said = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf tiff:Orientation="{orientation}"/></x:xmpmeta>'
    options = {"xmp": said.encode()} if name != "edited.png" else {"pnginfo": PngImagePlugin.PngInfo()}
    if name == "edited.png":
        options["pnginfo"].add_itxt("XML:com.adobe.xmp", said)
    Image.fromarray(CORNERS).save(tmp_path / name, quality=95, **options)
    assert_is_upright(tmp_path / name, orientation)


def assert_is_upright(path, orientation):
    expected = UNDO[orientation](CORNERS)
    picture = read_picture(path)
    assert picture.shape == expected.shape
    assert picture_size(path) == expected.shape[:2]
    assert np.abs(picture.astype(int) - expected).mean() < 5
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_heic_as_phones_take_it(tmp_path, turn):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = {0: 1, 90: 6, 180: 3, 270: 8}[turn]
    Image.fromarray(CORNERS).save(tmp_path / "phone.heic", exif=exif.tobytes(), quality=95)
    assert_is_upright(tmp_path / "phone.heic", exif[0x0112])
    assert_is_upright((tmp_path / "phone.heic").rename(tmp_path / "phone.jpg"), exif[0x0112])
    rgba = np.dstack([CORNERS, np.full((32, 48), 255, np.uint8)])
    rgba[8:16, 8:40, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "cut.heic", quality=95)
    assert read_picture(tmp_path / "cut.heic")[10:14, 12:36].min() > 240


def test_heic_without_its_reader_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "IMG_0001.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))
    for source in (tmp_path / "IMG_0001.HEIC", (tmp_path / "IMG_0001.HEIC").read_bytes()):
        with pytest.raises(MediaError, match=r"IMG_0001\.HEIC is a HEIC picture.*pip install pillow-heif.*as JPEG"):
            read_picture(source, "IMG_0001.HEIC")
    with pytest.raises(MediaError, match="pip install pillow-heif"):
        FolderReader(tmp_path)


@pytest.mark.parametrize("channels", [1, 3])
def test_16_bit_png_is_scaled(tmp_path, channels):
    values = np.linspace(0, 65535, 64).astype(np.uint16)
    deep = np.tile(values, (8, 1)) if channels == 1 else np.tile(values[None, :, None], (8, 1, 3))
    cv2.imwrite(str(tmp_path / "deep.png"), deep)
    picture = read_picture(tmp_path / "deep.png")
    assert picture.shape == (8, 64, 3)
    assert np.abs(picture[0, :, 1] - values / 257).max() <= 1


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_grey_of_fewer_bits_than_its_file_is_seen(tmp_path, bits):
    values = np.linspace(0, 2**bits - 1, 64).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "camera.png"), np.tile(values, (8, 1)))
    shown = read_picture(tmp_path / "camera.png")[0, :, 0]
    assert np.abs(shown - values / (2**bits - 1) * 255).max() <= 0.51
    dim = np.full((8, 8), 2**15, np.uint16)  # of 16 bits, and left as dark as it is
    cv2.imwrite(str(tmp_path / "dim.png"), dim)
    assert read_picture(tmp_path / "dim.png").max() == 128


def test_float_tiff_is_scaled(tmp_path):
    Image.fromarray(np.array([[0.0, 0.5, 1.0]], np.float32)).save(tmp_path / "f.tif")
    assert read_picture(tmp_path / "f.tif")[0, :, 0].tolist() == [0, 128, 255]


def test_transparency_lies_over_white(tmp_path):
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:2] = (100, 50, 0, 255)
    rgba[2] = (100, 50, 0, 128)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    assert picture[0, 0].tolist() == [100, 50, 0]
    assert picture[3, 0].tolist() == [255, 255, 255]
    assert np.abs(picture[2, 0].astype(int) - (177, 152, 127)).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "CMYK", "YCbCr"])
def test_colour_models(mode):
    grey = Image.new("RGB", (20, 10), (255, 255, 255))
    suffix = "JPEG" if mode in {"CMYK", "YCbCr"} else "PNG"
    stream = io.BytesIO()
    grey.convert(mode).save(stream, suffix)
    picture = read_picture(stream.getvalue())
    assert picture.shape == (10, 20, 3)
    assert picture.min() >= 253


def test_cmyk_colour_is_right():
    stream = io.BytesIO()
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(stream, "JPEG", quality=95)
    red = read_picture(stream.getvalue())[8, 8].astype(int)
    assert red[0] > 200
    assert max(red[1:]) < 60


def test_palette_with_transparent_colour():
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 200, 30] + [0] * 762)
    image.putpixel((0, 0), 0)
    stream = io.BytesIO()
    image.save(stream, "PNG", transparency=0)
    picture = read_picture(stream.getvalue())
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[3, 3].tolist() == [10, 200, 30]


def test_animation_gives_its_first_picture():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    assert read_picture(stream.getvalue())[0, 0].tolist() == [255, 0, 0]


def test_one_pixel():
    stream = io.BytesIO()
    Image.new("RGB", (1, 1), (1, 2, 3)).save(stream, "PNG")
    assert read_picture(stream.getvalue()).tolist() == [[[1, 2, 3]]]


def test_too_many_pixels_are_refused_in_the_same_words_before_decoding(monkeypatch, tmp_path):
    path = tmp_path / "wall.png"
    Image.new("1", (2000, 1000)).save(path)
    words = r"wall\.png is too large: it has 2\.0 megapixels, accepted are up to 1; make it smaller and open it again$"
    for pillow_refuses_from in (10_000_000, 1_000_000, 500_000):  # not at all, with a warning, with an error
        monkeypatch.setattr(pictures, "MAX_PIXELS", 1_000_000)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_refuses_from)
        with pytest.raises(MediaError, match=words):
            read_picture(path)


def test_messages_say_what_was_found(tmp_path):
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "page.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n")
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    Image.fromarray(noise).save(stream, "JPEG")
    (tmp_path / "half.jpg").write_bytes(stream.getvalue()[: len(stream.getvalue()) // 2])
    for name, message in {
        "missing.png": "does not exist",
        "empty.png": r"empty \(0 bytes\)",
        "text.jpg": "not a picture",
        "page.eps": "not a picture",
        "half.jpg": "damaged JPEG",
    }.items():
        with pytest.raises(MediaError, match=message) as caught:
            read_picture(tmp_path / name)
        assert name in str(caught.value)
        assert "accepted are JPEG" in str(caught.value)
    with pytest.raises(MediaError, match="is a folder"):
        read_picture(tmp_path)
