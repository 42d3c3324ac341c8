"""Files that are no clips are refused with a message that says what was found and what is accepted."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from sam2_demo.errors import MediaError
from sam2_demo.video import open_video, probe


def test_missing_empty_and_text_files(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("this is not a video\n" * 50)
    for name, message in {
        "missing.mp4": "does not exist",
        "empty.mp4": r"empty \(0 bytes\)",
        "text.mp4": "cannot be opened as a video",
    }.items():
        with pytest.raises(MediaError, match=message) as caught:
            open_video(tmp_path / name)
        assert name in str(caught.value)
        assert "MP4, MOV, WebM" in str(caught.value)


@pytest.mark.parametrize("kind", ["playlist", "concat"])
def test_files_that_point_to_others_are_refused(tmp_path, make_clip, kind):
    clip = make_clip("clip.mp4", num_frames=3)
    path = tmp_path / "list.mp4"
    if kind == "playlist":
        path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip}\n#EXT-X-ENDLIST\n")
    else:
        path.write_text(f"ffconcat version 1.0\nfile {clip.name}\n")
    with pytest.raises(MediaError, match="cannot be opened"):
        open_video(path)


def test_mp4_without_its_index(make_clip, tmp_path):
    data = make_clip("whole.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"moov") - 40])
    with pytest.raises(MediaError, match="cut off"):
        open_video(tmp_path / "cut.mp4")


def test_video_without_frames(make_clip, tmp_path):
    path = make_clip("none.mp4", muxer_options={"movflags": "+faststart"})
    data = path.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: data.index(b"mdat") + 8])
    with pytest.raises(MediaError, match=r"cut\.mp4"):
        open_video(tmp_path / "cut.mp4")


def test_failed_opening_leaves_no_open_file(tmp_path, make_clip):
    path = make_clip("none.mp4", muxer_options={"movflags": "+faststart"})
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"mdat") + 8])
    place = Path("/proc/self/fd")
    if not place.is_dir():
        pytest.skip("needs /proc")
    before = len(os.listdir(place))
    for _ in range(5):
        with pytest.raises(MediaError):
            open_video(path)
    assert len(os.listdir(place)) <= before


def test_probe(make_clip):
    info = probe(make_clip("clip.mp4", num_frames=50, audio_codec="aac", audio_seconds=2, rotation=90))
    assert (info.height, info.width, info.num_frames, info.rotation) == (96, 64, 50, 270)
    assert (info.codec, info.has_audio, info.frame_rate, info.variable_frame_rate) == ("h264", True, 25.0, False)
    assert info.duration == pytest.approx(2.0)
    assert probe(make_clip("vfr.mp4", num_frames=5, stamps=[0, 1, 5, 6, 9])).variable_frame_rate


@pytest.mark.parametrize("name", ["cups", "dog", "juggle"])
def test_real_clips(name):
    root = os.environ.get("SAM2_DEMO_DATA")
    if not root:
        pytest.skip("SAM2_DEMO_DATA is not set: the development clips are not at hand")
    path = Path(root) / "clips" / f"{name}.mp4"
    with open_video(path) as reader:
        assert len(reader) == {"cups": 300, "dog": 289, "juggle": 247}[name]
        assert (reader.height, reader.width) == (720, 1280)
        forward = {i: reader.read(i) for i in range(40, 60)}
        reader.read(len(reader) - 1)
        assert all(np.array_equal(reader.read(i), forward[i]) for i in (59, 47, 40, 53))
