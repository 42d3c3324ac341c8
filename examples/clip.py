"""Follow things through a clip, correct one, and write the clip with them painted over.

python examples/clip.py [CLIP] [--out painted.mp4] [--frames 60]
"""

import argparse
import json
from pathlib import Path

from sam2_demo import VideoPredictor, load_network
from sam2_demo.rendering.effects import draw_effects
from sam2_demo.rendering.palette import object_color
from sam2_demo.rendering.scene import Look, Scene, Subject
from sam2_demo.video import open_video
from sam2_demo.video.writer import VideoWriter

EXAMPLES = Path(__file__).resolve().parent.parent / "assets" / "examples"

parser = argparse.ArgumentParser()
parser.add_argument("clip", nargs="?", type=Path, default=EXAMPLES / "meadow.mp4")
parser.add_argument("--out", type=Path, default=Path("painted.mp4"))
parser.add_argument("--frames", type=int, help="follow that many frames only")
given = parser.parse_args()

# The examples come with a click for each thing; a clip of your own needs points of its own.
index = json.loads((EXAMPLES / "examples.json").read_text())["clips"]
prompts = next((entry["prompts"] for entry in index if entry["file"] == given.clip.name), None)

session = VideoPredictor(load_network("embedded")).open(given.clip)
last = min(given.frames or session.num_frames, session.num_frames) - 1
for object_id, prompt in enumerate(prompts or [{"points": [(session.width / 2, session.height / 2)]}], start=1):
    session.add_prompt(0, object_id, **{key: prompt[key] for key in ("points", "point_labels", "box") if key in prompt})
for result in session.propagate(end_frame_index=last):
    shown = {i: f"{result.object_score_logits[i]:+.1f}" for i in result.object_ids}
    print(f"frame {result.frame_index}: object scores {shown}", end="\r")

# A correction on any frame stays, and its neighbours follow when that stretch is tracked again.
middle = last // 2
if session.masklets[1].area(middle):
    rows, columns = session.masklets[1].mask(middle).nonzero()
    session.add_prompt(middle, 1, points=[(float(columns.mean()), float(rows.mean()))], clear_previous=False)
    list(session.propagate(start_frame_index=middle, end_frame_index=last))

with open_video(given.clip) as reader:
    times = reader.times[: last + 1]
    sound = given.clip if last + 1 == reader.num_frames else None
    with VideoWriter(given.out, reader.width, reader.height, times=times, audio_from=sound) as writer:
        for frame in range(last + 1):
            subjects = tuple(
                Subject(masklet.mask(frame), object_color(place))
                for place, masklet in enumerate(session.masklets.values())
            )
            writer.write(draw_effects(Scene(reader.read(frame), subjects), Look()))
print("\nwritten:", given.out)
