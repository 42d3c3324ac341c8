"""Masks of large pictures and clips keep their resolution, although the page sees a smaller one."""

from __future__ import annotations

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sam2_demo.formats.files import write_labels
from sam2_demo.masks.display import decode_mask, encode_mask
from sam2_demo.sessions import full_masks
from sam2_demo.sessions.full_masks import FullMasks
from sam2_demo.sessions.imported_masks import take_masks
from sam2_demo.sessions.limits import Limits
from sam2_demo.sessions.mask_files import write_masks
from sam2_demo.sessions.object_table import ObjectInfo
from sam2_demo.sessions.opening import open_clip, open_still, reopen
from sam2_demo.sessions.prompt_set import PromptSet
from sam2_demo.sessions.tokens import new_token
from sam2_demo.video import VideoWriter


def labels_of(height: int, width: int) -> np.ndarray:
    """A disc, a ring of one pixel, a comb, and a dot that falls between the pixels shown."""
    rows, columns = np.ogrid[:height, :width]
    distance = np.hypot(rows - height / 2, columns - width / 2)
    labels = np.zeros((height, width), np.uint8)
    labels[distance < height / 5] = 1
    labels[np.abs(distance - height / 3) < 0.5] = 2
    labels[5 : height // 8, 3 : width // 4 : 2] = 3
    labels[height - 2, width - 2] = 4
    return labels


def give(session, labels: np.ndarray, folder: Path, frame: int = 0) -> dict[int, str]:
    """Import a label map as the page does; the run lengths that it gets and gives, by object."""
    write_labels(labels, folder / "labels.png")
    answer = take_masks(session, folder / "labels.png", "labels.png", {"use": "prompts", "frame": str(frame)})
    for found in answer["objects"]:
        session.put_object(ObjectInfo(found["id"], f"Object {found['id']}", "#336699"))
        session.prompt(frame, found["id"], PromptSet(mask=found["counts"]))
    return {found["id"]: found["counts"] for found in answer["objects"]}


@pytest.fixture
def picture(tmp_path, engine):
    folder = tmp_path / "session"
    folder.mkdir()
    cv2.imwrite(str(folder / "source.png"), np.zeros((1800, 2400, 3), np.uint8))
    return open_still(new_token(), folder / "source.png", "large.png", engine, Limits())


def test_a_label_map_of_a_large_picture_comes_out_as_it_came_in(picture, engine, tmp_path):
    labels = labels_of(1800, 2400)
    given = give(picture, labels, tmp_path)
    assert all(decode_mask(counts, picture.display, picture.display).any() for counts in given.values())
    with zipfile.ZipFile(write_masks(picture, "davis")) as archive, archive.open("large.png") as file:
        assert np.array_equal(np.array(Image.open(file)), labels)
    again = reopen(picture.token, picture.folder, engine, Limits())
    assert all(np.array_equal(again.masks()[own], labels == own) for own in given)
    assert all("full_mask" not in prompt for prompt in again.prompts_to_json())
    again.prompt(0, 2, PromptSet(mask=given[2]))  # as undoing does
    assert np.array_equal(again.masks()[2], labels == 2)


def test_an_edited_mask_keeps_its_resolution_away_from_the_edit(picture, tmp_path):
    labels = labels_of(1800, 2400)
    given = give(picture, labels, tmp_path)
    painted = decode_mask(given[1], picture.display, picture.display)
    painted[100:140, 200:260] = True
    picture.prompt(0, 1, PromptSet(mask=encode_mask(painted, picture.display)))
    scale = 2400 / picture.display[1]
    edit = np.zeros((1800, 2400), bool)
    edit[round(100 * scale) : round(140 * scale), round(200 * scale) : round(260 * scale)] = True
    near = cv2.dilate(edit.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    found = picture.masks()[1]
    assert np.array_equal(found[~near], (labels == 1)[~near])
    assert found[edit].mean() > 0.98
    picture.prompt(0, 1, PromptSet(mask=given[1]))
    assert np.array_equal(picture.masks()[1], labels == 1)


def test_clicks_after_a_mask_start_from_all_of_it(picture, tmp_path):
    labels = labels_of(1800, 2400)
    given = give(picture, labels, tmp_path)
    picture.prompt(0, 1, PromptSet(points=((1200.0, 900.0),), labels=(1,), mask=given[1]))
    assert np.array_equal(picture.prompts[0, 1].painted(picture.display, picture.size), labels == 1)


def test_a_label_map_of_a_frame_stays_as_it_is_when_its_clip_is_tracked(engine, tmp_path):
    folder = tmp_path / "session"
    folder.mkdir()
    with VideoWriter(folder / "source.mp4", 1920, 1080, frame_rate=5.0) as writer:
        for level in (30, 40, 50):
            writer.write(np.full((1080, 1920, 3), level, np.uint8))
    session = open_clip(new_token(), folder / "source.mp4", "clip.mp4", engine, Limits())
    labels = labels_of(1080, 1920)
    given = give(session, labels, tmp_path, frame=1)
    for _ in session.track(None, "both"):
        pass
    again = reopen(session.token, folder, engine, Limits())
    for own in given:
        assert np.array_equal(session.masklets()[own].mask(1), labels == own)
        assert np.array_equal(again.masklets()[own].mask(1), labels == own)
    again.close()
    session.close()


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(full_masks, "MOST_CHARACTERS", 20_000)
    masks = FullMasks((40, 60), (400, 600))
    rng = np.random.default_rng(0)
    for _ in range(20):
        masks.show(np.kron(rng.random((10, 10)) > 0.5, np.ones((40, 60))).astype(bool))
    assert 1 < len(masks._known) < 20
    assert sum(map(len, masks._known.values())) <= 20_000
