"""Texts as a workbook's XML holds them: escaped, cut to what a cell takes, look-alikes of formulas found."""

import re
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from exporters.formats.formulas import FORMULA, FORMULA_STARTS

TEXT_LIMIT = 32_767
"""Excel's limit of a cell's text, in UTF-16 code units."""

_UNWRITABLE = [chr(code) for code in (*range(9), *range(11, 32), 0xFFFE, 0xFFFF)]
"""Characters that XML cannot hold, and the carriage return, which its readers change."""

_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    **{character: f"_x{ord(character):04X}_" for character in _UNWRITABLE},
}
_FOUND, _ESCAPED = list(_ESCAPES), list(_ESCAPES.values())

_HAS_ESCAPABLE = r"[&<>\x00-\x08\x0b-\x1f\x{fffe}\x{ffff}]|_x"
_LIKE_AN_ESCAPE = r"_x[0-9A-Fa-f]{4}"

_SPACES = " \t\r\n"


def _bytes_table(characters: str) -> NDArray[np.bool_]:
    """Returns for each byte whether one of the characters begins with it."""
    table = np.zeros(256, np.bool_)
    table[[character.encode()[0] for character in characters]] = True
    return table


_ESCAPABLE = _bytes_table("_" + "".join(_FOUND))
_FORMULA_START = _bytes_table(FORMULA_STARTS)
_SPACE = _bytes_table(_SPACES)

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff]")


@dataclass(frozen=True)
class Traits:
    """What there is among texts that must be treated; nothing of it in most."""

    escapable: bool
    formulas: bool
    outer_space: bool
    long: bool


def find_traits(texts: pl.Series) -> Traits:
    """Looks through the texts' bytes at once, which is faster than to ask of each text."""
    array = texts.to_arrow()
    _, ends, content = array.buffers()
    if content is None or not content.size:
        return Traits(False, False, False, False)
    places = np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
    letters = np.frombuffer(content, np.uint8)[places[0] : places[-1]]
    lengths = np.diff(places)
    is_filled = lengths > 0
    starts = places[:-1][is_filled] - places[0]
    first, last = letters[starts], letters[starts + lengths[is_filled] - 1]
    return Traits(
        escapable=bool(_ESCAPABLE[letters].any()) and bool(texts.str.contains(_HAS_ESCAPABLE).any()),
        formulas=bool(_FORMULA_START[first].any()),
        outer_space=bool(_SPACE[first].any() or _SPACE[last].any()),
        long=int(lengths.max()) > TEXT_LIMIT,
    )


def escape(texts: pl.Series) -> pl.Series:
    """Returns the texts as the content of XML elements, in the escapes of ECMA-376's ST_Xstring.

    An underscore of the data that would begin such an escape is itself escaped.
    """
    text = pl.col("text")
    # Of an alike text every "_x" is escaped: what follows it may only become an escape by the next step.
    named = text.str.replace_all("_x", "_x005F_x", literal=True)
    plain = pl.when(text.str.contains(_LIKE_AN_ESCAPE)).then(named).otherwise(text)
    return texts.to_frame("text").select_seq(plain.str.replace_many(_FOUND, _ESCAPED)).to_series()


def is_like_formula(text: str) -> bool:
    """Returns whether a spreadsheet would take the text for a formula if it were typed."""
    return re.match(FORMULA, text) is not None


def looks_like_formula(texts: pl.Series) -> pl.Series:
    """Returns which texts a spreadsheet would take for a formula if they were typed."""
    return texts.str.contains(FORMULA)


def has_outer_space(texts: pl.Series) -> pl.Series:
    """Returns which texts begin or end with white space, which XML must be told to keep."""
    return texts.str.strip_chars(_SPACES).str.len_bytes() != texts.str.len_bytes()


def cut(text: str) -> str:
    """Returns as much of the text as a cell takes; no character is split."""
    return text if 2 * len(text) <= TEXT_LIMIT else cut_to_units(text, TEXT_LIMIT)


def cut_column(texts: pl.Series) -> tuple[pl.Series, int]:
    """Does as `cut` for every text; returns the number that were cut too."""
    long = (texts.str.len_bytes() > TEXT_LIMIT).fill_null(False).arg_true()
    if not long.len():
        return texts, 0
    kept = [cut(texts[position]) for position in long]
    count = sum(texts[position] != text for position, text in zip(long, kept, strict=True))
    return texts.clone().scatter(long, kept), count


def text_elements(texts: pl.Series) -> pl.Series:
    """Returns the `<t>` element of every text, nulls as null."""
    start = pl.when("space").then(pl.lit('<t xml:space="preserve">')).otherwise(pl.lit("<t>"))
    elements = pl.concat_str(start, pl.col("text"), pl.lit("</t>"))
    columns = {"text": escape(texts), "space": has_outer_space(texts).fill_null(False)}
    return pl.DataFrame(columns).select_seq(elements).to_series()


def as_line(text: str) -> str:
    """Returns the text for a place without escapes and line breaks: control characters become spaces."""
    return _CONTROLS.sub(" ", text)


def cut_to_units(text: str, units: int) -> str:
    """Returns as much of the text as so many UTF-16 code units hold; no character is split."""
    return text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore")
