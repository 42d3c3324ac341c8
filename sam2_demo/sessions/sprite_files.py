"""The small pictures of effects as PNG for the page, and the backdrop that a person gives."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from sam2_demo.errors import InputError
from sam2_demo.masks.display import display_size
from sam2_demo.rendering.palette import hex_to_color
from sam2_demo.rendering.sprites import STICKERS, label, lettering, sticker
from sam2_demo.resuming import replacing
from sam2_demo.sessions.painted_files import BACKDROP_NAME, encode_png, read_backdrop
from sam2_demo.sessions.session import Session
from sam2_demo.video.pictures import read_picture

BACKDROP_SIDE = 1920
MAX_TEXT = 40


def sprite_file(session: Session, name: str, query: Mapping[str, str]) -> bytes:
    """The PNG of sprite `name`: label (of ?object=), text (?text=, ?variant=), sticker (?variant=) or backdrop."""
    if name == "label":
        text = query.get("object", "")
        info = session.objects.get(int(text) if text.isdecimal() else -1)
        return encode_png(label(info.name, hex_to_color(info.color))[..., [2, 1, 0, 3]])
    if name == "text":
        return encode_png(lettering(query.get("text", "")[:MAX_TEXT], _variant(query))[..., [2, 1, 0, 3]])
    if name == "sticker":
        return encode_png(sticker(STICKERS[_variant(query)])[..., [2, 1, 0, 3]])
    if name == "backdrop":
        backdrop = read_backdrop(session)
        if backdrop is None:
            raise InputError("no background picture was given yet")
        return encode_png(backdrop[..., ::-1])
    raise InputError(f"{name[:40]!r} is not one of label, text, sticker, backdrop")


def store_backdrop(session: Session, given: Path) -> None:
    """Keep a picture file as the session's backdrop, at most 1920 pixels long; MediaError for other files."""
    rgb = read_picture(given)
    height, width = display_size((rgb.shape[0], rgb.shape[1]), BACKDROP_SIDE)
    scaled = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    with replacing(session.folder / BACKDROP_NAME, several_writers=True) as beside:
        beside.write_bytes(encode_png(np.asarray(scaled, np.uint8)[..., ::-1]))


def _variant(query: Mapping[str, str]) -> int:
    text = query.get("variant", "0")
    if text not in ("0", "1", "2"):
        raise InputError(f"variant must be 0, 1 or 2, got {text[:20]!r}")
    return int(text)
