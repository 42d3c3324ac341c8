"""Finding and tracking: when it looks, what it looks for, what it writes; and the whole with a real network."""

import json

import numpy as np
import pytest

from sam2_demo.formats import sa_v
from sam2_demo.masklets import finding
from sam2_demo.masklets.finding import Progress, find_masklets, mask_options
from sam2_demo.masklets.options import MaskletOptions
from sam2_demo.tracking.video_predictor import VideoPredictor
from sam2_demo.video import open_video
from tests.masklets.stand_in import HEIGHT, WIDTH, StillPredictor, StillSession, block, record

LEFT, RIGHT = block(5, 5, 25, 40), block(50, 5, 70, 40)


@pytest.fixture
def still(monkeypatch):
    """A tracker under which nothing moves; the value is the list of its runs."""
    monkeypatch.setattr(finding, "VideoPredictor", StillPredictor)
    StillSession.log = []
    return StillSession.log


def black(num_frames: int) -> np.ndarray:
    return np.zeros((num_frames, HEIGHT, WIDTH, 3), np.uint8)


def answers(*of_calls: list) -> tuple:
    """A generator that gives one answer after the other, and the list of what it was asked."""
    asked: list = []

    def generate(rgb):
        asked.append(rgb)
        return of_calls[len(asked) - 1]

    return generate, asked


def test_it_looks_again_and_tracks_new_things_both_ways(still) -> None:
    generate, asked = answers([record(LEFT)], [record(LEFT), record(RIGHT, stability=0.96)], [])
    options = MaskletOptions(find_every=4, annotation_step=2)
    clip = find_masklets(StillPredictor(), black(11), options, generate=generate)
    assert len(asked) == 3
    assert still == [
        ("forward", 1, 4, [0]),
        ("backward", 4, 1, [1]),
        ("forward", 5, 8, [0, 1]),
        ("forward", 9, 10, [0, 1]),
    ]
    assert clip.masklets[0].frame_indices == [0, 2, 4, 6, 8, 10]
    assert clip.masklets[1].frame_indices == [2, 4, 6, 8, 10]  # frame 0 was looked at without finding it
    assert (clip.masklets[1].mask(2) == RIGHT).all()
    stability = clip.extra["stability"]
    assert stability[0] == {0: 0.95, 2: 1.0, 4: 1.0, 6: 1.0, 8: 1.0, 10: 1.0}
    assert stability[1][0] == 1.0  # nothing there yet: an empty mask, as SA-V scores it
    assert stability[1][4] == 0.96


def test_first_frame_only(still) -> None:
    generate, asked = answers([record(LEFT)])
    find_masklets(StillPredictor(), black(9), MaskletOptions(find_every=0), generate=generate)
    assert len(asked) == 1
    assert still == [("forward", 1, 8, [0])]


def test_it_does_not_look_where_all_is_covered_or_the_limit_is_reached(still) -> None:
    whole = block(0, 0, WIDTH, HEIGHT)
    generate, asked = answers([record(whole)])
    find_masklets(StillPredictor(), black(9), MaskletOptions(find_every=3), generate=generate)
    assert len(asked) == 1
    generate, asked = answers([record(LEFT), record(RIGHT)])
    options = MaskletOptions(find_every=3, max_objects=1)
    clip = find_masklets(StillPredictor(), black(9), options, generate=generate)
    assert len(asked) == 1
    assert clip.object_ids == [0]


def test_things_that_come_late_in_an_empty_clip_are_found(still) -> None:
    generate, _ = answers([], [record(RIGHT)])
    clip = find_masklets(StillPredictor(), black(5), MaskletOptions(find_every=4), generate=generate)
    assert clip.masklets[0].frame_indices == [4]
    assert still == [("backward", 4, 1, [0])]


def test_small_parts_go_and_holes_are_filled_in_tracked_masks(still) -> None:
    ragged = LEFT.copy()
    ragged[20:23, 10:13] = False
    ragged[45, 60:63] = True
    generate, _ = answers([record(ragged)])
    options = MaskletOptions(find_every=0, min_region_area=50)
    clip = find_masklets(StillPredictor(), black(5), options, generate=generate)
    assert (clip.masklets[0].mask(4) == LEFT).all()


def test_ids_count_from_zero_after_a_masklet_was_dropped(still) -> None:
    generate, _ = answers([record(RIGHT, 0.99, stability=0.2), record(LEFT, 0.98, stability=0.99)])
    clip = find_masklets(StillPredictor(), black(1), MaskletOptions(), generate=generate)
    assert clip.object_ids == [0]
    assert (clip.masklets[0].mask(0) == LEFT).all()


