"""HTML page: all of the file but the rows of its table.

No script, no link and nothing from elsewhere: the content security policy allows the one style sheet and
images that are in the file. Mail programs may drop the style sheet and the charts; what is left is headings,
lists and tables, each chart's figures among them.
"""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from exporters.formats.charts import draw_svg
from exporters.formats.charts.plan import show_values
from exporters.formats.contrast import readable_on, text_on
from exporters.formats.display import show_value, timestamp_format
from exporters.formats.frames import Frames
from exporters.formats.html.rows import CLASSES
from exporters.formats.html.text import write_text
from exporters.formats.logo import read_logo
from exporters.formats.table import Brand, Chart, Table
from exporters.formats.wording import say, say_count, say_note

_STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
_CARD, _DARK_CARD = "#ffffff", "#1b222c"
"""What figures and charts stand on, as in the style sheet."""

_POLICY = "default-src 'none'; style-src {style}; img-src data:; base-uri 'none'; form-action 'none'"

_LONG_FIGURE = 11
"""Characters; a key figure of more needs a smaller type or a wider card."""


_MOST_UPRIGHT = 7
"""Columns; a table of more is printed on pages that lie."""


class Page:
    """The parts of a table's page, in their order."""

    def __init__(self, table: Table, frames: Frames) -> None:
        self._table = table
        self._frames = frames
        self._style = _write_style(table.brand)
        self._texts: dict[str, str] = {}
        """As HTML, by the text; each is noted once, however often it is shown."""

    def open(self) -> str:
        """Returns everything before the first row."""
        return f"{self._head()}<body>\n{self._header()}<main>\n{self._summary()}{self._open_table()}"

    def close(self) -> str:
        """Returns everything after the last row of the table's totals."""
        table, language = self._table, self._table.language
        rows = self._frames.rows
        count = say_count(language, "rows", rows, show_value(rows, "integer", language))
        created = f"{say(language, 'created')}: {table.created_at.strftime(timestamp_format(language))}"
        brand = f"<p>{self._text(table.brand.footer)}</p>\n" if table.brand.footer else ""
        # Last, because texts above may have added notes.
        notes = "".join(
            f"<li>{write_text(say_note(note, table, language))[0]}</li>\n" for note in self._frames.notes()
        )
        if notes:
            notes = (
                f'<section class="notes">\n<h2>{say(language, "note")}</h2>\n<ul>\n{notes}</ul>\n</section>\n'
            )
        return (
            f'</table>\n</div>\n<p class="count">{count}</p>\n</section>\n{notes}</main>\n'
            f"<footer>\n{brand}<p>{created}</p>\n</footer>\n</body>\n</html>\n"
        )

    def _head(self) -> str:
        digest = b64encode(sha256(self._style.encode()).digest()).decode()
        policy = _POLICY.format(style=f"'sha256-{digest}'")
        return (
            f'<!DOCTYPE html>\n<html lang="{self._table.language}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            f"<title>{self._text(self._table.title)}</title>\n"
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            '<meta name="format-detection" content="telephone=no, date=no, address=no, email=no, url=no">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f"<style>{self._style}</style>\n</head>\n"
        )

    def _header(self) -> str:
        details = "".join(
            f"<div><dt>{self._text(label)}</dt><dd>{self._text(value)}</dd></div>\n"
            for label, value in self._table.details
        )
        listed = f'<dl class="details">\n{details}</dl>\n' if details else ""
        title = f"<h1>{self._text(self._table.title)}</h1>\n"
        return f'<header>\n<div class="brand">\n{self._logo()}{title}</div>\n{listed}</header>\n'

    def _logo(self) -> str:
        if self._table.brand.logo is None:
            return ""
        logo = read_logo(self._table.brand.logo)
        scale = min(48 / logo.height, 200 / logo.width)
        size = f'width="{max(1, round(logo.width * scale))}" height="{max(1, round(logo.height * scale))}"'
        return f'<img src="data:{logo.media_type};base64,{b64encode(logo.content).decode()}" {size} alt="">\n'

    def _summary(self) -> str:
        table = self._table
        if not (table.key_figures or table.charts):
            return ""
        charts = "".join(self._chart(chart, position) for position, chart in enumerate(table.charts, start=1))
        drawn = f'<div class="charts">\n{charts}</div>\n' if charts else ""
        heading = f"<h2>{say(table.language, 'summary')}</h2>\n"
        return f'<section class="summary">\n{heading}{self._key_figures()}{drawn}</section>\n'

    def _key_figures(self) -> str:
        table = self._table
        shown = [show_value(f.value, f.kind, table.language, f.currency) for f in table.key_figures]
        if not shown:
            return ""
        by = len(shown) if len(shown) in {2, 4} else 3
        long = " long" if max(map(len, shown)) > _LONG_FIGURE else ""
        cards = "".join(
            f"<div><dt>{self._text(figure.label)}</dt><dd>{text}</dd></div>\n"
            for figure, text in zip(table.key_figures, shown, strict=True)
        )
        return f'<dl class="figures by-{by}{long}">\n{cards}</dl>\n'

    def _chart(self, chart: Chart, position: int) -> str:
        language = self._table.language
        title = self._text(chart.title)
        svg = draw_svg(chart, language, readable_on(_CARD, self._table.brand.color))
        described = f"{self._text(chart.value_title)}: {say(language, 'figures_below')}"
        named = (
            f' role="img" aria-labelledby="chart-{position}" aria-describedby="about-{position}">'
            f'<title id="chart-{position}">{title}</title><desc id="about-{position}">{described}</desc>'
        )
        svg = "<svg" + svg.removeprefix("<svg").replace(">", named, 1)
        return (
            f"<figure>\n<figcaption>{title}</figcaption>\n{svg}\n{self._chart_table(chart, title)}</figure>\n"
        )

    def _chart_table(self, chart: Chart, title: str) -> str:
        language = self._table.language
        first = say(language, "name" if chart.form == "bars" else "period")
        rows = "".join(
            f'<tr><th scope="row">{self._text(label)}</th><td class="n">{shown}</td></tr>\n'
            for label, shown in zip(chart.labels, show_values(chart, language), strict=True)
        )
        value = self._text(chart.value_title)
        head = f'<tr><th scope="col">{first}</th><th scope="col" class="n">{value}</th></tr>'
        return (
            f"<details>\n<summary>{say(language, 'show_figures')}</summary>\n"
            f'<table border="1">\n<caption>{title}</caption>\n<thead>\n{head}\n</thead>\n'
            f"<tbody>\n{rows}</tbody>\n</table>\n</details>\n"
        )

    def _open_table(self) -> str:
        table = self._table
        title = self._text(table.title)
        heads = "".join(
            f'<th scope="col" class="{CLASSES.get(column.kind, "d")}">{self._text(column.title)}'
            + (
                f" <small>({self._text(table.currency)})</small>"
                if column.kind == "money" and table.currency
                else ""
            )
            + "</th>"
            for column in table.columns
        )
        lies = " wide" if len(table.columns) > _MOST_UPRIGHT else ""
        return (
            f'<section class="data{lies}">\n<h2>{say(table.language, "data")}</h2>\n'
            f'<div class="box" role="region" tabindex="0" aria-label="{title}">\n'
            f'<table border="1">\n<caption>{title}</caption>\n<thead>\n<tr>{heads}</tr>\n</thead>\n'
        )

    def _text(self, text: str) -> str:
        if text not in self._texts:
            self._texts[text], replaced = write_text(text)
            self._frames.note(None, "characters_replaced", replaced)
        return self._texts[text]


def _write_style(brand: Brand) -> str:
    """Returns the style sheet, with the brand's colours for bright and for dark screens above it."""
    return (
        f":root{{--brand:{brand.color};--on-brand:{text_on(brand.color)};"
        f"--accent:{readable_on(_CARD, brand.color)};"
        f"--dark-accent:{readable_on(_DARK_CARD, brand.color)}}}\n{_STYLE}"
    )
