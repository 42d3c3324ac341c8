"""report.html: the table, the plots and the worst cases as pictures; opens from the disk, needs no network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from sam2_demo.evaluation.pictures import LEGEND
from sam2_demo.formats.files import write_text

WORST_SHOWN = 12
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; } th, td { padding: .25rem .8rem; border-bottom: 1px solid #ddd; text-align: right; }
th:first-child, td:first-child { text-align: left; } img { max-width: 100%; }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(230px, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-size: 13px; color: #555; overflow-wrap: anywhere; }
"""


@dataclass(frozen=True)
class Report:
    """What the page shows; plots are file names below the run's folder."""

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    plots: Sequence[str]
    notes: Sequence[str]


def write_report(out: Path, report: Report, records: Mapping[str, Mapping[str, dict[str, Any]]]) -> None:
    """Write report.html into the run's folder; worst cases come from the records' "picture" and "worst"."""
    parts = [f"<h1>{escape(report.title)}</h1>", _table(report.header, report.rows)]
    parts += [f"<p>{escape(note)}</p>" for note in report.notes]
    parts += [f'<p><img src="{escape(name)}" alt="{escape(Path(name).stem)}"></p>' for name in report.plots]
    for model, units in records.items():
        parts.append(_worst(model, units))
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(report.title)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )
    write_text(page, out / "report.html")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _worst(model: str, units: Mapping[str, dict[str, Any]]) -> str:
    shown = sorted((own["worst"]["score"], name) for name, own in units.items() if own.get("picture"))[:WORST_SHOWN]
    if not shown:
        return ""
    figures = []
    for score, name in shown:
        worst = units[name]["worst"]
        caption = f"{name}, object {worst['object']}, {worst['what']}: {100 * score:.1f}"
        source = escape(units[name]["picture"])
        image = f'<img src="{source}" loading="lazy" alt="">'
        figures.append(f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>")
    return f'<h2>Worst cases of {escape(model)}</h2><p>{escape(LEGEND)}</p><div class="cases">{"".join(figures)}</div>'
