"""What the browser sends is checked field by field."""

import pytest

from sam2_demo.errors import InputError, PromptError
from sam2_demo.ui import payloads

NAN, INF = float("nan"), float("inf")


def prompt(**change):
    return {"prompt": {"points": [], "box": None, "mask": None} | change}


def test_a_full_prompt():
    found = payloads.read_prompt(prompt(points=[[1, 2.5, 1], [3, 4, 0]], box=[0, 1, 2, 3]))
    assert found.points == ((1.0, 2.5), (3.0, 4.0)) and found.labels == (1, 0)
    assert found.box == (0.0, 1.0, 2.0, 3.0) and found.mask is None


@pytest.mark.parametrize(
    "change",
    [
        {"points": None},
        {"points": "click"},
        {"points": [[1, 2]]},
        {"points": [[1, 2, 3]]},
        {"points": [[1, 2, True]]},
        {"points": [[NAN, 2, 1]]},
        {"points": [[INF, 2, 1]]},
        {"points": [["1", 2, 1]]},
        {"points": [[1, 2, 1]] * 201},
        {"box": [1, 2, 3]},
        {"box": [1, 2, 3, NAN]},
        {"box": {"x": 1}},
        {"mask": 5},
        {"mask": "x" * 400_001},
        {"mask": "ünicode"},
    ],
)
def test_malformed_prompts_are_refused(change):
    with pytest.raises(PromptError):
        payloads.read_prompt(prompt(**change))


@pytest.mark.parametrize("data", [None, [], "text", 5])
def test_payloads_must_be_objects(data):
    with pytest.raises(InputError):
        payloads.read_payload(data)


@pytest.mark.parametrize("value", [-1, 11, 2.0, "3", True, None, [1]])
def test_integers_within_bounds_only(value):
    with pytest.raises(InputError, match="frame must be an integer from 0 to 10"):
        payloads.read_int({"frame": value}, "frame", 10)


@pytest.mark.parametrize(
    "change",
    [
        {"color": "red"},
        {"color": "#12345g"},
        {"color": None},
        {"name": 5},
        {"name": "x" * 61},
        {"object_id": 0},
        {"effect": "explode"},
        {"effect": 3},
        {"extra": "__proto__"},
        {"effect_variant": 3},
        {"extra_variant": "1"},
        {"stability": 1.5},
        {"stability": "high"},
    ],
)
def test_malformed_objects_are_refused(change):
    good = {"object_id": 1, "name": "Dog", "color": "#aabbcc"}
    with pytest.raises(InputError):
        payloads.read_object({"object": good | change})


def test_names_lose_control_characters_but_keep_markup_as_text():
    found = payloads.read_object({"object": {"object_id": 1, "name": "<b>\x00\n dog</b>", "color": "#AABBCC"}})
    assert found.name == "<b> dog</b>" and found.color == "#aabbcc"


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\clips\\a b.mp4", "a b.mp4"),
        ("<img src=x onerror=alert(1)>.mp4", "img src=x onerror=alert(1).mp4"),
        ("..", "untitled"),
        ("", "untitled"),
        ("a\x00b\nc.mp4", "abc.mp4"),
    ],
)
def test_file_names(given, safe):
    assert payloads.safe_name(given) == safe
