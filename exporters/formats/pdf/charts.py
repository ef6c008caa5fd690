"""PDF charts: a chart of the cover as operators of a page, in the look of the SVG charts.

Lengths are units of the chart, counted right and down from its upper left corner.
"""

from itertools import pairwise
from math import sqrt

from exporters.formats.charts.plan import (
    BAR_HEIGHT,
    BAR_STEP,
    GRID,
    LINE_HEIGHT,
    MUTED,
    NOTHING_HEIGHT,
    POINT_PADDING,
    SIZE,
    TEXT,
    Bars,
    Line,
    name_measure,
    plan_bars,
    plan_line,
)
from exporters.formats.pdf.heading import Drawn
from exporters.formats.pdf.ink import draw_area, draw_text, fill_color, stroke_color
from exporters.formats.pdf.text import turn_if_needed
from exporters.formats.pdf.typeface import Typeface
from exporters.formats.table import Chart, Language
from exporters.formats.wording import say

_EDGE = 2.0
"""Around all that is drawn."""

_NAME_SIZE, _NAME_BASE, _NAME_HEIGHT = SIZE - 1, 11.0, 22.0
"""Of the words above a chart for what it measures: size, line of text and height with the gap below."""

_LABEL_GAP = 8.0
_BAR_TOP, _BAR_BASE = 5.0, 16.0
"""From the upper edge of a bar's row down to the bar, and to its line of text."""

_OUTER_GAP = 5.0
"""From the end of a bar to its text."""

_TICK_RISE, _LINE_FOOT, _NAMES_BASE = 5.0, 21.0, 17.5
"""Above the highest line of a scale, below the lowest, and from that down to the points' labels."""

_SAID_GAP, _TEXT_RISE = 7.0, 4.0
"""From the last point to its text: to the right, and down to the line of text."""

_LINE_WIDTH = 2.0
_ROUND = 0.5523
"""How far the handles of a quarter of a circle reach, as a share of the radius."""

_SLACK = 0.01
"""So that a text fits in a room of its own width."""


def draw_chart(chart: Chart, language: Language, color: str, width: float, face: Typeface) -> Drawn:
    """Draws the chart `width` units wide; one without values says that there is no data."""
    canvas = _Canvas(face)
    if all(value is None for value in chart.values):
        canvas.write(width / 2, NOTHING_HEIGHT / 2, say(language, "no_data"), MUTED, 0.5)
        return Drawn(canvas.content(), NOTHING_HEIGHT)
    top = _EDGE
    if name := name_measure(chart):
        canvas.write(_EDGE, _NAME_BASE, name, MUTED, size=_NAME_SIZE, room=width - 2 * _EDGE)
        top += _NAME_HEIGHT
    if chart.form == "bars":
        bars = plan_bars(chart, language, width, canvas.measure)
        height = _draw_bars(canvas, bars, color, width, top)
    else:
        line = plan_line(chart, language, width, canvas.measure)
        height = _draw_line(canvas, line, color, width, top + _TICK_RISE)
    return Drawn(canvas.content(), height)


class _Canvas:
    """The operators of a chart so far."""

    def __init__(self, face: Typeface) -> None:
        self._face = face
        self._parts: list[bytes] = []

    def content(self) -> bytes:
        return b"".join(self._parts)

    def measure(self, text: str) -> float:
        return self._face.measure(text) * SIZE

    def write(
        self, x: float, y: float, text: str, color: str = TEXT, before: float = 0.0,
        *, size: float = SIZE, room: float | None = None,
    ) -> None:  # fmt: skip
        """Writes a text of which the share `before` stands left of `x`, cut where it has no room."""
        shown = turn_if_needed(text if room is None else self._face.cut(text, (room + _SLACK) / size))
        x -= before * self._face.measure(shown) * size if before else 0.0
        where = draw_text(self._face, size, x, -y, shown)
        self._parts.append(b"BT %b %bET\n" % (fill_color(color).encode(), where))

    def fill_bar(self, x: float, y: float, width: float, height: float, color: str) -> None:
        self._put(f"{fill_color(color)} ", draw_area(x, -y - height, width, height).decode(), "f\n")

    def draw_rule(self, start: tuple[float, float], end: tuple[float, float], color: str) -> None:
        self._put(f"{stroke_color(color)} 1 w ", _draw_path([start, end]), "S\n")

    def draw_path(self, points: list[tuple[float, float]], color: str) -> None:
        self._put(f"{stroke_color(color)} {_LINE_WIDTH:g} w 1 j ", _draw_path(points), "S\n")

    def fill_dots(self, points: list[tuple[float, float]], radius: float, color: str) -> None:
        self._put(f"{fill_color(color)}\n", *(_draw_circle(x, -y, radius) for x, y in points), "f\n")

    def _put(self, *operators: str) -> None:
        self._parts.append("".join(operators).encode())


