"""`sam2-demo track`: follow things through clips from the shell, into a video, files of masks and a session."""

from __future__ import annotations

import argparse
import logging
import math
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from sam2_demo.engines.engine import Engine
from sam2_demo.engines.network_engine import EngineOptions, load_engine
from sam2_demo.errors import DemoError, InputError
from sam2_demo.formats.exchange import FORMATS
from sam2_demo.masklets.clips import Clip, find_clips
from sam2_demo.rendering.effects_table import BACKGROUND_ROWS, OBJECT_ROWS
from sam2_demo.resuming import replacing
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.given_prompts import GivenPrompt, from_file, from_texts, give
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.mask_files import write_masks
from sam2_demo.sessions.opening import open_clip, reopen, stored_model
from sam2_demo.sessions.painted_files import OVERLAY_NAME, render_clip
from sam2_demo.sessions.tokens import new_token
from sam2_demo.tracking.memory_rules.catalogue import MEMORY_RULES

# One's own machine: nobody else's memory or disk is to be kept free.
_LIMITS = Limits(max_clip_seconds=math.inf, max_objects=1000, max_clip_megapixels=math.inf)
_EXAMPLES = """examples:
  %(prog)s clip.mp4 --point 320,240 --out run
  %(prog)s clip.mp4 --point 320,240 --not-point 300,90 --box 2:10,20,200,300@15 --out run --as coco,sa_v
  %(prog)s clip.mp4 --mask first.png --effects spotlight --out run
  %(prog)s CLIPS --prompts prompts.json --out run --no-video
  cat list.txt | %(prog)s - --box 100,80,400,380 --out run

Places are pixels of the clip. "2:320,240@15" is about object 2 on frame 15; without them object 1, frame 0. A mask is a
label map (PNG), each value but 0 an object. Each clip gets a folder in --out: overlay.mp4, exports/, and the session
itself, which "sam2-demo demo --open run/clip" opens in the page. The same command again goes on after an interruption.
"""


