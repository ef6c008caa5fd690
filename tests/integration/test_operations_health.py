"""/healthz and /readyz: what they say when all is well, and which part they name when it is not."""

import socket
import time
from contextlib import closing
from pathlib import Path

import httpx
from sqlalchemy import create_engine, text

from tests.api_server import ApiServer, run_api
from tests.worker_processes import wait_until

FRESH = 3.0
"""Seconds for which the state of a part is told again."""
ALL_WELL = {"data": "ok", "records": "ok", "schema": "ok", "store": "ok"}


def read_parts(api: ApiServer) -> dict[str, str]:
    """The parts of /readyz, which is well where all of them are."""
    answer = httpx.get(f"{api.url}/readyz", timeout=60)
    body = answer.json()
    parts: dict[str, str] = body["parts"]
    well = parts == ALL_WELL
    assert (answer.status_code, body["status"]) == ((200, "ok") if well else (503, "unavailable")), (
        answer.text
    )
    return parts


def wait_for_parts(api: ApiServer, **parts: str) -> None:
    """Return when these parts are not well, and all others are; a part that is slow is asked again."""
    wait_until(lambda: read_parts(api) == ALL_WELL | parts)


def upgrade(records: Path, version: str) -> str:
    """Give the records another version; returns the one that they had."""
    engine = create_engine(f"sqlite:///{records}")
    with engine.begin() as connection:
        [(before,)] = connection.execute(text("SELECT version_num FROM jobs_schema_version")).all()
        connection.execute(text("UPDATE jobs_schema_version SET version_num = :new"), {"new": version})
    engine.dispose()
    return str(before)


def test_the_parts_that_are_broken_are_named_and_so_is_their_return(
    tmp_path: Path, sample_data: Path
) -> None:
    with run_api(sample_data, tmp_path) as api:
        store, records = api.folder / "store", api.folder / "jobs.db"
        store.rmdir() if store.exists() else None
        store.write_text("a file where the folder should be")
        version = upgrade(records, "9999")
        wait_for_parts(api, store="StoreRefusedError", schema="SchemaTooNew")
        begun = time.monotonic()
        store.unlink()
        kept = read_parts(api)["store"] == "StoreRefusedError"
        assert kept or time.monotonic() - begun > FRESH / 2, "the answer is kept for some seconds"
        upgrade(records, version)
        wait_for_parts(api)
        assert list(store.rglob("*")) == [], "asking leaves no trace"
        assert httpx.get(f"{api.url}/healthz").json() == {"status": "ok"}
        for part in api.folder.glob("jobs.db*"):
            with part.open("r+b") as file:  # in place: the server has it open
                file.write(b"this is no database" * 1000)
        wait_until(lambda: "DatabaseUnavailable" in read_parts(api).values())
        assert read_parts(api)["store"] == "ok"
        assert httpx.get(f"{api.url}/healthz").status_code == 200


def test_without_data_and_with_a_silent_store_the_process_lives(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:  # takes connections, and never answers
        settings = {
            "STORE_URL": "s3://bucket/prefix",
            "S3_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
            "S3_ACCESS_KEY": "any",
            "S3_SECRET_KEY": "any",
        }
        with run_api(tmp_path / "empty", tmp_path, **settings) as api:
            wait_for_parts(api, data="NoGenerationError", store="Timeout")
            assert httpx.get(f"{api.url}/healthz").status_code == 200
            silent.close()  # before the API is asked to stop
