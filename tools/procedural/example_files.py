"""Renders the example scenes to files: mp4 clips, one with sound, JPEG pictures, and `examples.json`."""

from __future__ import annotations

import json
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from sam2_demo.video import VideoWriter, WriterOptions
from tools.procedural.examples import CLIP_SIZE, CLIPS, FRAME_RATE, PICTURES, Example
from tools.procedural.scene import render_moment

SAMPLE_RATE = 44100


def write_examples(folder: Path) -> Path:
    """Render all examples into `folder` and list them, with prompts, in its `examples.json`, which is returned."""
    folder.mkdir(parents=True, exist_ok=True)
    listed: dict[str, list[dict[str, object]]] = {"clips": [], "pictures": []}
    for compose in CLIPS:
        example = compose()
        audio = meadow_sound(example.num_frames / FRAME_RATE) if example.sound else None
        _write_clip(folder / example.file, example_frames(example), audio)
        listed["clips"].append(describe(example))
    for compose in PICTURES:
        example = compose()
        frame, _ = render_moment(example.scene, example.start_seconds)
        cv2.imwrite(str(folder / example.file), frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        listed["pictures"].append(describe(example))
    target = folder / "examples.json"
    target.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
    return target


def example_frames(example: Example) -> Iterator[np.ndarray]:
    """Yield the (H, W, 3) uint8 RGB frames of a clip."""
    for number in range(example.num_frames):
        yield render_moment(example.scene, example.start_seconds + number / FRAME_RATE)[0]


def describe(example: Example) -> dict[str, object]:
    """Give an example's entry of `examples.json`; points and boxes are in pixels, taken from the label map."""
    names = [actor.name for actor in example.scene.actors]
    prompts: list[dict[str, object]] = []
    for name, frame_index, sort in example.prompts:
        _, labels = render_moment(example.scene, example.start_seconds + frame_index / FRAME_RATE)
        mask = labels == names.index(name) + 1
        prompt: dict[str, object] = {"frame_index": frame_index, "object": name}
        prompts.append(
            prompt
            | ({"box": mask_box(mask)} if sort == "box" else {"points": [mask_center(mask)], "point_labels": [1]})
        )
    return {
        "file": example.file,
        "title": example.title,
        "description": example.description,
        "prompts": prompts,
    }


def mask_center(mask: np.ndarray) -> list[int]:
    """Find the pixel [x, y] deepest inside a (H, W) bool mask."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), mask.shape)
    return [int(column), int(row)]


def mask_box(mask: np.ndarray) -> list[int]:
    """Find the box [x0, y0, x1, y1] of a (H, W) bool mask that is not empty; x1, y1 are the last pixels inside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])]


def meadow_sound(seconds: float) -> np.ndarray:
    """Synthesise wind, chirping birds and a soft thump per hop: (1, samples) float32 at 44.1 kHz."""
    rng = np.random.default_rng(5)
    count = int(seconds * SAMPLE_RATE)
    t = np.arange(count, dtype=np.float32) / SAMPLE_RATE
    rough = np.cumsum(rng.standard_normal(count)).astype(np.float32)
    rough -= cv2.blur(rough[None], (801, 1))[0]
    sound = 0.05 * rough / np.abs(rough).max() * (1 + 0.5 * np.sin(1.3 * t))
    for start in rng.uniform(0.2, seconds - 0.5, 9):
        pitch, length = rng.uniform(2200, 3600), rng.uniform(0.06, 0.13)
        for repeat in range(int(rng.integers(1, 4))):
            since = t - start - repeat * length * 1.6
            inside = (since > 0) & (since < length)
            swell = np.sin(np.pi * np.clip(since / length, 0, 1)) ** 2
            sound += 0.10 * inside * swell * np.sin(2 * np.pi * (pitch + 2800 * since) * since)
    for landing in np.arange(0.0, seconds, np.pi / 4.1):
        since = np.clip(t - landing, 0, None)
        sound += (
            0.35 * (t >= landing) * np.exp(-22 * since) * np.sin(2 * np.pi * (95 - 60 * np.clip(since, 0, 0.5)) * since)
        )
    return np.clip(sound, -0.95, 0.95).astype(np.float32)[None]


def _write_clip(path: Path, frames: Iterator[np.ndarray], sound: np.ndarray | None) -> None:
    """Encode a clip; sound goes through a temporary WAV file, as the writer takes it from files."""
    with tempfile.TemporaryDirectory() as folder:
        sound_file = Path(folder) / "sound.wav"
        if sound is not None:
            with wave.open(str(sound_file), "wb") as target:
                target.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
                target.writeframes((sound[0] * 32767).astype("<i2").tobytes())
        height, width = CLIP_SIZE
        source = sound_file if sound is not None else None
        options = WriterOptions(crf=21, preset="slow")
        with VideoWriter(path, width, height, frame_rate=FRAME_RATE, audio_from=source, options=options) as writer:
            for frame in frames:
                writer.write(frame)
