"""Clips of a varying rate, of a late first frame and of pixels that are not square: every file says the clip's own."""

from __future__ import annotations

import csv
import json
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from sam2_demo.errors import DatasetError
from sam2_demo.formats import alpha_video, coco, csv_tables, davis, mots, per_object_png, sa_v, yolo
from sam2_demo.formats.annotation import ClipAnnotation
from sam2_demo.formats.exchange import read_any, write_file
from sam2_demo.masks.masklet import Masklet
from sam2_demo.video import VideoWriter, open_video
from sam2_demo.video.writer import WriterOptions
from tests.formats.conftest import same_masks

SIZE = (36, 52)
VARYING = [frame / 30 for frame in range(12)] + [0.4 + frame / 10 for frame in range(12)]
LATE = [0.5 + frame / 25 for frame in range(24)]


@pytest.fixture(params=[(VARYING, 1.6), (LATE, 1.46)], ids=["varying rate", "sound earlier"])
def timed(request) -> ClipAnnotation:
    """24 frames at such times, with anamorphic pixels and names of their own."""
    times, end = request.param
    value = ClipAnnotation(*SIZE, 24, frame_rate=24 / (end - times[0]), name="clip")
    value.times, value.duration, value.pixel_aspect = times, end, 4 / 3
    value.picture_names = [f"shot_{frame:03d}.jpg" for frame in range(24)]
    for frame in range(24):
        mask = np.zeros(SIZE, bool)
        mask[4:20, frame : frame + 12] = True
        value.masklet(1).set(frame, mask)
    value.labels = {1: "car"}
    return value


def test_a_reader_s_clip_is_taken_over(tmp_path):
    path = tmp_path / "varying.mp4"
    options = WriterOptions(duration=1.6, pixel_aspect=Fraction(4, 3))
    with VideoWriter(path, SIZE[1], SIZE[0], times=VARYING, options=options) as writer:
        for frame in range(24):
            writer.write(np.full((*SIZE, 3), 10 * frame, np.uint8))
    with open_video(path) as reader:
        value = ClipAnnotation.of_clip(reader, "v").check()
        assert value.frame_times == reader.times.tolist() and value.end_time == pytest.approx(1.6, abs=1e-3)
        assert value.pixel_aspect == pytest.approx(4 / 3) and value.num_frames == 24 and value.picture_names == []
    for frame in range(3):
        Image.new("RGB", (8, 6)).save(tmp_path / f"shot {frame}.png")
    with open_video(tmp_path) as reader:
        assert ClipAnnotation.of_clip(reader).picture_names == ["shot 0.png", "shot 1.png", "shot 2.png"]


def test_tables_say_when_frames_appear(timed, tmp_path):
    csv_tables.write(timed, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["time_seconds"]) for row in rows] == pytest.approx(list(timed.times), abs=1e-12)
    again = csv_tables.read(tmp_path / "a.csv")
    assert again.frame_times == timed.frame_times and again.end_time == timed.end_time
    for frame in (0, 3, 4, 23):
        timed.masklets[1].discard(frame)
    csv_tables.write(timed, tmp_path / "b.csv")
    again = csv_tables.read(tmp_path / "b.csv").frame_times
    assert [again[frame] for frame in timed.masklets[1]] == [timed.times[frame] for frame in timed.masklets[1]]
    first, *rest = (tmp_path / "b.csv").read_text().splitlines()
    column = first.split(",").index("duration_seconds")
    older = [",".join(cells[:column] + cells[column + 1 :]) for cells in (line.split(",") for line in [first, *rest])]
    (tmp_path / "older.csv").write_text("\n".join(older))
    same_masks(timed, csv_tables.read(tmp_path / "older.csv"))


@pytest.mark.parametrize("frames", [(0, 2), (20, 23), (9,)])
def test_tables_of_some_frames_leave_the_others_within_the_clip(timed, tmp_path, frames):
    timed.masklets[1] = kept = Masklet(1, *SIZE)
    timed.times = [*(time / 50 for time in range(22)), 1.3, 1.45]
    timed.frame_rate, timed.duration = 5.0, 1.46
    for frame in frames:
        kept.set(frame, np.ones(SIZE))
    csv_tables.write(timed, tmp_path / "a.csv")
    again = csv_tables.read(tmp_path / "a.csv")
    assert [again.times[frame] for frame in frames] == [timed.times[frame] for frame in frames]
    assert len(again.times) == 24 and again.end_time == pytest.approx(1.46)


