"""`sam2-demo track`: what is written, that it is what the page would give, resuming, refusals."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.assets_folder import assets_folder
from sam2_demo.command_line.track import main
from sam2_demo.engines.network_engine import EngineOptions, load_engine
from sam2_demo.errors import DatasetError, InputError, SessionError
from sam2_demo.formats import coco
from sam2_demo.sessions.clip_session import ClipSession
from sam2_demo.sessions.given_prompts import from_file, from_texts
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.opening import open_clip, reopen, stored_kind
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.sessions.storage import SessionStorage
from sam2_demo.video import open_video

CLIP = assets_folder() / "examples" / "meadow.mp4"
CLICKS = ["--point", "90,175", "--point", "2:563,255"]
FEW = ["--max-frames", "4", "--device", "cpu"]


def masks_of(session: ClipSession) -> dict[int, dict[int, str]]:
    return {i: {f: own.frame(f).counts for f in own.frame_indices} for i, own in session.masklets().items()}


@pytest.fixture(scope="module")
def engine():
    return load_engine("embedded", options=EngineOptions("cpu")).engine


@pytest.fixture(scope="module")
def tracked(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("tracked")
    assert main([str(CLIP), *CLICKS, *FEW, "--out", str(out), "--as", "coco", "--effects", "outline"]) == 0
    return out / "meadow"


def test_masks_are_those_of_the_page(tracked: Path, engine, tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    source = tmp_path / "page" / "source.mp4"
    shutil.copyfile(CLIP, source)
    page = open_clip("a" * 32, source, "meadow.mp4", engine, Limits())
    for object_id, place in ((1, (90.0, 175.0)), (2, (563.0, 255.0))):
        page.put_object(ObjectInfo(object_id, "thing", "#ff0000"))
        page.prompt(0, object_id, PromptSet(points=(place,), labels=(1,)))
    list(page.track(0, "both", 3))
    found = masks_of(reopen("b" * 32, tracked, engine, Limits()).as_clip())
    assert found == masks_of(page)
    assert {i: len(own) for i, own in found.items()} == {1: 4, 2: 4}


def test_video_and_formats_are_written(tracked: Path) -> None:
    with open_video(tracked / "overlay.mp4") as painted, open_video(CLIP) as clip:
        assert painted.num_frames == clip.num_frames
        assert np.abs(painted.read(2).astype(int) - clip.read(2)).max(axis=2).max() > 100
    (written,) = (tracked / "exports").glob("*.json")
    assert set(coco.read(written).masklets) == {1, 2}


def test_an_interrupted_run_goes_on_and_ends_alike(tracked: Path, engine, tmp_path: Path, capsys) -> None:
    assert main([str(CLIP), *CLICKS, "--device", "cpu", "--max-frames", "2", "--no-video", "--out", str(tmp_path)]) == 0
    assert main([str(CLIP), *CLICKS, *FEW, "--no-video", "--out", str(tmp_path)]) == 0
    resumed = reopen("c" * 32, tmp_path / "meadow", engine, Limits()).as_clip()
    whole = reopen("d" * 32, tracked, engine, Limits()).as_clip()
    # Memories are rebuilt from what a session keeps of a frame, which is coarser than what the step had in hand.
    for object_id, own in whole.masklets().items():
        other = resumed.masklets()[object_id]
        assert other.frame_indices == own.frame_indices
        for frame in own.frame_indices:
            a, b = own.mask(frame), other.mask(frame)
            assert (a & b).sum() >= 0.99 * (a | b).sum()


def test_other_prompts_or_another_clip_do_not_fit_a_folder(tracked: Path, capsys) -> None:
    assert main([str(CLIP), "--point", "5,5", *FEW, "--out", str(tracked.parent)]) == 2
    assert "already holds other prompts" in capsys.readouterr().err
    other = tracked.parent / "other"
    other.mkdir()
    shutil.copyfile(CLIP.with_name("reef.mp4"), other / "meadow.mp4")
    assert main([str(other / "meadow.mp4"), *CLICKS, *FEW, "--out", str(tracked.parent)]) == 2
    assert "another clip" in capsys.readouterr().err


def test_one_bad_clip_among_others_is_named_and_the_rest_is_done(tmp_path: Path, capsys) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    shutil.copyfile(CLIP, clips / "good.mp4")
    (clips / "bad.mp4").write_bytes(b"nothing")
    assert main([str(clips), "--point", "90,175", *FEW, "--no-video", "--out", str(tmp_path / "out")]) == 1
    assert "bad.mp4" in capsys.readouterr().err
    assert (tmp_path / "out" / "good" / "masklets" / "1").is_dir()


def test_a_label_map_names_the_objects(tmp_path: Path, engine) -> None:
    labels = np.zeros((360, 640), np.uint8)
    labels[100:220, 30:150], labels[200:300, 500:620] = 3, 7
    Image.fromarray(labels).save(tmp_path / "first.png")
    mask = str(tmp_path / "first.png")
    assert main([str(CLIP), "--mask", mask, *FEW, "--no-video", "--out", str(tmp_path / "out")]) == 0
    session = reopen("e" * 32, tmp_path / "out" / "meadow", engine, Limits()).as_clip()
    assert set(session.masklets()) == {3, 7}
    assert (session.masklets()[3].mask(0) == (labels == 3)).all()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "nothing to follow"),
        (["--point", "3"], "not of the form"),
        (["--point", "a,b"], "not of the form"),
        (["--box", "1,2,3"], "not of the form"),
        (["--point", "1,2", "--as", "tiff"], "not one of"),
        (["--point", "9999,2", "--max-frames", "2"], "outside"),
        (["--point", "1,2", "--max-frames", "0"], "1 or more"),
        (["--point", "1,2@9999"], "does not exist"),
    ],
)
def test_wrong_words_are_refused(arguments: list[str], said: str, tmp_path: Path, capsys) -> None:
    assert main([str(CLIP), *arguments, "--device", "cpu", "--out", str(tmp_path)]) == 2
    shown = capsys.readouterr().err
    assert said in shown and "Traceback" not in shown


def test_clicks_of_one_object_and_frame_are_one_prompt() -> None:
    (one, two) = from_texts(["3,4", "5,6"], ["7,8"], ["2:0,0,9,9@4"], [])
    assert one.prompt == PromptSet(points=((3, 4), (5, 6), (7, 8)), labels=(1, 1, 0))
    assert (two.object_id, two.frame, two.prompt.box) == (2, 4, (0, 0, 9, 9))


def test_files_of_prompts(tmp_path: Path) -> None:
    rows = [{"frame": 2, "object_id": 4, "points": [[1, 2], [3, 4]], "labels": [1, 0], "name": "cup"}]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    (tmp_path / "a.csv").write_text("frame,object_id,x,y,label,name\n2,4,1,2,1,cup\n2,4,3,4,0,cup\n")
    (found,) = from_file(tmp_path / "a.json")
    assert from_file(tmp_path / "a.csv") == [found]
    assert (found.frame, found.object_id, found.name) == (2, 4, "cup")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "no list of prompts"),
        ("{", "no prompts"),
        ('[{"frame": 0}]', "says nothing"),
        ('[{"points": [[1, 2]], "labels": [1, 1]}]', "as many labels"),
        ('[{"box": [1, 2, 3]}]', "x0, y0, x1, y1"),
        ('[{"dot": [1, 2]}]', "is no prompt"),
        ('[{"points": [1, 2]}]', "each prompt"),
    ],
)
def test_wrong_files_of_prompts_are_refused(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(DatasetError, match=said):
        from_file(tmp_path / "a.json")
    with pytest.raises(InputError):
        from_texts(["nowhere"], [], [], [])


def test_a_tracked_session_is_open_on_a_server_and_stays_after_it(tracked: Path, tmp_path: Path) -> None:
    storage = SessionStorage(tmp_path / "data", Limits())
    token = storage.adopt(tracked)
    assert storage.find(token) == tracked
    assert stored_kind(tracked) == "video"
    for other in ("x", "f" * 32, {"a": 1}, None, [token]):
        with pytest.raises(SessionError):
            storage.find(other)
    storage.sweep(set())
    assert (tracked / "clip.json").is_file()
    with pytest.raises(SessionError, match="holds no session"):
        storage.adopt(tmp_path)
