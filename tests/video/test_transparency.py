"""What is transparent shows white in every kind of file, never the colours that are hidden under it."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from sam2_demo.formats import alpha_video
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.video import open_video, read_picture

HEIGHT, WIDTH = 49, 67  # odd, as people crop
HIDDEN, SHOWN = (0, 160, 0), (200, 30, 30)


def square(index: int) -> np.ndarray:
    """(H, W) bool: where frame `index` is opaque."""
    inside = np.zeros((HEIGHT, WIDTH), bool)
    inside[12:32, 8 + index : 28 + index] = True
    return inside


def hiding(index: int) -> np.ndarray:
    """(H, W, 4) RGBA: a square of one colour, another colour hidden around it."""
    inside = square(index)
    rgba = np.empty((HEIGHT, WIDTH, 4), np.uint8)
    rgba[..., :3] = np.where(inside[..., None], SHOWN, HIDDEN)
    rgba[..., 3] = inside * 255
    return rgba


def assert_is_over_white(picture: np.ndarray, index: int, tolerance: int) -> None:
    expected = np.where(square(index)[..., None], SHOWN, 255).astype(int)
    wrong = np.abs(picture.astype(int) - expected).max(axis=2) > tolerance
    # Colour of half the size runs over the edge by two pixels.
    near = square(index) ^ np.pad(square(index), 3)[6:, 6:] | square(index) ^ np.pad(square(index), 3)[:-6, :-6]
    assert not (wrong & ~near).any()


PICTURES = {
    "a.png": {},
    "a.webp": {"lossless": True, "exact": True},
    "a.tif": {},
    "a.tga": {},
    "a.jp2": {},
    "a.avif": {"quality": 100},
    "a.gif": {},
}


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(tmp_path, name):
    Image.fromarray(hiding(0)).save(tmp_path / name, **PICTURES[name])
    assert_is_over_white(read_picture(tmp_path / name), 0, tolerance=12)


@pytest.mark.parametrize(("colour_type", "key", "other"), [(0, (1000,), (60000,)), (2, (1000, 9, 70), (60000, 0, 0))])
def test_a_colour_of_16_bits_that_stands_for_transparent(colour_type, key, other):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + b"".join(struct.pack(">H", value) for value in key + other)
    header = struct.pack(">IIBBBBB", 2, 1, 16, colour_type, 0, 0, 0)
    clear = b"".join(struct.pack(">H", value) for value in key)
    parts = [(b"IHDR", header), (b"tRNS", clear), (b"IDAT", zlib.compress(row)), (b"IEND", b"")]
    picture = read_picture(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[0, 1, 0] > 225


def write_rgba(path: Path, codec: str, pix_fmt: str, options: dict[str, str], count: int = 20) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(10), options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pix_fmt
        for index in range(count):
            picture = av.VideoFrame.from_ndarray(hiding(index), "rgba").reformat(format=pix_fmt, threads=1)
            picture.pts, picture.time_base = index, Fraction(1, 10)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


VPX = {"crf": "4", "b": "4M", "auto-alt-ref": "0", "deadline": "realtime", "cpu-used": "6", "g": "6"}
CLIPS = [
    ("vp9.webm", "libvpx-vp9", "yuva420p", VPX),
    ("vp9.mkv", "libvpx-vp9", "yuva420p", VPX),
    ("vp8.webm", "libvpx", "yuva420p", VPX),
    ("prores.mov", "prores_ks", "yuva444p10le", {"profile": "4444"}),
    ("animation.mov", "qtrle", "argb", {}),
    ("png.mov", "png", "rgba", {}),
    ("ffv1.mkv", "ffv1", "yuva420p", {}),
    ("utvideo.avi", "utvideo", "gbrap", {}),
    ("a.apng", "apng", "rgba", {"plays": "0"}),
]


@pytest.mark.parametrize(("name", "codec", "pix_fmt", "options"), CLIPS, ids=[own[0] for own in CLIPS])
def test_clips_at_any_frame(tmp_path, name, codec, pix_fmt, options):
    with open_video(write_rgba(tmp_path / name, codec, pix_fmt, options)) as reader:
        assert (reader.num_frames, reader.height, reader.width) == (20, HEIGHT, WIDTH)
        for index in (0, 19, 7, 6, 13, 1, 18):
            assert_is_over_white(reader.read(index), index, tolerance=24)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9"])
def test_seeking_goes_to_frames_whose_picture_and_alpha_are_both_whole(tmp_path, codec):
    """Pictures have key frames every six frames, their alpha planes every nine: decoding can begin at every 18th."""
    path = mixed(tmp_path, [write_rgba(tmp_path / f"{g}.webm", codec, "yuva420p", VPX | {"g": g}, 37) for g in "69"])
    with open_video(path) as reader:
        assert reader._index.keyframes.tolist() == [0, 18, 36]
        for index in (36, 20, 11, 10, 35, 17):
            assert_is_over_white(reader.read(index), index, tolerance=24)


def mixed(folder: Path, sources: list[Path]) -> Path:
    """The pictures of one WebM with the alpha planes of another."""
    with (
        av.open(str(sources[0])) as pictures,
        av.open(str(sources[1])) as alphas,
        av.open(str(folder / "mixed.webm"), "w") as container,
    ):
        stream = container.add_stream_from_template(pictures.streams.video[0])
        stream.metadata["alpha_mode"] = "1"
        for picture, alpha in zip(pictures.demux(video=0), alphas.demux(video=0), strict=True):
            if picture.size:
                packet = av.Packet(bytes(picture))
                packet.pts, packet.dts, packet.time_base = picture.pts, picture.dts, picture.time_base
                packet.is_keyframe, packet.stream = picture.is_keyframe, stream
                packet.set_sidedata(alpha.get_sidedata("matroska_block_additional"))
                container.mux(packet)
    return folder / "mixed.webm"


def cut_out(index: int) -> ClipAnnotation:
    clip = ClipAnnotation(HEIGHT, WIDTH, 6, 10.0)
    for frame in range(6):
        clip.masklet(1).set(frame, square(index + frame))
    return clip


def test_our_own_clip_with_transparent_background_opens_as_the_objects_over_white(tmp_path):
    alpha_video.write(cut_out(0), tmp_path / "own.webm", [hiding(index)[..., :3] for index in range(6)])
    with open_video(tmp_path / "own.webm") as reader:
        assert reader.num_frames == 6
        for index in (5, 0, 3):
            assert_is_over_white(reader.read(index), index, tolerance=24)


def test_a_clip_with_transparent_background_holds_nothing_of_what_was_cut_away(tmp_path):
    """Two clips that differ outside their objects alone, edges and odd sizes included, give the very same file."""
    rng = np.random.default_rng(3)
    secret = [rng.integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8) for _ in range(6)]
    other = [np.where(square(index)[..., None], frame, 255 - frame) for index, frame in enumerate(secret)]
    files = []
    for name, frames in (("one", secret), ("two", other)):
        alpha_video.write(cut_out(0), tmp_path / f"{name}.webm", frames)
        files.append((tmp_path / f"{name}.webm").read_bytes())
    assert _pictures_of(tmp_path / "one.webm") == _pictures_of(tmp_path / "two.webm")
    assert len(files[0]) == len(files[1])
    # What a player that passes over alpha shows: beyond the reach of the codec's blocks it is black.
    with av.open(str(tmp_path / "one.webm")) as container:
        for frame in container.decode(video=0):
            shown = frame.to_ndarray(format="rgb24")
            assert shown[:, 52:].max() <= 8


def _pictures_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0)]


def test_colours_at_the_edge_of_a_cut_out_are_those_of_the_object(tmp_path):
    alpha_video.write(cut_out(1), tmp_path / "own.webm", [hiding(index + 1)[..., :3] for index in range(6)])
    with open_video(tmp_path / "own.webm") as reader:
        inside = reader.read(0)[square(1)].astype(int)
    assert np.abs(inside - SHOWN).max() < 60  # grey or green mixed in at the rim would be off by more
    assert np.abs(inside - SHOWN).mean() < 6
