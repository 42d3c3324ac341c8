"""Find alike: examples, their likes in the same picture and in others, and what is no like."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from sam2_demo import load_network
from sam2_demo.errors import ConfigError, PromptError
from sam2_demo.masks.run_lengths import decode_rle
from sam2_demo.tracking.alike import AlikeFinder, AlikeOptions, _starts, _without_doubles

SIZE = (240, 320)
RED, BLUE = (210, 40, 40), (40, 60, 210)
PLACES = [(50, 50), (150, 60), (250, 50), (60, 180), (170, 170)]


@pytest.fixture(scope="module")
def network():
    return load_network("embedded", device="cpu", dtype="float32")


def _picture(places: list[tuple[int, int]], others: list[tuple[int, int]]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Discs of radius 20 on grey, red ones at `places` and blue squares at `others`; the masks of the discs."""
    rgb = np.full((*SIZE, 3), 150, np.uint8)
    rgb += np.random.default_rng(0).integers(0, 12, rgb.shape, dtype=np.uint8)
    for x, y in others:
        cv2.rectangle(rgb, (x - 20, y - 20), (x + 20, y + 20), BLUE, -1)
    masks = []
    for place in places:
        cv2.circle(rgb, place, 20, RED, -1)
        masks.append(cv2.circle(np.zeros(SIZE, np.uint8), place, 20, 1, -1).astype(bool))
    return rgb, masks


def _scores(found, masks) -> tuple[float, float]:
    """Recall and precision at IoU 0.5."""
    own = [decode_rle(one.rle) for one in found]
    hits = sum(any((a & b).sum() > 0.5 * (a | b).sum() for a in own) for b in masks)
    return hits / len(masks), hits / max(1, len(own))


def test_likes_are_found_and_other_things_are_not(network) -> None:
    rgb, masks = _picture(PLACES, [(260, 180), (110, 120)])
    finder = AlikeFinder(network)
    finder.add_example(rgb, masks[1])
    found = finder.find(rgb)
    assert _scores(found, masks) == (1.0, 1.0)
    assert [one.likeness for one in found] == sorted((one.likeness for one in found), reverse=True)
    for one in found:
        ys, xs = np.nonzero(decode_rle(one.rle))
        assert one.box == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
    stricter = AlikeFinder(network, AlikeOptions(threshold=found[1].likeness))
    stricter.add_example(rgb, masks[1])
    assert len(stricter.find(rgb)) == 1


def test_examples_are_found_in_another_picture_and_several_kinds_at_once(network) -> None:
    rgb, masks = _picture(PLACES[:2], [(260, 180)])
    finder = AlikeFinder(network, AlikeOptions(threshold=0.6))
    finder.add_example(rgb, masks[0])
    other, there = _picture([(230, 170), (90, 70)], [(60, 190)])
    assert _scores(finder.find(other), there) == (1.0, 1.0)
    square = np.zeros(SIZE, bool)
    square[160:201, 240:281] = True
    finder.add_example(rgb, square)
    assert len(finder.find(other)) == 3
    assert finder.find(np.full((*SIZE, 3), 150, np.uint8)) == []


def test_examples_and_options_that_cannot_be_used_are_refused(network) -> None:
    rgb, masks = _picture(PLACES[:1], [])
    finder = AlikeFinder(network)
    with pytest.raises(PromptError, match="no example"):
        finder.find(rgb)
    with pytest.raises(PromptError, match="0 pixels"):
        finder.add_example(rgb, np.zeros(SIZE, bool))
    with pytest.raises(PromptError, match="accepted: one of"):
        finder.add_example(rgb, masks[0][:100])
    with pytest.raises(ConfigError, match="0 to 1"):
        AlikeOptions(threshold=2)


@pytest.mark.parametrize(("length", "extent", "overlap"), [(320, 100, 30.0), (101, 100, 20.0), (90, 100, 20.0)])
def test_windows_cover_the_picture_and_overlap(length: int, extent: int, overlap: float) -> None:
    starts = _starts(length, extent, overlap)
    assert starts[0] == 0 and starts[-1] + extent >= length
    assert all(b - a <= extent - overlap + 1 for a, b in pairwise(starts))
    assert len(starts) == 1 or starts[-1] + extent == length


def test_of_two_that_share_pixels_the_more_alike_stays(network) -> None:
    rgb, masks = _picture(PLACES[:1], [])
    finder = AlikeFinder(network, AlikeOptions(overlap=1.0))
    finder.add_example(rgb, masks[0])
    many = finder.find(rgb)
    few = _without_doubles(many, 0.4)
    assert len(few) < len(many) and few[0] == many[0]

    def shared(one, other) -> float:
        a, b = decode_rle(one.rle), decode_rle(other.rle)
        return (a & b).sum() / min(a.sum(), b.sum())

    assert all(shared(a, b) <= 0.4 for number, a in enumerate(few) for b in few[:number])
    gone = [one for one in many if one not in few]
    assert all(any(shared(one, kept) > 0.4 and kept.likeness >= one.likeness for kept in few) for one in gone)
