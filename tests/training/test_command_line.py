"""The command trains in two processes, resumes, and names what is missing."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from sam2_demo.training.__main__ import main


@pytest.fixture
def picture_folder(tmp_path, drawn_pictures):
    folder = tmp_path / "data"
    folder.mkdir()
    for number, picture in enumerate(drawn_pictures):
        cv2.imwrite(str(folder / f"{number}.jpg"), np.ascontiguousarray(picture.pixels[..., ::-1]))
        cv2.imwrite(str(folder / f"{number}.png"), picture.label_maps[0])
    return folder


@pytest.mark.slow
def test_two_processes_train_and_resume(picture_folder, tmp_path):
    command = [sys.executable, "-m", "sam2_demo.training", "--config", "scratch", "--data", str(picture_folder)]
    command += ["--out", str(tmp_path / "run"), "--size", "32", "--steps", "4", "--processes", "2", "--threads", "1"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=250, check=False)
    assert finished.returncode == 0, finished.stderr
    record = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
    assert len(record) == 4
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, timeout=250, check=False)
    assert again.returncode == 0, again.stderr
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 4


def test_wrong_folder_and_missing_checkpoint_exit_with_2(picture_folder, tmp_path, capsys):
    common = ["--config", "embedded", "--out", str(tmp_path / "run"), "--threads", "1", "--processes", "1"]
    assert main([*common, "--data", str(tmp_path / "nowhere")]) == 2
    assert "nowhere does not exist" in capsys.readouterr().err
    assert main([*common, "--data", str(picture_folder), "--resume"]) == 2
    assert "checkpoint.pt does not exist" in capsys.readouterr().err


def test_unknown_configuration_is_wrong_usage():
    with pytest.raises(SystemExit) as stopped:
        main(["--config", "huge", "--data", ".", "--out", "x"])
    assert stopped.value.code == 2
