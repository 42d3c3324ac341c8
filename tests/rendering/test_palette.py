"""Object colours: distinct, valid, and the same in Python and on the page."""

import pytest

from sam2_demo.rendering.palette import color_to_hex, hex_to_color, object_color


def test_the_first_28_colors_differ():
    assert len({object_color(position) for position in range(28)}) == 28


def test_neighbouring_colors_differ_also_without_red_green_vision():
    # Luma and blue-yellow are what the most common colour blindness leaves.
    def left(color):
        r, g, b = color
        return 0.3 * r + 0.6 * g + 0.1 * b, b - (r + g) / 2

    for position in range(6):
        (luma, blue), (other_luma, other_blue) = left(object_color(position)), left(object_color(position + 1))
        assert abs(luma - other_luma) + abs(blue - other_blue) > 30


def test_hex_and_back():
    for position in range(28):
        color = object_color(position)
        assert hex_to_color(color_to_hex(color)) == color


@pytest.mark.parametrize("text", ["", "red", "#12345", "#1234567", "#12 456", "123456#"])
def test_what_is_no_color_is_refused(text):
    with pytest.raises(ValueError, match="not a colour"):
        hex_to_color(text)
