"""Score a model on clips of your own: write a small DAVIS set, run the paper's protocol on it, read the results.

python examples/evaluate.py [--out runs/example]
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

from sam2_demo.evaluation.__main__ import main

parser = argparse.ArgumentParser()
parser.add_argument("--frames", type=int, default=12)
parser.add_argument("--out", type=Path, default=Path("runs/example"))
given = parser.parse_args()

# DAVIS layout: JPEGImages/<clip>/<frame>.jpg and Annotations/<clip>/<frame>.png, label k for the k-th object.
data = given.out / "data"
rng = np.random.default_rng(0)
ground, disc = rng.integers(60, 100, (120, 200, 3)), rng.integers(190, 230, (120, 200, 3))
rows, columns = np.mgrid[:120, :200]
for kind in ("JPEGImages", "Annotations"):
    (data / kind / "disc").mkdir(parents=True, exist_ok=True)
for frame in range(given.frames):
    inside = (rows - 60) ** 2 + (columns - 40 - 6 * frame) ** 2 < 25**2
    pixels = np.where(inside[..., None], disc, ground).astype(np.uint8)
    Image.fromarray(pixels).save(data / "JPEGImages" / "disc" / f"{frame:05d}.jpg", quality=95)
    Image.fromarray(inside.astype(np.uint8)).save(data / "Annotations" / "disc" / f"{frame:05d}.png")

protocol = ["vos", "--data", str(data), "--layout", "davis", "--prompt", "click", "--model", "embedded"]
if main([*protocol, "--out", str(given.out / "click")]) == 0:
    results = json.loads((given.out / "click" / "results.json").read_text())
    print(f"J&F from one click: {100 * results['J&F']:.1f} (J {100 * results['J']:.1f}, F {100 * results['F']:.1f})")
