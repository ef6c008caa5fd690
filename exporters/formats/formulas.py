"""Formulas: text from data is never read as one by a spreadsheet.

A text that begins with `=`, `+`, `-`, `@`, TAB, CR or LF may be one. Where the format knows no other way it
gets a leading apostrophe; numbers never pass here.
"""

import re

import polars as pl

FORMULA_STARTS = "=+-@\t\r\n"
"""What a text that may be read as a formula begins with."""

FORMULA = "".join((r"\A[", *(f"\\x{ord(start):02x}" for start in FORMULA_STARTS), "]"))
"""The same as a regular expression."""


def defuse(text: str) -> str:
    """Returns `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if re.match(FORMULA, text) else text


def defuse_column(name: str) -> pl.Expr:
    """Does as `defuse` for every text of the frame's column `name`; nulls stay null."""
    text = pl.col(name)
    return pl.when(text.str.contains(FORMULA)).then(pl.lit("'") + text).otherwise(text).alias(name)
