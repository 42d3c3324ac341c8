"""Which rows there are, and how they are measured: contenders take turns, so that drift of the machine meets all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sam2_demo.errors import ConfigError, DemoError
from tools.benchmark.material import Material
from tools.benchmark.report import Row
from tools.benchmark.worker import OURS, OURS_EXACT, Worker, start_to_first_mask


@dataclass(frozen=True)
class RowKind:
    """A row's title and unit, the contender's method and its arguments; no method: measured from outside.

    is_alone: each figure comes from a process of its own, in which nothing was measured before.
    """

    title: str
    unit: str
    method: str | None = None
    arguments: tuple[int, ...] = ()
    is_alone: bool = False


@dataclass(frozen=True)
class Effort:
    """How often each row is measured, and over how many tracked frames."""

    repetitions: int = 3
    frames: int = 3
    embedded_frames: int = 40


def row_kinds(effort: Effort) -> dict[str, RowKind]:
    """All rows by the name under which they are chosen."""
    kinds = {
        "encode": RowKind("encode a picture", "s", "encode"),
        "click": RowKind("click on a seen frame", "s", "click"),
    }
    for count in (1, 3, 8, 16):
        objects = "1 object" if count == 1 else f"{count} objects"
        kinds[f"track{count}"] = RowKind(f"tracked frame, {objects}", "s", "track", (count, effort.frames))
    kinds["open"] = RowKind("open a clip of 100 frames", "s", "open_clip")
    kinds["memory"] = RowKind("RAM of an open clip, 1,000 frames", "MiB", "memory", is_alone=True)
    kinds["start"] = RowKind("process start to first mask", "s")
    return kinds


def choose_rows(names: Sequence[str], effort: Effort) -> dict[str, RowKind]:
    """The rows of these names, all for none; ConfigError for an unknown one."""
    kinds = row_kinds(effort)
    unknown = [name for name in names if name not in kinds]
    if unknown:
        raise ConfigError(f"row is {unknown[0]!r}; accepted: {', '.join(kinds)}")
    return {name: kind for name, kind in kinds.items() if not names or name in names}


def measure_rows(
    kinds: dict[str, RowKind],
    contenders: Sequence[str],
    material: Material,
    effort: Effort,
    report: Callable[[str], None],
) -> list[Row]:
    """Measure each row for each contender in turn; a contender that fails at a row is reported and left out of it."""
    workers = {name: Worker(name, material) for name in contenders}
    rows = []
    try:
        for kind in kinds.values():
            row = Row(kind.title, kind.unit)
            rows.append(row)
            able = list(contenders)
            # The first round warms up; opening and starting need none.
            warm_up = kind.method in ("encode", "click")
            for turn in range(effort.repetitions + warm_up):
                for name in list(able):
                    try:
                        figure = _measure(kind, name, workers[name], material)
                    except DemoError as error:
                        report(f"{kind.title}: {name}: {error}")
                        able.remove(name)
                        continue
                    if turn >= warm_up:
                        row.add(name, figure)
    finally:
        for worker in workers.values():
            worker.stop()
    return rows


def _measure(kind: RowKind, name: str, worker: Worker, material: Material) -> float:
    if kind.method is not None and kind.is_alone:
        alone = Worker(name, material)
        try:
            return alone.measure(kind.method, *kind.arguments)
        finally:
            alone.stop()
    if kind.method is not None:
        return worker.measure(kind.method, *kind.arguments)
    if name == OURS_EXACT:
        raise DemoError("not measured: starts like the default")
    return start_to_first_mask(name, material)


def measure_embedded(material: Material, effort: Effort) -> list[Row]:
    """Frames a second that the embedded model tracks, with one object and with four."""
    from tools.benchmark.this_project import ThisProject

    embedded = ThisProject(material, source="embedded")
    rows = []
    for count in (1, 4):
        row = Row(f"embedded model, {count} object{'s' if count > 1 else ''}", "frames/s")
        for _ in range(effort.repetitions):
            row.add(OURS, embedded.frames_per_second(count, effort.embedded_frames))
        rows.append(row)
    return rows
