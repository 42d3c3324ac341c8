"""The example scenes of the page: three clips and three pictures, each with its words and suggested prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tools.procedural.backdrops import BACKDROPS
from tools.procedural.kinds import make_thing
from tools.procedural.occluders import hedge, pillar
from tools.procedural.scene import Actor, Camera, Pose, Scene
from tools.procedural.shapes import Thing
from tools.procedural.solids import Ball
from tools.procedural.things import Butterfly

CLIP_SIZE, PICTURE_SIZE = (360, 640), (640, 960)
FRAME_RATE = 24


@dataclass(frozen=True)
class Example:
    """A scene with its words; `prompts` lists (object name, moment in frames, "point" or "box")."""

    file: str
    title: str
    description: str
    scene: Scene
    prompts: list[tuple[str, int, str]]
    num_frames: int = 1
    start_seconds: float = 0.0
    sound: bool = False


def meeting_clip() -> Example:
    """Compose the crossing: an animal walks right and a furry ball hops left, passing in front of each other."""
    rng = np.random.default_rng(11)
    backdrop = BACKDROPS["meadow"](rng, CLIP_SIZE)
    animal, ball = make_thing(rng, "animal", 230, 0), make_thing(rng, "furry ball", 170, 1)

    def walk(t: float) -> Pose:
        return Pose(0.14 + 0.155 * t, 0.80 - 0.31, 0.32, nearness=0.80)

    def hop(t: float) -> Pose:
        return Pose(0.88 - 0.165 * t, 0.90 - 0.19 - 0.13 * abs(np.sin(4.1 * t)), 0.215, looks_left=True, nearness=0.90)

    actors = [Actor("animal", animal, walk, 0.80), Actor("furry ball", ball, hop, 0.90)]
    scene = Scene(CLIP_SIZE, backdrop, actors, [], Camera(0.003, 0.03), 0.05, 0.004, 11)
    return Example(
        "meadow.mp4",
        "Two that meet",
        "An animal and a furry ball cross on a meadow; one passes behind the other.",
        scene,
        [("animal", 0, "point"), ("furry ball", 0, "point")],
        120,
        0.0,
        True,
    )


def hiding_clip() -> Example:
    """Compose the occlusion: a beach ball rolls behind a pillar, stays hidden for a while, and comes back."""
    rng = np.random.default_rng(21)
    backdrop = BACKDROPS["room"](rng, CLIP_SIZE)
    radius = 0.155
    times = np.array([0.0, 1.9, 2.7, 4.3, 5.2])
    places = np.array([0.14, 0.55, 0.57, 0.22, 0.13])

    def at(t: float) -> float:
        near = np.linspace(t - 0.25, t + 0.25, 11)
        return float(np.interp(near, times, places).mean())

    def roll(t: float) -> float:
        return at(t) * CLIP_SIZE[1] / CLIP_SIZE[0] / (radius * 0.94)

    ball = make_thing(rng, "ball", 120, 0)
    if isinstance(ball, Ball):
        ball = replace(ball, roll=roll, spin=0.0)
    actors = [
        Actor("beach ball", ball, lambda t: Pose(at(t), 0.84 - 0.94 * radius, radius, nearness=0.84), 0.84),
        Actor(
            "mug",
            make_thing(rng, "mug", 150, 0),
            lambda t: Pose(0.84, 0.80 - 0.66 * 0.22, 0.22, nearness=0.8),
            0.80,
        ),
    ]
    columns = [pillar(rng, CLIP_SIZE, 0.56, 0.20)]
    scene = Scene(CLIP_SIZE, backdrop, actors, columns, Camera(0.002, 0.02), 0.06, 0.004, 21)
    return Example(
        "pillar.mp4",
        "Hide and return",
        "A beach ball rolls behind a pillar, is out of sight, and rolls back.",
        scene,
        [("beach ball", 0, "point")],
        126,
    )


def reef_clip() -> Example:
    """Compose the shoal: three fish that bend as they swim, overtake each other, leave the frame and return."""
    rng = np.random.default_rng(33)
    backdrop = BACKDROPS["reef"](rng, CLIP_SIZE)
    orange, yellow, blue = (make_thing(rng, "fish", 220, palette) for palette in (0, 1, 2))

    def cruise(t: float) -> Pose:
        return Pose(0.30 + 0.075 * t, 0.56 + 0.03 * np.sin(1.6 * t), 0.25, 0.08 * np.cos(1.6 * t), nearness=0.6)

    def overtake(t: float) -> Pose:
        return Pose(0.88 - 0.14 * t, 0.30 + 0.05 * t, 0.19, -0.15, looks_left=True, nearness=0.5)

    def patrol(t: float) -> Pose:
        turn = 0.80 + 0.36 * np.sin(1.25 * t + 0.1)
        return Pose(turn, 0.78 - 0.02 * np.sin(2 * t), 0.15, looks_left=np.cos(1.25 * t + 0.1) < 0, nearness=0.8)

    actors = [
        Actor("orange fish", orange, cruise),
        Actor("yellow fish", yellow, overtake),
        Actor("blue fish", blue, patrol),
    ]
    scene = Scene(CLIP_SIZE, backdrop, actors, [], Camera(0.003, 0.03), 0.05, 0.003, 33)
    return Example(
        "reef.mp4",
        "Three fish",
        "Three striped fish bend as they swim and pass each other; one leaves and returns.",
        scene,
        [("orange fish", 0, "point"), ("yellow fish", 0, "point"), ("blue fish", 0, "box")],
        120,
    )


def table_picture() -> Example:
    """Compose the still life: vase, mug and ball on a wooden table."""
    rng = np.random.default_rng(41)
    backdrop = BACKDROPS["room"](rng, PICTURE_SIZE)
    places = {
        "vase": (0.30, 0.78, 0.36, 0.84),
        "mug": (0.60, 0.86, 0.26, 0.66),
        "ball": (0.83, 0.80, 0.16, 0.94),
    }
    actors = [_standing(rng, kind, *place) for kind, place in places.items()]
    scene = Scene(PICTURE_SIZE, backdrop, actors, [], Camera(0, 0), 0.0, 0.004, 41)
    return Example(
        "table.jpg",
        "On the table",
        "A painted vase, a mug and a ball on a wooden table.",
        scene,
        [("mug", 0, "point")],
    )


def butterfly_picture() -> Example:
    """Compose the butterflies over a meadow with a bush."""
    rng = np.random.default_rng(52)
    backdrop = BACKDROPS["meadow"](rng, PICTURE_SIZE)
    first, second = (
        _spread(make_thing(rng, "butterfly", 420, 0)),
        _spread(make_thing(rng, "butterfly", 260, 1)),
    )
    actors = [
        Actor("orange butterfly", first, lambda t: Pose(0.36, 0.46, 0.30, 0.35, nearness=0.5)),
        Actor("blue butterfly", second, lambda t: Pose(0.72, 0.30, 0.18, -0.4, nearness=0.4)),
    ]
    scene = Scene(PICTURE_SIZE, backdrop, actors, [hedge(rng, PICTURE_SIZE, 0.97, 0.22)], Camera(0, 0), 0.0, 0.004, 52)
    return Example(
        "butterflies.jpg",
        "Butterflies",
        "Two butterflies with open wings over a meadow.",
        scene,
        [("orange butterfly", 0, "box")],
        1,
        0.25,
    )


def street_picture() -> Example:
    """Compose the animal and the furry ball before a brick wall."""
    rng = np.random.default_rng(63)
    backdrop = BACKDROPS["street"](rng, PICTURE_SIZE)
    animal, ball = (
        _standing(rng, "animal", 0.36, 0.88, 0.36, 0.97),
        _standing(rng, "furry ball", 0.77, 0.90, 0.22, 0.88),
    )
    scene = Scene(PICTURE_SIZE, backdrop, [animal, ball], [], Camera(0, 0), 0.0, 0.004, 63)
    return Example(
        "street.jpg",
        "At the wall",
        "An animal and a furry ball on a pavement before a brick wall.",
        scene,
        [("animal", 0, "point")],
        1,
        0.3,
    )


def _spread(thing: Thing) -> Thing:
    """Keep a butterfly's wings open a quarter second after the start."""
    return replace(thing, beats_per_second=0.9) if isinstance(thing, Butterfly) else thing


def _standing(rng: np.random.Generator, kind: str, x: float, ground: float, scale: float, foot: float) -> Actor:
    """Stand a thing at `x` with its feet at `ground`."""
    thing = make_thing(rng, kind, 2 * scale * PICTURE_SIZE[0], 0)
    return Actor(kind, thing, lambda t: Pose(x, ground - foot * scale, scale, nearness=ground), ground)


CLIPS = (meeting_clip, hiding_clip, reef_clip)
PICTURES = (table_picture, butterfly_picture, street_picture)
