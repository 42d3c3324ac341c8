"""Through the command line: a killed run goes on as if nothing had happened, frozen parts stay, tuning learns."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sam2_demo.network.config import OFFICIAL_CONFIGS, SCRATCH_CONFIG
from sam2_demo.network.sam2_network import Sam2Network
from sam2_demo.training import trainer
from sam2_demo.training.__main__ import main
from sam2_demo.training.stages import CONFIGS, FINETUNE
from sam2_demo.weights import load_network
from tests.datasets.conftest import davis_root  # noqa: F401


def command(data: Path, out: Path, *more: str) -> list[str]:
    """Tuning on pictures and clips in turn, small enough for a test."""
    fixed = ["--config", "finetune", "--data", str(data), "--out", str(out), "--processes", "1", "--threads", "1"]
    return [*fixed, "--device", "cpu", *more]


def record(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def kill_after(arguments: list[str], run: Path, steps: int) -> None:
    """Start the command and end it, as a power cut would, once it has recorded so many steps."""
    process = subprocess.Popen([sys.executable, "-m", "sam2_demo.training", *arguments], stderr=subprocess.PIPE)
    metrics = run / "metrics.jsonl"
    try:
        while not metrics.is_file() or len(metrics.read_text().splitlines()) < steps:
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_a_killed_run_ends_like_an_uninterrupted_one(davis_root, tmp_path):  # noqa: F811
    options = ["--size", "64", "--steps", "4", "--freeze", "trunk", "memory", "--checkpoint-minutes", "0"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(command(davis_root, whole, *options)) == 0
    kill_after(command(davis_root, killed, *options), killed, steps=2)
    assert not (killed / "weights.safetensors").exists()
    assert main(command(davis_root, killed, *options, "--resume")) == 0

    assert [entry["step"] for entry in record(killed)] == list(range(1, 5))
    kinds = {next(name for name in entry if "iou_" in name).startswith("clip_") for entry in record(whole)}
    assert kinds == {True, False}
    expected = [entry["loss"] for entry in record(whole)]
    assert [entry["loss"] for entry in record(killed)] == pytest.approx(expected, abs=1e-4)
    ends = [load_file(run / "weights.safetensors") for run in (whole, killed)]
    assert all(torch.allclose(ends[0][name], ends[1][name], atol=1e-4) for name in ends[0])

    # Weights are written in half precision.
    start = {name: value.half() for name, value in load_network("embedded", dtype="float32").state_dict().items()}
    moved = {name for name, value in ends[0].items() if not torch.equal(value, start[name])}
    assert any(name.startswith("sam_mask_decoder.") for name in moved)
    assert any(name.startswith("image_encoder.neck.") for name in moved)
    parameters = {name for name, _ in load_network("embedded").named_parameters()}
    assert not [name for name in moved & parameters if name.startswith(("image_encoder.trunk.", "memory_"))]


@pytest.mark.slow
def test_a_run_killed_before_its_weights_were_written_writes_them(davis_root, tmp_path):  # noqa: F811
    options = ["--size", "64", "--steps", "2", "--limit-pictures", "2"]
    assert main(command(davis_root, tmp_path, *options)) == 0
    weights = tmp_path / "weights.safetensors"
    expected = load_file(weights)
    weights.unlink()
    assert main(command(davis_root, tmp_path, *options, "--resume")) == 0
    again = load_file(weights)
    assert all(torch.equal(again[name], expected[name]) for name in expected)


@pytest.mark.slow
def test_tuning_takes_the_network_s_own_size(davis_root, tmp_path, monkeypatch):  # noqa: F811
    sizes = []
    monkeypatch.setattr(trainer.Trainer, "_train_stage", lambda _, stage: sizes.extend((stage.size, stage.clips.size)))
    monkeypatch.setattr(trainer.Trainer, "write_results", lambda self: None)
    assert main(command(davis_root, tmp_path, "--steps", "1")) == 0
    assert sizes == [384, 384]


@pytest.mark.slow
def test_a_resumed_run_is_the_one_that_was_started(davis_root, tmp_path, monkeypatch, capsys, caplog):  # noqa: F811
    monkeypatch.setattr(trainer.Trainer, "_train_stage", lambda *_: None)
    monkeypatch.setattr(trainer.Trainer, "write_results", lambda _: None)
    file = tmp_path / "scratch.pt"
    torch.save({"model": Sam2Network(SCRATCH_CONFIG).state_dict()}, file)
    started = {"--model": str(file), "--size": "64", "--freeze": "trunk", "--limit-pictures": "1"}
    run = tmp_path / "run"

    def start(options: dict[str, str], *more: str) -> int:
        given = [word for option in options.items() for word in option]
        return main(command(davis_root, run, *given, "--steps", "1", *more))

    assert start(started) == 0
    for option, other in (("--size", "96"), ("--freeze", "memory"), ("--limit-pictures", "2")):
        assert start(started | {option: other}, "--resume") == 2
        expected = (
            f"with {option} {started[option]}, not with {option} {other}; resume with {option} {started[option]}\n"
        )
        assert capsys.readouterr().err == f"error: {run / 'checkpoint.pt'} is a run {expected}"
    for option in started:
        assert start({name: value for name, value in started.items() if name != option}, "--resume") == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1 and lines[0].endswith(f"; resume with {option} {started[option]}")
    for option, other in (("--annotated-share", "0.5"), ("--split", "val")):
        assert start(started, "--resume", option, other) == 2
        assert f", not with {option} {other}; resume with" in capsys.readouterr().err

    caplog.set_level("INFO")
    assert start(started, "--resume", "--threads", "2", "--checkpoint-minutes", "1", "--steps", "9") == 0
    assert "nothing is left to train" in caplog.text


@pytest.mark.slow
def test_tuning_a_random_official_checkpoint_lowers_its_loss(davis_root, tmp_path, monkeypatch):  # noqa: F811
    # The recipe with fewer frames and corrections: they repeat what a step does, and cost half of its time.
    stage = replace(FINETUNE.stages[0], corrections=1)
    stage = replace(stage, clips=replace(stage.clips, frames=3, corrections=1))
    monkeypatch.setitem(CONFIGS, "finetune", replace(FINETUNE, stages=(stage,)))
    torch.manual_seed(0)
    file = tmp_path / "random.pt"
    torch.save({"model": Sam2Network(OFFICIAL_CONFIGS["sam2.1-hiera-tiny"]).state_dict()}, file)
    run = tmp_path / "run"
    options = ["--model", str(file), "--size", "64", "--steps", "20", "--limit-pictures", "1"]
    assert main(command(davis_root, run, *options)) == 0
    losses = [entry["loss"] for entry in record(run)]
    assert len(losses) == 20
    assert np.mean(losses[-6:]) < np.mean(losses[:6])
