"""PDF document: what it says of itself, its colours' meaning and its bookmarks."""

import struct
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from xml.sax.saxutils import escape

import numpy as np

from exporters.formats.pdf.objects import Objects, compress, text_string
from exporters.formats.table import Language, Table

_PRODUCER = "Workshop reports"

_LANGUAGES: dict[Language, str] = {"nb": "nb-NO", "sv": "sv-SE", "da": "da-DK", "de": "de-DE", "en": "en-GB"}
"""By BCP 47."""

_LONGEST = 500
"""Characters of a title: PDF/A bounds strings."""

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<xmp:CreateDate>{created}</xmp:CreateDate>
<xmp:ModifyDate>{created}</xmp:ModifyDate>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdf:Producer>{producer}</pdf:Producer>
</rdf:Description>
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>1</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


@dataclass(frozen=True)
class Bookmark:
    """A line of the outline and the place that it leads to."""

    title: str
    page: int
    """Number of the page's object."""
    top: float
    """Points from the page's lower edge."""
    below: "tuple[Bookmark, ...]" = ()


def write_catalog(objects: Objects, pages: int, table: Table, bookmarks: tuple[Bookmark, ...]) -> None:
    """Writes what leads to everything else, and ends the document."""
    title = _printable(table.title)
    metadata, profile, info = (objects.reserve() for _ in range(3))
    objects.write_stream(metadata, _describe(title, table), b"/Type /Metadata /Subtype /XML")
    objects.write_stream(profile, _srgb_profile(), b"/N 3 /Filter /FlateDecode")
    date = f"(D:{table.created_at:%Y%m%d%H%M%S}+00'00')".encode()
    objects.write(
        info,
        b"<< /Title %b /Producer %b /CreationDate %b /ModDate %b >>"
        % (text_string(title), text_string(_PRODUCER), date, date),
    )
    outlines = _write_bookmarks(objects, bookmarks)
    catalog = objects.add(
        b"<< /Type /Catalog /Pages %d 0 R /Metadata %d 0 R /Lang (%b) /PageMode /UseOutlines "
        b"/ViewerPreferences << /DisplayDocTitle true >> /Outlines %d 0 R "
        b"/OutputIntents [<< /Type /OutputIntent /S /GTS_PDFA1 /OutputConditionIdentifier (sRGB) "
        b"/Info (sRGB IEC61966-2.1) /DestOutputProfile %d 0 R >>] >>"
        % (pages, metadata, _LANGUAGES[table.language].encode(), outlines, profile)
    )
    said = f"{title}\n{table.created_at.isoformat()}\n{objects.written}"
    identity = sha256(said.encode("utf-8", "replace")).hexdigest()[:32].upper()
    objects.finish(catalog, info, identity.encode())


def _printable(text: str) -> str:
    """Returns a text on one line without the characters that XML cannot hold."""
    return "".join(c if c.isprintable() else " " for c in text[:_LONGEST]).strip()


def _describe(title: str, table: Table) -> bytes:
    created = f"{table.created_at:%Y-%m-%dT%H:%M:%S}+00:00"
    return _XMP.format(title=escape(title), created=created, producer=_PRODUCER).encode()


def _write_bookmarks(objects: Objects, bookmarks: tuple[Bookmark, ...]) -> int:
    root = objects.reserve()
    numbers = _write_level(objects, root, bookmarks)
    objects.write(
        root,
        b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>"
        % (numbers[0], numbers[-1], len(numbers)),
    )
    return root


def _write_level(objects: Objects, parent: int, bookmarks: tuple[Bookmark, ...]) -> list[int]:
    numbers = [objects.reserve() for _ in bookmarks]
    for place, (number, bookmark) in enumerate(zip(numbers, bookmarks, strict=True)):
        links = b"/Prev %d 0 R " % numbers[place - 1] if place else b""
        links += b"/Next %d 0 R " % numbers[place + 1] if place + 1 < len(numbers) else b""
        if bookmark.below:
            below = _write_level(objects, number, bookmark.below)
            # Fewer than none are open: the reader opens them.
            links += b"/First %d 0 R /Last %d 0 R /Count -%d " % (below[0], below[-1], len(below))
        objects.write(
            number,
            b"<< /Title %b /Parent %d 0 R %b/Dest [%d 0 R /XYZ 0 %.2f null] >>"
            % (text_string(_printable(bookmark.title)), parent, links, bookmark.page, bookmark.top),
        )
    return numbers


@cache
def _srgb_profile() -> bytes:
    """Returns an ICC profile, version 2, of the colours of sRGB, compressed."""
    levels = np.arange(1024) / 1023
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 1024) + np.rint(linear * 65_535).astype(">u2").tobytes()
    name = b"sRGB IEC61966-2.1\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + bytes(78),
        b"cprt": b"text\0\0\0\0No copyright\0",
        b"wtpt": _xyz(0.9505, 1.0, 1.0891),
        b"rXYZ": _xyz(0.43607, 0.22249, 0.01392),
        b"gXYZ": _xyz(0.38515, 0.71687, 0.09708),
        b"bXYZ": _xyz(0.14307, 0.06061, 0.71410),
        b"rTRC": curve,
    }
    directory, body, place = b"", b"", 128 + 4 + 12 * (len(tags) + 2)
    for tag, data in tags.items():
        at = place + len(body)
        for same in (tag, b"gTRC", b"bTRC") if tag == b"rTRC" else (tag,):
            directory += struct.pack(">4sII", same, at, len(data))
        body += data + bytes(-len(data) % 4)
    profile = struct.pack(">I", len(tags) + 2) + directory + body
    header = struct.pack(
        ">I4sI4s4s4s6H4s4sI4s4sQI3I48x",
        128 + len(profile), b"\0\0\0\0", 0x02100000, b"mntr", b"RGB ", b"XYZ ", 2000, 1, 1, 0, 0, 0,
        b"acsp", b"\0\0\0\0", 0, b"\0\0\0\0", b"\0\0\0\0", 0, 0, 0xF6D6, 0x10000, 0xD32D,
    )  # fmt: skip
    return compress(header + profile)


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65_536) for value in (x, y, z)))
