"""Every report of a source's busiest workshop: its rows in the published warehouse, and its files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from exporters.exports import open_exports
from exporters.formats.table import Column, Language
from exporters.jobs import Status
from tests.acceptance.readings import Rows, on_page, sum_exactly
from tests.exported import TYPES, export, manifest_of, options_for, read
from warehouse.database import DatabaseOptions
from warehouse.figures import Overview, overview
from warehouse.generations import open_snapshot

CSV_FORMATS = ("csv", "csv;excel-nb", "csv;gzip", "csv;zstd")
ALL_FORMATS = (*CSV_FORMATS, "xlsx", "pdf", "html", "parquet")
TOTAL: Mapping[Language, str] = {"nb": "Sum", "de": "Summe"}


@dataclass(frozen=True)
class Report:
    """One report, in one language."""

    language: Language
    columns: tuple[Column, ...]
    group_title: str | None
    rows: Rows
    groups: list[str | None]
    """What each row is grouped by; empty where the report has no groups."""
    types: dict[str, str]
    """By column, the database's."""
    figures: Overview
    files: dict[str, Path]
    manifests: dict[str, dict[str, Any]]

    @property
    def titles(self) -> list[str]:
        return [column.title for column in self.columns]

    def values(self, position: int) -> list[Any]:
        return [row[position] for row in self.rows]

    def shown(self) -> list[list[str]]:
        return [[on_page(value, self.language) for value in row] for row in self.rows]

    def shown_sums(self) -> list[tuple[str, list[str]]]:
        """Of each group and last of all rows, the words and the totals of the columns that have one."""
        totaled = [n for n, column in enumerate(self.columns) if column.total]
        if not totaled or not self.rows:
            return []
        groups = groupby(zip(self.groups, self.rows, strict=True), key=lambda pair: pair[0])
        word = TOTAL[self.language]
        named = [(f"{word} {key}", [row for _, row in pairs]) for key, pairs in groups]
        return [
            (words, [self._show_sum([row[n] for row in rows]) for n in totaled])
            for words, rows in (*named, (word, self.rows))
        ]

    def _show_sum(self, values: list[Any]) -> str:
        total = sum_exactly(values)
        is_whole = all(isinstance(value, int | None) for value in values)
        return on_page(int(total) if total is not None and is_whole else total, self.language)


def make_reports(folder: Path, source: str, data: Path, language: Language) -> Iterator[tuple[str, Report]]:
    """Gives each report by its type; the files lie in the new folder."""
    folder.mkdir()
    with (
        open_snapshot(data / "warehouse", DatabaseOptions(threads=2)) as snapshot,
        open_exports(options_for(folder, data, language=language)) as exports,
    ):
        [(shop,)] = snapshot.rows(
            "SELECT workshop_id FROM bookings GROUP BY ALL ORDER BY count(*) DESC, 1 LIMIT 1"
        )
        for name in TYPES:
            report = exports.catalogue[name]
            asked = {"workshop_id": shop, **report.parse_filters({})}
            described = snapshot.rows(f"DESCRIBE {report.sql}", asked)
            found = snapshot.rows(report.sql, asked)
            rows = [list(row[-len(report.header.columns) :]) for row in found]
            group = report.header.group
            place = report.fields.index(group.name) if group else 0
            made = Report(
                language=language,
                columns=report.columns(language),
                group_title=getattr(report.group(language), "title", None),
                rows=rows,
                groups=[row[place] for row in found] if group else [],
                types={row[0]: str(row[1]) for row in described if row[0] in report.header.columns},
                figures=overview(snapshot.figures, shop),
                files={},
                manifests={},
            )
            for key in ALL_FORMATS:
                job = export(exports, shop, name, key)
                assert job.status is Status.COMPLETED, job
                # Converted files of all sources and formats meet in one folder.
                made.files[key] = folder / f"{source}-{ALL_FORMATS.index(key)}-{job.file_name}"
                made.files[key].write_bytes(read(exports, job.file_key))
                made.manifests[key] = manifest_of(exports, job)
            yield name, made
