"""What a run leaves: results.json, results.csv, plots and report.html."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sam2_demo.formats.files import write_json, write_text

Row = Mapping[str, str | float | int]


def write_results(out: Path, per_model: Mapping[str, dict[str, Any]], protocol: dict[str, Any]) -> dict[str, Any]:
    """results.json: the first model's result at the top, and all under "models"."""
    first = next(iter(per_model.values()))
    content = {**first, "protocol": protocol, "models": dict(per_model)}
    write_json(content, out / "results.json", indent=2)
    return content


def write_csv(rows: Sequence[Row], path: Path) -> None:
    """One line per row, columns from the first row; numbers with six decimals."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]) if rows else ["model"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: f"{value:.6f}" if isinstance(value, float) else value for key, value in row.items()})
    write_text(text.getvalue(), path)


def video_rows(per_model: Mapping[str, dict[str, Any]]) -> list[Row]:
    """The lines of results.csv for clips: all, each clip, each object."""
    rows: list[Row] = []
    for model, result in per_model.items():
        rows.append(_video_row(model, "all", "all", result))
        for clip, scores in result["per_sequence"].items():
            rows.append(_video_row(model, clip, "all", scores))
            rows += [_video_row(model, clip, object_id, own) for object_id, own in scores["objects"].items()]
    return rows


def _video_row(model: str, clip: str, object_id: str, scores: Mapping[str, Any]) -> Row:
    return {"model": model, "sequence": clip, "object": object_id} | {key: scores[key] for key in ("J&F", "J", "F")}


def image_rows(
    per_model: Mapping[str, dict[str, Any]], records: Mapping[str, Mapping[str, dict[str, Any]]]
) -> list[Row]:
    """The lines of results.csv for pictures: model, source, picture, object, setting, IoU."""
    rows: list[Row] = []

    def add(model: str, source: str, picture: str, key: str, scores: Mapping[str, float]) -> None:
        named = {"model": model, "source": source, "picture": picture, "object": key}
        rows.extend(named | {"setting": setting, "IoU": value} for setting, value in scores.items())

    for model, result in per_model.items():
        add(model, "all", "all", "all", result["mIoU"])
        for source, own in result["per_source"].items():
            add(model, source, "all", "all", own["mIoU"])
        for name, record in records[model].items():
            for key, scores in record["objects"].items():
                add(model, record["source"], name, key, scores)
    return rows


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain text table, first column left, the others right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
    return "\n".join(lines)
