"""PDF pages: units of rows as the content of pages, compressed by threads and written in their order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np

from exporters.formats.parallel import map_in_order
from exporters.formats.pdf.heading import FOOTER_SIZE, FOOTER_Y, Drawn
from exporters.formats.pdf.ink import BLACK, GREY, RULE, ZEBRA, draw_area
from exporters.formats.pdf.layout import MARGIN, Layout
from exporters.formats.pdf.objects import Objects, PageTree, compress
from exporters.formats.pdf.typeface import Typeface
from exporters.formats.pdf.units import Units
from exporters.formats.table import Language
from exporters.formats.wording import say

TITLES, COUNT = "Titles", "Count"
"""What content streams call the forms of the columns' titles and of the number of pages."""

_TOGETHER = 8
"""Pages that a thread compresses at a time."""

_LONGEST_BOOKMARK = 500
"""Characters."""

_MOST_BOOKMARKS = 2_000


class PageNumbers:
    """The words of pages' numbers on the left of the lower margin, each before the form of their number."""

    def __init__(self, body: Typeface, language: Language) -> None:
        self._body, self._language = body, language
        characters = say(language, "page", page="0123456789")
        advances = body.advances[body.codes(characters)] * (FOOTER_SIZE / body.units)
        self._advances = dict(zip(characters, map(float, advances), strict=True))

    def draw(self, number: int) -> bytes:
        """Returns the operators of one page's number."""
        words = say(self._language, "page", page=number)
        end = MARGIN + sum(map(self._advances.__getitem__, words))
        start = f"BT {GREY} /{self._body.resource} {FOOTER_SIZE:g} Tf {MARGIN:.2f} {FOOTER_Y} Td ("
        finish = f")Tj ET q 1 0 0 1 {end:.2f} {FOOTER_Y} cm /{COUNT} Do Q\n"
        # Our own words need no escapes: they are letters and digits.
        return start.encode() + words.encode("utf-16-be") + finish.encode()


@dataclass
class PageArt:
    """What the pages of a table have in common."""

    layout: Layout
    numbers: PageNumbers
    heading: Drawn
    """On the first page."""
    titles: Drawn
    footer: bytes
    row_start: str
    row_top: float
    """From a row's upper edge down to its line of text."""

    @property
    def room(self) -> float:
        """Height that a page has for rows, when it has no heading."""
        return self.layout.page_height - 2 * MARGIN - self.titles.height

    @property
    def first_room(self) -> float:
        """Height that the first page has for rows."""
        return self.room - self.heading.height


class Pages:
    """The table's pages, numbered after those that the tree already has."""

    def __init__(self, objects: Objects, tree: PageTree, resources: int, art: PageArt) -> None:
        self._objects, self._tree, self._resources, self._art = objects, tree, resources, art
        self.headings: list[tuple[str, int, float]] = []
        """Of the groups: the words, the page counted from 0, the points above its lower edge."""
        self._begun = tree.count

    def write(self, pages: Iterable[Units]) -> None:
        """Writes a page for each of the units."""
        size = self._art.layout.page_width, self._art.layout.page_height
        for compressed in map_in_order(self._draw_all, _take_together(self._number(pages))):
            for content in compressed:
                write_page(self._objects, self._tree, self._resources, content, size)

    def _draw_all(self, pages: list[tuple[int, Units]]) -> list[bytes]:
        return [compress(self._draw(units, number)) for number, units in pages]

    def _number(self, pages: Iterable[Units]) -> Iterator[tuple[int, Units]]:
        for number, units in enumerate(pages, self._begun):
            top = self._art.layout.page_height - MARGIN - self._art.titles.height
            self._remember(units, number, top - (self._art.heading.height if number == self._begun else 0))
            yield number, units

    def _draw(self, units: Units, number: int) -> bytes:
        art, is_first = self._art, number == self._begun
        top = art.layout.page_height - MARGIN - (art.heading.height if is_first else 0)
        rows_top = top - art.titles.height
        heights = np.stack([units.above, units.heights, units.below])
        ground = _draw_ground(heights.tobytes(), rows_top, art.layout.width)
        row_x, row_y = art.layout.places[0].text_left, rows_top - art.row_top
        # The titles are read once; on further pages they belong to the page alone.
        mark, end = (b"", b"") if is_first else (b"/Artifact BMC ", b"EMC ")
        return b"".join(
            (
                art.heading.content if is_first else b"", ground,
                mark, f"q 1 0 0 1 0 {top:.2f} cm /{TITLES} Do Q\n".encode(), end,
                f"BT {BLACK} {art.row_start} 1 0 0 1 {row_x:.2f} {row_y:.2f} Tm\n".encode(),
                units.data, b"\nET\n/Artifact BMC\n",
                art.numbers.draw(number + 1), art.footer, b"EMC\n",
            )
        )  # fmt: skip

    def _remember(self, units: Units, number: int, top: float) -> None:
        for unit, title in units.headings.items():
            if len(self.headings) < _MOST_BOOKMARKS:
                above = units.above[:unit].sum() + units.heights[:unit].sum() + units.below[:unit].sum()
                self.headings.append((title[:_LONGEST_BOOKMARK], number, top - float(above)))


def write_page(
    objects: Objects, tree: PageTree, resources: int, content: bytes, size: tuple[float, float]
) -> None:
    """Writes a page of that width and height with compressed content, as the tree's next."""
    number = objects.reserve()
    objects.write_stream(number, content)
    page = objects.add(
        b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %.2f %.2f] /Resources %d 0 R /Contents %d 0 R >>"
        % (tree.parent, *size, resources, number)
    )
    tree.add(page)


@lru_cache(maxsize=64)
def _draw_ground(heights: bytes, top: float, width: float) -> bytes:
    """Draws the grey behind every second row and the rules above totals, below `top`."""
    above, row, below = np.frombuffer(heights).reshape(3, -1)
    lower = top - np.cumsum(above + row + below)
    areas = b"".join(
        draw_area(MARGIN, lower[n] + below[n], width, row[n]) for n in range(1, len(row), 2) if row[n]
    )
    rules = b"".join(
        b"%.2f %.2f m %.2f %.2f l\n" % (MARGIN, lower[n] + below[n], MARGIN + width, lower[n] + below[n])
        for n in np.flatnonzero(below)
    )
    painted = (areas and areas + b"f\n") + (rules and rules + b"S\n")
    return painted and f"/Artifact BMC\n{ZEBRA} {RULE} 0.6 w\n".encode() + painted + b"EMC\n"


def _take_together(pages: Iterator[tuple[int, Units]]) -> Iterator[list[tuple[int, Units]]]:
    while some := list(islice(pages, _TOGETHER)):
        yield some
