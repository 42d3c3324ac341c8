"""Command line of the data sets: `python -m sam2_demo.datasets examples --out assets/examples`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sam2_demo.datasets.procedural.example_files import write_examples
from sam2_demo.errors import DemoError

EXAMPLES = """examples:
  python -m sam2_demo.datasets examples --out assets/examples
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 on success, 2 on wrong input."""
    parser = argparse.ArgumentParser(
        "python -m sam2_demo.datasets",
        description="Make data from nothing.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    examples = commands.add_parser(
        "examples", help="render the page's example clips and pictures, with prompts"
    )
    examples.add_argument("--out", type=Path, required=True, help="folder to write to; made if missing")
    chosen = parser.parse_args(arguments)
    try:
        print(write_examples(chosen.out))
    except (DemoError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
