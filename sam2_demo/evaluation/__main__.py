"""`python -m sam2_demo.evaluation`: the paper's protocols from the command line."""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sam2_demo.errors import DemoError
from sam2_demo.evaluation import image_run, interactive_run, results, video_run
from sam2_demo.evaluation.image_protocol import ImageProtocol
from sam2_demo.evaluation.interactive_protocol import MODES, PAUSE_BELOW, InteractiveProtocol
from sam2_demo.evaluation.rows import BASELINES, FurtherRows, choose_models
from sam2_demo.evaluation.run_folder import seconds_by_model
from sam2_demo.evaluation.video_protocol import PROMPTS
from sam2_demo.evaluation.video_run import LAYOUTS, ClipData
from sam2_demo.tracking.memory_rules.catalogue import MEMORY_RULES

_EXAMPLES = """examples:
  python -m sam2_demo.evaluation vos --data DAVIS --layout davis --split val --prompt mask --out runs/davis
  python -m sam2_demo.evaluation vos --data sav_val --layout sav --prompt clicks3 \\
      --model facebook/sam2.1-hiera-tiny facebook/sam2.1-hiera-large --baseline memoryless --out runs/sav
  python -m sam2_demo.evaluation vos --data DAVIS --memory-rule published distractor_aware tree --out runs/rules
  python -m sam2_demo.evaluation interactive --data DAVIS --mode online --split val --out runs/online
  python -m sam2_demo.evaluation image --data pictures --clicks 1,3,5 --box --baseline grabcut --out runs/pictures
  python -m sam2_demo.evaluation score --data DAVIS --layout davis --predictions runs/davis/predictions/embedded \\
      --out runs/score

A run that was interrupted goes on when the same command is given again.
"""


def main(arguments: Sequence[str] | None = None, prog: str = "python -m sam2_demo.evaluation") -> int:
    """Run one protocol; 0 on success, 2 on wrong usage or input."""
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    if options.protocol == "image" and not (options.clicks or options.box):
        parser.error("image: --clicks 0 leaves nothing to measure; give --box or a number of clicks")
    began = time.perf_counter()
    try:
        options.run(options)
    except DemoError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for model, seconds in seconds_by_model(options.out).items():
        print(f"{model}: {sum(seconds.values()):.1f} s for {len(seconds)} clips or pictures, loading included")
    print(f"{options.out / 'report.html'}\n{_cost(time.perf_counter() - began)}")
    return 0


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Measure models by the protocols of the SAM 2 paper.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="protocol", required=True, metavar="PROTOCOL")
    _add_vos(commands)
    _add_interactive(commands)
    _add_image(commands)
    _add_score(commands)
    return parser


def _add(commands: Any, name: str, text: str) -> argparse.ArgumentParser:
    return commands.add_parser(
        name, help=text, description=text, epilog=_EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _add_vos(commands: Any) -> None:
    parser = _add(commands, "vos", "clips, prompted on the first frame of each object: J&F")
    _clip_options(parser)
    parser.add_argument("--prompt", choices=PROMPTS, default="mask", help="prompt on each object's first frame")
    _model_options(parser)
    _further_tracking_options(parser)
    parser.set_defaults(run=_run_vos)


def _add_interactive(commands: Any) -> None:
    parser = _add(commands, "interactive", "clips, clicked on frame after frame: J&F by clicked frames")
    _clip_options(parser)
    parser.add_argument("--mode", choices=MODES, default="offline", help="worst frame of each round, or one pass")
    parser.add_argument("--frames", type=_positive, default=8, help="frames clicked at most")
    parser.add_argument("--clicks", type=_positive, default=3, help="clicks on each frame")
    parser.add_argument("--threshold", type=float, default=PAUSE_BELOW, help="online: IoU below which the pass stops")
    _model_options(parser)
    _further_tracking_options(parser)
    parser.set_defaults(run=_run_interactive)


def _add_image(commands: Any) -> None:
    parser = _add(commands, "image", "still pictures from clicks and boxes: mIoU")
    parser.add_argument("--data", type=Path, required=True, help="pictures with label maps, or a COCO folder or file")
    parser.add_argument("--clicks", type=_counts, default=(1, 3, 5), help="numbers of clicks, as 1,3,5; 0 for none")
    parser.add_argument("--box", action=argparse.BooleanOptionalAction, default=False, help="measure the box prompt")
    parser.add_argument("--limit", type=_positive, help="only the first N pictures")
    _model_options(parser)
    parser.set_defaults(run=_run_image)


def _add_score(commands: Any) -> None:
    parser = _add(commands, "score", "saved predictions against ground truth, without a model")
    _clip_options(parser)
    parser.add_argument("--predictions", type=Path, nargs="+", required=True, metavar="DIR", help="one row each")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for the results (default: beside the first)")
    parser.set_defaults(run=_run_score)


def _clip_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="ROOT", help="the data set's folder")
    parser.add_argument("--layout", choices=LAYOUTS, default="davis", help="how the folder is laid out")
    parser.add_argument("--split", help="a list of clips that comes with the data, as val or sav_test")
    parser.add_argument("--sequences", nargs="+", default=[], metavar="CLIP", help="only these clips")
    parser.add_argument("--limit", type=_positive, help="only the first N clips")


