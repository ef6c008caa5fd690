"""The documentation says what the code does: settings, report types and header keys, all and only those."""

import re
from pathlib import Path

import pytest

from exporters.catalogue import load_catalogue
from exporters.report_headers import ReportHeader
from settings import Settings
from tests.built import ROOT
from warehouse.models import CheckHeader, ColumnHeader, EntityHeader, MartHeader, StagingHeader

DOCS = ROOT / "docs"


def code_words(text: str) -> set[str]:
    """Everything that stands between back-ticks."""
    return set(re.findall(r"`([^`\n]+)`", text))


def test_every_setting_is_documented_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(REPORTS_\w+)`", (DOCS / "settings.md").read_text(), re.MULTILINE))
    assert documented == {f"REPORTS_{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("name", ["keep_generations", "nightly_at", "retention_days", "max_attempts"])
def test_documented_defaults_are_the_real_ones(name: str) -> None:
    row = re.search(
        rf"^\| `REPORTS_{name.upper()}` \| `([^`]+)`", (DOCS / "settings.md").read_text(), re.MULTILINE
    )
    assert row
    assert row[1] == str(Settings.model_fields[name].default)


def test_every_report_type_is_documented_with_its_arguments_columns_and_formats() -> None:
    text = (DOCS / "reports.md").read_text()
    sections = dict(re.findall(r"^## ([a-z_]+)\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL))
    catalogue = load_catalogue()
    assert sections.keys() == catalogue.keys()
    for name, report in catalogue.items():
        assert code_words(sections[name]) == {*report.header.arguments, *report.header.columns}
        formats = re.search(r"Formats: ([a-z, ]+)\.", sections[name].replace("\n", " "))
        assert formats
        assert formats[1].split(", ") == report.header.formats


def test_every_header_key_is_documented() -> None:
    words = code_words((DOCS / "models.md").read_text())
    for header in (StagingHeader, EntityHeader, MartHeader):
        keys = {"columns.<name>" if key == "columns" else key for key in header.model_fields}
        assert keys <= words
    assert set(ColumnHeader.model_fields) <= words
    assert set(CheckHeader.model_fields) <= words
    assert set(ReportHeader.model_fields) >= {"title", "description", "formats", "arguments", "columns"}


@pytest.mark.parametrize("page", sorted([*DOCS.glob("*.md"), ROOT / "README.md"]), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
