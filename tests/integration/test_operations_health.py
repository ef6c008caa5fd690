"""/healthz and /readyz: what they say when all is well, and which part they name when it is not."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.api_server import ApiServer, run_api

FRESH = 3.2
"""Seconds after which every part is looked at anew."""
ALL_WELL = {"data": "ok", "records": "ok", "schema": "ok", "store": "ok"}


@pytest.fixture
def api(tmp_path: Path, sample_data: Path) -> Iterator[ApiServer]:
    with run_api(sample_data, tmp_path) as server:
        yield server


def read_parts(api: ApiServer, status: int) -> dict[str, str]:
    """The parts of /readyz, which answers with this status."""
    answer = httpx.get(f"{api.url}/readyz", timeout=10)
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["status"] == ("ok" if status == 200 else "unavailable")
    parts: dict[str, str] = body["parts"]
    return parts


def test_ready_where_every_part_is_there_and_no_trace_of_asking(api: ApiServer) -> None:
    assert read_parts(api, 200) == ALL_WELL
    assert list((api.folder / "store").rglob("*")) == []
    assert httpx.get(f"{api.url}/healthz").json() == {"status": "ok"}


def test_a_store_that_cannot_be_written_is_named_and_so_is_its_return(api: ApiServer) -> None:
    store = api.folder / "store"
    store.rmdir() if store.exists() else None
    store.write_text("a file where the folder should be")
    assert read_parts(api, 503) == ALL_WELL | {"store": "StoreRefusedError"}
    store.unlink()
    assert read_parts(api, 503)["store"] == "StoreRefusedError", "the answer is kept for some seconds"
    time.sleep(FRESH)
    assert read_parts(api, 200) == ALL_WELL
    assert httpx.get(f"{api.url}/healthz").status_code == 200


def test_records_that_a_newer_version_has_upgraded_are_named(api: ApiServer) -> None:
    engine = create_engine(f"sqlite:///{api.folder / 'jobs.db'}")
    with engine.begin() as connection:
        connection.execute(text("UPDATE jobs_schema_version SET version_num = '9999'"))
    engine.dispose()
    assert read_parts(api, 503) == ALL_WELL | {"schema": "SchemaTooNew"}


def test_records_that_are_broken_are_named(api: ApiServer) -> None:
    for part in api.folder.glob("jobs.db*"):
        with part.open("r+b") as file:  # in place: the server has it open
            file.write(b"this is no database" * 1000)
    parts = read_parts(api, 503)
    assert "DatabaseUnavailable" in {parts["records"], parts["schema"]}
    assert parts["store"] == "ok"


def test_without_data_the_process_lives_but_is_not_ready(tmp_path: Path) -> None:
    with run_api(tmp_path / "empty", tmp_path) as api:
        assert read_parts(api, 503) == ALL_WELL | {"data": "NoGenerationError"}
        assert httpx.get(f"{api.url}/healthz").status_code == 200


def test_a_store_that_does_not_answer_holds_nothing_up(tmp_path: Path, sample_data: Path) -> None:
    with ExitStack() as stack:
        silent = socket.create_server(("127.0.0.1", 0))  # takes connections, and never answers
        settings = {
            "STORE_URL": "s3://bucket/prefix",
            "S3_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "S3_ACCESS_KEY": "any",
            "S3_SECRET_KEY": "any",
        }
        api = stack.enter_context(run_api(sample_data, tmp_path, **settings))
        stack.callback(silent.close)
        begun = time.monotonic()
        assert read_parts(api, 503) == ALL_WELL | {"store": "Timeout"}
        assert read_parts(api, 503) == ALL_WELL | {"store": "Timeout"}
        assert time.monotonic() - begun < 4, "the second does not wait anew"
        assert httpx.get(f"{api.url}/healthz", timeout=2).status_code == 200