def _model_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        nargs="+",
        action="extend",
        metavar="MODEL",
        help="embedded (default), auto, a Hub id or a file; several give several rows",
    )
    parser.add_argument("--baseline", nargs="+", action="extend", choices=BASELINES, default=[], help="rows to compare")
    parser.add_argument("--no-model", action="store_true", help="measure baselines only")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--dtype", default="auto", help="auto, float32, float16 or bfloat16")
    parser.add_argument(
        "--fill-holes", action="store_true", help="fill small holes and remove specks, as people see masks"
    )
    parser.add_argument(
        "--with-one-look", action="store_true",
        help="a further row per model: without the closer look that some take, as the page does in clips",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the results")
    parser.set_defaults(
        with_fast=False, with_input_size=None, memory_rule=["published"]
    )  # unless the protocol is about clips


def _further_tracking_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with-fast", action="store_true", help="a further row per model: fast mode, which tracks every other frame"
    )
    parser.add_argument(
        "--with-input-size", type=int, metavar="PIXELS",
        help="a further row per model: with that side of the network's input in clips, a multiple of 32",
    )  # fmt: skip
    parser.add_argument(
        "--memory-rule", nargs="+", default=["published"], metavar="RULE",
        help="what is remembered while tracking; several give several rows per model: " + ", ".join(MEMORY_RULES),
    )  # fmt: skip


def _run_vos(options: argparse.Namespace) -> None:
    content = video_run.run_vos(_clip_data(options), options.prompt, _models(options), options.out, _log)
    print("\n" + results.table(*video_run.header_and_rows(content["models"])))


def _run_interactive(options: argparse.Namespace) -> None:
    protocol = InteractiveProtocol(options.mode, options.frames, options.clicks, options.threshold)
    content = interactive_run.run(_clip_data(options), protocol, _models(options), options.out, _log)
    print("\n" + results.table(*interactive_run.header_and_rows(content["models"])))


def _run_image(options: argparse.Namespace) -> None:
    protocol = ImageProtocol(options.clicks, options.box)
    request = image_run.ImageRun(options.data, options.out, protocol, options.limit)
    content = image_run.run(request, _models(options), _log)
    print("\n" + results.table(*image_run.header_and_rows(content["models"], protocol.settings)))


def _run_score(options: argparse.Namespace) -> None:
    options.predictions = [Path(os.path.abspath(path)) for path in options.predictions]  # "." has no name
    first = options.predictions[0]
    options.out = options.out or first.parent / f"{first.name}-score"
    content = video_run.run_score(_clip_data(options), options.predictions, options.out, _log)
    print("\n" + results.table(*video_run.header_and_rows(content["models"])))


def _clip_data(options: argparse.Namespace) -> ClipData:
    return ClipData(options.data, options.layout, options.split, tuple(options.sequences), options.limit)


def _models(options: argparse.Namespace) -> list[Any]:
    sources = [] if options.no_model else options.model or ["embedded"]
    further = FurtherRows(options.with_fast, options.with_one_look, options.with_input_size, tuple(options.memory_rule))
    return choose_models(sources, options.baseline, options.device, options.dtype, options.fill_holes, further)


def _counts(text: str) -> tuple[int, ...]:
    if text == "0":
        return ()
    if not all(part.isdecimal() and int(part) > 0 for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of click counts such as 1,3,5")
    return tuple(sorted({int(part) for part in text.split(",")}))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def _log(line: str) -> None:
    print(line, flush=True)


def _cost(seconds: float) -> str:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform != "darwin" else 1 << 30)
    text = f"this run: {seconds:.1f} s, peak memory {peak:.2f} GiB"
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        text += f", peak GPU memory {torch.cuda.max_memory_allocated() / (1 << 30):.2f} GiB"
    return text


if __name__ == "__main__":
    sys.exit(main())
