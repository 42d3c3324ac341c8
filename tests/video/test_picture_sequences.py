"""Folders of pictures and arrays as clips."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sam2_demo.datasets.annotated_clip import AnnotatedClip
from sam2_demo.errors import MediaError
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.video import open_video, probe


def save(path, number, size=(96, 64)):
    Image.fromarray(np.full((size[1], size[0], 3), number, np.uint8)).save(path)


def test_folder_in_natural_order(tmp_path):
    names = ["frame 1.png", "frame 2.png", "Frame 10.png", "frame 11a.bmp", "intro.webp"]
    for number, name in enumerate(names):
        save(tmp_path / name, number * 20)
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / ".hidden.png").write_text("x")
    (tmp_path / "more").mkdir()
    with open_video(tmp_path) as reader:
        assert len(reader) == 5
        assert [round(float(reader.read(i).mean()) / 20) for i in range(5)] == [0, 1, 2, 3, 4]
        assert reader.times.tolist() == [i / 24 for i in range(5)]
        assert not reader.has_audio
    assert probe(tmp_path).codec == "pictures"
    with open_video(str(tmp_path), frame_rate=10) as reader:
        assert reader.frame_rate == 10
        assert reader.duration == 0.5


def test_folder_errors(tmp_path):
    with pytest.raises(MediaError, match=f"the folder {tmp_path} holds no pictures"):
        open_video(tmp_path)
    save(tmp_path / "1.png", 0)
    save(tmp_path / "2.png", 0, size=(50, 40))
    with pytest.raises(MediaError, match=rf"{tmp_path}/2\.png is 50 x 40 pixels but 1\.png is 96 x 64"):
        open_video(tmp_path)
    (tmp_path / "2.png").write_text("no picture")
    with pytest.raises(MediaError, match=rf"{tmp_path}/2\.png is not a picture"):
        open_video(tmp_path)


def test_damaged_picture_in_a_folder_is_named_when_read(tmp_path):
    save(tmp_path / "1.jpg", 0)
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (64, 96, 3)).astype(np.uint8)).save(tmp_path / "2.jpg")
    data = (tmp_path / "2.jpg").read_bytes()
    (tmp_path / "2.jpg").write_bytes(data[: len(data) // 2])
    with open_video(tmp_path) as reader:
        reader.read(0)
        with pytest.raises(MediaError, match=rf"{tmp_path}/2\.jpg is a damaged"):
            reader.read(1)


@pytest.mark.parametrize("as_array", [False, True])
def test_arrays(as_array):
    frames = [np.full((5, 7, 3), i, np.uint8) for i in range(4)]
    with open_video(np.stack(frames) if as_array else frames) as reader:
        assert (reader.height, reader.width, len(reader)) == (5, 7, 4)
        frame = reader.read(2)
        assert np.array_equal(frame, frames[2])
        frame[:] = 99
        assert np.array_equal(reader.read(2), frames[2])
        assert open_video(reader) is reader


def test_array_errors():
    good = np.zeros((5, 7, 3), np.uint8)
    with pytest.raises(MediaError, match="empty"):
        open_video([])
    with pytest.raises(MediaError, match=r"frame 1 .*float64"):
        open_video([good, good.astype(float)])
    with pytest.raises(MediaError, match="frame 1 is 6 x 5 pixels but frame 0 is 7 x 5"):
        open_video([good, good[:, 1:]])
    with pytest.raises(MediaError, match="cannot be opened from int"):
        open_video(3)
    with pytest.raises(MediaError, match="frame rate is -1"):
        open_video([good], frame_rate=-1)


def grey_clip(folder, values, kind=np.uint16, ending="png"):
    for number, value in enumerate(values):
        picture = np.full((8, 8), value, kind)
        picture[0, 0] = 100  # the same raw value on every frame
        Image.fromarray(picture).save(folder / f"{number}.{ending}")
    return folder


@pytest.mark.parametrize(
    ("values", "white", "kind", "ending"),
    [
        ((4000, 200, 900, 100), 4095, np.uint16, "png"),
        ((200, 900, 4000, 60_000), 65535, np.uint16, "png"),
        ((60_000, 900, 200), 65535, np.uint16, "png"),
        ((200, 60_000, 900), 65535, np.uint16, "tif"),
        ((200, 900, 1000), 1023, np.uint16, "tif"),
        ((200, 300_000, 900), 300_000, np.int32, "tif"),
        ((0.5, 200.0, 1000.0), 1000, np.float32, "tif"),
    ],
)
def test_a_clip_of_more_than_8_bits_has_one_scale(tmp_path, values, white, kind, ending):
    with open_video(grey_clip(tmp_path, values, kind, ending)) as reader:
        for index in (*range(len(values)), 0):
            frame = reader.read(index)
            assert frame[0, 0].tolist() == [round(100 / white * 255)] * 3
            assert frame[4, 4, 0] == round(values[index] / white * 255)
    clip = AnnotatedClip("a", tmp_path, tuple(sorted(tmp_path.iterdir())), ClipAnnotation(8, 8, len(values)))
    assert [int(frame[4, 4, 0]) for frame in clip.frames(range(len(values)))] == [
        round(value / white * 255) for value in values
    ]


def test_a_damaged_frame_of_more_than_8_bits_is_named_when_it_is_read(tmp_path):
    grey_clip(tmp_path, (200, 900, 4000))
    whole = (tmp_path / "1.png").read_bytes()
    with open_video(tmp_path) as reader:
        (tmp_path / "1.png").write_bytes(whole[: len(whole) // 2])
        assert reader.read(0)[0, 0, 0] == round(100 / 4095 * 255)
        with pytest.raises(MediaError, match=r"1\.png"):
            reader.read(1)
