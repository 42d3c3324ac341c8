"""The benchmark runs every row on a very small network and prints one table; no time is asserted."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from sam2_demo.device import keep_freed_memory
from sam2_demo.errors import ConfigError, DemoError
from sam2_demo.tracking.followed_objects import ObjectFollower
from tests.conftest import NANO_CONFIG
from tools.benchmark import __main__ as command
from tools.benchmark import rows, this_project
from tools.benchmark.contender import Contender
from tools.benchmark.material import CONDITIONING_FRAMES, Material, make_clip, make_material, read_rgb
from tools.benchmark.report import Row, machine, table
from tools.benchmark.rows import Effort, choose_rows, measure_rows
from tools.benchmark.worker import ORIGINAL, OURS, TRANSFORMERS, is_available, make_contender


@pytest.fixture
def material(tmp_path):
    short = make_clip(tmp_path / "short", CONDITIONING_FRAMES + 8, (48, 64))
    return Material(short, make_clip(tmp_path / "long", 12, (48, 64)), tmp_path / "w.safetensors", None)


@pytest.fixture
def ours(material, nano_network, monkeypatch):
    monkeypatch.setattr(this_project, "load_network", lambda *_, **__: nano_network)
    monkeypatch.setattr("tools.benchmark.contender.POINT", (20.0, 20.0))
    return make_contender(OURS, material)


def test_every_figure_of_this_project_is_a_time_or_a_size(ours):
    figures = [ours.encode(), ours.click(), ours.click(), ours.track(2, 3), ours.open_clip(), ours.memory()]
    assert all(math.isfinite(figure) and figure >= 0 for figure in figures)
    assert ours.frames_per_second(2, 4) > 0
    assert ours.click() > 0, "the memory row has closed the clip that was clicked on"


class Holder(Contender):
    """Opens a clip by holding five million bytes of each frame, in blocks as small as allocators keep when freed."""

    def encode(self) -> float:
        return 0.0

    def click(self) -> float:
        return 0.0

    def track(self, num_objects: int, num_frames: int) -> float:
        return 0.0

    def open_folder(self, folder: Path) -> list[bytes]:
        return [b"x" * 50_000 for _ in range(100 * len(list(folder.iterdir())))]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what is in RAM")
def test_memory_counts_what_an_opened_clip_holds_whatever_was_opened_before(material):
    keep_freed_memory()
    contender = Holder(material)
    contender.open_clip()
    for _ in range(2):
        assert contender.memory() == pytest.approx(1000 * 100 * 50_000 / 2**20, rel=0.2)


def test_a_tracked_frame_attends_to_seven_memories(ours, monkeypatch):
    seen = []
    real = ObjectFollower.step

    def watch(self, embedding, readings):
        seen.append([len(reading.selection.memories) for reading in readings])
        return real(self, embedding, readings)

    monkeypatch.setattr(ObjectFollower, "step", watch)
    ours.track(2, 1)
    assert {count for counts in seen for count in counts} == {CONDITIONING_FRAMES}


class StandInWorker:
    """Answers with 2 for ours and 4 for the others; the original fails at clicks."""

    made: ClassVar[list[str]] = []

    def __init__(self, name: str, material: Material) -> None:
        self.name = name
        self.made.append(name)

    def measure(self, method: str, *arguments: int) -> float:
        assert hasattr(Contender, method)
        if self.name == ORIGINAL and method == "click":
            raise DemoError("cannot")
        return 2.0 if self.name == OURS else 4.0

    def stop(self) -> None:
        """Nothing to end."""


def test_rows_are_measured_in_turns_and_failures_reported(material, monkeypatch):
    monkeypatch.setattr(rows, "Worker", StandInWorker)
    effort, said = Effort(repetitions=2, frames=1), []
    kinds = choose_rows(["encode", "click", "track3"], effort)
    measured = measure_rows(kinds, [OURS, ORIGINAL], material, effort, said.append)
    assert [row.figures.get(OURS) for row in measured] == [[2.0, 2.0]] * 3
    assert [row.figures.get(ORIGINAL) for row in measured] == [[4.0, 4.0], None, [4.0, 4.0]]
    assert len(said) == 1 and "cannot" in said[0]
    text = table(measured, [OURS, ORIGINAL])
    assert "| encode a picture, s | 2 (0.50) | 4 |" in text
    assert "| click on a seen frame, s | 2 |  |" in text


def test_each_figure_of_memory_is_of_a_process_of_its_own(material, monkeypatch):
    monkeypatch.setattr(rows, "Worker", StandInWorker)
    monkeypatch.setattr(StandInWorker, "made", [])
    effort = Effort(repetitions=2, frames=1)
    (row,) = measure_rows(choose_rows(["memory"], effort), [OURS, TRANSFORMERS], material, effort, print)
    assert row.figures == {OURS: [2.0, 2.0], TRANSFORMERS: [4.0, 4.0]}
    assert StandInWorker.made == [OURS, TRANSFORMERS] * 3


def test_medians():
    row = Row("a", "s")
    for figure in (3.0, 1.0, 200.0):
        row.add(OURS, figure)
    assert row.median(OURS) == 3.0 and row.median(ORIGINAL) is None


def test_made_clips_move(material):
    paths = sorted(material.long_clip.glob("*.jpg"))
    assert len(paths) == 12
    assert read_rgb(paths[0]).shape == (48, 64, 3) and (read_rgb(paths[0]) != read_rgb(paths[5])).mean() > 0.3


def test_names_are_checked(material, capsys):
    with pytest.raises(ConfigError, match="row is 'enode'; accepted: encode, click"):
        choose_rows(["enode"], Effort())
    with pytest.raises(ConfigError, match="contender is 'x'"):
        make_contender("x", material)
    assert command.main(["--contenders", "nobody"]) == 2
    assert "accepted: this project" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stop:
        command.main(["--frames", "9"])
    assert stop.value.code == 2
    assert is_available(OURS, material) and not is_available(TRANSFORMERS, material)


def test_the_machine_is_named():
    assert "cores" in machine() and "PyTorch" in machine()


def test_material_of_a_network_that_transformers_does_not_have(tmp_path):
    material = make_material(tmp_path / "made", NANO_CONFIG, 2, (48, 80))
    assert material.weights.is_file() and material.transformers_folder is None
    assert len(list(material.long_clip.iterdir())) == 2
