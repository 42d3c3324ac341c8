"""Small clips made on the spot, with the frame number written into the picture as black and white blocks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

COLUMNS, ROWS = 4, 2


def numbered_frame(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """(height, width, 3) uint8 picture that shows `number` (0 to 255) as eight blocks."""
    bits = np.array([(number >> bit) & 1 for bit in range(COLUMNS * ROWS)], dtype=np.uint8).reshape(ROWS, COLUMNS)
    y = np.arange(height) * ROWS // height
    x = np.arange(width) * COLUMNS // width
    return np.repeat((bits[y][:, x] * 200 + 28)[..., None], 3, axis=2).astype(np.uint8)


def number_in(frame: np.ndarray) -> int:
    """The number that `numbered_frame` wrote."""
    height, width = frame.shape[:2]
    number = 0
    for bit in range(COLUMNS * ROWS):
        y = round((bit // COLUMNS + 0.5) * height / ROWS)
        x = round((bit % COLUMNS + 0.5) * width / COLUMNS)
        block = frame[max(0, y - 3) : y + 3, max(0, x - 3) : x + 3]
        number |= int(block.mean() > 128) << bit
    return number


@dataclass(frozen=True)
class Recipe:
    """What a generated clip is like; `stamps` are presentation times in units of `unit` seconds."""

    num_frames: int = 40
    width: int = 96
    height: int = 64
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    rate: Fraction = Fraction(25)
    unit: Fraction | None = None
    stamps: Sequence[int] | None = None
    options: dict[str, str] = field(default_factory=dict)
    rotation: float = 0
    hflip: bool = False
    audio_codec: str | None = None
    audio_seconds: float = 0.0
    muxer: str | None = None
    muxer_options: dict[str, str] = field(default_factory=dict)


def _add_tone(container: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    rate = stream.codec_context.sample_rate
    samples = np.sin(np.arange(round(seconds * rate)) * (440 * 2 * np.pi / rate)) * 8000
    step = stream.codec_context.frame_size or 1024
    layout = stream.codec_context.layout.name
    for start in range(0, len(samples), step):
        piece = np.repeat(samples[start : start + step].astype(np.int16), stream.codec_context.layout.nb_channels)
        frame = av.AudioFrame.from_ndarray(piece[None], format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def write_clip(path: Path, recipe: Recipe, pictures: Sequence[np.ndarray] | None = None) -> Path:
    """Write a clip of numbered frames (or the given pictures) and return its path."""
    unit = recipe.unit or 1 / recipe.rate
    with av.open(str(path), "w", format=recipe.muxer, options=recipe.muxer_options) as container:
        video = container.add_stream(recipe.codec, rate=recipe.rate, options=recipe.options)
        video.width, video.height, video.pix_fmt = recipe.width, recipe.height, recipe.pix_fmt
        video.time_base = video.codec_context.time_base = unit
        if recipe.rotation or recipe.hflip:
            video.set_display_rotation(recipe.rotation, hflip=recipe.hflip)
        sound = None
        if recipe.audio_codec:
            sound = container.add_stream(recipe.audio_codec, rate=48_000, layout="stereo")
        for index in range(recipe.num_frames if pictures is None else len(pictures)):
            picture = numbered_frame(index, recipe.width, recipe.height) if pictures is None else pictures[index]
            pixel_format = "rgba" if picture.shape[2] == 4 else "rgb24"
            frame = av.VideoFrame.from_ndarray(picture, format=pixel_format).reformat(format=recipe.pix_fmt)
            frame.pts = index if recipe.stamps is None else recipe.stamps[index]
            frame.time_base = unit
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            _add_tone(container, sound, recipe.audio_seconds)
    return path


@pytest.fixture
def make_clip(tmp_path: Path) -> Callable[..., Path]:
    """make_clip(name, pictures=None, **recipe) -> path of a new clip."""

    def make(name: str, pictures: Sequence[np.ndarray] | None = None, **recipe: object) -> Path:
        return write_clip(tmp_path / name, Recipe(**recipe), pictures)  # type: ignore[arg-type]

    return make


@pytest.fixture
def numbers() -> Callable[[np.ndarray], int]:
    """The function that reads the number out of a frame."""
    return number_in


@pytest.fixture
def numbered() -> Callable[..., np.ndarray]:
    """The function that writes a number into a frame."""
    return numbered_frame


@pytest.fixture
def ffmpeg() -> Callable[..., None]:
    """Runs FFmpeg's command line, for files that only it makes (cuts with edit lists, cover pictures)."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg", reason="needs the FFmpeg command line")

    def run(*arguments: object) -> None:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    return run
