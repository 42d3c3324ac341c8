"""What all contenders are given: a made clip as a folder of JPEG files, and one set of random weights in two spellings.

Random weights cost exactly as much time as trained ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from sam2_demo.errors import MediaError
from sam2_demo.network.checkpoint import build_network
from sam2_demo.network.config import NetworkConfig
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.weights import read_tensors

CONDITIONING_FRAMES = 7
"""So many frames are prompted before tracking: a tracked frame then attends to as many memories as in steady state."""


@dataclass(frozen=True)
class Material:
    """Paths of what was made.

    short_clip: a folder with the frames that tracking needs; long_clip: the folder whose opening is timed;
    weights: official names; transformers_folder: the same weights as transformers saves them, or None without it.
    """

    short_clip: Path
    long_clip: Path
    weights: Path
    transformers_folder: Path | None


def make_clip(folder: Path, num_frames: int, size: tuple[int, int]) -> Path:
    """Write a textured scene of (height, width) pixels that drifts by three pixels a frame."""
    folder.mkdir(parents=True)
    height, width = size
    coarse = np.random.default_rng(7).integers(0, 256, (9, 16, 3), dtype=np.uint8)
    scene = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for index in range(num_frames):
        cv2.imwrite(str(folder / f"{index:05d}.jpg"), np.roll(scene, 3 * index, axis=1))
    return folder


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """A frame of a made clip, (H, W, 3)."""
    picture = cv2.imread(str(path))
    if picture is None:
        raise MediaError(f"{path} is no picture that can be read")
    return np.ascontiguousarray(picture[..., ::-1], dtype=np.uint8)


def make_material(folder: Path, config: NetworkConfig, long_frames: int, size: tuple[int, int]) -> Material:
    """Make clips and weights under `folder`; transformers' spelling only for its own default, tiny 2.1."""
    torch.manual_seed(0)
    spelled = None
    if find_spec("transformers") is not None and config.name == "sam2.1-hiera-tiny":
        from transformers import Sam2VideoConfig, Sam2VideoModel

        spelled = folder / "transformers"
        model = Sam2VideoModel(Sam2VideoConfig())
        state = model.state_dict()  # trained weights hold one position code twice, random ones would differ
        state["prompt_encoder.shared_embedding.positional_embedding"].copy_(
            state["shared_image_embedding.positional_embedding"]
        )
        model.save_pretrained(spelled)
        network = build_network(read_tensors(spelled / "model.safetensors"))
    else:
        network = Sam2Network(config)
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "weights.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, weights)
    # The original reads only its own kind of file.
    torch.save({"model": network.state_dict()}, weights.with_suffix(".pt"))
    short = make_clip(folder / "short", CONDITIONING_FRAMES + 8, size)
    return Material(short, make_clip(folder / "long", long_frames, size), weights, spelled)
