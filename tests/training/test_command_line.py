"""The command trains in two processes, resumes, and names what is missing."""

import subprocess
import sys
import time
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training import pretrained
from sam2_demo.training.__main__ import main
from sam2_demo.training.stages import CONFIGS, with_size


@pytest.fixture
def picture_folder(tmp_path, drawn_pictures):
    folder = tmp_path / "data"
    folder.mkdir()
    for number, picture in enumerate(drawn_pictures):
        cv2.imwrite(str(folder / f"{number}.jpg"), np.ascontiguousarray(picture.pixels[..., ::-1]))
        cv2.imwrite(str(folder / f"{number}.png"), picture.label_maps[0])
    return folder


@pytest.mark.slow
def test_two_processes_train_and_resume(picture_folder, tmp_path, capsys):
    run = tmp_path / "run"
    arguments = ["--config", "scratch", "--data", str(picture_folder), "--out", str(run)]
    arguments += ["--size", "32", "--steps", "4", "--processes", "2", "--threads", "1"]
    # Forked from a fresh interpreter, one for both: it takes as long to start as the four steps to train.
    both = f"from sam2_demo.training.__main__ import main; print(main({arguments}), main({[*arguments, '--resume']}))"
    finished = subprocess.run([sys.executable, "-c", both], capture_output=True, text=True, timeout=250, check=False)
    assert finished.stdout == "0 0\n", finished.stderr
    assert len((run / "metrics.jsonl").read_text().splitlines()) == 4
    assert finished.stderr.count("stage clips-384 starts") == 2  # once in each process, not once more on resuming
    assert finished.stderr.count("nothing is left to train") == 1
    assert main([*arguments, "--resume", "--seed", "1"]) == 2  # before any process is started
    assert capsys.readouterr().err.splitlines() == [
        f"error: {run / 'checkpoint.pt'} is a run with --seed 0, not with --seed 1; resume with --seed 0"
    ]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks for processes in /proc")
def test_processes_end_when_their_parent_is_killed(picture_folder, tmp_path):
    command = [sys.executable, "-m", "sam2_demo.training", "--config", "scratch", "--data", str(picture_folder)]
    command += ["--out", str(tmp_path / "run"), "--size", "32", "--steps", "4000", "--processes", "2", "--threads", "1"]
    parent = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        children = wait_for(lambda: found if len(found := children_of(parent.pid)) == 2 else None, 120)
    finally:
        parent.kill()
        parent.wait()
    wait_for(lambda: not any(is_running(pid) for pid in children), 30)


def children_of(parent):
    stats = Path("/proc").glob("[0-9]*/stat")
    return [int(stat.parent.name) for stat in stats if fields_of(stat)[1:2] == [str(parent)]]


def is_running(pid):
    return fields_of(Path(f"/proc/{pid}/stat"))[:1] not in ([], ["Z"])


def fields_of(stat):
    """State, parent and more of a process; nothing of one that is gone."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except OSError:
        return []


def wait_for(condition, seconds):
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return value


def test_lengths_that_are_none_are_wrong_usage(tmp_path):
    for minutes in ("0", "-3", "soon", "nan", "inf"):
        with pytest.raises(SystemExit) as stopped:
            main(["--config", "embedded", "--data", str(tmp_path), "--out", "x", "--minutes", minutes])
        assert stopped.value.code == 2
    for option in ("--steps", "--processes", "--limit-pictures"):
        with pytest.raises(SystemExit):
            main(["--config", "embedded", "--data", str(tmp_path), "--out", "x", option, "0"])


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


def test_runs_are_averaged_and_calibrated_without_training(picture_folder, tmp_path, small_config, monkeypatch, caplog):
    caplog.set_level("INFO")
    plan = replace(CONFIGS["embedded"], network=small_config, calibration_clips=2)
    monkeypatch.setitem(CONFIGS, "embedded", with_size(plan, 64))
    networks = {}
    for seed in (1, 2):
        torch.manual_seed(seed)
        networks[f"{seed}.safetensors"] = Sam2Network(small_config)
    monkeypatch.setattr(pretrained, "load_network", lambda source, **_: deepcopy(networks[source]))
    options = ["--config", "embedded", "--data", str(picture_folder), "--out", str(tmp_path / "run")]
    options += ["--threads", "1", "--processes", "1", "--only-calibrate"]
    assert main([*options, "--model", *networks]) == 0
    written = load_file(tmp_path / "run" / "weights.safetensors")
    first, second = (own.state_dict() for own in networks.values())
    name = "memory_encoder.out_proj.weight"
    torch.testing.assert_close(written[name].float(), (first[name] + second[name]) / 2, atol=1e-3, rtol=1e-3)
    assert caplog.text.count("calibration error") == 3
    networks["2.safetensors"].config = replace(small_config, name="other")
    assert main([*options, "--model", *networks]) == 2
    assert main(options) == 2  # nothing to calibrate
