"""Charts: a chart of the summary as SVG text, drawn without a browser.

The title is left to whoever places the chart.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from exporters.formats.charts.plan import MUTED, NOTHING_HEIGHT, SIZE
from exporters.formats.charts.spec import FAMILY, describe
from exporters.formats.contrast import check_color
from exporters.formats.table import Chart, Language
from exporters.formats.wording import say

SVG_WIDTH = 480
"""In CSS pixels: two charts lie side by side on a desk's screen, and one is still read on a phone's."""

_FONTS = Path(__file__).parents[1] / "fonts"

_HAN = re.compile(
    r"[\u1100-\u11ff\u2e80-\ua4cf\ua960-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003ffff]"
)
"""Han, kana and Hangul, which have a font of their own."""


def draw_svg(chart: Chart, language: Language, color: str, width: int = SVG_WIDTH) -> str:
    """Returns the chart as the text of an `<svg>` element, `width` pixels wide, in the colour `#rrggbb`.

    A chart without values says that there is no data. Raises ValueError when the colour is not one.
    """
    check_color(color)
    if all(value is None for value in chart.values):
        return _draw_nothing(say(language, "no_data"), width)
    needs_han = any(map(_HAN.search, (*chart.labels, chart.value_title)))
    svg: str = _load_vega(needs_han).vegalite_to_svg(describe(chart, language, color, width))
    return svg


@cache
def _load_vega(needs_han: bool) -> Any:
    """Loads the converter, which takes half a second, with the fonts by which it measures texts."""
    import vl_convert  # noqa: PLC0415

    vl_convert.register_font_directory(str(_FONTS))
    if needs_han:
        from noto_cjk_sans_otc import FONT_PATH  # noqa: PLC0415

        vl_convert.register_font_directory(str(Path(str(FONT_PATH)).parent))
    return vl_convert


def _draw_nothing(text: str, width: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{NOTHING_HEIGHT}" '
        f'viewBox="0 0 {width} {NOTHING_HEIGHT}"><text x="{width / 2:g}" y="{NOTHING_HEIGHT / 2:g}" '
        f'text-anchor="middle" font-family="{FAMILY}" font-size="{SIZE}px" fill="{MUTED}">{text}</text></svg>'
    )
