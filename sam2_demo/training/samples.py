"""Sample pictures of predictions, to look at beside the curves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training.picture_batches import PictureBatch
from sam2_demo.training.picture_loss import choose, first_prompts, to_pixels

_TRUTH_COLOUR, _PREDICTED_COLOUR = (40, 200, 80), (240, 120, 40)


@torch.no_grad()
def draw_samples(network: Sam2Network, batch: PictureBatch, path: Path) -> None:
    """Write a PNG: per row a picture, the truth with the click, and the mask predicted from that one click."""
    firsts = np.unique(batch.picture_indices, return_index=True)[1]
    masks = batch.masks[firsts]
    coords, labels = first_prompts(np.random.default_rng(0), masks, is_box=False)
    embedding = network.encode_image(to_pixels(batch.pixels, network.device))
    features = network.attend_to_memory(embedding.features, None)
    points = torch.from_numpy(coords).to(network.device), torch.from_numpy(labels).to(network.device)
    prediction = network.decode_masks(features, embedding.high_res_features, points, None)
    chosen, _ = choose(prediction, True, network.config.answers.parts_first)
    logits = network.upscale_logits(chosen, batch.pixels.shape[1:3])
    predicted = (logits[:, 0] > 0).cpu().numpy()
    rows = []
    for picture, truth, mask, click in zip(batch.pixels, masks, predicted, coords[:, 0], strict=True):
        shown = _tint(picture, truth, _TRUTH_COLOUR)
        centre = round(float(click[0])), round(float(click[1]))
        cv2.circle(shown, centre, max(2, len(shown) // 64), (255, 255, 255), -1)
        rows.append(np.hstack([picture, shown, _tint(picture, mask, _PREDICTED_COLOUR)]))
    half = (len(rows) + 1) // 2
    columns = [np.vstack(rows[:half]), np.vstack((rows[half:] + rows[:1])[:half])]
    cv2.imwrite(str(path), cv2.cvtColor(np.hstack(columns), cv2.COLOR_RGB2BGR))


def _tint(picture: NDArray[np.uint8], mask: NDArray[np.bool_], colour: tuple[int, int, int]) -> NDArray[np.uint8]:
    tinted = picture.astype(np.float32)
    tinted[mask] = 0.45 * tinted[mask] + 0.55 * np.array(colour, np.float32)
    return np.ascontiguousarray(tinted.astype(np.uint8))