def _draw_bars(canvas: _Canvas, plan: Bars, color: str, width: float, top: float) -> float:
    """Draws the bars below `top` and returns where they end."""
    room = min(plan.label_room, max(map(canvas.measure, plan.labels)))
    left = _EDGE + room + _LABEL_GAP
    low, high = plan.domain
    scale = (width - _EDGE - left) / (high - low)
    zero = left - low * scale
    for row, (label, length, shown) in enumerate(zip(plan.labels, plan.lengths, plan.shown, strict=True)):
        upper, end = top + row * BAR_STEP, zero + length * scale
        canvas.write(left - _LABEL_GAP, upper + _BAR_BASE, label, before=1.0, room=room)
        if length:
            canvas.fill_bar(min(zero, end), upper + _BAR_TOP, abs(end - zero), BAR_HEIGHT, color)
        is_left = length < 0
        canvas.write(
            end - _OUTER_GAP if is_left else end + _OUTER_GAP, upper + _BAR_BASE, shown, before=float(is_left)
        )
    bottom = top + len(plan.labels) * BAR_STEP
    canvas.draw_rule((zero, top), (zero, bottom), MUTED)
    return bottom + _EDGE


def _draw_line(canvas: _Canvas, plan: Line, color: str, width: float, top: float) -> float:
    """Draws the line and its scales below `top` and returns where they end."""
    bottom = LINE_HEIGHT - _LINE_FOOT
    left, right, places = _place_points(canvas, plan, width)
    low, high = plan.ticks[0], plan.ticks[-1]
    scale = (bottom - top) / (high - low) if high > low else 0.0

    def place(value: float) -> float:
        return bottom - (value - low) * scale if scale else (top + bottom) / 2

    for tick, text in zip(plan.ticks, plan.tick_texts, strict=True):
        canvas.draw_rule((left, place(tick)), (right, place(tick)), GRID)
        canvas.write(left - _LABEL_GAP, place(tick) + _TEXT_RISE, text, before=1.0)
    canvas.draw_rule((left, bottom), (right, bottom), MUTED)
    for x, label in list(zip(places, plan.labels, strict=True))[:: plan.every]:
        canvas.write(x, bottom + _NAMES_BASE, label, before=0.5, room=plan.label_room)
    points = [
        None if height is None else (x, place(height)) for x, height in zip(places, plan.heights, strict=True)
    ]
    for run in _split_at_gaps(points):
        canvas.draw_path(run, color)
    known = [point for point in points if point]
    canvas.fill_dots(known, sqrt(plan.dot) / 2, color)
    x, y = known[-1]
    canvas.write(x + _SAID_GAP, y + _TEXT_RISE, plan.said)
    return LINE_HEIGHT


def _place_points(canvas: _Canvas, plan: Line, width: float) -> tuple[float, float, list[float]]:
    """Returns the left and the right edge of the scale, and between them the points' places from the left."""
    left = _EDGE + max(map(canvas.measure, plan.tick_texts)) + _LABEL_GAP
    right = width - _EDGE - _SAID_GAP - canvas.measure(plan.said)
    steps = max(len(plan.labels) - 1 + 2 * POINT_PADDING, 1.0)
    before = (steps - len(plan.labels) + 1) / 2
    # A label stands below the middle of its point, and may reach farther out than the scale.
    inset = before * (right - left) / steps
    half = min(max(map(canvas.measure, plan.labels[:: plan.every])), plan.label_room) / 2
    left, right = max(left, _EDGE + half - inset), min(right, width - _EDGE - half + inset)
    step = (right - left) / steps
    return left, right, [left + (before + point) * step for point in range(len(plan.labels))]


def _split_at_gaps(points: list[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Returns the runs of two points and more that follow one another."""
    gaps = [-1, *(at for at, point in enumerate(points) if point is None), len(points)]
    runs = [[point for point in points[one + 1 : other] if point] for one, other in pairwise(gaps)]
    return [run for run in runs if len(run) > 1]


def _draw_path(points: list[tuple[float, float]]) -> str:
    (x, y), *others = points
    return f"{x:.2f} {-y:.2f} m\n" + "".join(f"{x:.2f} {-y:.2f} l\n" for x, y in others)


def _draw_circle(x: float, y: float, radius: float) -> str:
    """Returns the path of a circle around a place counted up, as in a page."""
    handle = radius * _ROUND
    quarters = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))
    path = f"{x + radius:.2f} {y:.2f} m\n"
    for a, b, c, d in quarters:
        path += (
            f"{x + a * radius + c * handle:.2f} {y + b * radius + d * handle:.2f} "
            f"{x + c * radius + a * handle:.2f} {y + d * radius + b * handle:.2f} "
            f"{x + c * radius:.2f} {y + d * radius:.2f} c\n"
        )
    return path
