"""Clips and pictures in which nothing counts: they are named, and no number is shown for them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.evaluation import rows
from sam2_demo.evaluation.__main__ import main

EMPTY = "no annotated frame shows an object"
ENDS = "the first and the last annotated frame do not count, and no other shows an object"


@pytest.fixture
def root(davis_root, color_tracker, monkeypatch) -> Path:
    """A good clip, one without any object and one of two frames; what tracks is the colour tracker."""
    monkeypatch.setattr(rows.Model, "clip_predictor", lambda self: color_tracker)
    for kind in ("JPEGImages", "Annotations"):
        for name in ("empty", "short"):
            shutil.copytree(davis_root / kind / "first", davis_root / kind / name)
        for path in sorted((davis_root / kind / "short").iterdir())[2:]:
            path.unlink()
    for path in (davis_root / "Annotations" / "empty").iterdir():
        Image.fromarray(np.zeros((40, 60), np.uint8)).save(path)
    return davis_root


def test_such_clips_are_left_out_with_a_warning(root, tmp_path, capsys):
    chosen = ["--data", str(root), "--sequences", "empty", "short", "first"]
    assert main(["vos", *chosen, "--out", str(tmp_path / "a")]) == 0
    predictions = tmp_path / "a" / "predictions" / "embedded"
    assert main(["score", *chosen, "--predictions", str(predictions), "--out", str(tmp_path / "b")]) == 0
    told = capsys.readouterr().out
    for place in ("a", "b"):
        assert f"embedded 1/3 empty: warning: not scored, {EMPTY}, " in told
        assert f"embedded 2/3 short: warning: not scored, {ENDS}, " in told
        result = json.loads((tmp_path / place / "results.json").read_text())
        assert set(result["per_sequence"]) == {"first"} and result["num_objects"] == 2
        page = (tmp_path / place / "report.html").read_text()
        assert f"Not scored: empty ({EMPTY}), short ({ENDS})." in page
    assert main(["score", *chosen, "--predictions", str(predictions), "--out", str(tmp_path / "b")]) == 0
    assert f"embedded 1/3 empty: warning: not scored, {EMPTY}, done before" in capsys.readouterr().out


def test_such_clips_are_left_out_of_interactive_runs(root, tmp_path, capsys):
    arguments = ["interactive", "--data", str(root), "--sequences", "empty", "short", "--frames", "2"]
    assert main([*arguments, "--out", str(tmp_path / "a")]) == 0
    assert f"embedded 1/2 empty: warning: not scored, {EMPTY}, " in capsys.readouterr().out
    result = json.loads((tmp_path / "a" / "results.json").read_text())
    assert set(result["per_sequence"]) == {"short"} and len(result["curve"]) == 2
    assert f"Not scored: empty ({EMPTY})." in (tmp_path / "a" / "report.html").read_text()


@pytest.mark.parametrize(("clip", "reason"), [("empty", EMPTY), ("short", ENDS)])
def test_nothing_but_such_clips_gives_no_numbers(root, tmp_path, capsys, clip, reason):
    assert main(["vos", "--data", str(root), "--sequences", clip, "--out", str(tmp_path / "a")]) == 2
    told = capsys.readouterr()
    assert f"error: {root} has no clip to score: {clip} ({reason})" in told.err
    assert "J&F" not in told.out and not (tmp_path / "a" / "results.json").exists()


def test_pictures_without_objects_are_named(tmp_path, capsys):
    picture = np.full((40, 50, 3), 30, np.uint8)
    picture[10:30, 12:34] = 220
    for name, labels in (("a", np.zeros((40, 50), np.uint8)), ("b", (picture[..., 0] > 99).astype(np.uint8))):
        Image.fromarray(picture).save(tmp_path / f"{name}.jpg")
        Image.fromarray(labels).save(tmp_path / f"{name}.png")
    arguments = ["image", "--data", str(tmp_path), "--clicks", "0", "--no-model", "--baseline", "grabcut"]
    assert main([*arguments, "--box", "--out", str(tmp_path / "out")]) == 0
    assert f"{tmp_path.name}__a: warning: not scored, the picture shows no object" in capsys.readouterr().out
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--out", str(tmp_path / "none")])
    assert caught.value.code == 2 and not (tmp_path / "none").exists()
    assert "--clicks 0 leaves nothing to measure; give --box" in capsys.readouterr().err