def test_progress_counts_frames_and_can_stop_the_work(still) -> None:
    seen: list[Progress] = []
    generate, _ = answers([record(LEFT)], [])
    options = MaskletOptions(find_every=3)
    find_masklets(StillPredictor(), black(6), options, seen.append, generate)
    assert [one.num_done for one in seen] == [0, 2, 3, 4, 4, 5, 6]
    assert seen[0].step == "finding"
    assert seen[-1] == Progress(6, 6, 1, "tracking")

    def stop(progress: Progress) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        find_masklets(StillPredictor(), black(6), options, stop, answers([record(LEFT)])[0])


def test_a_reader_that_was_given_stays_open(still) -> None:
    reader = open_video(black(3))
    find_masklets(StillPredictor(), reader, generate=answers([record(LEFT)])[0])
    assert reader.read(2).shape == (HEIGHT, WIDTH, 3)


def test_sa_v_file_has_the_published_fields(still, tmp_path) -> None:
    generate, _ = answers([record(LEFT)], [record(RIGHT)])
    clip = find_masklets(StillPredictor(), black(9), MaskletOptions(find_every=8), generate=generate)
    clip.name = "made"
    sa_v.write(clip, tmp_path / "made_auto.json")
    content = json.loads((tmp_path / "made_auto.json").read_text())
    assert content["video_id"] == "made"
    assert content["masklet_num"] == 2
    assert content["masklet_type"] == ["auto", "auto"]
    assert content["masklet_edited_frame_count"] == [0, 0]
    assert content["masklet_frame_count"] == [3, 3]  # frames 0, 4 and 8
    assert [len(row) for row in content["masklet"]] == [2, 2, 2]
    assert content["masklet_stability_score"][0] == [0.95, 1.0]
    back = sa_v.read(tmp_path / "made_auto.json")
    assert (back.masklets[1].mask(8) == RIGHT).all()
    assert not back.masklets[1].mask(0).any()


def test_masks_of_a_real_network_are_clean_scored_and_repeatable(nano_network, clip_frames) -> None:
    generate, _ = answers([record(LEFT), record(RIGHT)], [record(block(28, 10, 46, 30))], [])
    options = MaskletOptions(
        find_every=8, annotation_step=2, duplicate_iou=1, masklet_stability_thresh=0, min_area=20, min_region_area=30
    )

    def find(made):
        return find_masklets(VideoPredictor(nano_network), clip_frames[:18], options, generate=made)

    clip = find(generate)
    assert len(clip.masklets) >= 2
    assert clip.extra["sa_v"] == {"annotation_step": 2}
    for object_id, masklet in clip.masklets.items():
        assert all(frame % 2 == 0 for frame in masklet)
        scores = clip.extra["stability"][object_id]
        assert list(scores) == list(range(0, 18, 2))
        assert all(0 <= score <= 1 for score in scores.values())
        assert all(scores[frame] == 1 for frame in masklet if not masklet.area(frame))
        assert len({scores[frame] for frame in masklet if masklet.area(frame)}) > 1
    generate, _ = answers([record(LEFT), record(RIGHT)], [record(block(28, 10, 46, 30))], [])
    again = find(generate)
    assert again.masklets == clip.masklets
    assert again.extra == clip.extra


def test_memory_does_not_grow_with_the_clip(nano_network, clip_frames, monkeypatch) -> None:
    opened = []
    plain_open = VideoPredictor.open
    monkeypatch.setattr(
        VideoPredictor, "open", lambda self, source: opened.append(plain_open(self, source)) or opened[-1]
    )
    held = []

    def count(progress: Progress) -> None:
        session = opened[0]
        held.append(sum(len(masklet) for masklet in session.masklets.values()))
        assert session.options.recent_memories == 16

    generate, _ = answers([record(LEFT), record(RIGHT)])
    options = MaskletOptions(find_every=0, masklet_stability_thresh=0)
    find_masklets(VideoPredictor(nano_network), clip_frames, options, count, generate)
    assert held == [0] * 24


def test_everything_mode_is_used_unless_told_otherwise(nano_network, clip_frames) -> None:
    options = MaskletOptions(
        points_per_side=3,
        pred_iou_thresh=0,
        stability_thresh=0,
        masklet_stability_thresh=0,
        find_every=0,
        max_objects=3,
    )
    clip = find_masklets(VideoPredictor(nano_network), clip_frames[:5], options)
    assert 1 <= len(clip.masklets) <= 3
    assert mask_options(options).points_per_side == 3
    assert mask_options(MaskletOptions(min_region_area=70)).min_mask_region_area == 70
