"""Random rendered clips with exact ground truth: things that cross, hide, leave the frame and return.

`render_clip` makes a whole clip from a seed; `make_scene` with `render_frames` gives it frame by frame. The same
seed always gives the same clip. Label maps follow the painted light exactly, so masks need no annotator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sam2_demo.errors import ConfigError
from tools.procedural.backdrops import BACKDROPS, Backdrop
from tools.procedural.kinds import KINDS, make_thing
from tools.procedural.layers import Layer
from tools.procedural.occluders import OCCLUDERS
from tools.procedural.scene import Actor, Camera, Path, Pose, Scene, render_moment
from tools.procedural.sprites import Light

MAX_OBJECTS = 8
# Paths pass near the frame's middle about now, so that most things show in a clip of a second.
MIDDLE_SECONDS = 0.8


@dataclass(frozen=True)
class ProceduralClip:
    """A rendered clip: `frames` (T, H, W, 3) uint8 RGB, `label_maps` (T, H, W) uint8 (0 background, 1..N).

    `visible` (N, T) bool says whether object i + 1 shows on a frame (at least one pixel), `names` what it is.
    """

    frames: np.ndarray
    label_maps: np.ndarray
    visible: np.ndarray
    names: list[str]
    frame_rate: float


def make_scene(
    seed: int,
    size: tuple[int, int] = (240, 320),
    *,
    num_objects: int | None = None,
    backdrop: str | None = None,
) -> Scene:
    """Compose a random scene for frames of `size` (height, width) in pixels, at least 32 x 32.

    `num_objects` is 1 to 8 (random 1 to 4 when None), `backdrop` a name of `BACKDROPS`. Raises ConfigError.
    """
    if min(size) < 32:
        raise ConfigError(f"frame size {size[0]} x {size[1]} is too small; accepted: at least 32 x 32")
    if num_objects is not None and not 1 <= num_objects <= MAX_OBJECTS:
        raise ConfigError(f"number of objects {num_objects} is not possible; accepted: 1 to {MAX_OBJECTS}")
    if backdrop is not None and backdrop not in BACKDROPS:
        raise ConfigError(f"unknown backdrop {backdrop!r}; accepted: {', '.join(BACKDROPS)}")
    rng = np.random.default_rng(seed)
    place = backdrop or list(BACKDROPS)[int(rng.integers(len(BACKDROPS)))]
    behind = _varied_light(rng, BACKDROPS[place](rng, size))
    count = num_objects or int(rng.integers(1, 5))
    actors = [_random_actor(rng, behind, size, number) for number in range(count)]
    foreground: list[Layer] = []
    if rng.random() < 0.55:
        occluder = OCCLUDERS[place][int(rng.integers(len(OCCLUDERS[place])))]
        foreground.append(occluder(rng, size, rng.uniform(0.25, 0.75), rng.uniform(0.10, 0.20)))
    camera = Camera(rng.uniform(0.001, 0.010), rng.uniform(-0.06, 0.06), rng.uniform(0, 6.3))
    return Scene(
        size,
        behind,
        actors,
        foreground,
        camera,
        rng.uniform(0.02, 0.15),
        rng.uniform(0.003, 0.02),
        seed % 2**31,
    )


def render_frames(
    scene: Scene, num_frames: int, frame_rate: float = 12.0, start_seconds: float = 0.0
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (frame (H, W, 3) uint8 RGB, label map (H, W) uint8) one by one, as `render_moment`."""
    for number in range(num_frames):
        yield render_moment(scene, start_seconds + number / frame_rate)


