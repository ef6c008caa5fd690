"""The page docs/benchmarks.md: a part for each subject, written anew alone, and shown on the terminal."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

_HEAD = """\
# Benchmarks

Written by `make bench`. Quote the ratios: each compares two measurements of one run on one machine. The
seconds belong to that machine, which has {cores} cores and {memory} GB of memory. Each measurement is a
process of its own.
"""


@dataclass(frozen=True)
class ResultTable:
    """Results under one title."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def show_tables(tables: Sequence[ResultTable], console: Console) -> None:
    """Print the tables."""
    for result in tables:
        table = Table(*result.columns, title=result.title, title_justify="left")
        for row in result.rows:
            table.add_row(*row)
        console.print(table)


def write_part(page: Path, title: str, introduction: str, tables: Sequence[ResultTable]) -> None:
    """Write the part of this title, in the place of an older one; the other parts stay."""
    parts = dict(_read_parts(page))
    text = f"\n{introduction.strip()}\n"
    for table in tables:
        lines = [table.columns, ["---"] * len(table.columns), *table.rows]
        text += f"\n### {table.title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
    parts[title] = text
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    head = _HEAD.format(cores=os.cpu_count(), memory=round(memory))
    body = "".join(f"\n## {name}\n{part}" for name, part in sorted(parts.items()))
    page.write_text(head + body, encoding="utf-8")


def _read_parts(page: Path) -> list[tuple[str, str]]:
    if not page.exists():
        return []
    found = re.split(r"^## (.+)\n", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [(name, f"{text.rstrip()}\n") for name, text in zip(found[::2], found[1::2], strict=True)]
