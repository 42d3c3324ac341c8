"""Follow things in pictures that arrive one by one and never end: here a file is played as if it were a camera.

python examples/stream.py [CLIP] [--out live.mp4] [--frames 60]

With a real camera: `camera = cv2.VideoCapture(0)`, and `camera.read()[1][..., ::-1]` is a frame.
"""

import argparse
import json
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter

from sam2_demo import VideoPredictor, load_network
from sam2_demo.rendering.effects import draw_effects
from sam2_demo.rendering.palette import object_color
from sam2_demo.rendering.scene import Look, Scene, Subject
from sam2_demo.video import open_video
from sam2_demo.video.writer import VideoWriter

EXAMPLES = Path(__file__).resolve().parent.parent / "assets" / "examples"

parser = argparse.ArgumentParser()
parser.add_argument("clip", nargs="?", type=Path, default=EXAMPLES / "meadow.mp4")
parser.add_argument("--out", type=Path, default=Path("live.mp4"))
parser.add_argument("--frames", type=int, default=60, help="how many pictures the camera takes; the clip is repeated")
given = parser.parse_args()

index = json.loads((EXAMPLES / "examples.json").read_text())["clips"]
prompts = next((entry["prompts"] for entry in index if entry["file"] == given.clip.name), None)

clip = open_video(given.clip)
camera = islice((clip.read(frame) for frame in cycle(range(clip.num_frames))), given.frames)
stream = VideoPredictor(load_network("embedded")).open_stream()
seconds = []
with VideoWriter(given.out, clip.width, clip.height, frame_rate=clip.frame_rate) as writer:
    for frame in camera:
        started = perf_counter()
        result = stream.push(frame)
        if result.frame_index == 0:  # objects may join on any frame, and leave by stream.remove_object
            for object_id, given_prompt in enumerate(prompts or [{"points": [(clip.width / 2, clip.height / 2)]}], 1):
                kinds = ("points", "point_labels", "box")
                stream.add_prompt(object_id, **{kind: given_prompt[kind] for kind in kinds if kind in given_prompt})
            result = stream.result()
        if result.frame_index == 8:
            # A person clicks on what was seen a moment ago: it is corrected there and carried forward to the newest.
            rows, columns = stream.result(6).masks[1].nonzero()
            if len(rows):
                stream.add_prompt(1, points=[(float(columns.mean()), float(rows.mean()))], frame_index=6)
                result = stream.result()
        seconds.append(perf_counter() - started)
        subjects = tuple(Subject(result.masks[i], object_color(place)) for place, i in enumerate(stream.object_ids))
        writer.write(draw_effects(Scene(frame, subjects), Look()))
stream.close()
print(f"{len(seconds)} frames, {sorted(seconds)[len(seconds) // 2] * 1000:.0f} ms each (median)")
print("written:", given.out)
