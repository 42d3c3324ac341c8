"""`python -m sam2_demo.masklets`: automatic masklets of clips, one SA-V JSON file each."""

from __future__ import annotations

import argparse
import math
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sam2_demo.errors import DemoError
from sam2_demo.masklets.options import MaskletOptions, preset
from sam2_demo.tracking.memory_rules.catalogue import MEMORY_RULES

if TYPE_CHECKING:
    from sam2_demo.masklets.batch import Find
    from sam2_demo.tracking.automatic_masks import MaskRecord
    from sam2_demo.tracking.pixels import Rgb
    from sam2_demo.tracking.video_predictor import VideoPredictor

_EXAMPLES = """examples:
  python -m sam2_demo.masklets clip.mp4 --out masklets
  python -m sam2_demo.masklets clips/ --out masklets --model facebook/sam2.1-hiera-tiny
  python -m sam2_demo.masklets clips/ more/dog.mov --out masklets --points-per-side 16 --find-every 48
  python -m sam2_demo.masklets frames/ --out masklets --find-every 0 --annotation-step 1
  python -m sam2_demo.masklets clips/ --survey --model my-tuned-model.safetensors

A clip is a video or a folder of pictures; a folder of clips holds either. Each clip gives DIR/<name>_auto.json in the
layout of SA-V's train set, with masklet_type "auto" and a stability score for every mask. A run that was interrupted
goes on when the same command is given again.

A model's scores decide which thresholds are good: --survey prints how many masks each choice leaves on the first frames
of the clips, and writes nothing.

exit status: 0 all clips are done; 2 wrong usage, or a clip that cannot be read (the others are done all the same).
"""
_HELP = {
    "points_per_side": "points of the grid along each side of a frame",
    "crop_layers": "look again at 2 x 2 (1), then 4 x 4 (2) enlarged parts of a frame for small things",
    "pred_iou_thresh": "drop masks of which the model expects a lower IoU",
    "stability_thresh": "drop masks of a lower stability score when they are found",
    "find_every": "look for new things every so many frames; 0: on the first frame only, as in SA-V",
    "annotation_step": "write every n-th frame",
    "min_area": "masks with fewer pixels start no masklet",
    "min_region_area": "remove parts and fill holes with fewer pixels",
    "duplicate_iou": "above this IoU two masks or masklets are one",
    "min_uncovered": "share of a later mask that must be new, 0 to 1",
    "masklet_stability_thresh": "drop masklets of a lower mean stability score",
    "min_visible_frames": "drop masklets that are seen on fewer written frames",
    "stability_offset": "logits around the threshold that the stability score compares",
    "max_objects": "track at most so many",
}
_MINIMUM_PAUSE = 0.5  # seconds between status lines on a terminal
_MINIMUM_PAUSE_IN_FILES = 15.0
_LONG_STEP = 1.0  # seconds after which a status that is still true says for how long


class Terminal:
    """Lines on standard output; a status is overwritten on a terminal and written now and then elsewhere.

    While it is entered, a status that stays the same is shown again with the time that has passed.
    """

    def __init__(self) -> None:
        """Nothing is shown yet."""
        self.overwrites = sys.stdout.isatty()
        self._pause = _MINIMUM_PAUSE if self.overwrites else _MINIMUM_PAUSE_IN_FILES
        self._shown_at = -math.inf
        self._width = 0
        self._status, self._status_since = "", 0.0
        self._guard = threading.RLock()
        self._ended = threading.Event()
        self._watch = threading.Thread(target=self._repeat, daemon=True)

    def line(self, text: str) -> None:
        """Show something that stays."""
        with self._guard:
            print(f"\r{text:<{self._width}}" if self._width else text, flush=True)
            self._width = 0
            self._status = ""

    def status(self, text: str) -> None:
        """Show how far the run is, unless something was shown a moment ago."""
        with self._guard:
            if text != self._status:
                self._status, self._status_since = text, time.monotonic()
            self._show(text)

    def __enter__(self) -> Terminal:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._watch.join()

    def _repeat(self) -> None:
        while not self._ended.wait(_LONG_STEP):
            with self._guard:
                passed = time.monotonic() - self._status_since
                if self._status and passed >= _LONG_STEP:
                    self._show(f"{self._status} ({passed:.0f} s)")

    def _show(self, text: str) -> None:
        if time.monotonic() - self._shown_at < self._pause:
            return
        self._shown_at = time.monotonic()
        if self.overwrites:
            print(f"\r{text:<{self._width}}", end="", flush=True)
            self._width = len(text)
        else:
            print(text, flush=True)


