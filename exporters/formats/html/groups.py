"""HTML groups: the heading above the rows of each group, and its totals below them."""

from dataclasses import dataclass
from decimal import Context, Decimal

import polars as pl

from exporters.formats.html.rows import show_sums, write_sums
from exporters.formats.html.text import write_column, write_text
from exporters.formats.table import Group, Table
from exporters.formats.wording import say

_EXACT = Context(prec=100)


@dataclass
class _Run:
    """Rows of one group that follow one another."""

    value: str | None
    text: str
    """The value as HTML."""
    sums: list[Decimal | None]


class Groups:
    """The groups of a table's rows, seen frame by frame: only the last one is remembered."""

    def __init__(self, table: Table, group: Group) -> None:
        self._table = table
        self._group = group
        self._totals = [column for column in table.columns if column.total]
        self._last: _Run | None = None

    def precede(self, rows: pl.Series, frame: pl.DataFrame) -> pl.Series:
        """Returns the HTML of the frame's rows with what comes between groups put before their first rows."""
        value = frame[self._group.name]
        begins = value.ne_missing(value.shift())
        begins[0] = self._last is None or self._last.value != value[0]
        between = self._pass(self._find_runs(frame, begins.cum_sum().alias("number")), bool(begins[0]))
        firsts = rows.filter(begins)
        return rows.scatter(begins.arg_true(), pl.Series(between, dtype=pl.String) + firsts)

    def finish(self) -> str:
        """Returns what stands below the last row; nothing when there was none."""
        return self._close([self._last])[0] if self._last else ""

    def _find_runs(self, frame: pl.DataFrame, number: pl.Series) -> list[_Run]:
        sums = []
        for column in self._totals:
            values = pl.col(column.name)
            # In 128 bits, because a sum in the column's own width wraps around silently.
            wide = values.cast(pl.Int128) if frame.schema[column.name].is_integer() else values
            sums.append(pl.when(values.count() > 0).then(wide.sum()).alias(f"sum {column.name}"))
        name = self._group.name
        texts = write_column(name).first().alias("text")
        runs = frame.group_by(number, maintain_order=True).agg(
            pl.col(name).first().alias("value"), texts, *sums
        )
        return [
            _Run(value, text, [None if part is None else Decimal(part) for part in parts])
            for _, value, text, *parts in runs.iter_rows()
        ]

    def _pass(self, runs: list[_Run], is_new: bool) -> list[str]:
        """Returns what precedes each run that begins a group, and remembers the last."""
        if self._last and not is_new:
            self._last.sums = [_add(*pair) for pair in zip(self._last.sums, runs.pop(0).sums, strict=True)]
        passed = [self._last, *runs] if self._last else runs
        self._last = passed[-1]
        ends = self._close(passed[:-1])
        if len(ends) < len(runs):
            ends.insert(0, "")
        return [end + self._head(run) for end, run in zip(ends, runs, strict=True)]

    def _head(self, run: _Run) -> str:
        title, _ = write_text(self._group.title)
        span = len(self._table.columns)
        heading = f'<th scope="rowgroup" colspan="{span}"><span>{title}: {self._name(run)}</span></th>'
        return f'<tbody>\n<tr class="group">{heading}</tr>\n'

    def _close(self, runs: list[_Run]) -> list[str]:
        if not self._totals:
            return ["</tbody>\n"] * len(runs)
        columns = [
            show_sums([run.sums[position] for run in runs], column, self._table)
            for position, column in enumerate(self._totals)
        ]
        return [
            self._write_totals(run, shown)
            for run, shown in zip(runs, zip(*columns, strict=True), strict=True)
        ]

    def _write_totals(self, run: _Run, shown: tuple[str, ...]) -> str:
        label = say(self._table.language, "group_total", group=self._name(run))
        return write_sums(self._table, label, shown) + "</tbody>\n"

    def _name(self, run: _Run) -> str:
        return say(self._table.language, "no_value") if run.value is None else run.text


def _add(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    return other if one is None else one if other is None else _EXACT.add(one, other)
