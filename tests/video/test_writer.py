"""What is written plays everywhere and keeps frames, times, size, colours and sound of its source."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from sam2_demo.errors import MediaError
from sam2_demo.video import VideoWriter, WriterOptions, open_video, probe
from sam2_demo.video.timing import exact_rate, timing_from_times

VARIABLE = (0, 40, 80, 500, 501, 503, 900, 1203, 2000, 2040)


def copy_clip(source, target, **recipe):
    with open_video(source) as reader, VideoWriter.like(target, reader, **recipe) as writer:
        for index in range(len(reader)):
            writer.write(reader.read(index))
    return target


def boxes(path):
    """Names of the top-level MP4 boxes in file order."""
    data, position, names = Path(path).read_bytes(), 0, []
    while position < len(data):
        size = int.from_bytes(data[position : position + 4], "big")
        names.append(data[position + 4 : position + 8].decode())
        size = int.from_bytes(data[position + 8 : position + 16], "big") if size == 1 else size
        position += size
    return names


def sound_of(path):
    """(codec, seconds of decoded sound, time of the first sample) of a file's sound."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        samples = sum(frame.samples for frame in frames)
        return stream.codec_context.name, samples / stream.codec_context.sample_rate, frames[0].time


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("cfr.mp4", {"options": {"bf": "3", "g": "12"}}),
        ("ntsc.mp4", {"rate": Fraction(30000, 1001)}),
        ("film.mov", {"rate": Fraction(24000, 1001)}),
        ("vfr.mp4", {"unit": Fraction(1, 1000), "stamps": VARIABLE, "num_frames": 10}),
        ("vfr.mkv", {"unit": Fraction(1, 1000), "stamps": VARIABLE, "num_frames": 10}),
        ("odd_unit.mp4", {"unit": Fraction(1, 11988), "stamps": [i * 401 + i % 2 for i in range(40)]}),
        ("late.mp4", {"stamps": [i + 10 for i in range(40)], "audio_codec": "aac", "audio_seconds": 2}),
        ("clip.gif", {"codec": "gif", "pix_fmt": "rgb8", "rate": Fraction(20)}),
        ("clip.avi", {"codec": "mpeg4", "options": {"bf": "2"}}),
        ("one.mp4", {"num_frames": 1}),
    ],
)
def test_frames_and_times_survive(make_clip, tmp_path, numbers, name, recipe):
    source = make_clip(name, **recipe)
    target = copy_clip(source, tmp_path / "out.mp4", audio_from=source)
    with open_video(source) as before, open_video(target) as after:
        assert len(after) == len(before)
        assert (after.height, after.width) == (before.height, before.width)
        np.testing.assert_allclose(after.times, before.times, atol=2e-6)
        assert after.duration == pytest.approx(before.duration, abs=2e-3)
        assert [numbers(after.read(i)) for i in range(len(after))] == list(range(len(after)))
    order = boxes(target)
    assert order.index("moov") < order.index("mdat")


def test_stream_is_what_browsers_play(make_clip, tmp_path):
    target = copy_clip(make_clip("clip.mp4"), tmp_path / "out.mp4")
    with av.open(str(target)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.has_b_frames) == ("h264", "yuv420p", 0)
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        assert [p.pts == p.dts for p in container.demux(video=0) if p.size].count(False) == 0


