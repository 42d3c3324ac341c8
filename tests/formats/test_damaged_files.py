"""Files with wrong content: every reader names the file and says what was expected, and none fails otherwise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sam2_demo.errors import DatasetError
from sam2_demo.formats import coco, csv_tables, davis, mots, per_object_png, sa_v, yolo

READERS: dict[str, tuple[Callable, Callable]] = {
    "sa_v.json": (sa_v.write, sa_v.read),
    "coco.json": (coco.write, coco.read),
    "table.csv": (csv_tables.write, csv_tables.read),
    "mots.txt": (mots.write, mots.read),
}


@pytest.mark.parametrize("name", list(READERS))
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"[]", b"{}", b"null", b"a,b\n1,2\n", b"[[[[[1]]]]]"])
def test_other_content_is_refused_by_name(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=name):
        READERS[name][1](path)
    path.unlink()
    path.mkdir()
    with pytest.raises(DatasetError, match=name):
        READERS[name][1](path)


def changed(value: object, path: tuple, new: object) -> object:
    """A copy of JSON content with one place changed."""
    copy = json.loads(json.dumps(value))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = new
    return copy


def places(value: object, path: tuple = ()) -> list[tuple]:
    """Some place of every kind in JSON content: the first of each list, each field."""
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value[:1]))
    deeper = [places(inner, (*path, key)) for key, inner in items if isinstance(inner, dict | list)]
    return [(*path, key) for key, _ in items] + [place for inner in deeper for place in inner]


@pytest.mark.parametrize("name", ["sa_v.json", "coco.json"])
@pytest.mark.parametrize("new", [None, "text", -1, [], {}, 1e300])
def test_one_wrong_value_gives_a_message_or_does_no_harm(clip, tmp_path, name, new):
    write, read = READERS[name]
    path = tmp_path / name
    write(clip, path)
    content = json.loads(path.read_text())
    refused = 0
    for place in places(content):
        path.write_text(json.dumps(changed(content, place, new)))
        try:
            again = read(path)
        except DatasetError as error:
            assert name in str(error), place
            refused += 1
            continue
        for masklet in again.masklets.values():
            for frame in masklet:
                assert masklet.mask(frame).shape == (again.height, again.width)
    assert refused > 3


def test_cut_run_lengths_are_refused_with_their_place(clip, tmp_path):
    path = tmp_path / "sa_v.json"
    sa_v.write(clip, path, annotation_step=1)
    content = json.loads(path.read_text())
    content["masklet"][2][0]["counts"] = content["masklet"][2][0]["counts"][:-1]
    path.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"sa_v\.json: frame 2, object \d+: run lengths"):
        sa_v.read(path)


def test_folders_name_the_picture(clip, tmp_path):
    davis.write(clip, tmp_path / "davis")
    first = sorted((tmp_path / "davis").iterdir())[0]
    first.rename(first.with_name("first.png"))
    with pytest.raises(DatasetError, match=r"first\.png is not named by its frame; expected a number"):
        davis.read(tmp_path / "davis")
    (tmp_path / "mots").mkdir()
    (tmp_path / "mots" / "000001.png").write_bytes(b"no picture")
    with pytest.raises(DatasetError, match=r"000001\.png cannot be read as a PNG"):
        mots.read(tmp_path / "mots")
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "mots" / "000001.png")
    with pytest.raises(DatasetError, match=r"000001\.png has colour mode RGB"):
        mots.read(tmp_path / "mots")


@pytest.mark.parametrize("content", ["[]", "{}", '{"height": "a", "width": 3}', "{", '{"scores": 3, "labels": 5}'])
def test_wrong_side_cars(clip, tmp_path: Path, content):
    for kind, module in (("yolo", yolo), ("png", per_object_png)):
        module.write(clip, tmp_path / kind)
        (tmp_path / kind / "clip.json").write_text(content)
        if kind == "png" and content in ("{}", '{"height": "a", "width": 3}'):  # it needs none of these
            assert module.read(tmp_path / kind).object_ids
            continue
        with pytest.raises(DatasetError, match=kind):
            module.read(tmp_path / kind)
