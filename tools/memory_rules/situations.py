"""What trackers fail at, rendered: twins that cross, long hiding, leaving and returning elsewhere, and cuts.

Each situation is a clip of one object, label 1; whatever else its label map holds is something else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.procedural.backdrops import BACKDROPS, Backdrop
from tools.procedural.clips import render_frames
from tools.procedural.kinds import KINDS, make_thing
from tools.procedural.layers import Layer, across_layer, layer_size, make_layer
from tools.procedural.scene import Actor, Camera, Path, Pose, Scene
from tools.procedural.shapes import Thing
from tools.procedural.sprites import Part

SIZE = (240, 320)
NUM_FRAMES = 40
_FRAME_RATE = 12.0
_SECONDS = NUM_FRAMES / _FRAME_RATE
_SCALE = 0.16  # of the things, in frame heights
_FLOATING = [name for name, kind in KINDS.items() if kind.foot is None]


@dataclass(frozen=True, eq=False)
class Situation:
    """A clip with its truth: frames (H, W, 3) uint8 RGB, masks (T, H, W) bool of the object."""

    frames: list[np.ndarray]
    masks: np.ndarray

    @classmethod
    def of(cls, *scenes: tuple[Scene, int]) -> Situation:
        """Scenes one after another, each with its number of frames."""
        made = [moment for scene, length in scenes for moment in render_frames(scene, length, _FRAME_RATE)]
        return cls([frame for frame, _ in made], np.stack([labels == 1 for _, labels in made]))


def crossing_twins(seed: int) -> Situation:
    """Two of exactly the same look pass each other, the other one in front."""
    rng = np.random.default_rng((seed, 1))
    thing, height = _thing(rng), rng.uniform(0.4, 0.6)
    there = _way((0.2, height), (0.8, height), nearness=0)
    back = _way((0.8, height + 0.06), (0.2, height + 0.02), nearness=1)
    return Situation.of((_scene(rng, [Actor("object", thing, there), Actor("twin", thing, back)]), NUM_FRAMES))


def long_hiding(seed: int) -> Situation:
    """Behind a board for most of the clip."""
    rng = np.random.default_rng((seed, 2))
    height = rng.uniform(0.4, 0.6)
    actor = Actor("object", _thing(rng), _way((0.16, height), (0.84, height)))
    return Situation.of((_scene(rng, [actor], [_board(rng)]), NUM_FRAMES))


def returning_elsewhere(seed: int) -> Situation:
    """Out on one side, back after a second on the same side at another height, where something else floats."""
    rng = np.random.default_rng((seed, 3))
    first, second = (0.3, 0.7) if rng.random() < 0.5 else (0.7, 0.3)

    def path(time: float) -> Pose:
        share = time / _SECONDS
        x = 0.3 - 1.5 * max(0.0, share - 0.1) if share < 0.5 else -0.45 + 1.5 * (share - 0.5)
        return Pose(x, first if share < 0.5 else second, _SCALE, 0.0, share < 0.5)

    other = Actor("other", _thing(rng), _way((0.75, 0.5), (0.65, 0.55)))
    return Situation.of((_scene(rng, [Actor("object", _thing(rng), path), other]), NUM_FRAMES))


def cut_away_and_back(seed: int) -> Situation:
    """A shot with it, one of something else elsewhere, and one with it in another place."""
    rng = np.random.default_rng((seed, 4))
    thing, backdrop = _thing(rng), _backdrop(rng)
    third = NUM_FRAMES // 3
    first = _scene(rng, [Actor("object", thing, _way((0.25, 0.4), (0.4, 0.5)))], backdrop=backdrop)
    away = _scene(rng, [Actor("nobody", _NOTHING, _outside), Actor("other", _thing(rng), _way((0.3, 0.5), (0.6, 0.5)))])
    again = _scene(rng, [Actor("object", thing, _way((0.75, 0.6), (0.6, 0.5)))], backdrop=backdrop)
    return Situation.of((first, third), (away, third), (again, NUM_FRAMES - 2 * third))


SITUATIONS: dict[str, Callable[[int], Situation]] = {
    "crossing twins": crossing_twins,
    "long hiding": long_hiding,
    "returning elsewhere": returning_elsewhere,
    "cut away and back": cut_away_and_back,
}


def right_frames(masks: np.ndarray, truth: np.ndarray, prompted: int = 0) -> float:
    """Share of frames, the prompted one left out, on the right object.

    Both (T, H, W) bool. Right is a mask whose IoU with the object is above 0.5; one that covers no more than a 50th of
    the object at its largest counts as hidden, of which only an empty mask, by the same measure, is right.
    """
    least = truth.sum(axis=(1, 2)).max() / 50
    right = []
    for index, (mask, true) in enumerate(zip(masks, truth, strict=True)):
        if index == prompted:
            continue
        if true.sum() <= least:
            right.append(bool(mask.sum() <= least))
        else:
            right.append(bool((mask & true).sum() > 0.5 * (mask | true).sum()))
    return float(np.mean(right))


class _Nothing:
    """A thing without parts."""

    def parts(self, time: float) -> list[Part]:
        return []


_NOTHING = _Nothing()


def _outside(time: float) -> Pose:
    return Pose(-2, -2, _SCALE)


def _thing(rng: np.random.Generator) -> Thing:
    return make_thing(rng, _FLOATING[int(rng.integers(len(_FLOATING)))], 2 * _SCALE * SIZE[0])


def _backdrop(rng: np.random.Generator) -> Backdrop:
    return BACKDROPS[list(BACKDROPS)[int(rng.integers(len(BACKDROPS)))]](rng, SIZE)


def _scene(
    rng: np.random.Generator,
    actors: list[Actor],
    foreground: list[Layer] | None = None,
    backdrop: Backdrop | None = None,
) -> Scene:
    camera = Camera(0.002, 0.02, rng.uniform(0, 6.3))
    return Scene(SIZE, backdrop or _backdrop(rng), actors, foreground or [], camera, seed=int(rng.integers(2**31)))


def _way(start: tuple[float, float], end: tuple[float, float], nearness: float = 0.0) -> Path:
    """Straight on at a steady speed."""

    def path(time: float) -> Pose:
        share = time / _SECONDS
        x, y = ((1 - share) * a + share * b for a, b in zip(start, end, strict=True))
        return Pose(x, y, _SCALE, 0.0, end[0] < start[0], nearness)

    return path


def _board(rng: np.random.Generator) -> Layer:
    """A plank across the middle third of the frame, from top to bottom."""
    across = np.abs(across_layer(SIZE, 0.5, 0.62))
    cover = np.repeat((across < 1)[None].astype(np.float32), layer_size(SIZE)[0], axis=0)
    color = np.ones((*cover.shape, 3), np.float32) * rng.uniform(0.25, 0.7, 3).astype(np.float32)
    return make_layer(color, cover, 1.0)
