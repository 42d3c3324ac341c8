"""Effects behind, on and over the objects of a frame; effects.js draws the same ones in the browser.

Each takes the picture so far (H, W, 3), the scene and a variant 0, 1 or 2, and changes the picture in place. What there
is, and the numbers it is drawn with, stand in `effects.json`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.rendering.effects_table import BACKGROUND_ROWS, FLAT, GRADIENTS, OBJECT_ROWS
from sam2_demo.rendering.overlay import mask_outline
from sam2_demo.rendering.palette import Color
from sam2_demo.rendering.scene import Frame, Look, Mask, Scene, Subject, whole
from sam2_demo.rendering.sprites import STICKERS, label, lettering, sticker

Effect = Callable[[Frame, Scene, int], None]

_LUMA = (0.2126, 0.7152, 0.0722)
_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)


def draw_effects(scene: Scene, look: Look) -> Frame:
    """The frame with the chosen effects, a new (H, W, 3) uint8 picture; unknown names change nothing."""
    picture = scene.frame.copy()
    background = BACKGROUND_EFFECTS.get(look.background)
    if look.background == "color":
        picture[:] = look.background_color
    elif look.background == "text":
        _tile(picture, lettering(look.text[:40], look.background_variant), scene.unit)
    elif background is not None:
        background(picture, scene, look.background_variant)
    if look.background != "original":
        cv2.copyTo(scene.frame, _flags(scene.union), picture)
    own = [s.effect or (look.objects, look.objects_variant) for s in scene.subjects]
    over = [s.extra or (look.extra, look.extra_variant) for s in scene.subjects]
    for chosen in (own, over):
        # Light and rays come first: they fall around objects, other effects onto them.
        for name, variant in sorted(dict.fromkeys(chosen), key=_is_onto):
            effect = OBJECT_EFFECTS.get(name)
            if effect is not None:
                drawn = tuple(s for s, choice in zip(scene.subjects, chosen, strict=True) if choice == (name, variant))
                effect(picture, scene.only(drawn), variant)
    return picture


def _is_onto(chosen: tuple[str, int]) -> bool:
    """Whether an effect falls onto objects rather than around them."""
    return chosen[0] not in OBJECT_ROWS or not OBJECT_ROWS[chosen[0]].around


# --- on and over objects ----------------------------------------------------------------------------------


def overlay(picture: Frame, scene: Scene, variant: int) -> None:
    """A translucent fill with an outline; stronger; without the outline."""
    numbers = OBJECT_ROWS["overlay"].numbers
    for subject in scene.subjects:
        _blend(picture, subject.mask, np.full_like(picture, subject.color), numbers["opacity"][variant])
        if line := numbers["line"][variant]:
            _ring(picture, subject, scene.pixels(line), subject.color)


def outline(picture: Frame, scene: Scene, variant: int) -> None:
    """A line around the object: thin, medium, thick."""
    for subject in scene.subjects:
        _ring(picture, subject, scene.pixels(OBJECT_ROWS["outline"].numbers["line"][variant]), subject.color)


def cutout(picture: Frame, scene: Scene, variant: int) -> None:
    """The object as if cut out of paper, with a white edge: thin, thick, thick and in colour."""
    line = scene.pixels(OBJECT_ROWS["cutout"].numbers["line"][variant])
    for subject in scene.subjects:
        _ring(picture, subject, line, subject.color if variant == 2 else (255, 255, 255))
        cv2.copyTo(scene.frame, _flags(subject.mask), picture)


def erase(picture: Frame, scene: Scene, variant: int) -> None:
    """The object replaced by white, black or green."""
    picture[scene.union] = FLAT[variant]


def pixelate(picture: Frame, scene: Scene, variant: int) -> None:
    """The object in coarse blocks."""
    cv2.copyTo(_blocks(scene, OBJECT_ROWS["pixelate"].numbers["block"][variant]), _flags(scene.union), picture)


def blur(picture: Frame, scene: Scene, variant: int) -> None:
    """The object out of focus."""
    cv2.copyTo(_blurred(scene, OBJECT_ROWS["blur"].numbers["sigma"][variant]), _flags(scene.union), picture)


def gradient(picture: Frame, scene: Scene, variant: int) -> None:
    """The object tinted by a gradient from top to bottom."""
    _blend(picture, scene.union, _gradient(picture, variant), OBJECT_ROWS["gradient"].numbers["opacity"][variant])


def spotlight(picture: Frame, scene: Scene, variant: int) -> None:
    """Everything but the objects in the dark."""
    opacity = OBJECT_ROWS["spotlight"].numbers["opacity"][variant]
    _blend(picture, ~scene.union, np.zeros_like(picture), opacity)


def burst(picture: Frame, scene: Scene, variant: int) -> None:
    """Rays from behind the object."""
    height, width = picture.shape[:2]
    numbers = OBJECT_ROWS["burst"].numbers
    count, opacity = int(numbers["rays"][variant]), np.float32(numbers["opacity"][variant])
    for subject in scene.subjects:
        if subject.bounds is None:
            continue
        x0, y0, x1, y1 = subject.bounds
        rays = _rays((height, width), ((x0 + x1) / 2, (y0 + y1) / 2), count)
        share = np.where(scene.everyone, 0, rays)[..., None] * opacity
        picture[:] = np.rint(picture * (1 - share) + np.array(subject.color, np.float32) * share).astype(np.uint8)


def emoji(picture: Frame, scene: Scene, variant: int) -> None:
    """A sticker over the object: a smile, a heart, a star."""
    sprite = sticker(STICKERS[variant])
    for subject in scene.subjects:
        if subject.bounds is None:
            continue
        x0, y0, x1, y1 = subject.bounds
        side = max(8, whole(1.1 * max(x1 - x0, y1 - y0)))
        _place(picture, sprite, whole((x0 + x1 - side) / 2), whole((y0 + y1 - side) / 2), (side, side))


def label_box(picture: Frame, scene: Scene, variant: int) -> None:
    """The object's box and name; the box alone; the name alone."""
    line = scene.pixels(OBJECT_ROWS["label"].numbers["line"][variant])
    for subject in scene.subjects:
        if subject.bounds is None:
            continue
        x0, y0, x1, y1 = subject.bounds
        if variant < 2:
            outer, inner = (x0 - line, y0 - line, x1 + line, y1 + line), picture[y0:y1, x0:x1].copy()
            picture[max(0, outer[1]) : outer[3], max(0, outer[0]) : outer[2]] = subject.color
            picture[y0:y1, x0:x1] = inner
        if variant != 1 and subject.name:
            sprite = label(subject.name, subject.color)
            high = max(12, scene.pixels(30))
            wide = whole(sprite.shape[1] * high / sprite.shape[0])
            _place(picture, sprite, max(0, x0 - line), max(0, y0 - line - high), (high, wide))


