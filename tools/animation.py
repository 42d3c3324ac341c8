"""The README's animation: an example clip, a click on each thing, and their masks as they are followed.

python -m tools.animation --out docs/meadow.webp
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sam2_demo import VideoPredictor, load_network
from sam2_demo.assets_folder import assets_folder
from sam2_demo.rendering.effects import draw_effects
from sam2_demo.rendering.palette import object_color
from sam2_demo.rendering.scene import Look, Scene, Subject
from sam2_demo.video import open_video

_SIDE, _EVERY, _QUALITY = 480, 2, 60  # pixels across, frames of the clip per picture, of WebP
_STILL = 8  # pictures on which only the clicks are shown


def draw(name: str, num_frames: int) -> list[NDArray[np.uint8]]:
    """The (H, W, 3) pictures of the animation."""
    folder = assets_folder() / "examples"
    prompts = next(
        e["prompts"] for e in json.loads((folder / "examples.json").read_text())["clips"] if e["file"] == name
    )
    session = VideoPredictor(load_network("embedded")).open(folder / name)
    for object_id, prompt in enumerate(prompts, start=1):
        session.add_prompt(0, object_id, points=prompt["points"], point_labels=prompt["point_labels"])
    with open_video(folder / name) as reader:
        shown = [_with_clicks(reader.read(0), prompts)] * _STILL
        for result in session.propagate(end_frame_index=num_frames - 1):
            if result.frame_index % _EVERY == 0:
                subjects = [Subject(mask, object_color(i)) for i, mask in enumerate(result.masks.values())]
                shown.append(draw_effects(Scene(reader.read(result.frame_index), tuple(subjects)), Look()))
    height, width = shown[0].shape[:2]
    size = (_SIDE, round(_SIDE * height / width))
    return [np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8) for frame in shown]


def _with_clicks(frame: NDArray[np.uint8], prompts: list[dict[str, Any]]) -> NDArray[np.uint8]:
    drawn = frame.copy()
    for number, prompt in enumerate(prompts):
        for x, y in prompt["points"]:
            cv2.circle(drawn, (round(x), round(y)), 9, (255, 255, 255), -1, cv2.LINE_AA)
            cv2.circle(drawn, (round(x), round(y)), 6, object_color(number), -1, cv2.LINE_AA)
    return drawn


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the animation; 0 on success."""
    parser = argparse.ArgumentParser("python -m tools.animation", description=__doc__)
    parser.add_argument("--clip", default="meadow.mp4", help="a clip of assets/examples with clicks in examples.json")
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--out", type=Path, required=True, help="a .webp file")
    given = parser.parse_args(arguments)
    first, *rest = (Image.fromarray(frame) for frame in draw(given.clip, given.frames))
    first.save(given.out, save_all=True, append_images=rest, duration=80, loop=0, quality=_QUALITY, method=6)
    print(f"{given.out}: {given.out.stat().st_size / 2**20:.2f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
