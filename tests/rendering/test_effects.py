"""Effects change what they should and nothing else, for every size and for empty scenes."""

import numpy as np
import pytest

from sam2_demo.rendering.effects import BACKGROUND_EFFECTS, OBJECT_EFFECTS, draw_effects
from sam2_demo.rendering.effects_table import BACKGROUND_ROWS, OBJECT_ROWS
from sam2_demo.rendering.scene import Look, Scene, Subject
from sam2_demo.rendering.sprites import STICKERS, label, lettering, sticker
from tools.effects_table import SCRIPT, script

INSIDE = ("erase", "pixelate", "blur", "gradient")
RNG = np.random.default_rng(0)


def scene(height=90, width=160):
    frame = RNG.integers(0, 255, (height, width, 3), dtype=np.uint8)
    mask = np.zeros((height, width), bool)
    mask[height // 4 : height // 2 + 1, width // 4 : width // 2 + 1] = True
    trail = ((0.1, 0.2), (0.3, 0.4))
    backdrop = RNG.integers(0, 255, (7, 5, 3), dtype=np.uint8)
    return Scene(frame, (Subject(mask, (200, 30, 60), "Thing", trail),), backdrop)


@pytest.mark.parametrize("variant", range(3))
@pytest.mark.parametrize("name", OBJECT_EFFECTS)
def test_object_effects_leave_the_given_frame_alone_and_show(name, variant):
    given = scene()
    before = given.frame.copy()
    out = draw_effects(given, Look(objects=name, objects_variant=variant))
    assert (given.frame == before).all()
    assert out.shape == before.shape and out.dtype == np.uint8
    assert (out != before).any()
    if name in INSIDE:
        assert (out[~given.union] == before[~given.union]).all()


@pytest.mark.parametrize("variant", range(3))
@pytest.mark.parametrize("name", [*BACKGROUND_EFFECTS, "text", "color"])
def test_background_effects_never_touch_objects(name, variant):
    given = scene()
    out = draw_effects(given, Look(background=name, background_variant=variant, objects="none"))
    assert (out[given.union] == given.frame[given.union]).all()
    assert (out[~given.union] != given.frame[~given.union]).any()


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 1), (33, 47)])
def test_odd_sizes_and_empty_masks(size):
    full = scene(*size)
    empty = Scene(full.frame, (Subject(np.zeros(size, bool), (1, 2, 3), "Nothing"),))
    for given in (full, empty, Scene(full.frame)):
        for name in OBJECT_EFFECTS:
            for variant in range(3):
                assert draw_effects(given, Look(objects=name, objects_variant=variant)).shape == (*size, 3)
        for name in [*BACKGROUND_EFFECTS, "text", "color"]:
            assert draw_effects(given, Look(background=name)).shape == (*size, 3)


def test_unknown_names_and_wrong_kinds_keep_the_defaults():
    look = Look.from_view({"objects": "nothing", "background": 5, "objects_variant": 7, "background_color": "red"})
    assert look == Look(objects="nothing")
    given = scene()
    assert (draw_effects(given, look) == given.frame).all()


def test_sprites_are_rgba_and_readable():
    for name in STICKERS:
        alpha = sticker(name)[..., 3]
        assert alpha.max() == 255 and 0.2 < (alpha > 127).mean() < 0.9
    assert label("Dog", (255, 255, 255))[..., 0].min() < 60
    assert label("Dog", (0, 0, 90))[..., 0].max() > 200
    assert label("", (0, 0, 0)).shape[2] == 4
    assert lettering("", 2).shape[2] == 4
    assert label("A long name " * 4, (9, 9, 9)).shape[1] > label("A", (9, 9, 9)).shape[1]


def test_each_object_may_have_effects_of_its_own():
    one = scene()
    other = np.zeros_like(one.union)
    other[:20, :20] = True
    frame = one.frame
    subjects = (
        Subject(one.union, (200, 30, 60), "A", effect=("erase", 2)),
        Subject(other, (30, 200, 60), "B", extra=("erase", 1)),
    )
    out = draw_effects(Scene(frame, subjects), Look(objects="none"))
    assert (out[one.union] == (0, 177, 64)).all()
    assert (out[other] == 0).all()
    assert (out[~(one.union | other)] == frame[~(one.union | other)]).all()


def test_light_and_rays_do_not_fall_onto_other_objects_effects():
    one = scene()
    other = np.zeros_like(one.union)
    other[:20, :20] = True
    for name in ("burst", "spotlight"):
        subjects = (Subject(other, (9, 9, 9), effect=("erase", 0)), Subject(one.union, (9, 9, 9), effect=(name, 0)))
        out = draw_effects(Scene(one.frame, subjects), Look())
        assert (out[other] == 255).all() and (out[one.union] == one.frame[one.union]).all()


def test_table_and_drawing_functions_name_the_same_effects():
    assert OBJECT_EFFECTS.keys() == OBJECT_ROWS.keys()
    drawn_by_words = {"original", "text", "color"}
    assert BACKGROUND_EFFECTS.keys() == BACKGROUND_ROWS.keys() - drawn_by_words
    for row in (*OBJECT_ROWS.values(), *BACKGROUND_ROWS.values()):
        assert len(row.variants) in (0, 3)
        assert all(len(numbers) == len(row.variants) for numbers in row.numbers.values()), row


def test_the_page_draws_by_the_same_table():
    assert SCRIPT.read_text(encoding="utf-8") == script(), "run `python -m tools.effects_table`"
