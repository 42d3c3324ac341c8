"""The example scripts: each runs as a reader would run it, on something small, and leaves what it says."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from sam2_demo.video import open_video

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
CASES = {
    "picture": ["--out", "cutout.png"],
    "clip": ["--frames", "4", "--out", "painted.mp4"],
    "stream": ["--frames", "10", "--out", "live.mp4"],
    "everything": ["--points-per-side", "3", "--out", "labels.png"],
    "masklets_to_coco": ["--points-per-side", "3", "--frames", "3", "--out", "masklets.json"],
    "evaluate": ["--frames", "4", "--out", "run"],
    "fine_tune": ["--steps", "1", "--size", "64", "--out", "tuned"],
}


def run(name: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run an example as `python examples/NAME.py ARGUMENTS` does, in this process."""
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *arguments])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_example_is_tried() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == {*CASES, "talk_to_page"}


def test_picture(workplace: Path, monkeypatch, capsys) -> None:
    run("picture", CASES["picture"], monkeypatch)
    cutout = np.asarray(Image.open(workplace / "cutout.png"))
    assert cutout.shape[2] == 4 and 0.005 < (cutout[..., 3] > 0).mean() <= 1
    assert "a click:" in capsys.readouterr().out


def test_clip(workplace: Path, monkeypatch) -> None:
    run("clip", CASES["clip"], monkeypatch)
    with (
        open_video(workplace / "painted.mp4") as painted,
        open_video(EXAMPLES.parent / "assets/examples/meadow.mp4") as clip,
    ):
        assert painted.num_frames == 4 and painted.times[3] == pytest.approx(clip.times[3], abs=1e-3)
        changed = np.abs(painted.read(2).astype(int) - clip.read(2)).max(axis=2) > 60
        assert 0.002 < changed.mean() < 0.5


def test_stream(workplace: Path, monkeypatch, capsys) -> None:
    run("stream", CASES["stream"], monkeypatch)
    with (
        open_video(workplace / "live.mp4") as live,
        open_video(EXAMPLES.parent / "assets/examples/meadow.mp4") as clip,
    ):
        assert live.num_frames == 10
        changed = np.abs(live.read(9).astype(int) - clip.read(9)).max(axis=2) > 60
        assert 0.002 < changed.mean() < 0.5
    assert "10 frames" in capsys.readouterr().out


def test_everything(workplace: Path, monkeypatch, capsys) -> None:
    run("everything", CASES["everything"], monkeypatch)
    labels = np.asarray(Image.open(workplace / "labels.png"))
    assert labels.max() == capsys.readouterr().out.count("stable") > 0


def test_masklets_to_coco(workplace: Path, monkeypatch) -> None:
    run("masklets_to_coco", CASES["masklets_to_coco"], monkeypatch)
    assert len(COCO(str(workplace / "masklets.json")).anns) > 0


def test_evaluate(workplace: Path, monkeypatch, capsys) -> None:
    run("evaluate", CASES["evaluate"], monkeypatch)
    assert json.loads((workplace / "run/click/results.json").read_text())["J&F"] > 0.5
    assert "J&F from one click" in capsys.readouterr().out


def test_fine_tune(workplace: Path, monkeypatch, capsys) -> None:
    run("fine_tune", CASES["fine_tune"], monkeypatch)
    assert (workplace / "tuned/weights.safetensors").is_file()
    assert "with the tuned weights" in capsys.readouterr().out
