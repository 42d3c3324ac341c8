"""Small RGBA pictures that effects place: stickers, name labels and lettering. The page gets the same pictures."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from sam2_demo.rendering.palette import Color

Sprite = NDArray[np.uint8]
STICKER_SIDE = 256
STICKERS = ("smile", "heart", "star")
_FONT_SIZE = 40
_LETTER_COLORS: tuple[tuple[Color, Color], ...] = (
    ((20, 22, 30), (240, 228, 66)),
    ((255, 255, 255), (0, 114, 178)),
    ((213, 94, 0), (255, 255, 255)),
)
_SMOOTH = 4  # stickers are drawn larger and scaled down


@lru_cache(maxsize=8)
def sticker(name: str) -> Sprite:
    """(256, 256, 4) uint8 RGBA of one of STICKERS."""
    side = STICKER_SIDE * _SMOOTH
    image = np.zeros((side, side, 4), np.uint8)
    {"smile": _draw_smile, "heart": _draw_heart, "star": _draw_star}[name](image, side)
    return np.asarray(cv2.resize(image, (STICKER_SIDE, STICKER_SIDE), interpolation=cv2.INTER_AREA), np.uint8)


@lru_cache(maxsize=256)
def label(name: str, color: Color) -> Sprite:
    """A name in white or black on its colour, (56, W, 4) uint8 RGBA, opaque."""
    text = _lettering(name, _FONT_SIZE)
    height, width = 56, text.shape[1] + 24
    ink = 0 if 0.3 * color[0] + 0.6 * color[1] + 0.1 * color[2] > 140 else 255
    image = np.empty((height, width, 4), np.uint8)
    image[:] = (*color, 255)
    part = image[4 : 4 + text.shape[0], 12 : 12 + text.shape[1], :3]
    share = text[..., None].astype(np.float32) / 255
    part[:] = (part * (1 - share) + ink * share + 0.5).astype(np.uint8)
    return image


@lru_cache(maxsize=16)
def lettering(text: str, variant: int) -> Sprite:
    """A tile of large text for backgrounds, (H, W, 4) uint8 RGBA, opaque."""
    back, front = _LETTER_COLORS[variant]
    drawn = _lettering(text or " ", 90)
    tile = np.empty((drawn.shape[0] + 30, drawn.shape[1] + 60, 4), np.uint8)
    tile[:] = (*back, 255)
    part = tile[15 : 15 + drawn.shape[0], 30 : 30 + drawn.shape[1], :3]
    share = drawn[..., None].astype(np.float32) / 255
    part[:] = (part * (1 - share) + np.array(front) * share + 0.5).astype(np.uint8)
    return tile


def _lettering(text: str, size: int) -> NDArray[np.uint8]:
    """Grey coverage of a line of text, (H, W) uint8; letters beyond the font show as boxes."""
    font = cv2.FontFace("sans")
    text = text or " "
    width = cv2.getTextSize((10_000, 10_000), text, (0, 0), font, size)[2]
    canvas = np.zeros((round(size * 1.2), max(4, width + 4), 3), np.uint8)
    cv2.putText(canvas, text, (2, size), (255, 255, 255), font, size)
    return canvas[..., 0]


def _draw_star(image: Sprite, side: int) -> None:
    angles = np.arange(10) * np.pi / 5 - np.pi / 2
    radii = np.where(np.arange(10) % 2, 0.2, 0.48) * side
    corners = np.stack([side / 2 + radii * np.cos(angles), side / 2 + radii * np.sin(angles)], 1)
    cv2.fillPoly(image, [corners.astype(np.int32)], (240, 200, 40, 255))


def _draw_heart(image: Sprite, side: int) -> None:
    t = np.linspace(0, 2 * np.pi, 200)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    curve = np.stack([side / 2 + x * side / 36, side * 0.46 + y * side / 36], 1)
    cv2.fillPoly(image, [curve.astype(np.int32)], (220, 40, 70, 255))


def _draw_smile(image: Sprite, side: int) -> None:
    middle, dark = side // 2, (60, 40, 10, 255)
    cv2.circle(image, (middle, middle), int(side * 0.47), (250, 210, 50, 255), -1)
    for x in (0.34, 0.66):
        cv2.ellipse(image, (int(side * x), int(side * 0.4)), (side // 18, side // 11), 0, 0, 360, dark, -1)
    cv2.ellipse(image, (middle, int(side * 0.55)), (side // 4, side // 5), 0, 15, 165, dark, side // 22)