def trail(picture: Frame, scene: Scene, variant: int) -> None:
    """Where the object came from: over 30, 90 or all frames."""
    height, width = picture.shape[:2]
    numbers = OBJECT_ROWS["trail"].numbers
    line = scene.pixels(numbers["line"][variant])
    for subject in scene.subjects:
        centers = subject.trail[-int(numbers["frames"][variant]) :]
        points = [(whole(x * width), whole(y * height)) for x, y in centers]
        for start, end in pairwise(points):
            cv2.line(picture, start, end, subject.color, line, cv2.LINE_AA)
        if points:
            cv2.circle(picture, points[-1], line + 2, subject.color, -1, cv2.LINE_AA)


# --- behind objects ---------------------------------------------------------------------------------------


def background_erase(picture: Frame, scene: Scene, variant: int) -> None:
    """White, black or green."""
    picture[:] = FLAT[variant]


def background_blur(picture: Frame, scene: Scene, variant: int) -> None:
    """Out of focus."""
    picture[:] = _blurred(scene, BACKGROUND_ROWS["blur"].numbers["sigma"][variant])


def background_pixelate(picture: Frame, scene: Scene, variant: int) -> None:
    """In coarse blocks."""
    picture[:] = _blocks(scene, BACKGROUND_ROWS["pixelate"].numbers["block"][variant])


