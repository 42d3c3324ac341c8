"""The table of memory rules on made clips: python -m tools.memory_rules --help."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import numpy as np

from sam2_demo import load_network
from sam2_demo.errors import DemoError
from sam2_demo.tracking.memory_rules.catalogue import MEMORY_RULES
from sam2_demo.tracking.options import TrackingOptions
from sam2_demo.tracking.video_predictor import VideoPredictor
from tools.memory_rules.situations import SITUATIONS, Situation, right_frames

_CUTS = "cut away and back"


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.memory_rules",
        description="Share of frames on the right object, in percent, per rule and situation, on rendered clips of 40 "
        "frames from the first frame's mask. The last column tracks the clips with cuts with at_cuts='look_again'.",
    )
    parser.add_argument("--model", default="embedded")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clips", type=int, default=6, help="of each situation")
    parser.add_argument("--rules", nargs="+", default=list(MEMORY_RULES), metavar="RULE")
    return parser.parse_args(arguments)


def rows(given: argparse.Namespace) -> Iterator[list[str]]:
    """The table's rows: rule, then the mean share for each situation, then that of clips with cuts, heeded."""
    network = load_network(given.model, device=given.device)
    clips = {name: [make(seed) for seed in range(given.clips)] for name, make in SITUATIONS.items()}
    for rule in given.rules:
        options = TrackingOptions(memory_rule=rule)
        heeding = TrackingOptions(memory_rule=rule, at_cuts="look_again")
        shares = [
            np.mean([right_frames(follow(VideoPredictor(network, options), clip), clip.masks) for clip in clips[name]])
            for name in SITUATIONS
        ]
        shares.append(
            np.mean([right_frames(follow(VideoPredictor(network, heeding), c), c.masks) for c in clips[_CUTS]])
        )
        yield [rule, *(f"{100 * share:.0f}" for share in shares)]


def follow(predictor: VideoPredictor, clip: Situation) -> np.ndarray:
    """The masks (T, H, W) bool of the object, from its mask on the first frame."""
    tracker = predictor.open(clip.frames)
    tracker.add_prompt(0, 1, mask=clip.masks[0])
    return np.stack([result.masks[1] for result in tracker.propagate()])


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 where it cannot be made."""
    try:
        given = read_arguments(arguments)
        print("| rule |", " | ".join([*SITUATIONS, f"{_CUTS}, looked for again"]), "|")
        print("|---" * (len(SITUATIONS) + 2) + "|")
        for row in rows(given):
            print("|", " | ".join(row), "|", flush=True)
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
