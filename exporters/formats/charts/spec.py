"""Chart specifications: a chart's plan in the terms of Vega-Lite.

Every text is given ready-made, in the language's conventions, and every row by its position, so that equal
labels stay apart. Lengths are pixels.
"""

import json
from collections.abc import Sequence
from typing import Any

from exporters.formats.charts.plan import (
    BAR_HEIGHT,
    BAR_STEP,
    GRID,
    LINE_HEIGHT,
    MUTED,
    POINT_PADDING,
    SIZE,
    TEXT,
    Line,
    name_measure,
    plan_bars,
    plan_line,
)
from exporters.formats.table import Chart, Language

FAMILY = "DejaVu Sans, Verdana, Noto Sans CJK JP, sans-serif"

_ADVANCE, _WIDE_ADVANCE = 0.66, 1.05
"""Of a character on average, in ems, taken rather too wide than too narrow."""

Spec = dict[str, Any]


def describe(chart: Chart, language: Language, color: str, width: int) -> Spec:
    """Returns the specification of a chart that has a value, so wide."""
    return (_describe_bars if chart.form == "bars" else _describe_line)(chart, language, color, width)


def _describe_bars(chart: Chart, language: Language, color: str, width: int) -> Spec:
    plan = plan_bars(chart, language, width, _measure)
    row = {
        "field": "row",
        "type": "ordinal",
        "title": None,
        "axis": _name_axis(plan.labels, labelLimit=plan.label_room, domain=False),
    }
    length = {
        "field": "length",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": list(plan.domain), "nice": False},
    }
    bars = {
        "mark": {"type": "bar", "color": color, "height": BAR_HEIGHT},
        "encoding": {"y": row, "x": length},
    }
    zero = {"mark": {"type": "rule", "color": MUTED}, "encoding": {"x": {**length, "field": "zero"}}}
    texts = [
        {
            "mark": {"type": "text", "align": align, "dx": dx, "fontSize": SIZE, "color": TEXT},
            "transform": [{"filter": f"datum.length {sign} 0"}],
            "encoding": {"y": row, "x": length, "text": {"field": "shown"}},
        }
        for align, dx, sign in (("left", 5, ">="), ("right", -5, "<"))
    ]
    rows = [
        {"row": position, "length": value, "shown": text, "zero": 0}
        for position, (value, text) in enumerate(zip(plan.lengths, plan.shown, strict=True))
    ]
    return _frame(chart, rows, [bars, zero, *texts], "fit-x", width=width, height={"step": BAR_STEP})


def _describe_line(chart: Chart, language: Language, color: str, width: int) -> Spec:
    plan = plan_line(chart, language, width, _measure)
    count = len(plan.labels)
    at = {
        "field": "row",
        "type": "ordinal",
        "title": None,
        "scale": {"type": "point", "padding": POINT_PADDING, "domain": list(range(count))},
        "axis": _name_axis(plan.labels, values=list(range(0, count, plan.every)), labelLimit=plan.label_room),
    }
    places = {"x": at, "y": _height_axis(plan)}
    text = {"type": "text", "align": "left", "dx": 7, "text": plan.said, "fontSize": SIZE, "color": TEXT}
    layers: list[Spec] = [
        {"mark": {"type": "line", "color": color, "strokeWidth": 2, "strokeJoin": "round"}},
        {"mark": {"type": "circle", "color": color, "opacity": 1, "size": plan.dot}},
        {"mark": text, "transform": [{"filter": f"datum.row == {plan.last}"}]},
    ]
    rows = [{"row": row, "height": height} for row, height in enumerate(plan.heights)]
    padding = {"left": 2, "top": 2, "bottom": 2, "right": round(_measure(plan.said)) + 4}
    placed = [{**layer, "encoding": places} for layer in layers]
    return _frame(chart, rows, placed, "fit", width=width, height=LINE_HEIGHT, padding=padding)


def _frame(chart: Chart, rows: list[Spec], layers: list[Spec], fit: str, **size: Any) -> Spec:
    """Returns the layers as a whole specification, below the name of what is measured."""
    name = name_measure(chart)
    named: Spec = {"title": name} if name else {}
    axis = {
        "labelFont": FAMILY,
        "labelFontSize": SIZE,
        "labelColor": TEXT,
        "gridColor": GRID,
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


def _height_axis(plan: Line) -> Spec:
    return {
        "field": "height",
        "type": "quantitative",
        "title": None,
        "scale": {"domain": [plan.ticks[0], plan.ticks[-1]], "nice": False, "zero": False},
        "axis": {
            "values": plan.ticks,
            # The index goes from 0 to 1.
            "labelExpr": f"{json.dumps(plan.tick_texts)}[round(datum.index * {len(plan.ticks) - 1})]",
            "labelOverlap": False,
            "labelPadding": 8,
            "grid": True,
            "domain": False,
            "ticks": False,
        },
    }


def _measure(text: str) -> float:
    """Returns about how wide a text is drawn."""
    return SIZE * sum(_WIDE_ADVANCE if character >= "\u1100" else _ADVANCE for character in text)
