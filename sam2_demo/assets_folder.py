"""Where the files that come with the project lie: embedded weights and examples."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def assets_folder() -> Path:
    """`assets/` inside the installed package, as a wheel carries it, else beside the package, as in a clone."""
    inside = _PACKAGE / "assets"
    return inside if inside.is_dir() else _PACKAGE.parent / "assets"
