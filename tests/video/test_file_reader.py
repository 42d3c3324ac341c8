"""Frame i is frame i: in every container, in every order of reading, whatever the time stamps."""

from __future__ import annotations

import random
import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from sam2_demo.errors import MediaError
from sam2_demo.video import VideoFileReader, open_video, probe

H264 = {"preset": "ultrafast", "tune": "animation"}
VARIABLE = tuple(int(1000 * (i * 0.04 + 0.4 * (i > 10) + 0.013 * (i % 3))) for i in range(40))
FORMATS = {
    "mp4": ("clip.mp4", {}),
    "mp4_b_frames_long_gop": ("clip.mp4", {"options": {"bf": "3", "g": "250"}, "num_frames": 120}),
    "mp4_b_frames_short_gop": ("clip.mp4", {"options": {"bf": "3", "g": "8"}, "num_frames": 120}),
    "mp4_open_gop": ("clip.mp4", {"options": {"bf": "3", "g": "8", "x264-params": "open-gop=1"}, "num_frames": 90}),
    "mp4_intra": ("clip.mp4", {"options": {"g": "1"}}),
    "mp4_variable": ("clip.mp4", {"unit": Fraction(1, 1000), "stamps": VARIABLE, "options": {"bf": "2"}}),
    "mp4_fragmented": (
        "clip.mp4",
        {"options": {"g": "8"}, "muxer_options": {"movflags": "frag_keyframe+empty_moov"}, "num_frames": 90},
    ),
    "mp4_ntsc": ("clip.mp4", {"rate": Fraction(30000, 1001)}),
    "mp4_sound": ("clip.mp4", {"audio_codec": "aac", "audio_seconds": 1.6}),
    "mp4_hevc": ("clip.mp4", {"codec": "libx265", "options": {"x265-params": "log-level=none:keyint=9"}}),
    "mov_10_bit": ("clip.mov", {"codec": "prores_ks", "pix_fmt": "yuv422p10le"}),
    "mkv": ("clip.mkv", {"options": {"bf": "3", "g": "12"}, "num_frames": 90}),
    "mkv_open_gop": ("clip.mkv", {"options": {"bf": "3", "g": "8", "x264-params": "open-gop=1"}, "num_frames": 90}),
    "webm_vp9": ("clip.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}}),
    "webm_vp8_hidden_frames": (
        "clip.webm",
        {"codec": "libvpx", "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "g": "30"}, "num_frames": 90},
    ),
    "avi_b_frames": ("clip.avi", {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}, "num_frames": 60}),
    "avi_mjpeg": ("clip.avi", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    "avi_h264": ("clip.avi", {"options": {"bf": "2", "g": "12"}, "num_frames": 60}),
    "gif": ("clip.gif", {"codec": "gif", "pix_fmt": "rgb8", "rate": Fraction(20)}),
    "apng": ("clip.apng", {"codec": "apng", "pix_fmt": "rgb24", "muxer": "apng"}),
    "ts": ("clip.ts", {"options": {"bf": "2", "g": "12"}, "num_frames": 60}),
    "ts_mpeg2": ("clip.ts", {"codec": "mpeg2video", "options": {"bf": "2", "g": "12"}, "num_frames": 60}),
    "mpg": ("clip.mpg", {"codec": "mpeg1video", "options": {"bf": "2", "g": "12"}, "num_frames": 60}),
    "raw_h264": ("clip.h264", {"options": {"bf": "2", "g": "12"}, "num_frames": 60}),
    "flv": ("clip.flv", {"options": {"bf": "2", "g": "12"}, "num_frames": 60}),
    "interlaced": ("clip.mp4", {"options": {"x264-params": "tff=1", "flags": "+ildct+ilme"}}),
}


@pytest.fixture
def clip(request, make_clip):
    """One of FORMATS: (path, number of frames, recipe)."""
    name, recipe = FORMATS[request.param]
    if recipe.get("codec", "libx264") == "libx264":
        recipe = {**recipe, "options": {**H264, **recipe.get("options", {})}}
    return make_clip(name, **recipe), recipe.get("num_frames", 40), recipe


@pytest.mark.parametrize("clip", FORMATS, indirect=True)
def test_every_order_gives_the_frame_asked_for(clip, numbers):
    path, count, _ = clip
    with open_video(path) as reader:
        assert reader.num_frames == len(reader) == count
        assert [numbers(reader.read(i)) for i in range(count)] == list(range(count))
        assert reader.seeks == 1, "reading forward must not seek"
        backward = list(range(count - 1, -1, -1))
        assert [numbers(reader.read(i)) for i in backward] == backward
    order = [random.Random(7).randrange(count) for _ in range(60)]
    with VideoFileReader(path, cache_bytes=0) as reader:
        assert [numbers(reader.read(i)) for i in order] == order


@pytest.mark.parametrize("clip", FORMATS, indirect=True)
def test_times_are_those_written(clip):
    path, count, recipe = clip
    stamps = np.array(recipe.get("stamps") or range(count))
    expected = stamps * float(recipe.get("unit") or 1 / recipe.get("rate", Fraction(25)))
    with open_video(path) as reader:
        tolerance = 1.1e-3 if path.suffix in {".mkv", ".webm", ".flv"} else 1e-2 if path.suffix == ".gif" else 2e-5
        np.testing.assert_allclose(reader.times, expected, atol=tolerance)
        assert np.all(np.diff(reader.times) > 0)
        assert all(reader.frame_index_at(t) == i for i, t in enumerate(reader.times))
        if "stamps" not in recipe:
            assert reader.frame_rate == pytest.approx(float(recipe.get("rate", 25)), rel=2e-3)
            assert reader.duration == pytest.approx(count / reader.frame_rate, abs=0.05)


@pytest.mark.parametrize("hflip", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_display_matrix_is_applied(make_clip, degrees, hflip):
    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:16, :24] = (250, 20, 20)
    stored[-16:, :24] = (20, 250, 20)
    path = make_clip("turned.mp4", [stored] * 3, rotation=degrees, hflip=hflip)
    # FFmpeg turns counter-clockwise and mirrors afterwards.
    expected = np.rot90(stored, degrees // 90)
    expected = expected[:, ::-1] if hflip else expected
    with open_video(path) as reader:
        frame = reader.read(1)
        assert frame.shape == expected.shape == (reader.height, reader.width, 3)
        assert np.abs(frame.astype(int) - expected).mean() < 6
        assert reader.rotation == probe(path).rotation
    if not hflip:
        assert probe(path).rotation == (360 - degrees) % 360


def test_odd_sizes(make_clip, numbers):
    path = make_clip("odd.mkv", width=97, height=63, codec="ffv1", pix_fmt="yuv420p")
    with open_video(path) as reader:
        assert (reader.height, reader.width) == (63, 97)
        frame = reader.read(255 % 40)
        assert frame.shape == (63, 97, 3)
        assert numbers(frame) == 255 % 40
        assert np.ptp(frame[:, -1].astype(int) - frame[:, -2]) <= 2, "the odd last column is filled"


def test_transparent_video_lies_over_white(make_clip):
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[:16] = (200, 0, 0, 255)
    path = make_clip("alpha.mov", [picture] * 2, codec="qtrle", pix_fmt="argb", width=32, height=32)
    with open_video(path) as reader:
        frame = reader.read(1)
    assert frame[4, 4].tolist() == [200, 0, 0]
    assert frame[-4, 4].tolist() == [255, 255, 255]


def test_one_frame_video(make_clip, numbers):
    path = make_clip("one.mp4", num_frames=1)
    with open_video(path) as reader:
        assert len(reader) == 1
        assert numbers(reader.read(0)) == 0
        assert reader.times.tolist() == [0.0]
        assert reader.duration == pytest.approx(0.04, abs=0.01)


def test_edit_list_hides_the_frames_before_the_cut(make_clip, numbers, tmp_path, ffmpeg):
    path = make_clip("whole.mp4", num_frames=100, options={"g": "50", "bf": "2"}, audio_codec="aac", audio_seconds=4)
    cut = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.8", "-i", path, "-c", "copy", cut)
    with open_video(cut) as reader:
        first = numbers(reader.read(0))
        assert 18 <= first <= 22
        count = len(reader)
        assert [numbers(reader.read(i)) for i in range(count)] == list(range(first, first + count))
        assert first + count == 100
        backward = list(range(count - 1, -1, -5))
        assert [numbers(reader.read(i)) for i in backward] == [first + i for i in backward]


def test_transport_stream_that_begins_inside_a_group(make_clip, numbers, tmp_path):
    path = make_clip("whole.ts", num_frames=100, options={"g": "25", "bf": "2"})
    cut = tmp_path / "cut.ts"
    data = path.read_bytes()
    cut.write_bytes(data[(len(data) // 188 // 6) * 188 :])
    with open_video(cut) as reader:
        shown = [numbers(reader.read(i)) for i in range(len(reader))]
        assert shown[-1] == 99
        assert len(shown) >= 75
        order = random.Random(1).sample(range(len(reader)), 30)
        assert [numbers(reader.read(i)) for i in order] == [shown[i] for i in order]


def test_broadcast_whose_clock_starts_again_and_that_gains_a_stream(make_clip, numbers, tmp_path):
    parts = [
        make_clip("a.ts", num_frames=40, options={"g": "10", "bf": "2"}),
        make_clip("b.ts", num_frames=30, options={"g": "10", "bf": "2"}, audio_codec="aac", audio_seconds=1.2),
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    expected = [*range(40), *range(30)]
    with open_video(path) as reader:
        assert [numbers(reader.read(i)) for i in range(len(reader))] == expected
        order = random.Random(2).sample(range(70), 12)
        assert [numbers(reader.read(i)) for i in order] == [expected[i] for i in order]
        assert np.all(np.diff(reader.times) > 0)


def test_cut_off_file_gives_what_can_be_decoded(make_clip, numbers, tmp_path):
    path = make_clip(
        "whole.mp4", num_frames=100, options={"g": "10", "bf": "2"}, muxer_options={"movflags": "+faststart"}
    )
    cut = tmp_path / "cut.mp4"
    data = path.read_bytes()
    cut.write_bytes(data[: int(len(data) * 0.7)])
    with open_video(cut) as reader:
        count = len(reader)
        assert 20 < count < 100
        # The decoder may conceal damage in the very last frame.
        assert [numbers(reader.read(i)) for i in range(count - 1)] == list(range(count - 1))
        reader.read(count - 1)
        assert len(reader.times) == count


CONTAINERS = {
    "a.mp4": {"muxer_options": {"movflags": "+faststart"}},
    "a.mov": {"muxer_options": {"movflags": "+faststart"}},
    "a.mkv": {},
    "a.webm": {"codec": "libvpx-vp9"},
    "a.avi": {"codec": "mpeg4"},
}


@pytest.mark.parametrize("name", list(CONTAINERS))
@pytest.mark.parametrize("sound", [{}, {"audio_codec": "aac", "audio_seconds": 6.0}], ids=["silent", "longer sound"])
def test_a_cut_off_file_says_so_and_a_whole_one_does_not(make_clip, tmp_path, name, sound):
    if name == "a.webm" and sound:
        sound = sound | {"audio_codec": "libopus"}
    path = make_clip(name, num_frames=100, options={"g": "12"}, **CONTAINERS[name], **sound)
    with open_video(path) as reader:
        assert reader.notice == ""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * (0.4 if sound else 0.6))])
    with open_video(path) as reader:
        read = f"only the first {reader.duration:.1f} s ({reader.num_frames} frames) can be read"
        assert reader.num_frames < 85 and "lasts 4.0 s" in reader.notice and read in reader.notice


def test_delays_and_cuts_are_no_damage(make_clip, tmp_path, ffmpeg):
    late = make_clip("late.mp4", stamps=[i + 50 for i in range(20)], num_frames=20, audio_codec="aac", audio_seconds=3)
    mkv = make_clip("late.mkv", stamps=[i + 50 for i in range(20)], num_frames=20)
    trimmed = tmp_path / "trimmed.mp4"
    whole = make_clip("whole.mp4", num_frames=100, options={"g": "50"})
    ffmpeg("-ss", "1.2", "-i", whole, "-c", "copy", "-t", "1.5", trimmed)
    for path in (late, mkv, trimmed):
        with open_video(path) as reader:
            assert reader.notice == "", path.name


def test_a_damaged_frame_shows_the_one_beside_it(make_clip, numbers, tmp_path):
    path = make_clip("whole.mp4", num_frames=200, options={"g": "40", "bf": "0", "sc_threshold": "0"})
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    broken = next(packet for packet in packets[100:] if not packet.is_keyframe)
    content = bytearray(path.read_bytes())
    content[broken.pos : broken.pos + broken.size] = b"\xff" * broken.size
    damaged = tmp_path / f"damaged{path.suffix}"
    damaged.write_bytes(content)
    with VideoFileReader(damaged) as reader:
        shown = [numbers(reader.read(index)) for index in range(reader.num_frames)]
        seeks = reader.seeks
        wrong = [index for index, number in enumerate(shown) if number != index]
        assert reader.num_frames == 200 and 0 < len(wrong) < 40
        assert all(abs(shown[index] - index) < 40 for index in wrong)
        for index in wrong:
            reader.read(index)
        assert reader.seeks - seeks <= len(wrong)  # what is damaged is known by now


def test_sound_that_begins_first_keeps_its_lead(make_clip, tmp_path):
    path = make_clip(
        "late.mp4", stamps=[i + 10 for i in range(20)], num_frames=20, audio_codec="aac", audio_seconds=1.2
    )
    with open_video(path) as reader:
        assert reader.times[0] == pytest.approx(0.4, abs=1e-3)
        assert reader.has_audio


def test_memory_stays_within_the_limit(make_clip):
    path = make_clip("long.mp4", num_frames=200, options={"g": "250"})
    frame_bytes = 96 * 64 * 3 // 2
    with VideoFileReader(path, cache_bytes=10 * frame_bytes) as reader:
        for index in [*range(200), *range(199, 150, -1), 3, 180]:
            reader.read(index)
            assert len(reader._cache) <= 10


def test_stepping_backward_decodes_a_group_once(make_clip):
    path = make_clip("groups.mp4", num_frames=100, options={"g": "25"})
    with VideoFileReader(path) as reader:
        for index in range(99, -1, -1):
            reader.read(index)
        assert reader.seeks <= 6


def test_threads_share_a_reader(make_clip, numbers):
    path = make_clip("shared.mp4", num_frames=60, options={"g": "12", "bf": "2"})
    wrong: list[tuple[int, int]] = []
    with VideoFileReader(path, cache_bytes=0) as reader:

        def work(seed: int) -> None:
            for index in random.Random(seed).sample(range(60), 20):
                found = numbers(reader.read(index))
                if found != index:
                    wrong.append((index, found))

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_index_outside_and_closed_reader(make_clip):
    path = make_clip("clip.mp4", num_frames=5)
    reader = open_video(path)
    for index in (-1, 5):
        with pytest.raises(MediaError, match=f"{index}.*frames 0 to 4"):
            reader.read(index)
    reader.close()
    reader.close()
    with pytest.raises(MediaError, match="closed"):
        reader.read(0)


def test_untagged_colours_follow_the_size(make_clip):
    picture = np.tile(np.array([200, 40, 60], np.uint8), (64, 96, 1))
    path = make_clip("small.mp4", [picture] * 2, options={"crf": "1"})
    with open_video(path) as reader:
        assert np.abs(reader.read(0).astype(int) - picture).max() <= 4


def test_frames_belong_to_the_caller(make_clip):
    path = make_clip("clip.mp4", num_frames=3)
    with open_video(path) as reader:
        frame = reader.read(1)
        kept = frame.copy()
        frame[:] = 0
        assert frame.flags.c_contiguous
        assert np.array_equal(reader.read(1), kept)


def test_cover_picture_is_no_video(tmp_path, ffmpeg, make_clip):
    sound = tmp_path / "sound.m4a"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    cover = make_clip("cover.png", num_frames=1, codec="png", pix_fmt="rgb24", muxer="image2")
    tagged = tmp_path / "tagged.m4a"
    ffmpeg("-i", sound, "-i", cover, "-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic", tagged)
    for path in (sound, tagged):
        with pytest.raises(MediaError, match="no video"):
            open_video(path)