def render_clip(
    seed: int,
    num_frames: int = 8,
    size: tuple[int, int] = (240, 320),
    *,
    frame_rate: float = 12.0,
    num_objects: int | None = None,
    backdrop: str | None = None,
) -> ProceduralClip:
    """Render a random clip; the same arguments give the same clip. See `make_scene` for accepted values."""
    if num_frames < 1 or frame_rate <= 0:
        raise ConfigError(f"{num_frames} frames at {frame_rate} per second; accepted: at least 1 frame, a rate above 0")
    scene = make_scene(seed, size, num_objects=num_objects, backdrop=backdrop)
    start = float(np.random.default_rng((seed, 1)).uniform(0.0, 1.0))
    frames, label_maps = (
        np.stack(part) for part in zip(*render_frames(scene, num_frames, frame_rate, start), strict=True)
    )
    numbers = np.arange(1, len(scene.actors) + 1)
    visible = np.stack([(label_maps == number).any(axis=(1, 2)) for number in numbers])
    return ProceduralClip(frames, label_maps, visible, [actor.name for actor in scene.actors], frame_rate)


def _varied_light(rng: np.random.Generator, backdrop: Backdrop) -> Backdrop:
    """Move the lamp and tint it, from morning to evening."""
    side, height = rng.uniform(-0.7, 0.7), rng.uniform(-0.85, -0.35)
    direction = np.array([side, height, 0.6]) / np.linalg.norm([side, height, 0.6])
    warmth = rng.uniform(-0.08, 0.10)
    base = backdrop.light
    color = (base.color[0] + warmth / 2, base.color[1], base.color[2] - warmth)
    light = Light(
        (float(direction[0]), float(direction[1]), float(direction[2])),
        color,
        base.ambient,
        rng.uniform(0.7, 0.95),
    )
    return Backdrop(backdrop.layers, light, backdrop.ground, backdrop.afloat)


def _random_actor(rng: np.random.Generator, backdrop: Backdrop, size: tuple[int, int], number: int) -> Actor:
    names = [name for name, kind in KINDS.items() if not (backdrop.afloat and kind.foot is not None)]
    name = names[int(rng.integers(len(names)))]
    scale = float(np.exp(rng.uniform(np.log(0.09), np.log(0.30))))
    foot = KINDS[name].foot
    low, high = backdrop.ground
    stands = rng.uniform(low, high) if foot is not None else None
    height = stands - scale * foot if stands is not None and foot is not None else rng.uniform(0.2, 0.75)
    nearness = (stands if stands is not None else height) + 0.01 * number
    thing = make_thing(rng, name, 2 * scale * size[0])
    return Actor(name, thing, random_path(rng, height, scale, nearness, foot is not None), stands)


def random_path(rng: np.random.Generator, height: float, scale: float, nearness: float, stands: bool) -> Path:
    """Draw a path for a thing of half-size `scale` at `height`: across, to and fro past the edge, or about a spot.

    What stands keeps to its ground, with a hop now and then; what floats sways. The returned function takes
    seconds and gives a `Pose`.
    """
    style = rng.choice(["cross", "leave", "stay"], p=[0.45, 0.2, 0.35])
    sign = 1.0 if rng.random() < 0.5 else -1.0
    middle, speed = rng.uniform(0.25, 0.75), rng.uniform(0.12, 0.45)
    reach = rng.uniform(0.45, 0.75) if style == "leave" else rng.uniform(0.03, 0.15)
    bob, rate, lag = rng.uniform(0.0, 0.05), rng.uniform(0.8, 2.5), rng.uniform(0, 6.3)
    phase = rng.uniform(-0.7, 0.7)
    grow, hop_height = rng.uniform(-0.12, 0.12), 0.12 * float(rng.random() < 0.25)

    def path(time: float) -> Pose:
        if style == "cross":
            x, forward = middle + sign * speed * (time - MIDDLE_SECONDS), sign
        else:
            x = middle + sign * reach * np.sin(rate * (time - MIDDLE_SECONDS) + phase)
            forward = sign * float(np.cos(rate * (time - MIDDLE_SECONDS) + phase))
        now = scale * (1.0 + grow * np.sin(0.8 * time))
        on_ground = (scale - now) * 0.9 - hop_height * abs(np.sin(4.0 * time + lag))
        y = height + (on_ground if stands else bob * np.sin(rate * 1.3 * time + lag))
        return Pose(float(x), float(y), float(now), 0.08 * float(np.sin(rate * time)), forward < 0, nearness)

    return path
