"""A run that the system kills goes on with the same command and ends with the files of one that was not."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from sam2_demo.evaluation.__main__ import main

TIMES = "times.jsonl"


def content_of(folder: Path) -> dict[str, bytes]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != TIMES]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_the_files_after_a_kill_are_those_of_an_uninterrupted_run(davis_root, tmp_path):
    for number in range(6):
        for kind in ("JPEGImages", "Annotations"):
            shutil.copytree(davis_root / kind / "first", davis_root / kind / f"more{number}")
    whole, killed = tmp_path / "whole", tmp_path / "killed"

    def arguments(out: Path) -> list[str]:
        fixed = ["vos", "--data", str(davis_root), "--prompt", "mask", "--no-model", "--baseline", "flow"]
        return [*fixed, "--out", str(out)]

    assert main(arguments(whole)) == 0
    process = subprocess.Popen([sys.executable, "-m", "sam2_demo.evaluation", *arguments(killed)])
    try:
        while not list(killed.glob("records/flow/*.json")):
            assert process.poll() is None
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (killed / "results.json").exists()
    done = len(list(killed.glob("records/flow/*.json")))
    assert 1 <= done < 8
    assert main(arguments(killed)) == 0
    assert content_of(killed) == content_of(whole)
    # The clips that were done are not done again.
    assert len((killed / TIMES).read_text().splitlines()) in (8, 9)
