"""Chart specifications: a chart of the summary in the terms of Vega-Lite.

Every text is given ready-made, in the language's conventions, and every row by its position, so that equal
labels stay apart.
"""

import json
import re
from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

from exporters.formats.display import show_value
from exporters.formats.table import Chart, Language
from exporters.formats.wording import say

FAMILY = "DejaVu Sans, Verdana, Noto Sans CJK JP, sans-serif"
SIZE = 12
"""Of the type, like every length here in pixels."""

MUTED = "#57606a"
_TEXT, _GRID = "#24292f", "#d8dee4"

_BAR_STEP, _BAR_HEIGHT = 24, 14
_LINE_HEIGHT = 220
_LABEL_SHARE = 0.36
"""Of the chart's width, at most, for the names of bars."""

_LONGEST = 200
"""Characters of a label that are looked at."""

_MOST_BARS = 20
_MOST_DOTS = 60
"""Points of a line, above which they are drawn small."""

_ADVANCE, _WIDE_ADVANCE = 0.66, 1.05
"""Of a character on average, in ems, taken rather too wide than too narrow."""

_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff]")
"""What XML cannot hold."""

_EXACT = Context(prec=100)
"""Enough digits that padding a value with zeros never fails."""

Spec = dict[str, Any]


def describe(chart: Chart, language: Language, color: str, width: int) -> Spec:
    """Returns the specification of a chart that has a value, so wide."""
    return (_describe_bars if chart.form == "bars" else _describe_line)(chart, language, color, width)


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


def _describe_bars(chart: Chart, language: Language, color: str, width: int) -> Spec:
    labels, shown = [_clean(label) for label in chart.labels], show_values(chart, language)
    lengths = [float(value or 0) for value in chart.values]
    if len(labels) > _MOST_BARS:
        count = show_value(len(labels) - _MOST_BARS + 1, "integer", language)
        labels[_MOST_BARS - 1 :] = [say(language, "more", count=count)]
        lengths[_MOST_BARS - 1 :], shown[_MOST_BARS - 1 :] = [0.0], [""]
    limit = width * _LABEL_SHARE
    plot = width - min(limit, max(map(_measure, labels))) - 16
    domain = _make_room(lengths, plot, max(map(_measure, shown)))
    row = {
        "field": "row",
        "type": "ordinal",
        "title": None,
        "axis": _name_axis(labels, labelLimit=limit, domain=False),
    }
    length = {
        "field": "length",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": domain, "nice": False},
    }
    bars = {
        "mark": {"type": "bar", "color": color, "height": _BAR_HEIGHT},
        "encoding": {"y": row, "x": length},
    }
    zero = {"mark": {"type": "rule", "color": MUTED}, "encoding": {"x": {**length, "field": "zero"}}}
    texts = [
        {
            "mark": {"type": "text", "align": align, "dx": dx, "fontSize": SIZE, "color": _TEXT},
            "transform": [{"filter": f"datum.length {sign} 0"}],
            "encoding": {"y": row, "x": length, "text": {"field": "shown"}},
        }
        for align, dx, sign in (("left", 5, ">="), ("right", -5, "<"))
    ]
    rows = [
        {"row": position, "length": value, "shown": text, "zero": 0}
        for position, (value, text) in enumerate(zip(lengths, shown, strict=True))
    ]
    return _frame(chart, rows, [bars, zero, *texts], "fit-x", width=width, height={"step": _BAR_STEP})