def background_desaturate(picture: Frame, scene: Scene, variant: int) -> None:
    """Grey, half grey, sepia."""
    values = scene.frame.astype(np.float32)
    if variant == 2:
        toned = values @ _SEPIA.T
    else:
        grey = (values @ np.array(_LUMA, np.float32))[..., None]
        toned = grey if variant == 0 else (values + grey) / 2
    picture[:] = np.clip(np.rint(np.broadcast_to(toned, values.shape)), 0, 255).astype(np.uint8)


def background_darken(picture: Frame, scene: Scene, variant: int) -> None:
    """Darker, much darker, almost black."""
    light = np.float32(BACKGROUND_ROWS["darken"].numbers["light"][variant])
    picture[:] = np.rint(scene.frame * light).astype(np.uint8)


def background_gradient(picture: Frame, scene: Scene, variant: int) -> None:
    """Tinted by a gradient from top to bottom."""
    opacity = BACKGROUND_ROWS["gradient"].numbers["opacity"][variant]
    picture[:] = cv2.addWeighted(scene.frame, 1 - opacity, _gradient(picture, variant), opacity, 0)


def background_outline(picture: Frame, scene: Scene, variant: int) -> None:
    """The edges alone: white on black, black on white, in their colours."""
    luma = scene.frame.astype(np.float32) @ np.array(_LUMA, np.float32)
    edges = np.zeros_like(luma)
    inner = edges[1:-1, 1:-1]
    inner += np.abs(luma[1:-1, 2:] - luma[1:-1, :-2]) + np.abs(luma[2:, 1:-1] - luma[:-2, 1:-1])
    strength = np.minimum(edges * 2, 255)[..., None]
    if variant == 2:
        picture[:] = np.rint(scene.frame * (strength / 255)).astype(np.uint8)
    else:
        picture[:] = np.rint(strength if variant == 0 else 255 - strength).astype(np.uint8)


def background_picture(picture: Frame, scene: Scene, variant: int) -> None:
    """Another picture, covering the frame."""
    if scene.backdrop is not None:
        picture[:] = cover(scene.backdrop, (picture.shape[0], picture.shape[1]))


