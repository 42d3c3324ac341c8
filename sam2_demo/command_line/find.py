"""`sam2-demo find`: everything in a picture that words name, or that looks like what a click points at."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sam2_demo.errors import DemoError, InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sam2_demo.formats.annotation import ClipAnnotation
    from sam2_demo.network.sam2_network import Sam2Network

_EXAMPLES = """examples:
  sam2-demo find street.jpg --like 420,180                     all that look like what is at x 420, y 180
  sam2-demo find street.jpg --like 420,180 --like 90,200 --threshold 0.6
  sam2-demo find street.jpg --words "dog, red ball" --out found.json

The result is a COCO instances file (default: PICTURE_found.json beside the picture), with one category per word.
--words needs the extra 'text': pip install 'sam2_demo[text]'.

exit status: 0 done, also when nothing was found; 2 wrong usage or input.
"""


def main(arguments: Sequence[str] | None = None, prog: str = "sam2-demo find") -> int:
    """Write what was found as COCO instances; 0 on success, 2 on wrong usage or input."""
    parser = _parser(prog)
    given = parser.parse_args(arguments)
    if bool(given.like) == (given.words is not None):
        parser.error("give either --words or --like")
    try:
        _run(given)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Find things in a picture by words or by example, and write their masks.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    parser.add_argument("--words", metavar="WORDS", help='what to find, separated by commas: "dog, red ball"')
    parser.add_argument(
        "--like", type=_point, action="append", metavar="X,Y", help="a pixel of an example; may be given again"
    )
    parser.add_argument("--threshold", type=float, help="least score, 0 to 1 (default: the detector's; 0.5 for --like)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="COCO instances file")
    parser.add_argument("--model", default="embedded", help="embedded (default), auto, a Hub id or a file")
    parser.add_argument("--detector", default="auto", help="for --words: auto, a Hub id or a folder")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    return parser


def _point(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no point; accepted: X,Y in pixels") from None
    return x, y


def _run(given: argparse.Namespace) -> None:
    # Imported here: --help and wrong usage need no torch, which takes seconds to load.
    from sam2_demo.formats import coco
    from sam2_demo.video.pictures import read_picture
    from sam2_demo.weights import load_network

    rgb = read_picture(given.picture)
    if given.words is not None:
        found = _by_words(given, rgb)
    else:
        found = _alike(given, rgb, load_network(given.model, device=given.device))
    out = given.out or given.picture.with_name(f"{given.picture.stem}_found.json")
    try:
        coco.write(found, out, [given.picture.name])
    except OSError as error:
        raise InputError(f"cannot write {out}: {error}") from error
    counts = {word: list(found.labels.values()).count(word) for word in sorted(set(found.labels.values()))}
    said = ", ".join(f"{count} {word}" for word, count in counts.items()) or "nothing"
    print(f"found {said}; written to {out}")


def _alike(given: argparse.Namespace, rgb: NDArray[np.uint8], network: Sam2Network) -> ClipAnnotation:
    from sam2_demo.masks.run_lengths import decode_rle
    from sam2_demo.tracking.alike import AlikeFinder, AlikeOptions
    from sam2_demo.tracking.image_predictor import ImagePredictor

    options = AlikeOptions() if given.threshold is None else AlikeOptions(threshold=given.threshold)
    finder, predictor = AlikeFinder(network, options), ImagePredictor(network)
    predictor.set_image(rgb)
    for point in given.like:
        finder.add_example(rgb, predictor.predict(points=[point], point_labels=[1]).masks[0])
    return _annotation(rgb, [(decode_rle(one.rle), "alike") for one in finder.find(rgb)])


def _by_words(given: argparse.Namespace, rgb: NDArray[np.uint8]) -> ClipAnnotation:
    from sam2_demo.detection.loading import load_detector
    from sam2_demo.detection.words import split_words
    from sam2_demo.tracking.image_predictor import ImagePredictor
    from sam2_demo.tracking.named_masks import masks_of_boxes
    from sam2_demo.weights import load_network

    words = split_words(given.words)
    found = load_detector(given.detector, given.device).find(rgb, words, given.threshold)
    predictor = ImagePredictor(load_network(given.model, device=given.device))
    masks = masks_of_boxes(predictor, rgb, found.boxes)
    return _annotation(rgb, [(mask, found.words[index]) for index, mask in masks])


def _annotation(rgb: NDArray[np.uint8], found: Sequence[tuple[NDArray[np.bool_], str]]) -> ClipAnnotation:
    from sam2_demo.formats.annotation import ClipAnnotation
    from sam2_demo.masks.masklet import Masklet
    from sam2_demo.masks.run_lengths import encode_rle

    height, width = rgb.shape[:2]
    value = ClipAnnotation(height, width, 1)
    for object_id, (mask, word) in enumerate(found, start=1):
        value.masklets[object_id] = Masklet(object_id, height, width)
        value.masklets[object_id].set_rle(0, encode_rle(mask))
        value.labels[object_id] = word
    return value
