"""The benchmark's command line: python -m tools.benchmark --help."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from sam2_demo.errors import ConfigError, DemoError
from sam2_demo.network.config import OFFICIAL_CONFIGS
from tools.benchmark.material import make_material
from tools.benchmark.report import machine, table
from tools.benchmark.rows import Effort, choose_rows, measure_embedded, measure_rows
from tools.benchmark.worker import CONTENDERS, OURS, is_available

EXAMPLES = """examples:
  python -m tools.benchmark                                       everything; about half an hour on two cores
  python -m tools.benchmark --rows encode,click --repetitions 5
  python -m tools.benchmark --rows track1 --contenders "this project,original" --frames 1
  python -m tools.benchmark --rows embedded
"""
_SIZE = (720, 1280)
_LONG_FRAMES = 100


def read_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.benchmark",
        description="Time and memory of this project (tiny 2.1, random weights, default settings), side by side with "
        "transformers and the original where they are installed; medians, in brackets the ratio to the last column.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    effort = Effort()
    parser.add_argument("--rows", default="", help="comma-separated; default all: encode, click, track1, ..., embedded")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help=f"comma-separated: {', '.join(CONTENDERS)}")
    parser.add_argument("--repetitions", type=int, default=effort.repetitions)
    parser.add_argument("--frames", type=int, default=effort.frames, help="tracked frames per measurement, 1 to 8")
    parser.add_argument("--embedded-frames", type=int, default=effort.embedded_frames)
    given = parser.parse_args(arguments)
    if given.repetitions < 1 or not 1 <= given.frames <= 8 or not 1 <= given.embedded_frames <= 90:
        parser.error("--repetitions is 1 or more, --frames 1 to 8, --embedded-frames 1 to 90")
    return given


def run(given: argparse.Namespace) -> str:
    """Measure what was asked for and return the table; ConfigError for names that mean nothing."""
    names = [name.strip() for name in given.rows.split(",") if name.strip()]
    wanted = [name.strip() for name in given.contenders.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in CONTENDERS]
    if unknown or not wanted:
        raise ConfigError(f"contender is {(unknown or [''])[0]!r}; accepted: {', '.join(CONTENDERS)}")
    effort = Effort(given.repetitions, given.frames, given.embedded_frames)
    others = [name for name in names if name != "embedded"]
    kinds = choose_rows(others, effort) if others or not names else {}
    with tempfile.TemporaryDirectory() as folder:
        material = make_material(Path(folder) / "made", OFFICIAL_CONFIGS["sam2.1-hiera-tiny"], _LONG_FRAMES, _SIZE)
        contenders = [name for name in wanted if is_available(name, material)]
        rows = measure_rows(kinds, contenders, material, effort, _tell) if kinds and contenders else []
        if (not names or "embedded" in names) and OURS in wanted:
            rows += measure_embedded(material, effort)
    missing = [name for name in wanted if name not in contenders]
    note = f"\nNot installed: {', '.join(missing)}" if missing else ""
    return f"{machine()}\n\n{table(rows, contenders or [OURS])}{note}\n"


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; 2 for wrong usage."""
    given = read_arguments(arguments)
    try:
        sys.stdout.write(run(given))
    except DemoError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
