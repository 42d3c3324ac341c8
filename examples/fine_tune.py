"""Fine-tune a model on pictures with label maps, and use what came of it.

python examples/fine_tune.py [--data DATA] [--out runs/tuned] [--steps 4]
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from sam2_demo import ImagePredictor, load_network
from sam2_demo.training.__main__ import main

parser = argparse.ArgumentParser()
parser.add_argument("--data", type=Path, help="a data set; without it four drawn pictures show the layout")
parser.add_argument("--steps", type=int, default=4)
parser.add_argument("--size", type=int, default=128, help="input side in training; leave it out for real training")
parser.add_argument("--out", type=Path, default=Path("runs/tuned"))
given = parser.parse_args()

data = given.data or given.out / "data"
if given.data is None:  # <stem>.jpg beside <stem>.png: 0 background, k the k-th object, 255 unknown
    data.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[:120, :160]
    for seed in range(4):
        rng = np.random.default_rng(seed)
        pixels = rng.integers(80, 130, (120, 160, 3)).astype(np.uint8)
        inside = (rows - rng.integers(40, 80)) ** 2 + (columns - rng.integers(50, 110)) ** 2 < 28**2
        pixels[inside] = (220, 190, 60)
        Image.fromarray(pixels).save(data / f"{seed}.jpg")
        Image.fromarray(inside.astype(np.uint8)).save(data / f"{seed}.png")

# --freeze trunk keeps the largest part as it is: the way to train on a CPU.
options = ["--config", "finetune", "--model", "embedded", "--freeze", "trunk", "--processes", "1", "--device", "cpu"]
if main(
    [*options, "--data", str(data), "--steps", str(given.steps), "--size", str(given.size), "--out", str(given.out)]
):
    raise SystemExit(2)

predictor = ImagePredictor(load_network(str(given.out / "weights.safetensors")))
predictor.set_image(np.asarray(Image.open(next(data.glob("*.jpg"))).convert("RGB")))
print("a click with the tuned weights:", predictor.predict(points=[(80, 60)]).masks[0].sum(), "pixels")
