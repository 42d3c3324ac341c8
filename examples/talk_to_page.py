"""Ask a running page (make demo, or sam2-demo) from another program: a picture's mask, and a clip tracked.

python examples/talk_to_page.py [--url http://127.0.0.1:7860] [--picture PICTURE] [--clip CLIP]
"""

import argparse
from pathlib import Path

from gradio_client import Client, handle_file

from sam2_demo.masks.run_lengths import decode_rle

EXAMPLES = Path(__file__).resolve().parent.parent / "assets" / "examples"

parser = argparse.ArgumentParser()
parser.add_argument("--url", default="http://127.0.0.1:7860")
parser.add_argument("--picture", type=Path, default=EXAMPLES / "table.jpg")
parser.add_argument("--point", type=float, nargs=2, default=(575, 405), metavar=("X", "Y"))
parser.add_argument("--clip", type=Path, help="also follow what the point is on through this clip")
given = parser.parse_args()

page = Client(given.url, verbose=False)
point = list(given.point)
found = page.predict(handle_file(str(given.picture)), [point], [1], None, api_name="/segment_picture")
print("picture:", decode_rle(found["masks"][0]).sum(), "pixels, IoU", found["iou_predictions"][0])

if given.clip is not None:
    prompt = {"frame": 0, "object_id": 1, "points": [point], "labels": [1]}
    coco = page.predict(handle_file(str(given.clip)), [prompt], "both", api_name="/track_clip")
    print("clip:", len(coco["annotations"]), "masks as COCO JSON")