def _describe_line(chart: Chart, language: Language, color: str, width: int) -> Spec:
    labels = [_clean(label) for label in chart.labels]
    known = [(row, Decimal(value)) for row, value in enumerate(chart.values) if value is not None]
    ticks = _choose_ticks(min(value for _, value in known), max(value for _, value in known))
    tick_texts = [show_value(tick, "decimal", language) for tick in ticks]
    last = known[-1][0]
    said = show_values(chart, language)[last]
    room = width - max(map(_measure, tick_texts)) - _measure(said) - 30
    every = max(1, -int(-len(labels) * (max(map(_measure, labels)) + 10) // room))
    at = {
        "field": "row",
        "type": "ordinal",
        "title": None,
        "scale": {"type": "point", "padding": 0.4, "domain": list(range(len(labels)))},
        "axis": _name_axis(labels, values=list(range(0, len(labels), every)), labelLimit=room / 2),
    }
    places = {"x": at, "y": _height_axis(ticks, tick_texts)}
    dot = 28 if len(labels) <= _MOST_DOTS else 6
    text = {"type": "text", "align": "left", "dx": 7, "text": said, "fontSize": SIZE, "color": _TEXT}
    layers: list[Spec] = [
        {"mark": {"type": "line", "color": color, "strokeWidth": 2, "strokeJoin": "round"}},
        {"mark": {"type": "circle", "color": color, "opacity": 1, "size": dot}},
        {"mark": text, "transform": [{"filter": f"datum.row == {last}"}]},
    ]
    rows = [
        {"row": row, "height": None if value is None else float(value)}
        for row, value in enumerate(chart.values)
    ]
    padding = {"left": 2, "top": 2, "bottom": 2, "right": round(_measure(said)) + 4}
    placed = [{**layer, "encoding": places} for layer in layers]
    return _frame(chart, rows, placed, "fit", width=width, height=_LINE_HEIGHT, padding=padding)


def _frame(chart: Chart, rows: list[Spec], layers: list[Spec], fit: str, **size: Any) -> Spec:
    """Returns the layers as a whole specification, below the name of what is measured."""
    named: Spec = {"title": _clean(chart.value_title)} if chart.value_title else {}
    axis = {
        "labelFont": FAMILY,
        "labelFontSize": SIZE,
        "labelColor": _TEXT,
        "gridColor": _GRID,
        "domainColor": MUTED,
    }
    title = {
        "anchor": "start",
        "frame": "bounds",
        "offset": 10,
        "font": FAMILY,
        "fontSize": SIZE - 1,
        "fontWeight": "normal",
        "color": MUTED,
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "data": {"values": rows},
        "layer": layers,
        "autosize": {"type": fit, "contains": "padding"},
        "padding": 2,
        "background": None,
        "config": {"aria": False, "font": FAMILY, "axis": axis, "view": {"stroke": None}, "title": title},
        **named,
        **size,
    }


def _name_axis(labels: Sequence[str], **more: Any) -> Spec:
    """Returns an axis of positions that shows each one's label."""
    return {
        "labelExpr": f"{json.dumps(labels)}[datum.value]",
        "labelAngle": 0,
        "labelOverlap": False,
        "labelPadding": 8,
        "ticks": False,
        **more,
    }


def _height_axis(ticks: Sequence[Decimal], texts: Sequence[str]) -> Spec:
    return {
        "field": "height",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [float(ticks[0]), float(ticks[-1])], "nice": False, "zero": False},
        "axis": {
            "values": [float(tick) for tick in ticks],
            # The index goes from 0 to 1.
            "labelExpr": f"{json.dumps(texts)}[round(datum.index * {len(ticks) - 1})]",
            "labelOverlap": False,
            "labelPadding": 8,
            "grid": True,
            "domain": False,
            "ticks": False,
        },
    }


def _make_room(lengths: Sequence[float], plot: float, text: float) -> list[float]:
    """Returns the ends of the scale that leave room for a text outside each bar of a plot so wide."""
    low, high = min(0.0, *lengths), max(0.0, *lengths)
    sides = (low < 0) + (high > 0)
    span = (high - low or 1.0) / max(0.2, 1 - sides * (text + 8) / plot)
    share = (text + 8) / plot * span
    return [low - share * (low < 0), max(high + share * (high > 0), low + span)]


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


def _measure(text: str) -> float:
    """Returns about how wide a text is drawn."""
    return SIZE * sum(_WIDE_ADVANCE if character >= "\u1100" else _ADVANCE for character in text)
