"""Plots of a run as PNG files, drawn without a display."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

Series = Mapping[str, Mapping[str, float]]  # model -> label -> value in [0, 1]


def bars(series: Series, title: str, ylabel: str, path: Path) -> None:
    """Grouped bars: one group per label, one bar per model, values in percent."""
    labels = list(dict.fromkeys(label for values in series.values() for label in values))
    figure = Figure(figsize=(max(5.0, 0.45 * len(labels) * max(1, len(series) ** 0.5) + 2), 3.6))
    axes = figure.subplots()
    width = 0.8 / max(1, len(series))
    for number, (model, values) in enumerate(series.items()):
        places = [i + (number - (len(series) - 1) / 2) * width for i in range(len(labels))]
        axes.bar(places, [100 * values.get(label, 0.0) for label in labels], width, label=model)
    many = len(labels) > 6
    axes.set_xticks(range(len(labels)), labels, rotation=45 if many else 0, ha="right" if many else "center")
    axes.set_ylim(0, 100)
    _finish(figure, title, "", ylabel, path)


def curves(series: Mapping[str, tuple[Sequence[float], Sequence[float]]], title: str, xlabel: str, path: Path) -> None:
    """One line per model through (x, J&F in [0, 1])."""
    figure = Figure(figsize=(6, 3.8))
    axes = figure.subplots()
    for model, (xs, ys) in series.items():
        axes.plot(xs, [100 * y for y in ys], marker="o" if len(xs) < 20 else None, label=model)
    axes.set_ylim(0, 100)
    _finish(figure, title, xlabel, "J&F (%)", path)


def _finish(figure: Figure, title: str, xlabel: str, ylabel: str, path: Path) -> None:
    axes = figure.axes[0]
    axes.set_title(title)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize="small", loc="best")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure).print_png(str(path), metadata={"Software": None})
