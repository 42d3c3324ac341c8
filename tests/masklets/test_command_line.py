"""The command line: which clips it takes, resuming, messages, exit status."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from sam2_demo.detection.detector import Found
from sam2_demo.errors import WeightsError
from sam2_demo.formats import sa_v
from sam2_demo.masklets import __main__ as command
from sam2_demo.masklets import identity
from sam2_demo.masklets.batch import Clock, as_time
from sam2_demo.masklets.clips import find_clips
from sam2_demo.masklets.options import preset
from sam2_demo.video import VideoWriter
from sam2_demo.video.writer import WriterOptions

QUICK = ["--points-per-side", "3", "--find-every", "4", "--max-objects", "3", "--objects-per-batch", "1"]
LOOSE = ["--pred-iou-thresh", "0", "--stability-thresh", "0", "--masklet-stability-thresh", "0"]


def write_video(path: Path, frames) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoWriter(path, 80, 48, frame_rate=24.0) as writer:
        for frame in frames:
            writer.write(np.ascontiguousarray(frame))


def write_pictures(folder: Path, frames) -> None:
    folder.mkdir(parents=True)
    for index, frame in enumerate(frames):
        Image.fromarray(frame).save(folder / f"{index:05d}.png")


@pytest.fixture
def clips(tmp_path, clip_frames) -> Path:
    """A folder with two videos, a folder of pictures and a file that is no clip."""
    folder = tmp_path / "clips"
    write_video(folder / "a.mp4", clip_frames[:6])
    write_video(folder / "b.mp4", clip_frames[6:13])
    write_pictures(folder / "c", clip_frames[:5])
    (folder / "notes.txt").write_text("no clip")
    return folder


@pytest.fixture
def loads(monkeypatch, nano_network) -> list:
    """The nano network in place of any model; the value counts how often it was loaded."""
    loaded: list = []
    monkeypatch.setattr(
        "sam2_demo.weights.load_network", lambda source, **settings: loaded.append(source) or nano_network
    )
    return loaded


def run(*arguments: object) -> int:
    return command.main([str(argument) for argument in arguments] + QUICK + LOOSE)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_every_clip_of_a_folder_gives_one_file(clips, loads, tmp_path, capsys) -> None:
    assert run(clips, "--out", tmp_path / "out") == 0
    assert list(contents(tmp_path / "out")) == ["a_auto.json", "b_auto.json", "c_auto.json", "settings.json"]
    content = json.loads((tmp_path / "out" / "b_auto.json").read_text())
    assert content["video_id"] == "b"
    assert content["video_frame_count"] == 7
    assert content["masklet_num"] >= 1
    assert set(content["masklet_type"]) == {"auto"}
    assert "clip 2/3 b: " in capsys.readouterr().out
    assert loads == ["embedded"]


def test_files_say_the_times_of_clips_whose_rate_varies(clip_frames, loads, tmp_path) -> None:
    times = [0.0, 1 / 30, 2 / 30, 0.1, 0.2, 0.3]
    with VideoWriter(tmp_path / "a.mp4", 80, 48, times=times, options=WriterOptions(duration=0.4)) as writer:
        for frame in clip_frames[:6]:
            writer.write(np.ascontiguousarray(frame))
    assert run(tmp_path / "a.mp4", "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "a_auto.json").read_text())["video_duration"] == pytest.approx(0.4, abs=1e-3)
    assert sa_v.read(tmp_path / "out" / "a_auto.json").frame_times == pytest.approx(times, abs=1e-3)


def test_interrupted_run_ends_with_the_same_files(clips, loads, tmp_path, monkeypatch, capsys) -> None:
    assert run(clips, "--out", tmp_path / "whole") == 0
    shown = command.Terminal.status

    def interrupt(self, text: str) -> None:
        shown(self, text)
        if " b: frame 5/7" in text:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command.Terminal, "status", interrupt)
        assert run(clips, "--out", tmp_path / "out") == 130
    assert list(contents(tmp_path / "out")) == ["a_auto.json", "settings.json"]
    assert "the same command goes on" in capsys.readouterr().err
    (tmp_path / "out" / ".b_auto.json.part").write_text('{"video_id": "b", ')  # killed while writing
    assert run(clips, "--out", tmp_path / "out") == 0
    assert "a: done before" in capsys.readouterr().out
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


def test_nothing_left_to_do_loads_no_network(clips, loads, tmp_path) -> None:
    assert run(clips / "c", "--out", tmp_path / "out") == 0
    before = contents(tmp_path / "out")
    assert run(clips / "c", "--out", tmp_path / "out") == 0
    assert len(loads) == 1
    assert contents(tmp_path / "out") == before


def test_clip_without_masklets_gives_a_file_and_a_hint(clips, loads, tmp_path, capsys) -> None:
    assert run(clips / "c", "--out", tmp_path / "out", "--min-area", 48 * 80 + 1) == 0
    assert "c: 0 masklets (lower thresholds find more)" in capsys.readouterr().out
    content = json.loads((tmp_path / "out" / "c_auto.json").read_text())
    assert content["masklet_num"] == 0
    assert content["masklet"] == [[], []]
    assert run(clips / "c", "--out", tmp_path / "out", "--min-area", 48 * 80 + 1) == 0  # and it is read back


def test_broken_clip_does_not_stop_the_others(clips, loads, tmp_path, capsys) -> None:
    (clips / "b.mp4").write_bytes(b"not a video")
    assert run(clips, "--out", tmp_path / "out") == 2
    assert list(contents(tmp_path / "out")) == ["a_auto.json", "c_auto.json", "settings.json"]
    assert "error: b: " in capsys.readouterr().err


def test_other_settings_into_the_same_folder_are_refused(clips, loads, tmp_path, capsys) -> None:
    assert run(clips / "c", "--out", tmp_path / "out") == 0
    assert run(clips / "c", "--out", tmp_path / "out", "--min-area", "9") == 2
    assert "min_area 200 there, 9 here" in capsys.readouterr().err
    (tmp_path / "out" / "settings.json").unlink()
    assert run(clips / "c", "--out", tmp_path / "out") == 2
    assert "no settings.json" in capsys.readouterr().err


def test_settings_bind_from_the_first_file_on(clips, loads, tmp_path, monkeypatch, capsys) -> None:
    def unknown(source, **settings):
        raise WeightsError(f"model source is {source!r}")

    with monkeypatch.context() as patch:
        patch.setattr("sam2_demo.weights.load_network", unknown)
        assert run(clips / "c", "--out", tmp_path / "out", "--model", "embeded") == 2
    assert list(contents(tmp_path / "out")) == ["settings.json"]
    assert run(clips / "c", "--out", tmp_path / "out") == 0
    assert json.loads((tmp_path / "out" / "settings.json").read_text())["model"] == "embedded"


def test_other_weights_in_the_same_file_are_not_gone_on_with(clips, loads, tmp_path, capsys) -> None:
    weights = tmp_path / "mine.safetensors"
    weights.write_bytes(b"trained for a day")
    model = ["--model", weights, "--dtype", "float32"]
    assert run(clips / "c", "--out", tmp_path / "out", *model) == 0
    weights.write_bytes(b"trained for two days")
    assert run(clips / "c", "--out", tmp_path / "out", *model) == 2
    assert "other settings (weights '" in capsys.readouterr().err
    kept = json.loads((tmp_path / "out" / "settings.json").read_text())
    assert kept["compute_dtype"] == "float32"


def test_thresholds_suit_the_weights_by_whatever_name_they_were_asked_for(tmp_path) -> None:
    copy = tmp_path / "best.safetensors"
    copy.write_bytes(identity.embedded_path().read_bytes())
    (tmp_path / "other.safetensors").write_bytes(b"official")
    for model, expected in (
        ("embedded", True), ("auto", True), (str(copy), True),
        (str(tmp_path / "other.safetensors"), False), ("facebook/sam2.1-hiera-tiny", False),
    ):  # fmt: skip
        given = command._parser("masklets").parse_args(["clip", "--model", model])
        network = identity.network_identity(model, "cpu", "auto", lambda: None)
        assert command._options(given, network) == preset(expected), model


def test_auto_on_a_gpu_is_what_it_loads(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("sam2_demo.weights.gpu_memory", lambda device: 2**36)
    (tmp_path / "a.safetensors").write_bytes(b"official")
    provenance = SimpleNamespace(file=str(tmp_path / "a.safetensors"))
    predictor = SimpleNamespace(network=SimpleNamespace(provenance=provenance))
    loaded = identity.network_identity("auto", "cpu", "auto", lambda: predictor)
    assert loaded["weights"] == identity.network_identity(provenance.file, "cpu", "auto", lambda: None)["weights"]
    assert identity.network_identity("facebook/sam2.1-hiera-tiny", "cpu", "auto", lambda: None)["weights"] is None


def test_settings_of_others_are_left_alone(clips, loads, tmp_path, capsys) -> None:
    for content, told in (("[1]", "holds a list where a run has its settings"), ('{"theme": 1}', "other settings")):
        (tmp_path / "settings.json").write_text(content)
        assert run(clips / "c", "--out", tmp_path) == 2
        assert told in capsys.readouterr().err and (tmp_path / "settings.json").read_text() == content
    assert run(clips / "c", "--out", tmp_path / "settings.json" / "out") == 2
    assert "cannot be a folder of masklets" in capsys.readouterr().err and loads == []


def test_another_clip_of_the_same_name_is_refused(clips, loads, tmp_path, clip_frames, capsys) -> None:
    assert run(clips / "c", "--out", tmp_path / "out") == 0
    write_pictures(tmp_path / "more" / "c", clip_frames[:7])
    assert run(tmp_path / "more" / "c", "--out", tmp_path / "out") == 2
    assert "is of a clip of 80 x 48 pixels and 5 frames" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["{}/none.mp4"], "none.mp4 does not exist"),
        (["{}/clips/notes.txt"], "notes.txt is no video; accepted are .mp4"),
        (["{}/empty"], "empty holds no clip"),
        (["{}/clips", "{}/empty/../clips/c", "{}/other/a.mp4"], "are both named 'a'"),
        (["{}/clips", "--points-per-side", "0"], "points_per_side is 0; accepted: 1 or more"),
        (["{}/clips", "--out", "{}/clips/notes.txt"], "notes.txt is a file; give a folder"),
    ],
)
def test_wrong_input_says_what_is_accepted(arguments, named, clips, loads, tmp_path, capsys) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.mp4").write_bytes(b"")
    given = [argument.format(tmp_path) for argument in arguments]
    assert command.main(["--out", str(tmp_path / "out"), *given]) == 2
    assert named in capsys.readouterr().err
    assert loads == []


@pytest.mark.parametrize("arguments", [[], ["clip.mp4"], ["clip.mp4", "--out", "x", "--min-area", "big"]])
def test_wrong_usage_exits_with_2(arguments, capsys) -> None:
    with pytest.raises(SystemExit) as raised:
        command.main(arguments)
    assert raised.value.code == 2
    assert "usage: python -m sam2_demo.masklets" in capsys.readouterr().err


def test_a_pipe_is_told_how_far_it_is_from_the_start(clips, loads, tmp_path, capsys) -> None:
    assert run(clips / "c", "--out", tmp_path / "out") == 0
    assert "clip 1/1 c: frame 0/5, 0 objects, finding\n" in capsys.readouterr().out


def test_a_step_that_takes_long_says_for_how_long(monkeypatch, capsys) -> None:
    monkeypatch.setattr(command, "_LONG_STEP", 0.02)
    monkeypatch.setattr(command, "_MINIMUM_PAUSE_IN_FILES", 0.0)
    shown: list[str] = []
    with command.Terminal() as terminal:
        terminal.status("frame 0/5, finding")
        while "frame 0/5, finding (0 s)\n" not in "".join(shown):
            time.sleep(0.01)
            shown.append(capsys.readouterr().out)
        terminal.line("done")
        time.sleep(0.1)
    assert capsys.readouterr().out.endswith("done\n"), "a status that is over is not repeated"


def test_a_cut_off_clip_says_so(clips, loads, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sam2_demo.video.picture_sequences.FolderReader.notice", "It is cut off.")
    assert run(clips / "c", "--out", tmp_path / "out") == 0
    assert "c: It is cut off.\n" in capsys.readouterr().out


def test_help_shows_examples_and_needs_no_torch() -> None:
    code = (
        "import sys, runpy\nsys.argv = ['x', '--help']\n"
        "try: runpy.run_module('sam2_demo.masklets', run_name='__main__')\n"
        "finally: sys.stderr.write(str('torch' in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ, check=False)
    assert done.returncode == 0
    assert done.stderr == "False"
    assert "python -m sam2_demo.masklets clips/ --out" in done.stdout
    for option in ("--points-per-side", "--find-every", "--min-area", "--max-objects", "--model", "--duplicate-iou"):
        assert option in done.stdout


def test_folders_are_told_apart(clips) -> None:
    assert [clip.name for clip in find_clips([clips])] == ["a", "b", "c"]
    assert [clip.name for clip in find_clips([clips / "c"])] == ["c"]
    assert [clip.name for clip in find_clips([clips / "b.mp4", clips, clips / "c"])] == ["b", "a", "c"]


def test_time_left_follows_the_frames_of_this_run() -> None:
    seconds = iter([0.0, 30.0, 100.0])
    clock = Clock(num_frames=40, now=lambda: next(seconds))
    assert clock.left(0) == ""
    assert clock.left(10) == "0:01:30"
    clock.num_done = 20
    assert clock.left(5) == "0:01:00"
    assert as_time(3725.4) == "1:02:05"


def test_words_are_what_is_looked_for(clips, loads, tmp_path, monkeypatch, capsys) -> None:
    asked: list[list[str]] = []

    class Blind:
        def find(self, rgb, words, threshold=None) -> Found:
            asked.append(list(words))
            return Found(np.zeros((0, 4), np.float32), [], np.zeros(0, np.float32))

    monkeypatch.setattr("sam2_demo.detection.loading.load_detector", lambda source, device: Blind())
    out = tmp_path / "words"
    assert run(clips, "--out", out, "--words", "dog, red ball") == 0
    assert asked and all(words == ["dog", "red ball"] for words in asked)
    assert run(clips, "--out", out, "--words", "cat") == 2
    assert run(clips, "--out", tmp_path / "none", "--words", ",") == 2
    assert "no word was given" in capsys.readouterr().err
