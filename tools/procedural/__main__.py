"""Command line of the example files: `python -m tools.procedural --out assets/examples`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sam2_demo.errors import DemoError
from tools.procedural.example_files import write_examples

EXAMPLES = """examples:
  python -m tools.procedural --out assets/examples
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 on success, 2 on wrong input."""
    parser = argparse.ArgumentParser(
        "python -m tools.procedural",
        description="Render the page's example clips and pictures, with prompts.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; made if missing")
    chosen = parser.parse_args(arguments)
    try:
        print(write_examples(chosen.out))
    except (DemoError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
