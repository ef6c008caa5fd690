"""Contrast: colours as `#rrggbb` on which, or in which, text is read, by the measure of WCAG."""

import re

READABLE = 4.5
"""The contrast that WCAG asks of a text at level AA."""

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def check_color(color: str) -> None:
    """Raises ValueError when the text is not a colour `#rrggbb`."""
    if not _COLOR.fullmatch(color):
        raise ValueError(f"Colour {color!r} is not of the form #rrggbb: write it as #1f4e79, for example.")


def channels(color: str) -> tuple[int, int, int]:
    """Returns red, green and blue from 0 to 255.

    Raises ValueError as `check_color` does.
    """
    check_color(color)
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def contrast(one: str, other: str) -> float:
    """Returns the contrast of two colours, from 1, none, to 21, black on white."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def text_on(color: str) -> str:
    """Returns white or black, whichever is read better on the colour."""
    return max("#ffffff", "#000000", key=lambda text: contrast(text, color))


def readable_on(background: str, color: str) -> str:
    """Returns the colour, with white or black mixed in until a text of it is read on the background."""
    toward = text_on(background)
    mixes = (_mix(color, toward, share / 20) for share in range(21))
    return next((mix for mix in mixes if contrast(mix, background) >= READABLE), toward)


def _mix(color: str, other: str, share: float) -> str:
    parts = zip(channels(color), channels(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in parts)


def _luminance(color: str) -> float:
    parts = (part / 255 for part in channels(color))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
