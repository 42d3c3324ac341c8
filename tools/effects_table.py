"""Hands the effects' table on to the page's scripts, which cannot read a file of another folder.

python -m tools.effects_table
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sam2_demo.rendering.effects_table import TABLE_FILE

SCRIPT = TABLE_FILE.parents[1] / "ui" / "canvas" / "effects" / "table.js"
_HEAD = """// Made from rendering/effects.json: change that one, then run `python -m tools.effects_table`.

/** @import { EffectsTable } from "../state/types.js" */

/** @type {EffectsTable} */
export const TABLE = JSON.parse(`"""


def script(table: Path = TABLE_FILE) -> str:
    """The script that holds the table."""
    content = json.loads(table.read_text(encoding="utf-8"))
    return f"{_HEAD}{json.dumps(content, indent=2)}`);\n"


def main() -> int:
    """Write the script."""
    SCRIPT.write_text(script(), encoding="utf-8")
    print(SCRIPT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
