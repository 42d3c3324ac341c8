"""`sam2-demo find`: by example with the embedded model, by words with a detector that knows the truth."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from pycocotools import mask as coco_mask

from sam2_demo.command_line.__main__ import main
from sam2_demo.detection.detector import Found
from sam2_demo.errors import ConfigError

PLACES = [(50, 50), (150, 60), (250, 50)]
BOX = (230.0, 150.0, 281.0, 201.0)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Three red discs and a blue square on grey."""
    rgb = np.full((240, 320, 3), 150, np.uint8)
    rgb += np.random.default_rng(0).integers(0, 12, rgb.shape, dtype=np.uint8)
    for place in PLACES:
        cv2.circle(rgb, place, 20, (210, 40, 40), -1)
    rgb[150:201, 230:281] = (40, 60, 210)
    path = tmp_path / "things.png"
    cv2.imwrite(str(path), rgb[..., ::-1])
    return path


class Knowing:
    """Finds the discs as "dog", the square as "cat", and the first disc once more as "cat"."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], float | None]] = []

    def find(self, rgb, words, threshold=None) -> Found:
        self.asked.append((list(words), threshold))
        boxes = [(x - 20, y - 20, x + 21, y + 21) for x, y in PLACES]
        names = ["dog"] * 3 + ["cat", "cat", "cat"]
        empty = (10.0, 10.0, 10.2, 10.2)
        return Found(np.array([*boxes, BOX, boxes[0], empty], np.float32), names, np.linspace(0.9, 0.4, 6))


def _read(path: Path) -> dict[str, list[np.ndarray]]:
    content = json.loads(path.read_text())
    names = {category["id"]: category["name"] for category in content["categories"]}
    found: dict[str, list[np.ndarray]] = {}
    for annotation in content["annotations"]:
        rle = annotation["segmentation"]
        rle = rle if isinstance(rle["counts"], str) else coco_mask.frPyObjects(rle, *rle["size"])
        found.setdefault(names[annotation["category_id"]], []).append(coco_mask.decode(rle).astype(bool))
    return found


def test_likes_of_a_click_are_written_as_coco(picture: Path, capsys) -> None:
    assert main(["find", str(picture), "--like", "150,60", "--threshold", "0.6", "--device", "cpu"]) == 0
    assert "found 3 alike; written to" in capsys.readouterr().out
    masks = _read(picture.with_name("things_found.json"))["alike"]
    for x, y in PLACES:
        disc = cv2.circle(np.zeros((240, 320), np.uint8), (x, y), 20, 1, -1).astype(bool)
        assert max((disc & mask).sum() / (disc | mask).sum() for mask in masks) > 0.8


def test_words_become_categories_and_doubles_go(picture: Path, tmp_path: Path, monkeypatch, capsys) -> None:
    detector = Knowing()
    monkeypatch.setattr("sam2_demo.detection.loading.load_detector", lambda source, device: detector)
    out = tmp_path / "out.json"
    arguments = ["find", str(picture), "--words", "dog, cat,, Dog", "--threshold", "0.3", "--out", str(out)]
    assert main([*arguments, "--device", "cpu"]) == 0
    assert detector.asked == [(["dog", "cat"], 0.3)]
    assert "found 1 cat, 3 dog; written to" in capsys.readouterr().out
    found = _read(out)
    x0, y0, x1, y1 = (int(value) for value in BOX)
    square = np.zeros((240, 320), bool)
    square[y0:y1, x0:x1] = True
    assert (square & found["cat"][0]).sum() / (square | found["cat"][0]).sum() > 0.8
    assert len(found["dog"]) == 3


def test_nothing_found_is_an_answer(picture: Path, monkeypatch, capsys) -> None:
    nothing = Found(np.zeros((0, 4), np.float32), [], np.zeros(0, np.float32))
    detector = type("Empty", (), {"find": lambda self, rgb, words, threshold: nothing})()
    monkeypatch.setattr("sam2_demo.detection.loading.load_detector", lambda source, device: detector)
    assert main(["find", str(picture), "--words", "unicorn", "--device", "cpu"]) == 0
    assert "found nothing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--words", " , "], "no word"),
        (["--words", "x" * 10_000], "10000 characters"),
        (["--like", "900,20"], "900"),
        (["--like", "50,50", "--threshold", "2"], "accepted: 0 to 1"),
    ],
)
def test_wrong_input_is_refused_in_words(picture: Path, arguments: list[str], said: str, capsys) -> None:
    assert main(["find", str(picture), *arguments, "--device", "cpu"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--words", "a", "--like", "1,2"], ["--like", "left"]])
def test_wrong_usage_is_refused(picture: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["find", str(picture), *arguments])
    assert stopped.value.code == 2


def test_missing_extra_and_missing_picture_are_told_in_one_line(picture: Path, monkeypatch, capsys) -> None:
    def refuse(source, device):
        raise ConfigError("finding by words needs transformers: pip install 'sam2_demo[text]'")

    monkeypatch.setattr("sam2_demo.detection.loading.load_detector", refuse)
    assert main(["find", str(picture), "--words", "dog"]) == 2
    assert "pip install 'sam2_demo[text]'" in capsys.readouterr().err
    assert main(["find", str(picture.with_name("none.png")), "--words", "dog"]) == 2
    assert "none.png" in capsys.readouterr().err
