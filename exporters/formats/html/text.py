"""HTML text: whatever comes from data, written so that it can only be text.

Characters that HTML or XML forbids become U+FFFD. What a spreadsheet would take for a formula is made safe,
because a table copied from a browser is read as cells.
"""

import re

import polars as pl

from exporters.formats.formulas import defuse, defuse_column

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;", "\r": "&#13;"}
"""A bare carriage return would be read as a line feed."""

_TABLE = {ord(character): escape for character, escape in _ESCAPES.items()}

_ENDS_OF_PLANES = "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(17))
_FORBIDDEN = f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef{_ENDS_OF_PLANES}]"


def write_text(text: str) -> tuple[str, int]:
    """Returns `text` as HTML, and how many of its characters were replaced."""
    clean, replaced = re.subn(_FORBIDDEN, _REPLACEMENT, defuse(text))
    return clean.translate(_TABLE), replaced


def write_column(name: str) -> pl.Expr:
    """Does as `write_text` for every text of the frame's column `name`; nulls stay null."""
    clean = defuse_column(name).str.replace_all(_FORBIDDEN, _REPLACEMENT)
    return clean.str.replace_many(list(_ESCAPES), list(_ESCAPES.values()))


def count_replaced(name: str) -> pl.Expr:
    """Returns how many characters `write_column` replaces in the column as a whole."""
    return pl.col(name).str.count_matches(_FORBIDDEN).sum()
