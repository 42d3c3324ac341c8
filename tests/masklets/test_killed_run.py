"""A run that the system kills goes on with the same command and ends with the files of one that was not."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sam2_demo.masklets.__main__ import main
from sam2_demo.video import VideoWriter


@pytest.mark.slow
def test_the_files_after_a_kill_are_those_of_an_uninterrupted_run(clip_frames, tmp_path):
    clips = tmp_path / "clips"
    clips.mkdir()
    for number, name in enumerate("abc"):
        with VideoWriter(clips / f"{name}.mp4", 80, 48, frame_rate=24.0) as writer:
            for frame in clip_frames[4 * number : 4 * number + 4]:
                writer.write(np.ascontiguousarray(frame))

    def arguments(out: Path) -> list[str]:
        few = ["--points-per-side", "2", "--max-objects", "2", "--find-every", "0", "--min-area", "20"]
        loose = ["--pred-iou-thresh", "0", "--stability-thresh", "0", "--masklet-stability-thresh", "0"]
        exact = ["--dtype", "float32", "--device", "cpu"]
        return [str(clips), "--out", str(out), *few, *loose, *exact]

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(arguments(whole)) == 0
    process = subprocess.Popen([sys.executable, "-m", "sam2_demo.masklets", *arguments(killed)])
    try:
        while not (killed / "a_auto.json").is_file():
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (killed / "c_auto.json").exists()
    assert main(arguments(killed)) == 0
    names = sorted(path.name for path in whole.iterdir())
    assert names == ["a_auto.json", "b_auto.json", "c_auto.json", "settings.json"]
    for name in names:
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), name
