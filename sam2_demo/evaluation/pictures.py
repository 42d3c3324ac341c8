"""Pictures of worst cases: the frame with what was expected and what came."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

BoolMask = NDArray[np.bool_]
_MISSED, _EXCESS, _RIGHT = (230, 60, 60), (60, 110, 240), (60, 190, 90)  # RGB
_MAX_SIDE = 480
LEGEND = "green: right, red: missed, blue: too much"


def draw_errors(rgb: NDArray[np.uint8], mask: BoolMask, reference: BoolMask) -> NDArray[np.uint8]:
    """(H, W, 3) picture with agreement and both kinds of error tinted."""
    drawn = rgb.astype(np.float32)
    for region, color in ((mask & reference, _RIGHT), (reference & ~mask, _MISSED), (mask & ~reference, _EXCESS)):
        drawn[region] = 0.5 * drawn[region] + 0.5 * np.array(color, np.float32)
    return drawn.round().astype(np.uint8)


def save_errors(rgb: NDArray[np.uint8], mask: BoolMask, reference: BoolMask, path: Path) -> None:
    """Write the picture of a case as a JPEG of at most 480 pixels a side."""
    drawn = draw_errors(rgb, mask, reference)
    scale = min(1.0, _MAX_SIDE / max(drawn.shape[:2]))
    if scale < 1:
        size = (max(1, round(drawn.shape[1] * scale)), max(1, round(drawn.shape[0] * scale)))
        drawn = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    coded = cv2.imencode(".jpg", drawn[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    path.write_bytes(coded.tobytes())
