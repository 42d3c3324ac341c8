"""A run folder's record: metrics.jsonl, curves.png and a progress line."""

from __future__ import annotations

import json
import logging
from pathlib import Path

from sam2_demo.resuming import json_lines, replacing

log = logging.getLogger(__name__)
_PROGRESS_EVERY = 20
_SMOOTHING = 0.98


class RunLog:
    """Appends one line of JSON per step and draws curves of what it holds."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.metrics_path = folder / "metrics.jsonl"
        self.curves_path = folder / "curves.png"
        self._smooth: dict[str, float] = {}

    def add(self, step: int, stage: str, figures: dict[str, float], seconds_left: float) -> None:
        """Record a step; every 20th is also logged with smoothed values and the time left."""
        line = {"step": step, "stage": stage, **{k: float(f"{v:.6g}") for k, v in figures.items()}}
        with self.metrics_path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        for name, value in figures.items():
            before = self._smooth.get(name, value)
            self._smooth[name] = 0.95 * before + 0.05 * value
        if step % _PROGRESS_EVERY == 0:
            shown = " ".join(f"{k} {v:.3g}" for k, v in self._smooth.items())
            log.info("%s step %d: %s, %.0f min left", stage, step, shown, seconds_left / 60)

    def read(self) -> list[dict[str, float | str]]:
        """All recorded steps; of steps recorded twice (a resumed run) the last."""
        by_step = {entry["step"]: entry for entry in json_lines(self.metrics_path)}
        return [by_step[step] for step in sorted(by_step)]

    def forget_after(self, step: int) -> None:
        """Drop what was recorded after a step: a resumed run does it again."""
        kept = [entry for entry in self.read() if int(entry["step"]) <= step]
        if self.metrics_path.is_file():
            with replacing(self.metrics_path) as beside:
                beside.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")

    def draw_curves(self) -> None:
        """Write curves.png: smoothed loss, and IoU after each kind of prompt."""
        from matplotlib.figure import Figure  # slow to import, and only needed here

        entries = self.read()
        if not entries:
            return
        figure = Figure(figsize=(11, 4), layout="constrained")
        axes = figure.subplots(1, 2)
        names = sorted({name for entry in entries for name in entry if name == "loss" or "iou_" in name})
        for name in names:
            points = [(int(e["step"]), float(e[name])) for e in entries if name in e]
            axis = axes[0] if name == "loss" else axes[1]
            axis.plot([x for x, _ in points], _smoothed([y for _, y in points]), label=name)
        axes[0].set(xlabel="step", ylabel="loss", yscale="log")
        axes[1].set(xlabel="step", ylabel="mean IoU on training batches")
        axes[1].legend(fontsize="small")
        figure.savefig(self.curves_path, dpi=90)


def _smoothed(values: list[float]) -> list[float]:
    smooth, weighted, weight = [], 0.0, 0.0
    for value in values:
        weighted = _SMOOTHING * weighted + (1 - _SMOOTHING) * value
        weight = _SMOOTHING * weight + (1 - _SMOOTHING)
        smooth.append(weighted / weight)
    return smooth