def main(arguments: Sequence[str] | None = None, prog: str = "python -m sam2_demo.command_line track") -> int:
    """Track all clips; 0 when all are done, 1 when some failed, 2 on wrong usage or input, 130 when interrupted."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    given = _parser(prog).parse_args(arguments)
    try:
        prompts = _prompts(given)
        clips = find_clips([Path(line) for source in given.clips for line in _lines(source)])
        formats = _formats(given.formats)
        options = EngineOptions(given.device, given.dtype, given.fast, memory_rule=given.memory_rule)
        engine = load_engine(given.model, options=options).engine
        given.out.mkdir(parents=True, exist_ok=True)
    except (DemoError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    failed = 0
    try:
        for number, clip in enumerate(clips, start=1):
            print(f"{clip.name} ({number} of {len(clips)})", file=sys.stderr)
            try:
                session = _open(clip, given.out / clip.name, engine)
                _work(session, prompts, formats, given)
                session.close()
            except (DemoError, OSError) as error:
                failed += 1
                print(f"error: {clip.path}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 130
    return (2 if len(clips) == 1 else 1) if failed else 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Follow things through clips, from clicks, boxes or masks.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "clips", nargs="+", metavar="CLIP", help="videos, folders of pictures or of clips; - reads them"
    )
    parser.add_argument("--point", action="append", default=[], metavar="X,Y", help="a click on the thing")
    parser.add_argument("--not-point", action="append", default=[], metavar="X,Y", help="a click on what is not of it")
    parser.add_argument("--box", action="append", default=[], metavar="X0,Y0,X1,Y1", help="a box around the thing")
    parser.add_argument("--mask", action="append", default=[], metavar="PNG", help="a label map of the first frame")
    parser.add_argument("--prompts", type=Path, metavar="FILE", help=".json or .csv with many objects and frames")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder for each clip is made in it")
    parser.add_argument("--as", dest="formats", default="", metavar="A,B", help=f"also write {', '.join(FORMATS)}")
    parser.add_argument("--direction", choices=("forward", "backward", "both"), default="both")
    parser.add_argument("--max-frames", type=int, metavar="N", help="track the first N frames only")
    parser.add_argument("--effects", default="overlay", choices=[*OBJECT_ROWS, "none"], help="on the objects")
    parser.add_argument("--background", default="original", choices=[*BACKGROUND_ROWS], help="behind the objects")
    parser.add_argument("--no-video", action="store_true", help="write no overlay.mp4")
    parser.add_argument("--model", default="embedded", help="embedded (default), auto, a Hub id or a file")
    parser.add_argument("--memory-rule", default="published", choices=list(MEMORY_RULES))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--fast", action="store_true", help="track every other frame")
    return parser


def _prompts(given: argparse.Namespace) -> list[GivenPrompt]:
    found = from_texts(given.point, given.not_point, given.box, given.mask)
    found += from_file(given.prompts) if given.prompts is not None else []
    if not found:
        raise InputError("nothing to follow: give --point, --box, --mask or --prompts")
    if given.max_frames is not None and given.max_frames < 1:
        raise InputError(f"--max-frames is {given.max_frames}; accepted: 1 or more")
    return found


def _lines(source: str) -> list[str]:
    return [line.strip() for line in sys.stdin if line.strip()] if source == "-" else [source]


def _formats(text: str) -> list[str]:
    names = [name.strip().replace("-", "_") for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in FORMATS]
    if unknown:
        raise InputError(f"--as: {unknown[0]!r} is not one of {', '.join(FORMATS)}")
    return names


def _open(clip: Clip, folder: Path, engine: Engine) -> ClipSession:
    """The clip's session in `folder`, with what an interrupted run left there; InputError if it holds another clip."""
    source = folder / f"source{clip.path.suffix.lower() if clip.path.is_file() else ''}"
    if (folder / "clip.json").is_file():
        made_with = stored_model(folder)
        if made_with not in (None, engine.name):
            raise InputError(f"{folder} was tracked with {made_with}; give that --model or another --out")
        if clip.path.is_file() and source.stat().st_size != clip.path.stat().st_size:
            raise InputError(f"{folder} holds another clip than {clip.path}; give another --out")
        return reopen(new_token(), folder, engine, _LIMITS).as_clip()
    folder.mkdir(parents=True, exist_ok=True)
    if clip.path.is_file():
        with replacing(source) as target:
            shutil.copyfile(clip.path, target)
    else:
        shutil.copytree(clip.path, source, dirs_exist_ok=True)
    return open_clip(new_token(), source, clip.path.name, engine, _LIMITS)


def _work(
    session: ClipSession, prompts: Sequence[GivenPrompt], formats: Sequence[str], given: argparse.Namespace
) -> None:
    give(session, prompts)
    session.put_view(session.view | {"objects": given.effects, "background": given.background})
    start, last = None, None
    if given.max_frames is not None:
        start, last = min(frame for frame, _ in session.prompts), min(given.max_frames, session.num_frames) - 1
        if last < start:
            raise InputError(f"the first prompt is on frame {start}, behind the {given.max_frames} frames to track")
    for step in session.track(start, given.direction, last):
        _tell(f"tracked {step.done} of {step.total} frames", step.seconds_left)
    for name in formats:
        print(write_masks(session, name))
    if not given.no_video:
        for progress in render_clip(session):
            _tell(f"painted {progress.done} of {progress.total} frames", None)
        print(session.folder / OVERLAY_NAME)
    session.stored.flush()
    print(f"{session.folder}: {len(session.masklets())} objects, {session.num_frames} frames")


def _tell(what: str, seconds_left: float | None) -> None:
    """Progress on a terminal's last line; nothing where errors go to a file."""
    if sys.stderr.isatty():
        left = "" if seconds_left is None else f", {seconds_left:.0f} s left"
        print(f"\r{what}{left}   ", end="", file=sys.stderr, flush=True)