def cover(backdrop: Frame, size: tuple[int, int]) -> Frame:
    """The middle of an (h, w, 3) picture scaled to cover (height, width) = `size`."""
    height, width = backdrop.shape[:2]
    scale = max(size[0] / height, size[1] / width)
    part_h, part_w = (max(1, min(n, whole(s / scale))) for n, s in zip((height, width), size, strict=True))
    top, left = (height - part_h) // 2, (width - part_w) // 2
    part = backdrop[top : top + part_h, left : left + part_w]
    return np.asarray(cv2.resize(part, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.uint8)


# --- shared -----------------------------------------------------------------------------------------------


def _flags(mask: Mask) -> NDArray[np.uint8]:
    return np.ascontiguousarray(mask, bool).view(np.uint8)


def _blend(picture: Frame, mask: Mask, layer: Frame, opacity: float) -> None:
    cv2.copyTo(cv2.addWeighted(picture, 1 - opacity, layer, opacity, 0), _flags(mask), picture)


def _ring(picture: Frame, subject: Subject, reach: int, color: Color) -> None:
    if subject.bounds is None:
        return
    x0, y0, x1, y1 = subject.bounds
    top, left = max(0, y0 - reach), max(0, x0 - reach)
    part = (slice(top, y1 + reach), slice(left, x1 + reach))
    picture[part][mask_outline(_flags(subject.mask[part]), reach) > 0] = color


def _rays(size: tuple[int, int], center: tuple[float, float], count: int) -> NDArray[np.float32]:
    """Coverage 0 to 1 of every pixel by `count` rays from `center` (x, y), as wide as the gaps between them."""
    x = np.arange(size[1], dtype=np.float32) + 0.5 - np.float32(center[0])
    y = np.arange(size[0], dtype=np.float32) + 0.5 - np.float32(center[1])
    distance, angle = cv2.cartToPolar(np.tile(x, (size[0], 1)), np.tile(y[:, None], (1, size[1])))
    turn = angle * np.float32(count / (2 * math.pi)) % 1
    inside = 0.25 - np.abs(turn - 0.25)  # towards the nearest edge, in turns; negative in the gaps
    inside = np.where(turn > 0.75, turn - 1, inside)
    reach = inside * np.float32(2 * math.pi / count) * distance
    return np.clip(reach + 0.5, 0, 1).astype(np.float32)


def _blocks(scene: Scene, side: float) -> Frame:
    height, width = scene.frame.shape[:2]
    block = scene.pixels(side)
    small = (max(1, whole(width / block)), max(1, whole(height / block)))
    coarse = cv2.resize(scene.frame, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST_EXACT), np.uint8)


def _blurred(scene: Scene, sigma: float) -> Frame:
    return np.asarray(cv2.GaussianBlur(scene.frame, (0, 0), max(0.3, sigma * scene.unit)), np.uint8)


def _gradient(picture: Frame, variant: int) -> Frame:
    top, bottom = (np.array(color, np.float32) for color in GRADIENTS[variant])
    height = picture.shape[0]
    share = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    column = np.rint(top * (1 - share) + bottom * share).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(column[:, None], picture.shape))


def _tile(picture: Frame, sprite: NDArray[np.uint8], unit: float) -> None:
    size = (max(1, whole(sprite.shape[1] * unit)), max(1, whole(sprite.shape[0] * unit)))
    tile = np.asarray(cv2.resize(sprite[..., :3], size, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = picture.shape[:2]
    rows, columns = -(-height // tile.shape[0]), -(-width // tile.shape[1])
    picture[:] = np.tile(tile, (rows, columns, 1))[:height, :width]


def _place(picture: Frame, sprite: NDArray[np.uint8], left: int, top: int, size: tuple[int, int]) -> None:
    """Lay a sprite scaled to (height, width) over the picture; what sticks out is cut off."""
    scaled = cv2.resize(sprite, (size[1], size[0]), interpolation=cv2.INTER_AREA)
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(picture.shape[1], left + size[1]), min(picture.shape[0], top + size[0])
    if x1 <= x0 or y1 <= y0:
        return
    part = scaled[y0 - top : y1 - top, x0 - left : x1 - left].astype(np.float32)
    share = part[..., 3:] / 255
    region = picture[y0:y1, x0:x1]
    region[:] = np.rint(region * (1 - share) + part[..., :3] * share).astype(np.uint8)


OBJECT_EFFECTS: dict[str, Effect] = {
    "overlay": overlay,
    "outline": outline,
    "cutout": cutout,
    "erase": erase,
    "pixelate": pixelate,
    "blur": blur,
    "gradient": gradient,
    "spotlight": spotlight,
    "burst": burst,
    "emoji": emoji,
    "label": label_box,
    "trail": trail,
}
BACKGROUND_EFFECTS: dict[str, Effect] = {
    "erase": background_erase,
    "blur": background_blur,
    "pixelate": background_pixelate,
    "desaturate": background_desaturate,
    "darken": background_darken,
    "gradient": background_gradient,
    "outline": background_outline,
    "picture": background_picture,
}
"""Besides these, draw_effects knows "original", "color" and "text", which need words from the look."""
