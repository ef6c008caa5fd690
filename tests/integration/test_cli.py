"""The command line on the published sample: figures, jobs and the program itself."""

import re
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

from tests.built import ROOT
from tests.command_line import WORKSHOP, Cli, pending
from warehouse.figures import overview
from warehouse.generations import open_snapshot


def test_types(cli: Cli) -> None:
    items = {item["type"]: item for item in cli.ask("types")["items"]}
    assert set(items) >= {"bookings", "ratings", "revenue", "services", "queue_missed_calls"}
    assert items["ratings"]["formats"] == ["csv", "xlsx", "pdf", "html", "parquet"]
    arguments = {row["name"]: row["type"] for row in items["ratings"]["arguments"]}
    assert arguments["rating_min"] == "decimal"
    [queue] = [row for row in items["queue_missed_calls"]["arguments"] if row["name"] == "queue_id"]
    assert (queue["type"], queue["entity"], queue["choices"]) == ("text", "pbx_queue", None)
    assert [row["name"] for row in items["revenue"]["columns"]] == ["period", "done_jobs", "revenue"]
    text = cli("types").out
    assert "rating_min" in text
    assert "pbx_queue" in text
    assert "Sum of their prices" in text


def test_workshops(cli: Cli) -> None:
    document = cli.ask("workshops")
    names = {item["workshop_id"]: item["name"] for item in document["items"]}
    assert names[WORKSHOP] == "Brødrene Sørli Bilverksted AS"
    assert document["generation"] in cli("workshops").out
    assert names[WORKSHOP] in cli("workshops").out


def test_overview_is_exact(cli: Cli, sample_data: Path) -> None:
    document = cli.ask("overview", WORKSHOP)
    with open_snapshot(sample_data / "warehouse") as snapshot:
        figures = overview(snapshot.figures, WORKSHOP)
    assert document["overview"] == {
        "jobs": {"done_in_range": figures.done, "revenue_in_range": figures.revenue},
        "services": {"total": figures.services},
        "ratings": {"avg": figures.rating_average, "count": figures.rating_count},
    }
    # As it is written, not only as it is read: two places, no binary noise.
    assert f'"revenue_in_range": {figures.revenue:.2f}}}' in cli("overview", WORKSHOP, "--json").out
    points = document["ratings_timeseries"]["points"]
    assert sum(point["count"] for point in points) == figures.rating_count
    assert {"category", "count", "booked_count"} == set(document["services_by_category"]["items"][0])
    assert document["data_as_of"].endswith("Z")
    text = cli("overview", WORKSHOP).out
    assert f"{figures.revenue:,.2f} NOK" in text
    assert document["services_by_category"]["items"][0]["category"] in text


def test_overview_of_a_period_without_anything(cli: Cli) -> None:
    document = cli.ask("overview", WORKSHOP, "--from", "1999-01-01", "--to", "1999-02-01")
    assert document["overview"]["jobs"] == {"done_in_range": 0, "revenue_in_range": Decimal("0.00")}
    assert document["overview"]["ratings"] == {"avg": None, "count": 0}
    assert [point["period"] for point in document["ratings_timeseries"]["points"]] == ["1999-01", "1999-02"]


def test_jobs(cli: Cli) -> None:
    done = cli.ask("export", WORKSHOP, "revenue", "--format", "csv")["job"]["job_id"]
    waiting = pending(cli)
    other = cli.ask("export", "102", "services", "--format", "csv", "--no-wait")["job"]["job_id"]
    listed = [job["job_id"] for job in cli.ask("jobs")["items"]]
    assert listed == [other, waiting, done]
    assert [job["job_id"] for job in cli.ask("jobs", "--limit", "1")["items"]] == [other]
    assert [job["job_id"] for job in cli.ask("jobs", "--workshop", "102")["items"]] == [other]
    assert [job["job_id"] for job in cli.ask("jobs", "--status", "completed")["items"]] == [done]
    assert cli.ask("jobs", "--workshop", "no such") == {"items": []}
    text = cli("jobs").out
    assert all(job_id in text for job_id in listed)
    [line] = [line for line in text.splitlines() if done in line]
    assert re.search(r"│ +[1-9][0-9]{0,2}(\.[0-9] kB| B) │", line)


def test_job(cli: Cli) -> None:
    made = cli.ask("export", WORKSHOP, "revenue", "--format", "csv")["job"]
    document = cli.ask("job", made["job_id"])
    assert document["job"] == made
    assert [event["event"] for event in document["events"]] == ["created", "claimed", "completed"]
    assert document["manifest"]["sha256"] == made["sha256"]
    assert document["manifest"]["rows_written"] == made["rows_written"]
    assert "lease_token" not in document["job"]
    text = cli("job", made["job_id"]).out
    assert "claimed" in text
    assert "rows_expected" in text
    waiting = cli.ask("job", pending(cli))
    assert waiting["manifest"] is None
    assert waiting["job"]["file_url"] is None


def test_cancel(cli: Cli) -> None:
    job_id = pending(cli)
    assert cli.ask("cancel", job_id)["job"]["status"] == "cancelled"
    assert cli("cancel", job_id).code == 4
    assert cli("run", job_id).code == 4
    other = pending(cli)
    answer = cli("cancel", other)
    assert answer.code == 0
    assert "cancelled" in answer.out


def test_expire(cli: Cli) -> None:
    cli.set("RETENTION_DAYS", "0.000001")
    job_id = cli.ask("export", WORKSHOP, "revenue", "--format", "csv")["job"]["job_id"]
    assert cli.stored()
    time.sleep(0.15)
    nothing = {"leftovers": 0, "audit_rows": 0, "deliveries": 0, "fires": 0, "batches": 0}
    assert cli.ask("expire") == {"jobs": 1, **nothing}
    assert not cli.stored()
    document = cli.ask("job", job_id)
    assert document["job"]["status"] == "expired"
    assert document["job"]["file_url"] is None
    assert "expired jobs: 0" in cli("expire").out


def test_process(cli: Cli) -> None:
    """The program itself, as scripts start it."""
    done = cli.subprocess("export", WORKSHOP, "revenue", "--format", "csv", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document["job"]["status"] == "completed"
    assert cli.subprocess("jobs").out.count(done.document["job"]["job_id"]) == 1
    refused = cli.subprocess("export", WORKSHOP, "sales", "--format", "csv")
    assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)


def test_help_is_quick(cli: Cli) -> None:
    """It imports nothing of the rooms behind."""
    code = (
        "import sys; from api.cli import execute; execute(['--help']);"
        "sys.exit(not {'duckdb', 'pyarrow', 'polars', 'sqlalchemy', 'settings'}.isdisjoint(sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True)
    assert ended.returncode == 0, ended.stderr
