"""Rendered clips: exact labels, determinism, motion, occlusion; the page's examples and their prompts."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from sam2_demo.errors import ConfigError
from tools.procedural import make_scene, render_clip, render_frames, render_moment
from tools.procedural.__main__ import main
from tools.procedural.backdrops import BACKDROPS
from tools.procedural.example_files import describe, mask_box, mask_center, meadow_sound
from tools.procedural.examples import CLIPS, FRAME_RATE, PICTURES, Example
from tools.procedural.kinds import KINDS, make_thing
from tools.procedural.layers import MARGIN, Layer
from tools.procedural.scene import Actor, Backdrop, Camera, Pose, Scene
from tools.procedural.sprites import Light

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
SIZE = (96, 128)


def plain_scene(kind: str = "ball", x: float = 0.5, **options) -> Scene:
    """One thing before flat grey, standing still in the middle."""
    rng = np.random.default_rng(0)
    shape = (int(SIZE[0] * (1 + 2 * MARGIN)), int(SIZE[1] + 2 * MARGIN * SIZE[0]), 3)
    backdrop = Backdrop([Layer(np.full(shape, 0.5, np.float32), 0.1)], Light(), (0.5, 0.9))
    actor = Actor(kind, make_thing(rng, kind, 60, 0), lambda t: Pose(x, 0.5, 0.3))
    return Scene(SIZE, backdrop, [actor], camera=Camera(0, 0), light_change=0.0, grain=0.0, **options)


def test_clip_has_the_stated_shapes_and_labels() -> None:
    clip = render_clip(5, 4, SIZE, num_objects=3)
    assert clip.frames.shape == (4, *SIZE, 3) and clip.frames.dtype == np.uint8
    assert clip.label_maps.shape == (4, *SIZE) and clip.label_maps.dtype == np.uint8
    assert clip.label_maps.max() <= 3 and len(clip.names) == 3 and clip.visible.shape == (3, 4)
    for number in range(3):
        assert (clip.visible[number] == (clip.label_maps == number + 1).any(axis=(1, 2))).all()
    assert clip.visible.any()


def test_same_seed_same_clip_and_another_seed_another() -> None:
    first, again, other = (render_clip(seed, 3, SIZE) for seed in (7, 7, 8))
    assert np.array_equal(first.frames, again.frames) and np.array_equal(first.label_maps, again.label_maps)
    assert not np.array_equal(first.frames, other.frames)


def test_any_moment_alone_equals_the_moment_in_the_clip() -> None:
    scene = make_scene(3, SIZE, num_objects=2)
    frames = list(render_frames(scene, 4, 12.0))
    frame, labels = render_moment(scene, 3 / 12.0)
    assert np.array_equal(frame, frames[3][0]) and np.array_equal(labels, frames[3][1])


@pytest.mark.parametrize("kind", KINDS)
def test_label_is_where_the_thing_changed_the_picture(kind: str) -> None:
    scene = plain_scene(kind)
    frame, labels = render_moment(scene, 0.3)
    empty, _ = render_moment(replace(scene, actors=[]), 0.3)
    changed = np.abs(frame.astype(int) - empty).max(axis=-1) > 8
    mask = labels == 1
    assert 0.02 < mask.mean() < 0.6
    # Only the soft rim may differ: the label is exact up to the pixels that are half covered.
    kernel = np.ones((5, 5), np.uint8)
    assert not (changed & ~cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)).any()
    inside = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    assert changed[inside].mean() > 0.85


def test_edges_are_anti_aliased() -> None:
    frame, labels = render_moment(plain_scene("ball"), 0.0)
    rim = (cv2.dilate(labels, np.ones((3, 3), np.uint8)) == 1) & (labels == 0)
    background = frame[2, 2].astype(int)
    partly = np.abs(frame[rim].astype(int) - background).max(axis=-1)
    assert (partly > 4).any() and partly.mean() < 60


@pytest.mark.parametrize("kind", ["fish", "furry ball", "leaf", "blob", "butterfly", "animal"])
def test_living_things_change_their_shape(kind: str) -> None:
    scene = plain_scene(kind)
    first, second = (render_moment(scene, time)[1] == 1 for time in (0.1, 0.33))
    overlap = (first & second).sum() / (first | second).sum()
    assert 0.3 < overlap < 0.99


def test_fast_things_are_blurred() -> None:
    def sharpness(speed: float) -> float:
        scene = plain_scene("ball")
        moving = replace(scene.actors[0], path=lambda t: Pose(0.5 + speed * (t - 1.0), 0.5, 0.3))
        frame, _ = render_moment(replace(scene, actors=[moving]), 1.0)
        return float(np.abs(np.diff(frame[SIZE[0] // 2].astype(float), axis=0)).max())

    assert sharpness(8.0) < 0.7 * sharpness(0.0)


def test_nearer_things_and_foreground_hide_what_is_behind() -> None:
    scene = plain_scene("ball")
    back = replace(scene.actors[0], path=lambda t: Pose(0.4, 0.5, 0.3, nearness=0.1))
    front = replace(scene.actors[0], path=lambda t: Pose(0.6, 0.5, 0.3, nearness=0.9))
    _, labels = render_moment(replace(scene, actors=[front, back]), 0.0)
    assert labels[SIZE[0] // 2, SIZE[1] // 2] == 1
    wall = Layer(np.ones((int(SIZE[0] * 1.5), int(SIZE[1] * 1.5), 4), np.float32), 1.0)
    _, covered = render_moment(replace(scene, foreground=[wall]), 0.0)
    assert not covered.any()


def test_outside_the_frame_there_is_no_label() -> None:
    assert not render_moment(plain_scene("ball", x=3.0), 0.0)[1].any()
    assert render_moment(plain_scene("ball", x=1.0), 0.0)[1].any()


@pytest.mark.parametrize("backdrop", BACKDROPS)
def test_backdrops_are_textured_and_the_camera_shows_depth(backdrop: str) -> None:
    clip = render_clip(2, 3, SIZE, backdrop=backdrop, frame_rate=2)
    assert clip.frames[0].std() > 15
    assert not np.array_equal(clip.frames[0], clip.frames[2])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"num_objects": 0}, "0"), ({"num_objects": 9}, "9"), ({"backdrop": "moon"}, "moon"),
        ({"size": (8, 8)}, "8 x 8"), ({"num_frames": 0}, "0 frames"), ({"frame_rate": 0.0}, "0.0 per second"),
    ],
)  # fmt: skip
def test_wrong_settings_are_named(options: dict, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        render_clip(1, **options)


def test_unknown_thing_is_named() -> None:
    with pytest.raises(ConfigError, match="teapot"):
        make_thing(np.random.default_rng(0), "teapot", 60)


def test_center_and_box_of_a_mask() -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:10, 3:14] = True
    assert mask_box(mask) == [3, 5, 13, 9]
    x, y = mask_center(mask)
    assert y == 7 and 5 <= x <= 11


@cache
def composed(clip: bool, number: int) -> Example:
    return (CLIPS if clip else PICTURES)[number]()


def read_list() -> dict[str, list[dict]]:
    return json.loads((EXAMPLES / "examples.json").read_text())


def test_listed_examples_are_the_composed_ones() -> None:
    listed = read_list()
    assert listed["clips"] == [describe(composed(True, number)) for number in range(3)]
    assert listed["pictures"] == [describe(composed(False, number)) for number in range(3)]


@pytest.mark.parametrize("number", range(3))
def test_example_clip_plays_everywhere_and_prompts_lie_on_the_object(number: int) -> None:
    example, entry = composed(True, number), read_list()["clips"][number]
    path = EXAMPLES / entry["file"]
    assert path.stat().st_size < 1_500_000
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert bool(container.streams.audio) == example.sound
        assert stream.frames == example.num_frames
        first = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert path.read_bytes().find(b"moov") < path.read_bytes().find(b"mdat")
    frame, labels = render_moment(example.scene, 0.0)
    assert np.abs(first.astype(int) - frame).mean() < 6
    names = [actor.name for actor in example.scene.actors]
    for prompt in entry["prompts"]:
        label = names.index(prompt["object"]) + 1
        assert prompt["frame_index"] == 0
        for x, y in prompt.get("points", []):
            assert labels[y, x] == label
        if "box" in prompt:
            assert mask_box(labels == label) == prompt["box"]


def test_hidden_example_thing_is_gone_for_a_while_and_returns() -> None:
    example = composed(True, 1)
    seen = [(render_moment(example.scene, n / FRAME_RATE)[1] == 1).sum() for n in range(0, example.num_frames, 7)]
    gone = [n for n, area in enumerate(seen) if area == 0]
    assert seen[0] > 1000 and seen[-1] > 1000
    assert len(gone) >= 2 and gone == list(range(gone[0], gone[-1] + 1))


def test_sound_is_audible_and_not_clipped() -> None:
    sound = meadow_sound(2.0)
    assert sound.shape == (1, 88200) and sound.dtype == np.float32
    assert np.abs(sound).mean() > 0.005 and np.abs(sound).max() < 0.95


def test_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert main(["--out", str(blocked)]) == 2
    assert "error" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == 2
