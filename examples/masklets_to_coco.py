"""All that can be found and followed in a clip, as COCO JSON, read back with pycocotools.

python examples/masklets_to_coco.py [CLIP] [--out masklets.json] [--frames 48]
"""

import argparse
from dataclasses import replace
from pathlib import Path

from pycocotools.coco import COCO

from sam2_demo import VideoPredictor, load_network
from sam2_demo.formats import coco
from sam2_demo.masklets.finding import find_masklets
from sam2_demo.masklets.options import preset
from sam2_demo.video import open_video

EXAMPLES = Path(__file__).resolve().parent.parent / "assets" / "examples"

parser = argparse.ArgumentParser()
parser.add_argument("clip", nargs="?", type=Path, default=EXAMPLES / "reef.mp4")
parser.add_argument("--points-per-side", type=int, default=8)
parser.add_argument("--frames", type=int, default=48)
parser.add_argument("--out", type=Path, default=Path("masklets.json"))
given = parser.parse_args()

with open_video(given.clip) as reader:
    frames = [reader.read(index) for index in range(min(given.frames, reader.num_frames))]
options = replace(preset(is_embedded=True), points_per_side=given.points_per_side, max_objects=8)
annotation = find_masklets(
    VideoPredictor(load_network("embedded")),
    frames,
    options,
    on_progress=lambda at: print(f"{at.step}: {at.num_done} of {at.num_frames}, {at.num_objects} objects", end="\r"),
)
coco.write(annotation, given.out)

read = COCO(str(given.out))
print(f"\n{given.out}: {len(read.imgs)} frames, {len(read.anns)} masks of {len(annotation.masklets)} objects")
