"""PDF insertion: the pages of a finished document as the first of one that is being written."""

from io import BytesIO
from typing import Any

from exporters.formats.pdf.objects import Objects

_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
_FOOTER = "/PageFooter"


class InsertedPages:
    """Pages of another document whose objects keep their numbers, so that no other may have been reserved."""

    def __init__(self, objects: Objects, document: bytes) -> None:
        # pikepdf is only needed for tables with a cover.
        import pikepdf  # noqa: PLC0415

        self._objects, self._pikepdf = objects, pikepdf
        self._source: Any = pikepdf.open(BytesIO(document))
        pages = [page.obj for page in self._source.pages]
        self.footers = tuple(self._prepare(page) for page in pages)
        """By page, the number of the form that is drawn over it, which is to be written later."""
        self.pages = tuple(int(page.objgen[0]) for page in pages)
        """By page, the number of its object."""
        for _ in range(max(int(item.objgen[0]) for item in self._source.objects)):
            objects.reserve()

    def write(self, parent: int) -> None:
        """Writes the pages, as kids of the page tree's node `parent`, and all that they refer to."""
        for item in self._source.objects:
            number = int(item.objgen[0])
            if number in self.footers:
                continue
            if number in self.pages:
                self._objects.write(number, item.unparse(resolved=True)[:-2] + b"/Parent %d 0 R >>" % parent)
            elif isinstance(item, self._pikepdf.Stream):
                self._write_stream(number, item)
            elif isinstance(item, self._pikepdf.Dictionary) and item.get("/Type") in ("/Catalog", "/Pages"):
                self._objects.write(number, b"null")
            else:
                self._objects.write(number, item.unparse(resolved=True))

    def _prepare(self, page: Any) -> int:
        """Makes a page stand alone and draw a form over itself; returns the form's number."""
        pdf, above = self._pikepdf, page
        while (above := above.get("/Parent")) is not None:
            for name in _INHERITED:
                if name not in page and name in above:
                    page[name] = above[name]
        del page["/Parent"]
        form = self._source.make_indirect(pdf.Dictionary())
        resources = pdf.Dictionary(**{key[1:]: value for key, value in page.get("/Resources", {}).items()})
        images = pdf.Dictionary(**{key[1:]: value for key, value in resources.get("/XObject", {}).items()})
        images[_FOOTER] = form
        resources["/XObject"] = images
        page["/Resources"] = resources
        contents = page.get("/Contents", pdf.Array())
        parts = list(contents) if isinstance(contents, pdf.Array) else [contents]
        before, after = (
            self._source.make_stream(part) for part in (b"q\n", f"\nQ q {_FOOTER} Do Q\n".encode())
        )
        page["/Contents"] = pdf.Array([before, *parts, after])
        return int(form.objgen[0])

    def _write_stream(self, number: int, item: Any) -> None:
        if item.get("/Type") in ("/ObjStm", "/XRef"):
            self._objects.write(number, b"null")
            return
        entries = {key[1:]: value for key, value in item.stream_dict.items() if key != "/Length"}
        described = self._pikepdf.Dictionary(**entries).unparse(resolved=True)
        self._objects.write_stream(number, item.read_raw_bytes(), described[2:-2])
