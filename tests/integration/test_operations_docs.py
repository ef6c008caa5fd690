"""docs/operations.md says what there is to watch, all and only that; its rules name what there is."""

import configparser
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.parser import text_string_to_metric_families

from api.logs import JsonLines
from tests.api_server import ApiServer, ask_export, run_api, wait_for
from tests.built import ROOT
from tests.integration.test_operations_logs import lines_of

DOCS = ROOT / "docs"
PAGE = (DOCS / "operations.md").read_text(encoding="utf-8")
RULES = yaml.safe_load((DOCS / "prometheus-rules.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, sample_data: Path) -> Iterator[ApiServer]:
    """An API that has answered, refused and made something."""
    with run_api(sample_data, tmp_path_factory.mktemp("docs"), "--slots", "1") as server:
        with server.client("101") as client:
            wait_for(client, ask_export(client)["job_id"])
            client.get("/api/ws/v2/reports/exports/none")
        yield server


def section(title: str) -> str:
    """The text below a heading."""
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def served_metrics(api: ApiServer) -> dict[str, tuple[set[str], set[str]]]:
    """For each metric of ours, by the name that queries begin with: its samples' names and its labels."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for family in text_string_to_metric_families(httpx.get(f"{api.url}/metrics").text):
        if not family.name.startswith("process_"):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = {label for sample in family.samples for label in sample.labels} - {"le"}
            found[name] = ({sample.name for sample in family.samples}, labels)
    return found


def test_every_metric_is_documented_with_its_labels_and_no_other(api: ApiServer) -> None:
    rows = re.findall(r"^\| `(reports_\w+)` \|([^|]*)\|", section("Metrics"), re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    served = served_metrics(api)
    assert documented.keys() == served.keys()
    for name, (samples, labels) in served.items():
        if samples:
            assert documented[name] == labels, name


def test_every_metric_and_label_of_a_rule_exists(api: ApiServer) -> None:
    served = served_metrics(api)
    names = {sample for samples, _ in served.values() for sample in samples} | served.keys()
    labels = {label for _, known in served.values() for label in known}
    for rule in RULES:
        used = set(re.findall(r"\breports_\w+", rule["expr"]))
        assert used <= names, rule["alert"]
        assert used or "up{" in rule["expr"]
        matched = re.findall(r"[{,](\w+)(?:=~?|!=)", rule["expr"])
        assert set(matched) <= labels | {"job"}, rule["alert"]


def test_every_rule_has_a_reason_and_a_first_thing_to_do() -> None:
    alerts = [rule["alert"] for rule in RULES]
    assert len(set(alerts)) == len(alerts)
    assert set(re.findall(r"`(Reports\w+)`", section("Alerts"))) == set(alerts)
    for rule in RULES:
        assert rule["annotations"].keys() == {"summary", "why"}
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_every_field_of_the_log_is_documented_and_no_other(api: ApiServer) -> None:
    documented = {
        name
        for row in re.findall(r"^\| (`[^|]*) \|", section("Logs"), re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }
    logged: set[Any] = {field for line in lines_of(api.log) for field in line}
    record = logging.makeLogRecord({"exc_info": (ValueError, ValueError("broken"), None)})
    assert '"exception"' in JsonLines().format(record)
    assert logged | {"exception"} == documented


@pytest.mark.parametrize("unit", sorted((DOCS / "systemd").iterdir()), ids=lambda unit: unit.name)
def test_units_run_commands_that_there_are(unit: Path) -> None:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(unit)
    if unit.suffix == ".timer":
        assert (unit.with_suffix(".service")).exists()
        return
    program, *arguments = parser["Service"]["ExecStart"].split()
    assert program.startswith("/opt/reports/.venv/bin/")
    titles = re.findall(r"^## (.*)$", (DOCS / "cli.md").read_text(), re.MULTILINE)
    command = " ".join([program.rpartition("/")[2], *arguments])
    assert any(command.startswith(title) for title in titles), command


def test_the_settings_that_the_page_names_exist() -> None:
    named = set(re.findall(r"REPORTS_[A-Z_]+[A-Z]", PAGE))
    assert named <= set(re.findall(r"^\| `(REPORTS_\w+)`", (DOCS / "settings.md").read_text(), re.MULTILINE))
