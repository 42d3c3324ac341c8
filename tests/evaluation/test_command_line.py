"""`python -m sam2_demo.evaluation`: files written, resuming, exit status, messages."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.evaluation import rows, video_run
from sam2_demo.evaluation.__main__ import main


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "times.jsonl"
    }


def vos(root: Path, out: Path, *more: str) -> int:
    return main(
        ["vos", "--data", str(root), "--prompt", "mask", "--no-model", "--baseline", "flow", "--out", str(out), *more]
    )


def test_vos_writes_results_that_score_repeats(davis_root, tmp_path, capsys):
    assert vos(davis_root, tmp_path / "a") == 0
    assert "peak memory" in capsys.readouterr().out
    result = json.loads((tmp_path / "a" / "results.json").read_text())
    assert {"J&F", "J", "F", "per_sequence"} <= set(result) and set(result["per_sequence"]) == {"first", "second"}
    assert 0.4 < result["J"] <= 1 and result["models"]["flow"]["J"] == result["J"]
    rows = list(csv.DictReader((tmp_path / "a" / "results.csv").open()))
    assert float(rows[0]["J&F"]) == pytest.approx(result["J&F"], abs=1e-6) and len(rows) == 1 + 2 * 3
    page = (tmp_path / "a" / "report.html").read_text()
    for part in ("plots/per_sequence.png", "plots/over_time.png", "pictures/flow/first.jpg"):
        assert part in page and (tmp_path / "a" / part).is_file()
    predictions = tmp_path / "a" / "predictions" / "flow"
    arguments = ["score", "--data", str(davis_root), "--predictions", str(predictions)]
    assert main([*arguments, "--out", str(tmp_path / "b")]) == 0
    again = json.loads((tmp_path / "b" / "results.json").read_text())
    assert again["per_sequence"] == result["per_sequence"]


def test_a_killed_run_resumes_to_the_same_files(davis_root, tmp_path, monkeypatch):
    assert vos(davis_root, tmp_path / "whole") == 0
    real = video_run.track_clip

    def killed(predictor, clip, prompt, exclusive):
        if clip.name == "second":
            raise KeyboardInterrupt
        return real(predictor, clip, prompt, exclusive)

    monkeypatch.setattr(video_run, "track_clip", killed)
    with pytest.raises(KeyboardInterrupt):
        vos(davis_root, tmp_path / "cut")
    # As if the process had died while it wrote the second clip.
    left = tmp_path / "cut" / "predictions" / "flow" / "second"
    left.mkdir(parents=True)
    (left / "99999.png").write_bytes(b"half")
    tracked = []

    def noted(predictor, clip, prompt, exclusive):
        tracked.append(clip.name)
        return real(predictor, clip, prompt, exclusive)

    monkeypatch.setattr(video_run, "track_clip", noted)
    assert vos(davis_root, tmp_path / "cut") == 0
    assert tracked == ["second"]
    assert content_of(tmp_path / "cut") == content_of(tmp_path / "whole")


def test_predictions_in_the_working_folder_and_in_capitals(davis_root, tmp_path, monkeypatch, capsys):
    predictions = tmp_path / "mine"
    for clip in ("first", "second"):
        (predictions / clip).mkdir(parents=True)
        for path in (davis_root / "Annotations" / clip).iterdir():
            (predictions / clip / f"{path.stem}.PNG").write_bytes(path.read_bytes())
    monkeypatch.chdir(predictions)
    assert main(["score", "--data", str(davis_root), "--predictions", "."]) == 0
    assert json.loads((tmp_path / "mine-score" / "results.json").read_text())["models"]["mine"]["J&F"] == 1
    assert main(["score", "--data", str(davis_root), "--predictions", ".", "--out", "first/00000.PNG"]) == 2
    assert "first/00000.PNG cannot be a folder of results" in capsys.readouterr().err


def test_other_settings_need_another_folder(davis_root, tmp_path, capsys):
    assert vos(davis_root, tmp_path / "a", "--limit", "1") == 0
    assert vos(davis_root, tmp_path / "a") == 2
    assert "other settings (limit 1 there, None here)" in capsys.readouterr().err


def test_sa_v_layout_and_its_predictions(sav_root, tmp_path):
    assert vos(sav_root, tmp_path / "a", "--layout", "sav", "--split", "sav_val") == 0
    result = json.loads((tmp_path / "a" / "results.json").read_text())
    assert set(result["per_sequence"]["clip"]["objects"]) == {"1", "2"}
    predictions = tmp_path / "a" / "predictions" / "flow"
    assert (predictions / "clip" / "002" / "00004.png").is_file()
    arguments = ["score", "--layout", "sav", "--data", str(sav_root), "--predictions", str(predictions)]
    assert main([*arguments, "--out", str(tmp_path / "b")]) == 0
    assert json.loads((tmp_path / "b" / "results.json").read_text())["J&F"] == result["J&F"]


def test_sa_v_predictions_are_named_as_ground_truth_and_complete(sav_root, tmp_path, capsys):
    truth = sav_root / "Annotations_6fps" / "clip"
    (truth / "001").rename(truth / "1")
    assert vos(sav_root, tmp_path / "a", "--layout", "sav") == 0
    predictions = tmp_path / "a" / "predictions" / "flow"
    assert sorted(path.name for path in (predictions / "clip").iterdir()) == ["002", "1"]
    for path in (truth / "002").iterdir():
        Image.fromarray(np.array(Image.open(path)) * np.uint8(path.stem == "00008")).save(path)
    # Object 2 is now seen on frame 8 only: frame 4 does not count, but the evaluator of SA-V reads its file.
    (predictions / "clip" / "002" / "00004.png").unlink()
    arguments = ["score", "--layout", "sav", "--data", str(sav_root), "--predictions", str(predictions)]
    assert main([*arguments, "--out", str(tmp_path / "b")]) == 2
    missing = predictions / "clip" / "002" / "00004.png"
    assert f"{missing} does not exist; 1 annotated frame(s) lack theirs" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["missing", "size", "unknown", "no folder"])
def test_wrong_predictions_name_the_file_and_exit_with_2(davis_root, tmp_path, capsys, kind):
    predictions = tmp_path / "mine"
    for clip in ("first", "second"):
        (predictions / clip).mkdir(parents=True)
        for path in sorted((davis_root / "Annotations" / clip).iterdir()):
            (predictions / clip / path.name).write_bytes(path.read_bytes())
    expected = {
        "missing": "first/00005.png does not exist",
        "size": "first/00003.png is 10 x 10 pixels",
        "unknown": "unknown object ids [8]; ground truth has [1, 2]",
        "no folder": "first does not exist",
    }[kind]
    if kind == "missing":
        (predictions / "first" / "00005.png").unlink()
    elif kind == "size":
        Image.fromarray(np.zeros((10, 10), np.uint8)).save(predictions / "first" / "00003.png")
    elif kind == "unknown":
        Image.fromarray(np.full((40, 60), 8, np.uint8)).save(predictions / "first" / "00003.png")
    else:
        (predictions / "first").rename(predictions / "other")
    arguments = ["score", "--data", str(davis_root), "--predictions", str(predictions), "--out", str(tmp_path / "b")]
    assert main(arguments) == 2
    assert expected in capsys.readouterr().err


def test_image_with_grabcut(tmp_path, capsys):
    (tmp_path / "set").mkdir()
    labels = np.zeros((40, 50), np.uint8)
    labels[10:30, 12:34] = 1
    picture = np.where(labels[..., None] > 0, 220, 30) + np.zeros((40, 50, 3))
    for name in ("a", "b"):
        Image.fromarray(picture.astype(np.uint8)).save(tmp_path / "set" / f"{name}.jpg")
        Image.fromarray(labels).save(tmp_path / "set" / f"{name}.png")
    out = tmp_path / "out"
    arguments = ["image", "--data", str(tmp_path / "set"), "--clicks", "1,3", "--box", "--out", str(out)]
    assert main([*arguments, "--no-model", "--baseline", "grabcut"]) == 0
    result = json.loads((out / "results.json").read_text())
    assert set(result["mIoU"]) == {"box"} and result["mIoU"]["box"] > 0.5
    assert (out / "plots" / "miou.png").is_file() and "report.html" in capsys.readouterr().out
    masks = json.loads((out / "predictions" / "grabcut" / "set__a" / "masks.json").read_text())
    assert masks["1"]["masks"]["box"]["size"] == [40, 50]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vos", "--baseline", "grabcut"], "segments pictures only; for clips take flow or memoryless"),
        (["vos", "--prompt", "click", "--baseline", "flow"], "takes a mask or a box, no clicks; for clicks take"),
        (["interactive", "--baseline", "flow"], "takes a mask or a box, no clicks; for clicks take memoryless"),
        (["image", "--baseline", "flow"], "the flow baseline tracks clips only; for pictures take grabcut"),
        (["image", "--baseline", "memoryless"], "the memoryless baseline tracks clips only"),
    ],
)
def test_baselines_that_cannot_do_it_are_refused_before_any_model_runs(
    davis_root, tmp_path, monkeypatch, capsys, arguments, message
):
    def unwanted(self) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(rows.Model, "clip_predictor", unwanted)
    monkeypatch.setattr(rows.Model, "picture_predictor", unwanted)
    Image.fromarray(np.full((40, 60), 40, np.uint8)).save(tmp_path / "a.jpg")
    Image.fromarray(np.eye(40, 60, dtype=np.uint8)).save(tmp_path / "a.png")
    data = tmp_path if arguments[0] == "image" else davis_root
    assert main([*arguments, "--data", str(data), "--out", str(tmp_path / "out")]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_usage_errors_exit_with_2(tmp_path, capsys):
    for arguments in (["vos"], ["nothing"], ["image", "--data", "x", "--out", "y", "--clicks", "1,a"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert vos(tmp_path / "nowhere", tmp_path / "out") == 2
    assert "holds no JPEGImages folder" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0 and "examples:" in capsys.readouterr().out


def test_commands_that_need_no_network_load_no_torch():
    script = "import sys, sam2_demo.evaluation.__main__; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 0
