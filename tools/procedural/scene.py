"""A rendered scene: actors on a stage before a backdrop, seen by a hand-held camera, with exact label maps.

A scene is a function of time: any frame can be rendered alone and in any order, always the same. Positions are
shares of the frame (0 left or top, 1 right or bottom), sizes shares of its height, times seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np

from tools.procedural.backdrops import Backdrop
from tools.procedural.layers import MARGIN, Layer
from tools.procedural.shapes import Thing
from tools.procedural.sprites import paint_part, placement

SHUTTER_SECONDS = 0.014


@dataclass(frozen=True)
class Pose:
    """Where a thing is: centre, half-size, turn in radians, which way it looks, and its distance to the viewer."""

    x: float
    y: float
    scale: float
    angle: float = 0.0
    looks_left: bool = False
    nearness: float = 0.0


Path = Callable[[float], Pose]


@dataclass(frozen=True)
class Actor:
    """A thing on its path; it is painted after actors with less `Pose.nearness`. Names are for people."""

    name: str
    thing: Thing
    path: Path
    stands: float | None = None


@dataclass(frozen=True)
class Camera:
    """A hand-held camera: shake in frame heights and a slow pan to both sides."""

    shake: float = 0.006
    pan: float = 0.03
    phase: float = 0.0

    def offset(self, time: float) -> tuple[float, float]:
        """Give the (x, y) shift at `time` in frame heights, small enough for the layers' margin."""
        p = self.phase
        x = self.pan * np.sin(0.9 * time + p) + self.shake * (np.sin(5.1 * time + p) + 0.6 * np.sin(11.3 * time))
        y = self.shake * (np.sin(4.3 * time + 2 * p) + 0.6 * np.sin(9.7 * time + p))
        return float(np.clip(x, -0.13, 0.13)), float(np.clip(y, -0.13, 0.13))


@dataclass(frozen=True)
class Scene:
    """All that is needed to render any moment; `size` is (height, width), labels are 1.. in order of `actors`."""

    size: tuple[int, int]
    backdrop: Backdrop
    actors: list[Actor]
    foreground: list[Layer] = field(default_factory=list)
    camera: Camera = field(default_factory=Camera)
    light_change: float = 0.08
    grain: float = 0.008
    seed: int = 0


def render_moment(scene: Scene, time: float) -> tuple[np.ndarray, np.ndarray]:
    """Render a scene at `time` seconds.

    Returns the frame (H, W, 3) uint8 RGB and its label map (H, W) uint8: 0 for the backdrop and foreground,
    i + 1 where actor i covers more than half of the pixel's light.
    """
    height, width = scene.size
    frame = np.zeros((height, width, 3), np.float32)
    labels = np.zeros((height, width), np.uint8)
    offset = scene.camera.offset(time)
    for layer in scene.backdrop.layers:
        _paint_layer(frame, labels, layer, offset)
    order = sorted(range(len(scene.actors)), key=lambda i: scene.actors[i].path(time).nearness)
    for index in order:
        if scene.actors[index].stands is not None:
            _cast_shadow(frame, scene, scene.actors[index], time)
    for index in order:
        _paint_actor(frame, labels, scene, index, time)
    for layer in scene.foreground:
        _paint_layer(frame, labels, layer, offset)
    return _finish(frame, scene, time), labels


