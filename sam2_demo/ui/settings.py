"""How the demo is set up: what the flags of `sam2-demo demo` say, as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sam2_demo.assets_folder import assets_folder
from sam2_demo.sessions.limits import Limits

__all__ = ["AppSettings", "Limits"]


@dataclass(frozen=True)
class AppSettings:
    """`model` as `load_network` takes it; `data_dir` holds the sessions, `examples_dir` clips and pictures."""

    model: str = "auto"
    data_dir: Path = Path("sam2_demo_data")
    examples_dir: Path = field(default_factory=lambda: assets_folder() / "examples")
    limits: Limits = field(default_factory=Limits)