@pytest.mark.parametrize(("column", "text"), [("num_frames", "3"), ("time_seconds", "nan"), ("time_seconds", "soon")])
def test_tables_with_impossible_times_are_refused(timed, tmp_path, column, text):
    csv_tables.write(timed, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (tmp_path / "b.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {column: text} for row in rows)
    with pytest.raises(DatasetError, match=r"b\.csv"):
        csv_tables.read(tmp_path / "b.csv")


def test_video_with_alpha_lies_over_its_source(timed, tmp_path):
    alpha_video.write(timed, tmp_path / "a.webm")
    with av.open(str(tmp_path / "a.webm")) as container:
        stream = container.streams.video[0]
        found = [float(packet.pts * packet.time_base) for packet in container.demux(stream) if packet.size]
        assert found == pytest.approx(list(timed.times), abs=0.6e-3)
        assert container.duration / av.time_base == pytest.approx(timed.duration, abs=1.1e-3)
    again = alpha_video.read(tmp_path / "a.webm")
    assert again.frame_times == pytest.approx(timed.frame_times, abs=0.6e-3)
    assert again.end_time == pytest.approx(timed.end_time, abs=1.1e-3) and again.num_frames == 24


def test_video_with_alpha_of_an_even_rate_keeps_it(clip, tmp_path):
    alpha_video.write(clip, tmp_path / "a.webm")
    again = alpha_video.read(tmp_path / "a.webm")
    assert (list(again.times), again.duration, again.frame_rate) == ([], None, 12.5)


def test_sa_v_says_the_clip_s_duration(timed, tmp_path):
    sa_v.write(timed, tmp_path / "a.json")
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["video_duration"] == timed.duration
    again = sa_v.read(tmp_path / "a.json")
    assert again.frame_times == timed.frame_times and again.frame_rate == timed.frame_rate
    sa_v.write(again, tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text()) == content


@pytest.mark.parametrize(("name", "module"), [("a.json", coco), ("b", yolo), ("c", mots), ("d.zip", per_object_png)])
def test_formats_with_room_keep_times_aspect_and_names(timed, tmp_path, name, module):
    module.write(timed, tmp_path / name)
    again = module.read(tmp_path / name)
    same_masks(timed, again)
    assert again.frame_times == timed.frame_times and again.end_time == timed.end_time
    assert (again.frame_rate, again.pixel_aspect) == (timed.frame_rate, timed.pixel_aspect)
    assert again.picture_names == timed.picture_names


@pytest.mark.parametrize("name", ["sa_v", "coco", "png", "yolo", "mots", "mots_png", "csv"])
def test_every_single_file_of_named_frames_is_read_back(timed, tmp_path, name):
    timed.masklets[1].discard(0)
    again = read_any(write_file(timed, name, tmp_path))
    assert again.masklets[1].rle(7) == timed.masklets[1].rle(7)
    if name != "sa_v":
        assert again.annotated_frames == list(range(1, 24))


def test_davis_calls_frames_as_the_clip_does(timed, tmp_path):
    davis.write(timed, tmp_path)
    assert sorted(path.stem for path in tmp_path.iterdir()) == [f"shot_{frame:03d}" for frame in range(24)]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times": [0.0]}, "1 times were given for 2 frames"),
        ({"times": [0.5, 0.5]}, "do not rise"),
        ({"times": [0.0, float("nan")]}, "do not rise"),
        ({"times": [0.0, 1.0], "duration": 0.5}, r"ends at 0\.5 s, its last frame appears at 1\.0 s"),
        ({"frame_rate": 0}, "frame rate is 0"),
        ({"pixel_aspect": -1}, "pixel aspect is -1"),
    ],
)
def test_times_that_cannot_be_are_refused(change, words):
    value = ClipAnnotation(2, 2, 2)
    for name, given in change.items():
        setattr(value, name, given)
    with pytest.raises(DatasetError, match=words):
        value.check()


def test_numbers_of_numpy_are_written_in_every_format(clip, tmp_path):
    plain = {name: write_file(clip, name, tmp_path / "plain").read_bytes() for name in ("sa_v", "coco", "yolo", "mots")}
    masklets = {np.int64(key): masklet for key, masklet in clip.masklets.items()}
    for masklet in masklets.values():
        masklet.object_id = np.int64(masklet.object_id)  # as if it had got past the door
    labels = {np.int64(key): label for key, label in clip.labels.items()}
    value = ClipAnnotation(np.int64(37), np.int32(53), np.int64(9), np.float32(12.5), masklets, labels, "clip")
    value.extra = {"masklet_edited_frame_count": {1: np.int64(0)}}
    for name, content in plain.items():
        assert write_file(value, name, tmp_path / "numpy").read_bytes() == content, name
