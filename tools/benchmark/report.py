"""Figures of all contenders as one table, with medians and ratios to the contender that comes last."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import torch


@dataclass
class Row:
    """One line: what is measured, in what unit, and each contender's figures."""

    title: str
    unit: str
    figures: dict[str, list[float]] = field(default_factory=dict)

    def add(self, contender: str, figure: float) -> None:
        """Note one repetition."""
        self.figures.setdefault(contender, []).append(figure)

    def median(self, contender: str) -> float | None:
        """The contender's median, or None where it was not measured."""
        values = self.figures.get(contender)
        return median(values) if values else None


def table(rows: Sequence[Row], contenders: Sequence[str]) -> str:
    """Markdown: medians, and in brackets the ratio to the last contender where both have a figure."""
    lines = ["| | " + " | ".join(contenders) + " |", "|---" * (len(contenders) + 1) + "|"]
    for row in rows:
        base = row.median(contenders[-1])
        cells = [_cell(row.median(name), base if name != contenders[-1] else None) for name in contenders]
        lines.append(f"| {row.title}, {row.unit} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(value: float | None, base: float | None) -> str:
    if value is None:
        return ""
    shown = f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return f"{shown} ({value / base:.2f})" if base else shown


def machine() -> str:
    """The processor, its cores and the versions that decide about speed."""
    matrix_units = "with" if torch.cpu._is_amx_tile_supported() else "without"
    return (
        f"{_processor()}, {os.cpu_count()} cores, {matrix_units} bfloat16 matrix units, "
        f"{torch.get_num_threads()} threads, PyTorch {torch.__version__}, Python {platform.python_version()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
