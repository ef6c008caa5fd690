"""Chart PDF: the converter's document, made fit to be copied into a PDF/A-1 file.

The converter asks for a transparency group that nothing needs, names a colour profile of a later version, and
leaves out which characters a font holds. It also writes equal charts in different orders.
"""

import io

import pikepdf
from fontTools.cffLib import CFFFontSet
from fontTools.ttLib import TTFont
from pikepdf import Dictionary, Name, Object, Stream

from exporters.formats.charts.text import gather_glyphs


def settle(pdf: bytes) -> bytes:
    """Returns the document without transparency, in device colours, always in the same order."""
    settled = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as document:
        page = document.pages[0]
        if Name.Group in page.obj:
            del page.obj.Group
        resources = page.obj.get(Name.Resources, Dictionary())
        for name in resources.get(Name.ColorSpace, Dictionary()).keys():  # noqa: SIM118 (not a dict)
            resources.ColorSpace[name] = Name.DeviceRGB
        for font in resources.get(Name.Font, Dictionary()).values():
            _list_characters(document, font.DescendantFonts[0].FontDescriptor)
        page.Contents = document.make_stream(gather_glyphs(page))
        if Name.Info in document.trailer:
            del document.trailer.Info
        document.remove_unreferenced_resources()
        document.save(
            settled,
            deterministic_id=True,
            force_version="1.4",
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
        )
    return settled.getvalue()


def _list_characters(document: pikepdf.Pdf, descriptor: Object) -> None:
    """Adds the set of the font's characters, which PDF/A-1 asks for: here they are numbered as its glyphs."""
    count = _count_glyphs(descriptor)
    bits = ((1 << count) - 1) << (-count % 8)
    descriptor.CIDSet = Stream(document, bits.to_bytes((count + 7) // 8, "big"))


def _count_glyphs(descriptor: Object) -> int:
    if Name.FontFile2 in descriptor:
        font = TTFont(io.BytesIO(descriptor.FontFile2.read_bytes()), lazy=True)
        return int(font["maxp"].numGlyphs)
    fonts = CFFFontSet()
    fonts.decompile(io.BytesIO(descriptor.FontFile3.read_bytes()), None)
    return len(fonts[0].charset)
