"""Sources in S3: files under a prefix load as they do from a folder; faults are told without secrets."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.sources.files import EntityFiles, open_folder
from tests.built import ROOT, run_night
from tests.integration.test_night import contents
from tests.s3_server import S3Server
from tests.small_warehouse import BOOKING, Row, SmallWarehouse, csv_text
from warehouse.landing import Landing, Verdict
from warehouse.sources import FileSource, load_sources

PREFIX = "exports/nightly"


@pytest.fixture
def emptied(s3_server: S3Server) -> Iterator[S3Server]:
    """The server, its bucket empty before and after."""
    client = s3_server.client()

    def empty() -> None:
        for key in s3_server.names(""):
            client.delete_object(Bucket=s3_server.bucket, Key=key)

    empty()
    yield s3_server
    empty()


def put(server: S3Server, key: str, content: bytes) -> None:
    server.client().put_object(Bucket=server.bucket, Key=f"{PREFIX}/{key}", Body=content)


def load(server: S3Server, landing: Landing, entity: str = "bookings", secret: str | None = None) -> Verdict:
    path = f"s3://{server.bucket}/{PREFIX}"
    declared = load_sources(ROOT / "sources.toml", ["sample"])["sample"]
    assert isinstance(declared, FileSource)
    source = declared.model_copy(update={"path": path})
    folder = open_folder(source, Path("nowhere"), server.options(secret_key=secret))
    return EntityFiles(landing, folder, "sample", source, entity).load()


def bookings(*rows: Row) -> bytes:
    return csv_text(rows, list(BOOKING)).encode()


def test_the_sample_loads_from_s3_as_from_its_folder(
    emptied: S3Server, sample_files: Path, sample_data: Path, tmp_path: Path
) -> None:
    for path in sample_files.rglob("*.*"):
        put(emptied, path.relative_to(sample_files).as_posix(), path.read_bytes())
    put(emptied, "bookings/older/bookings-2020-01.csv", b"deeper than the pattern: not the source's\n")
    put(emptied, "notes.csv", b"no entity's\n")
    declared = (ROOT / "sources.toml").read_text(encoding="utf-8")
    config = tmp_path / "sources.toml"
    moved = declared.replace('path = "sample"', f'path = "s3://{emptied.bucket}/{PREFIX}"')
    config.write_text(moved, encoding="utf-8")
    data = tmp_path / "data"
    night = run_night(
        data,
        SOURCE_CONFIG=str(config),
        S3_ENDPOINT=emptied.endpoint_url,
        S3_REGION=emptied.region,
        S3_ACCESS_KEY=emptied.access_key,
        S3_SECRET_KEY=emptied.secret_key,
    )
    assert night.stdout.count("│ loaded ") == 6
    assert contents(data) == contents(sample_data)
    for path in data.rglob("*"):
        if path.is_file():
            assert emptied.secret_key.encode() not in path.read_bytes(), path


def test_only_new_and_changed_files_are_fetched(emptied: S3Server, tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    for number in range(7):
        put(emptied, f"bookings/{number}.csv", bookings({**BOOKING, "id": str(number)}))
    assert load(emptied, landing).detail == "7 rows from 7 files"
    assert load(emptied, landing).detail == "7 files, none changed"
    put(emptied, "bookings/3.csv", bookings({**BOOKING, "id": "3"}, {**BOOKING, "id": "33"}))
    put(emptied, "bookings/7.csv", bookings({**BOOKING, "id": "7"}))
    assert load(emptied, landing).detail == "3 rows from 2 files"


def test_a_wrong_secret_is_a_failed_verdict_in_clear_words(emptied: S3Server, tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    put(emptied, "bookings/1.csv", bookings(BOOKING))
    good = load(emptied, landing)
    secret = "hunter2-of-the-wrong-kind"
    verdict = load(emptied, landing, secret=secret)
    assert verdict.status == "failed"
    assert verdict.data_as_of == good.data_as_of
    assert emptied.bucket in verdict.detail
    assert "SignatureDoesNotMatch" in verdict.detail or "refused" in verdict.detail, verdict.detail
    for path in tmp_path.rglob("*"):
        if path.is_file():
            text = path.read_bytes()
            assert secret.encode() not in text
            assert emptied.secret_key.encode() not in text


def test_a_server_that_is_away_or_an_empty_prefix_is_a_failed_verdict(
    emptied: S3Server, tmp_path: Path
) -> None:
    warehouse = SmallWarehouse(tmp_path)
    verdict = load(emptied, warehouse.landing)
    assert (verdict.status, verdict.data_as_of) == ("failed", None)
    assert verdict.detail == f"no file matches bookings/*.csv in s3://{emptied.bucket}/{PREFIX}"
    away = S3Server("http://127.0.0.1:9", emptied.bucket, 0)
    verdict = load(away, warehouse.landing)
    assert verdict.status == "failed"
    assert "127.0.0.1:9" in verdict.detail or emptied.bucket in verdict.detail
