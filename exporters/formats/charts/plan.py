"""Chart plans: what a chart of the summary shows, whoever draws it.

Lengths are units of the chart. How wide a text is, who draws it says by a `Measure`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal

from exporters.formats.display import show_value
from exporters.formats.table import Chart, Language
from exporters.formats.wording import say

SIZE = 12
"""Of the type."""

TEXT, MUTED, GRID = "#24292f", "#57606a", "#d8dee4"

BAR_STEP, BAR_HEIGHT = 24, 14
LINE_HEIGHT, NOTHING_HEIGHT = 220, 72
"""Of a line's chart, and of one that has no values."""

POINT_PADDING = 0.4
"""Before the first point of a line and after the last, as a share of the way from point to point."""

_LABEL_SHARE = 0.36
"""Of the chart's width, at most, for the names of bars."""

_LONGEST = 200
"""Characters of a label that are looked at."""

_MOST_BARS = 20
_MOST_DOTS = 60
"""Points of a line, above which they are drawn small."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""What XML cannot hold."""

_EXACT = Context(prec=100)
"""Enough digits that padding a value with zeros never fails."""

Measure = Callable[[str], float]
"""Returns how wide a text is in the type of the chart."""


@dataclass(frozen=True)
class Bars:
    """Bars that lie one below the other, and their names on the left."""

    labels: list[str]
    lengths: list[float]
    shown: list[str]
    """By bar, the text at its end."""
    domain: tuple[float, float]
    """The values at both ends of the scale, which leave room for the texts."""
    label_room: float
    """Most that a label takes; a longer one is cut."""


@dataclass(frozen=True)
class Line:
    """A line through points of time from left to right, and a scale on the left."""

    labels: list[str]
    heights: list[float | None]
    """By point; the line has a gap where there is no value."""
    ticks: list[float]
    tick_texts: list[str]
    every: int
    """How many points there are from one label to the next."""
    label_room: float
    last: int
    """The last point that has a value."""
    said: str
    """The text beside it."""
    dot: float
    """Of a point, the area of the square around it."""


def name_measure(chart: Chart) -> str:
    """Returns the name of what the chart measures, fit to be shown; maybe empty."""
    return _clean(chart.value_title)


def plan_bars(chart: Chart, language: Language, width: float, measure: Measure) -> Bars:
    """Plans a chart of bars that has a value; bars too many to be read are counted in place of the last."""
    labels, shown = [_clean(label) for label in chart.labels], show_values(chart, language)
    lengths = [float(value or 0) for value in chart.values]
    if len(labels) > _MOST_BARS:
        count = show_value(len(labels) - _MOST_BARS + 1, "integer", language)
        labels[_MOST_BARS - 1 :] = [say(language, "more", count=count)]
        lengths[_MOST_BARS - 1 :], shown[_MOST_BARS - 1 :] = [0.0], [""]
    limit = width * _LABEL_SHARE
    plot = width - min(limit, max(map(measure, labels))) - 16
    return Bars(labels, lengths, shown, _make_room(lengths, plot, max(map(measure, shown))), limit)


def plan_line(chart: Chart, language: Language, width: float, measure: Measure) -> Line:
    """Plans a chart of a line that has a value."""
    labels = [_clean(label) for label in chart.labels]
    known = [(row, Decimal(value)) for row, value in enumerate(chart.values) if value is not None]
    ticks = _choose_ticks(min(value for _, value in known), max(value for _, value in known))
    tick_texts = [show_value(tick, "decimal", language) for tick in ticks]
    last = known[-1][0]
    said = show_values(chart, language)[last]
    room = width - max(map(measure, tick_texts)) - measure(said) - 30
    return Line(
        labels,
        [None if value is None else float(value) for value in chart.values],
        [float(tick) for tick in ticks],
        tick_texts,
        every=max(1, -int(-len(labels) * (max(map(measure, labels)) + 10) // room)),
        label_room=room / 2,
        last=last,
        said=said,
        dot=28 if len(labels) <= _MOST_DOTS else 6,
    )


def show_values(chart: Chart, language: Language) -> list[str]:
    """Returns the chart's values as texts, all with as many places as the one with most."""
    places = 2 if chart.kind == "money" else 0
    for value in chart.values:
        if value is not None:
            places = max(places, -int(Decimal(value).as_tuple().exponent))
    unit = Decimal(1).scaleb(-places)
    return [
        show_value(
            None if value is None else Decimal(value).quantize(unit, context=_EXACT), chart.kind, language
        )
        for value in chart.values
    ]


def _make_room(lengths: Sequence[float], plot: float, text: float) -> tuple[float, float]:
    """Returns the ends of the scale that leave room for a text outside each bar of a plot so wide."""
    low, high = min(0.0, *lengths), max(0.0, *lengths)
    sides = (low < 0) + (high > 0)
    span = (high - low or 1.0) / max(0.2, 1 - sides * (text + 8) / plot)
    share = (text + 8) / plot * span
    return low - share * (low < 0), max(high + share * (high > 0), low + span)


def _choose_ticks(low: Decimal, high: Decimal) -> list[Decimal]:
    """Returns round numbers around the values, from zero unless they all lie far from it."""
    if low > 0 and high - low > low / 2:
        low = Decimal(0)
    if high < 0 and high - low > -high / 2:
        high = Decimal(0)
    if low == high:
        low, high = min(low, Decimal(0)), max(high, Decimal(0))
    least = (high - low or Decimal(1)) / 4
    decade = Decimal(10) ** least.adjusted()
    step = next(decade * factor for factor in (1, 2, 5, 10) if decade * factor >= least)
    first, final = low // step - (low % step < 0), high // step + (high % step > 0)
    return [step * count for count in range(int(first), int(final) + 1)]


def _clean(text: str) -> str:
    # No chart has room for more, and the converter's time grows with the square of a label's length.
    return " ".join(_FORBIDDEN.sub("\N{REPLACEMENT CHARACTER}", text[:_LONGEST]).split())
