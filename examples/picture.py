"""Masks of one thing in a picture: from a click, corrected by a second one, and from a box.

python examples/picture.py [PICTURE] [--out cutout.png]
"""

import argparse
from pathlib import Path

from PIL import Image

from sam2_demo import ImagePredictor, load_network
from sam2_demo.rendering.overlay import draw_cutout
from sam2_demo.video.pictures import read_picture

EXAMPLES = Path(__file__).resolve().parent.parent / "assets" / "examples"

parser = argparse.ArgumentParser()
parser.add_argument("picture", nargs="?", type=Path, default=EXAMPLES / "table.jpg")
parser.add_argument("--point", type=float, nargs=2, default=(575, 405), metavar=("X", "Y"))
parser.add_argument("--out", type=Path, default=Path("cutout.png"))
given = parser.parse_args()

predictor = ImagePredictor(load_network("embedded"))
rgb = read_picture(given.picture)  # (H, W, 3) uint8
predictor.set_image(rgb)

# One click may mean a part or the whole: three masks, the answer first.
first = predictor.predict(points=[given.point])
for mask, iou in zip(first.masks, first.iou_predictions, strict=True):
    print(f"a click: {mask.sum()} pixels, predicted IoU {iou:.2f}")

# A correction goes on from the mask before it; label 0 marks what does not belong to the thing.
x, y = given.point
better = predictor.predict(
    points=[(x, y), (5, 5)], point_labels=[1, 0], low_res_logits=first.low_res_logits[0], multimask=False
)
rows, columns = better.masks[0].nonzero()
box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
print("its box:", box, "and the mask of that box:", predictor.predict(box=box).masks[0].sum(), "pixels")

Image.fromarray(draw_cutout(rgb, better.masks[0])).save(given.out)
print("written:", given.out)
