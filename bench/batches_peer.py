"""A batch by plain fpdf2: `python -m bench.batches_peer <folder> <skipped> <workshops> <from> <to> <font>`.

In a loop over the workshops after the skipped ones, for each one PDF of its bookings of the days, with title,
details, key figures and the rows, as our brief PDF has them; and all of them in a zip. The font is
`embedded`, which is ours, or `core`, which is in no file and knows Western European letters only. Rows come
from the same query of the same generation. Prints the seconds from the first query to the zip's end as JSON.
"""

import json
import sys
import time
import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from fpdf import FPDF

import exporters.formats
from exporters.catalogue import load_catalogue
from warehouse.figures import find_workshop, overview
from warehouse.generations import open_snapshot
from warehouse.period import Period

_FONTS = Path(exporters.formats.__file__).parent / "fonts"
_WIDTHS = (24, 20, 22, 28, 40, 24, 22, 18)
_SIZE, _ROW = 6.5, 4.2


def main(folder: Path, skipped: int, count: int, period: Period, font: str) -> None:
    """Make the batch and print what it took."""
    report = load_catalogue()["bookings"]
    titles = [column.title for column in report.columns("nb")]
    with open_snapshot(folder / "warehouse") as snapshot:
        ids = [one for (one,) in snapshot.rows("SELECT workshop_id FROM workshops ORDER BY org_number")]
        out = folder / "peer.zip"
        start = time.perf_counter()
        with zipfile.ZipFile(out, "w") as bundle:
            for workshop_id in ids[skipped : skipped + count]:
                workshop = find_workshop(snapshot.figures, workshop_id)
                asked = {
                    "workshop_id": workshop_id,
                    "date_from": period.date_from,
                    "date_to": period.date_to,
                    "status": None,
                }
                rows = snapshot.rows(report.sql, asked)
                figures = overview(snapshot.figures, workshop_id, period)
                lines = [workshop.name, f"{period.date_from} - {period.date_to}", str(figures)]
                content = _draw(font, report.title("nb"), lines, titles, [row[2:] for row in rows])
                bundle.writestr(f"{workshop_id}.pdf", content)
        seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "bytes": out.stat().st_size}))
    out.unlink()


def _draw(
    font: str, title: str, lines: Sequence[str], titles: Sequence[str], rows: Sequence[Sequence[Any]]
) -> bytes:
    document = FPDF("portrait", "mm", "A4")
    family = "Helvetica"
    if font == "embedded":
        family = "DejaVu"
        document.add_font(family, "", _FONTS / "DejaVuSans.ttf")
        document.add_font(family, "B", _FONTS / "DejaVuSans-Bold.ttf")
    document.set_auto_page_break(False)
    document.add_page()
    document.set_font(family, "B", 15)
    document.cell(0, 8, title)
    document.ln()
    document.set_font(family, "", _SIZE + 1)
    for line in lines:
        document.cell(0, 4.5, _known(line, font))
        document.ln()
    for place, values in enumerate((titles, *rows)):
        document.set_font(family, "" if place else "B", _SIZE)
        for value, width in zip(values, _WIDTHS, strict=True):
            text = "" if value is None else str(value)
            while text and document.get_string_width(_known(text, font)) > width - 1:
                text = text[:-1]
            document.cell(width, _ROW, _known(text, font))
        document.ln()
    return bytes(document.output())


def _known(text: str, font: str) -> str:
    return text if font == "embedded" else text.encode("latin-1", "replace").decode("latin-1")


if __name__ == "__main__":
    place, skip, number, first, last, chosen = sys.argv[1:]
    days = Period(date.fromisoformat(first), date.fromisoformat(last))
    main(Path(place), int(skip), int(number), days, chosen)
