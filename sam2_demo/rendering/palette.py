"""Object colours that people with any colour vision can tell apart.

Source: Okabe & Ito, "Color Universal Design" (2008), ordered so that the first ones stand out on most
pictures; later objects get lighter and darker turns of the same hues.
"""

from __future__ import annotations

Color = tuple[int, int, int]

OKABE_ITO: tuple[Color, ...] = (
    (86, 180, 233),  # sky blue
    (230, 159, 0),  # orange
    (204, 121, 167),  # reddish purple
    (240, 228, 66),  # yellow
    (0, 158, 115),  # bluish green
    (213, 94, 0),  # vermillion
    (0, 114, 178),  # blue
)
_TURNS = (1.0, 0.62, 1.45, 0.8)


def object_color(position: int) -> Color:
    """The RGB colour (0..255 each) of the position-th object (0, 1, ...); repeats after 28 objects."""
    base = OKABE_ITO[position % len(OKABE_ITO)]
    turn = _TURNS[(position // len(OKABE_ITO)) % len(_TURNS)]
    if turn > 1:
        mixed = [round(255 - (255 - channel) * (2 - turn)) for channel in base]
    else:
        mixed = [round(channel * turn) for channel in base]
    return mixed[0], mixed[1], mixed[2]


def color_to_hex(color: Color) -> str:
    """RGB as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def hex_to_color(text: str) -> Color:
    """ "#rrggbb" as RGB; ValueError for anything else."""
    digits = text[1:]
    if len(text) != 7 or text[0] != "#" or any(c not in "0123456789abcdefABCDEF" for c in digits):
        raise ValueError(f"{text!r} is not a colour of the form #rrggbb")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