def main(arguments: Sequence[str] | None = None, prog: str = "python -m sam2_demo.masklets") -> int:
    """Write the masklets of all clips; 0 on success, 2 on wrong usage or input, 130 when interrupted."""
    parser = _parser(prog)
    given = parser.parse_args(arguments)
    if given.out is None and not given.survey:
        parser.error("--out DIR is needed, or --survey")
    try:
        if given.survey:
            _survey(given)
            return 0
        failed = _run(given)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on with the clips that are not done", file=sys.stderr)
        return 130
    for name, reason in failed.items():
        print(f"error: {name}: {reason}", file=sys.stderr)
    return 2 if failed else 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Find everything in clips and track it: automatic masklets.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clips", type=Path, nargs="+", metavar="CLIP_OR_FOLDER", help="videos, or folders")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the results")
    parser.add_argument("--survey", action="store_true", help="print what the thresholds would keep, and stop")
    parser.add_argument("--words", metavar="WORDS", help='find only these, separated by commas (extra "text")')
    parser.add_argument("--detector", default="auto", help="for --words: auto, a Hub id or a folder")
    parser.add_argument("--model", default="embedded", help="embedded (default), auto, a Hub id or a file")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--dtype", default="auto", help="auto, float32, float16 or bfloat16")
    parser.add_argument("--objects-per-batch", type=int, default=8, help="objects computed at once (default 8)")
    parser.add_argument(
        "--memory-rule", default="published", choices=MEMORY_RULES, metavar="RULE",
        help=f"what is remembered while tracking: {', '.join(MEMORY_RULES)} (default published)",
    )  # fmt: skip
    embedded = preset(is_embedded=True)
    for option in fields(MaskletOptions):
        own = getattr(embedded, option.name)
        usual = f"{option.default}" if own == option.default else f"{option.default}; embedded model {own}"
        parser.add_argument(
            f"--{option.name.replace('_', '-')}",
            type=type(option.default),
            metavar="N" if isinstance(option.default, int) else "X",
            help=f"{_HELP[option.name]} (default {usual})",
        )
    return parser


def _options(given: argparse.Namespace, network: Mapping[str, Any]) -> MaskletOptions:
    """What was given, and for the rest the preset of the network of this identity."""
    from sam2_demo.masklets.identity import is_embedded

    values = {option.name: getattr(given, option.name) for option in fields(MaskletOptions)}
    return replace(preset(is_embedded(network)), **{name: value for name, value in values.items() if value is not None})


def _survey(given: argparse.Namespace) -> None:
    from sam2_demo.masklets.clips import find_clips
    from sam2_demo.masklets.identity import network_identity
    from sam2_demo.masklets.survey import as_table, count_masks
    from sam2_demo.tracking.video_predictor import VideoPredictor
    from sam2_demo.video import open_video
    from sam2_demo.weights import load_network

    frames = []
    for clip in find_clips(given.clips):
        with open_video(clip.path) as reader:
            frames.append(reader.read(0))
    predictor = VideoPredictor(load_network(given.model, device=given.device, dtype=given.dtype))
    network = network_identity(given.model, given.device, given.dtype, lambda: predictor)
    counts = count_masks(predictor, frames, _options(given, network))
    print(f"masks per frame, mean of {len(frames)} first frames, {given.model}\n{as_table(counts)}")


def _run(given: argparse.Namespace) -> dict[str, str]:
    """What failed, by clip name."""
    # Imported here: --help and wrong usage need no torch, which takes seconds to load.
    from sam2_demo.masklets.batch import run_batch
    from sam2_demo.masklets.clips import find_clips
    from sam2_demo.masklets.identity import network_identity
    from sam2_demo.masklets.output_folder import OutputFolder

    clips = find_clips(given.clips)
    with Terminal() as terminal:
        load = cache(lambda: _load(given, terminal))
        network = network_identity(given.model, given.device, given.dtype, load)
        options = _options(given, network)
        made_with = {
            "model": given.model,
            "dtype": given.dtype,
            "memory_rule": given.memory_rule,
            **network,
            **asdict(options),
            **_named(given),
        }
        folder = OutputFolder(given.out, made_with)
        return run_batch(clips, folder, lambda: _make_find(load(), options, given), terminal).failed


def _named(given: argparse.Namespace) -> dict[str, Any]:
    """What is to be found by words, as part of what results were made with; nothing without words."""
    if given.words is None:
        return {}
    from sam2_demo.detection.words import split_words

    return {"words": split_words(given.words), "detector": given.detector}


def _load(given: argparse.Namespace, terminal: Terminal) -> VideoPredictor:
    from sam2_demo.tracking.options import TrackingOptions
    from sam2_demo.tracking.video_predictor import VideoPredictor
    from sam2_demo.weights import load_network

    def report(step: str, fraction: float | None) -> None:
        terminal.status(step if fraction is None else f"{step} {fraction:.0%}")

    network = load_network(given.model, device=given.device, dtype=given.dtype, progress=report)
    options = TrackingOptions(objects_per_batch=given.objects_per_batch, memory_rule=given.memory_rule)
    return VideoPredictor(network, options)


def _make_find(predictor: VideoPredictor, options: MaskletOptions, given: argparse.Namespace) -> Find:
    from sam2_demo.masklets.finding import Generate, find_masklets

    generate: Generate | None = None
    if named := _named(given):
        from sam2_demo.detection.loading import load_detector
        from sam2_demo.tracking.image_predictor import ImagePredictor
        from sam2_demo.tracking.named_masks import named_records

        pictures, detector = ImagePredictor(predictor.network), load_detector(given.detector, given.device)

        def by_words(rgb: Rgb) -> list[MaskRecord]:
            found = detector.find(rgb, named["words"])
            return [*named_records(pictures, rgb, found.boxes, found.words)]

        generate = by_words
    return lambda frames, on_progress: find_masklets(predictor, frames, options, on_progress, generate)


if __name__ == "__main__":
    sys.exit(main())
