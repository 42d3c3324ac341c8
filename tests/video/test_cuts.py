"""Hard cuts: each found on its frame, and nothing that only looks like one."""

from __future__ import annotations

import os
import random
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from sam2_demo.video import ArrayReader, open_video
from sam2_demo.video.cuts import Look, cuts_among, difference, find_cuts

DATA = Path(os.environ.get("SAM2_DEMO_DATA", "nowhere"))
CLIPS = DATA / "vos_train" / "JPEGImages"  # never those that are held out: whoever mends a fault here, tunes
needs_data = pytest.mark.skipif(not CLIPS.is_dir(), reason="SAM2_DEMO_DATA has no clips")


def scene(seed: int) -> np.ndarray:
    """A picture (60, 90, 3) of smooth colours of its own."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (4, 6, 3), dtype=np.uint8)
    return cv2.resize(small, (90, 60), interpolation=cv2.INTER_CUBIC)


def panned(picture: np.ndarray, length: int, speed: int = 2) -> list[np.ndarray]:
    return [np.roll(picture, speed * t, axis=1) for t in range(length)]


def test_shots_begin_where_scenes_change():
    frames = [frame for seed in range(6) for frame in panned(scene(seed), 7 + seed)]
    starts = np.cumsum([7 + seed for seed in range(6)])[:-1].tolist()
    assert find_cuts(ArrayReader(frames)) == starts


def test_a_shot_may_begin_on_the_second_frame_and_on_the_last():
    frames = [scene(1), *panned(scene(2), 9), scene(3)]
    assert find_cuts(ArrayReader(frames)) == [1, 10]
    assert find_cuts(ArrayReader(frames[:1])) == []


def test_a_flash_is_no_cut():
    frames = panned(scene(1), 20)
    frames[8] = np.full_like(frames[8], 250)
    assert find_cuts(ArrayReader(frames)) == []
    frames[9] = np.full_like(frames[9], 240)
    assert find_cuts(ArrayReader(frames)) == []


def test_fast_motion_and_fades_are_no_cuts():
    assert find_cuts(ArrayReader(panned(scene(4), 20, speed=20))) == []
    first, second = scene(1).astype(float), scene(2).astype(float)
    fade = [((1 - t / 19) * first + t / 19 * second).astype(np.uint8) for t in range(20)]
    assert find_cuts(ArrayReader(fade)) == []


def test_differences_are_shares():
    black, white = (Look.of(np.full((30, 40, 3), value, np.uint8)) for value in (0, 255))
    assert difference(black, black) == (0, 0)
    assert difference(black, white) == pytest.approx((1, 1), abs=1e-3)


def test_progress_is_told_once_a_frame():
    told: list[int] = []
    find_cuts(ArrayReader(panned(scene(1), 12)), told.append)
    assert told == list(range(1, 13))


@cache
def looks_of(folder: Path) -> list[Look]:
    return [Look.of(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)) for path in sorted(folder.iterdir())]


@needs_data
def test_every_cut_of_twenty_joined_clips_and_none_within_them():
    names = (DATA / "vos_train" / "train.txt").read_text().split()
    clips = {name: looks_of(CLIPS / name) for name in names}
    for name, looks in clips.items():
        assert list(cuts_among(iter(looks))) == [], name
    long = [name for name, looks in clips.items() if len(looks) > 40 and "_" not in name]  # of a place, but once
    for seed in range(20):
        rng, joined, starts = random.Random(seed), [], []
        for name in [*rng.sample(long, 4), rng.choice(["highway_a", "highway_b", "highway_c"])]:
            looks, length = clips[name], rng.randint(6, 40)
            first = rng.randrange(len(looks) - length)
            starts.append(len(joined))
            joined += looks[first : first + length]
        assert list(cuts_among(iter(joined))) == starts[1:], seed


@needs_data
def test_none_in_clips_of_one_shot():
    for path in sorted((DATA / "clips").glob("*.mp4")):
        with open_video(path) as reader:
            assert find_cuts(reader) == [], path.name