def _paint_layer(frame: np.ndarray, labels: np.ndarray, layer: Layer, offset: tuple[float, float]) -> None:
    """Paint the camera's view of a layer, moved with sub-pixel accuracy, and clear the labels it covers."""
    height, width = frame.shape[:2]
    move_x = layer.left - (MARGIN + offset[0] * layer.parallax) * height
    move_y = layer.top - (MARGIN + offset[1] * layer.parallax) * height
    left, right = max(0, int(move_x)), min(width, int(move_x + layer.paint.shape[1]) + 1)
    top, bottom = max(0, int(move_y)), min(height, int(move_y + layer.paint.shape[0]) + 1)
    if left >= right or top >= bottom:
        return
    matrix = np.array([[1, 0, move_x - left], [0, 1, move_y - top]])
    view = cv2.warpAffine(
        layer.paint,
        matrix,
        (right - left, bottom - top),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if view.shape[2] == 3:
        frame[top:bottom, left:right] = view
        return
    below = frame[top:bottom, left:right]
    below *= 1.0 - view[..., 3:]
    below += view[..., :3]
    labels[top:bottom, left:right][view[..., 3] > 0.5] = 0


def _to_pixels(scene: Scene, pose: Pose, time: float) -> np.ndarray:
    height, width = scene.size
    offset = scene.camera.offset(time)
    x, y = pose.x * width - offset[0] * height, (pose.y - offset[1]) * height
    scale = pose.scale * height
    return placement(x, y, (-scale if pose.looks_left else scale, scale), pose.angle)


def _paint_actor(frame: np.ndarray, labels: np.ndarray, scene: Scene, index: int, time: float) -> None:
    """Paint one actor and its label, averaged over the shutter's opening when it moves fast (motion blur)."""
    actor, half = scene.actors[index], SHUTTER_SECONDS / 2
    before, after = (_to_pixels(scene, actor.path(t), t) for t in (time - half, time + half))
    moved = np.abs(after - before)[:, 2].max()
    reach = 1.6 * np.linalg.norm(after[:, 0]) + moved
    left, top = (int(v) for v in np.maximum(after[:, 2] - reach, 0))
    right, bottom = (int(v) for v in np.minimum(after[:, 2] + reach, (scene.size[1], scene.size[0])))
    if left >= right or top >= bottom:
        return
    samples = int(np.clip(np.ceil(moved / 1.5), 1, 6))
    total = np.zeros((bottom - top, right - left, 4), np.float32)
    for moment in time + (np.arange(samples) + 0.5 - samples / 2) / samples * SHUTTER_SECONDS:
        layer = np.zeros_like(total) if samples > 1 else total
        to_pixels = _to_pixels(scene, actor.path(moment), moment) - np.array([[0, 0, left], [0, 0, top]])
        for part in actor.thing.parts(moment):
            paint_part(layer, part, to_pixels, scene.backdrop.light)
        if samples > 1:
            total += layer / samples
    below = frame[top:bottom, left:right]
    below *= 1.0 - total[..., 3:]
    below += total[..., :3]
    labels[top:bottom, left:right][total[..., 3] > 0.5] = index + 1


def _cast_shadow(frame: np.ndarray, scene: Scene, actor: Actor, time: float) -> None:
    """Darken the ground under an actor: softer and paler the higher it is above its footing."""
    pose = actor.path(time)
    height = scene.size[0]
    ground = actor.stands if actor.stands is not None else pose.y
    rise = max(0.0, ground - pose.y - pose.scale)
    radius = pose.scale * height * (1.0 + rise)
    foot = _to_pixels(scene, Pose(pose.x + 0.15 * pose.scale, ground, 1.0), time)[:, 2]
    reach = 2.0
    left, right = int(max(0, foot[0] - reach * radius)), int(min(scene.size[1], foot[0] + reach * radius))
    top, bottom = int(max(0, foot[1] - radius)), int(min(height, foot[1] + radius))
    if left >= right or top >= bottom:
        return
    x = (np.arange(left, right, dtype=np.float32)[None] - foot[0]) / radius
    y = (np.arange(top, bottom, dtype=np.float32)[:, None] - foot[1]) / (0.22 * radius)
    dark = 0.62 / (1 + 3 * rise) * np.exp(-((x * x + y * y) ** 1.2))
    frame[top:bottom, left:right] *= (1.0 - dark)[..., None]


def _finish(frame: np.ndarray, scene: Scene, time: float) -> np.ndarray:
    """Apply the changing daylight, lens shading and sensor grain."""
    height, width = scene.size
    x = np.linspace(-1, 1, width, dtype=np.float32)[None]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    cloud = scene.light_change * (np.sin(1.1 * time + 1.7 * x + scene.seed) + 0.5 * np.sin(0.7 * time))
    frame *= (1.02 - cloud - 0.10 * (x * x + y * y))[..., None].astype(np.float32)
    if scene.grain > 0:
        rng = np.random.default_rng((scene.seed, round(time * 1000) + 1_000_000))
        grain = rng.standard_normal((height, width, 1), dtype=np.float32)
        frame += grain * np.float32(scene.grain)
    return (np.clip(frame, 0.0, 1.0) * 255 + 0.5).astype(np.uint8)
