"""Formulas: text from data is never read as one by a spreadsheet.

A text that begins with `=`, `+`, `-`, `@`, TAB, CR or LF gets a leading apostrophe; numbers never pass here.
"""

import polars as pl

_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def defuse(text: str) -> str:
    """Returns `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(_STARTS) else text


def defuse_column(name: str) -> pl.Expr:
    """Does as `defuse` for every text of the frame's column `name`; nulls stay null."""
    return pl.col(name).str.replace(r"\A([=+\-@\t\r\n])", "'$1")