@pytest.mark.parametrize("size", [(64, 96), (720, 1280)])
def test_colours_do_not_shift(tmp_path, size):
    colours = np.random.default_rng(3).integers(0, 256, (4, 4, 3)).astype(np.uint8)
    picture = colours.repeat(size[0] // 4, axis=0).repeat(size[1] // 4, axis=1)
    with VideoWriter(tmp_path / "out.mp4", size[1], size[0], frame_rate=25, options=WriterOptions(crf=1)) as writer:
        writer.write(picture)
    with open_video(tmp_path / "out.mp4") as reader:
        shift = reader.read(0).astype(int) - picture
    step = (size[0] // 8, size[1] // 8)
    assert np.abs(shift[step[0] :: 2 * step[0], step[1] :: 2 * step[1]]).max() <= 4
    assert np.abs(shift.mean(axis=(0, 1))).max() < 0.7


@pytest.mark.parametrize(("width", "height"), [(97, 63), (96, 63), (97, 64), (1, 1), (3, 2)])
def test_odd_sizes_repeat_the_last_row_and_column(tmp_path, width, height):
    picture = np.full((height, width, 3), (180, 90, 40), np.uint8)
    with VideoWriter(tmp_path / "out.mp4", width, height, frame_rate=10) as writer:
        for _ in range(3):
            writer.write(picture)
    with open_video(tmp_path / "out.mp4") as reader:
        assert (reader.width, reader.height) == (width + width % 2, height + height % 2)
        assert np.abs(reader.read(2).astype(int) - (180, 90, 40)).max() <= 4


def test_rotated_clip_is_written_upright(make_clip, tmp_path):
    source = make_clip("turned.mp4", rotation=90)
    target = copy_clip(source, tmp_path / "out.mp4")
    assert probe(source).rotation == 270
    assert probe(target).rotation == 0
    with open_video(source) as before, open_video(target) as after:
        assert before.read(5).shape == after.read(5).shape == (96, 64, 3)
        assert np.abs(before.read(5).astype(int) - after.read(5)).mean() < 3


@pytest.mark.parametrize(
    ("name", "codec", "video", "expected"),
    [
        ("s.mp4", "aac", "libx264", "aac"),
        ("s.mkv", "libmp3lame", "libx264", "mp3float"),
        ("s.ts", "aac", "libx264", "aac"),
        ("s.webm", "libopus", "libvpx-vp9", "aac"),
        ("s.avi", "pcm_s16le", "mpeg4", "aac"),
        ("s.mkv", "flac", "libx264", "aac"),
    ],
)
def test_sound_is_kept(make_clip, tmp_path, name, codec, video, expected):
    options = {"deadline": "realtime", "cpu-used": "8"} if video == "libvpx-vp9" else {}
    source = make_clip(name, codec=video, options=options, num_frames=50, audio_codec=codec, audio_seconds=2.0)
    target = copy_clip(source, tmp_path / "out.mp4", audio_from=source)
    assert probe(target).num_frames == 50
    found, seconds, first = sound_of(target)
    assert found.removesuffix("float") == expected.removesuffix("float")
    assert seconds == pytest.approx(sound_of(source)[1], abs=0.06)
    assert first == pytest.approx(0.0, abs=0.06)


def test_pixel_aspect_is_kept(make_clip, tmp_path, ffmpeg):
    source = tmp_path / "wide.mp4"
    ffmpeg("-i", make_clip("square.mp4", num_frames=3), "-vf", "setsar=16/11", source)
    target = copy_clip(source, tmp_path / "out.mp4")
    with open_video(target) as reader:
        assert reader.pixel_aspect == Fraction(16, 11)


def test_sound_keeps_its_lead(make_clip, tmp_path):
    source = make_clip(
        "late.mkv", stamps=[i + 25 for i in range(30)], num_frames=30, audio_codec="flac", audio_seconds=2.0
    )
    target = copy_clip(source, tmp_path / "out.mp4", audio_from=source)
    with open_video(target) as reader:
        assert reader.times[0] == pytest.approx(1.0, abs=2e-3)
    assert sound_of(target)[2] == pytest.approx(0.0, abs=0.05)


def test_part_of_the_sound(make_clip, tmp_path):
    source = make_clip("s.mp4", num_frames=75, audio_codec="aac", audio_seconds=3.0)
    options = WriterOptions(audio_start=1.0, audio_stop=2.0)
    target = tmp_path / "out.mp4"
    with (
        open_video(source) as reader,
        VideoWriter(target, 96, 64, frame_rate=25, audio_from=source, options=options) as writer,
    ):
        for index in range(25, 50):
            writer.write(reader.read(index))
    assert sound_of(target)[1] == pytest.approx(1.0, abs=0.05)
    assert probe(target).duration == pytest.approx(1.0, abs=0.01)


def test_source_without_sound(make_clip, tmp_path):
    source = make_clip("silent.mp4", num_frames=3)
    assert not probe(copy_clip(source, tmp_path / "out.mp4", audio_from=source)).has_audio


def test_long_sound_does_not_wait_in_memory_for_the_end(make_clip, tmp_path):
    source = make_clip("s.mp4", num_frames=100, audio_codec="aac", audio_seconds=4.0)
    target = copy_clip(source, tmp_path / "out.mp4", audio_from=source)
    with av.open(str(target)) as container:
        kinds = [packet.stream.type for packet in container.demux() if packet.size]
    assert "video" in kinds[len(kinds) // 2 :]
    assert "audio" in kinds[: len(kinds) // 4]


def test_nothing_is_left_of_a_failed_write(tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"precious")
    picture = np.zeros((16, 16, 3), np.uint8)
    with pytest.raises(KeyboardInterrupt), VideoWriter(target, 16, 16, frame_rate=10) as writer:
        writer.write(picture)
        raise KeyboardInterrupt
    with pytest.raises(MediaError, match="1 of 2 frames"), VideoWriter(target, 16, 16, times=[0, 1]) as writer:
        writer.write(picture)
    with pytest.raises(MediaError, match="0 of 1 frames"), VideoWriter(target, 16, 16, frame_rate=10):
        pass
    with pytest.raises(MediaError, match=r"missing\.mp4 does not exist"):
        VideoWriter(target, 16, 16, frame_rate=10, audio_from=tmp_path / "missing.mp4")
    with pytest.raises(MediaError, match="cannot be written"):
        VideoWriter(tmp_path / "no such folder" / "out.mp4", 16, 16, frame_rate=10)
    writer = VideoWriter(target, 16, 16, frame_rate=10)
    writer.write(picture)
    writer.abort()
    writer.abort()
    with pytest.raises(MediaError, match="closed"):
        writer.write(picture)
    assert os.listdir(tmp_path) == ["out.mp4"]
    assert target.read_bytes() == b"precious"


def test_wrong_frames_and_times(tmp_path):
    target = tmp_path / "out.mp4"
    with pytest.raises(MediaError, match=r"shape \(16, 16, 4\)"), VideoWriter(target, 16, 16, frame_rate=10) as writer:
        writer.write(np.zeros((16, 16, 4), np.uint8))
    with pytest.raises(MediaError, match="one more"), VideoWriter(target, 16, 16, times=[0]) as writer:
        for _ in range(2):
            writer.write(np.zeros((16, 16, 3), np.uint8))
    for wrong, message in {(0.0, 1.0, 1.0): "frame 2", (-1.0, 0.0): "negative", (): "at least one"}.items():
        with pytest.raises(MediaError, match=message):
            VideoWriter(target, 16, 16, times=wrong)
    with pytest.raises(MediaError, match="either"):
        VideoWriter(target, 16, 16)
    with pytest.raises(MediaError, match="frame rate is 0"):
        VideoWriter(target, 16, 16, frame_rate=0)
    with pytest.raises(MediaError, match="size is 0 x 16"):
        VideoWriter(target, 0, 16, frame_rate=10)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (29.97, Fraction(30000, 1001)),
        (30000 / 1001, Fraction(30000, 1001)),
        (23.976, Fraction(24000, 1001)),
        (24, Fraction(24)),
        (12.5, Fraction(25, 2)),
        (1, Fraction(1)),
        (59.94, Fraction(60000, 1001)),
        (0.5, Fraction(1, 2)),
    ],
)
def test_exact_rate(rate, expected):
    assert exact_rate(rate) == expected


@pytest.mark.parametrize("unit", [600, 1000, 11_988, 12_800, 30_000, 44_100, 90_000])
def test_times_become_whole_numbers(unit):
    stamps = np.cumsum(np.random.default_rng(unit).integers(unit // 60, unit // 10, 500))
    timing = timing_from_times(stamps / unit, None)
    assert timing.num_frames == 500
    np.testing.assert_allclose(np.array(timing.stamps[:-1]) / timing.timescale, stamps / unit, atol=2e-6)


@pytest.mark.parametrize("name", ["cups", "dog", "juggle"])
def test_real_clips(tmp_path, name):
    root = os.environ.get("SAM2_DEMO_DATA")
    if not root:
        pytest.skip("SAM2_DEMO_DATA is not set: the development clips are not at hand")
    source = Path(root) / "clips" / f"{name}.mp4"
    with open_video(source) as reader:
        times = reader.times[:20]
        options = WriterOptions(preset="ultrafast", audio_stop=float(reader.times[20]))
        target = tmp_path / "out.mp4"
        with VideoWriter(target, 1280, 720, times=times, audio_from=source, options=options) as writer:
            for index in range(20):
                writer.write(reader.read(index))
        with open_video(target) as after:
            np.testing.assert_allclose(after.times, times, atol=2e-6)
            assert after.has_audio == reader.has_audio
            shift = after.read(10).astype(int) - reader.read(10)
    assert np.abs(shift.mean(axis=(0, 1))).max() < 1
    assert np.abs(shift).mean() < 3
