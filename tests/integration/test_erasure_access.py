"""What access keeps of a workshop: it is part of the workshop's export, and goes when it is erased."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from exporters.access.audit import AuditLog
from exporters.access.audit_events import Action
from exporters.access.keys import KeyStore
from exporters.access.organisations import Organisations
from exporters.database import Database, open_database
from pipelines.erasures import erase_workshop
from pipelines.workshop_export import export_workshop
from tests.built import build_once
from tests.integration.test_erasure import MARKER, House, copy_house, new_house


@pytest.fixture
def house(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> House:
    return copy_house(build_once(tmp_path_factory, "new_house", new_house), tmp_path / "data")


def records(house: House) -> closing[Database]:
    return closing(open_database(house.project.settings.jobs_database))


def test_a_workshops_export_has_its_keys_without_digests_and_its_log(house: House, tmp_path: Path) -> None:
    with records(house) as database:
        keys, audit = KeyStore(database), AuditLog(database)
        shared = keys.create(["101", "102"], label="both")
        organisation = keys.create(organisation="111 222 333")
        other = keys.create(["101"])
        audit.record(Action.DOWNLOADED, "key:1", "102", "r-1", "j-1")
        audit.record(Action.DOWNLOADED, "key:1", "101", "r-2", "j-2")
        audit.read("overview", "key:1", "102")
        audit.close()
    folder = tmp_path / "whole"
    index = export_workshop(house.project, "102", folder)
    told = json.loads((folder / "keys.json").read_text())
    assert {key["key_id"] for key in told} == {shared.record.key_id, organisation.record.key_id}
    assert [key["workshops"] for key in told if key["label"] == "both"] == [["102"]]
    assert [key for key in told if {"digest", "text"} & key.keys()] == []
    log = json.loads((folder / "audit.json").read_text())
    assert {row["workshop_id"] for row in log} == {"102"}
    assert sorted(row["action"] for row in log) == ["downloaded", "key_created", "read"]
    rows = {file["path"]: file["rows"] for file in index["files"]}
    assert (rows["keys.json"], rows["audit.json"]) == (2, 3)
    written = "".join(path.read_text() for path in folder.glob("*.json"))
    for made in (shared, organisation, other):
        assert made.text.rpartition("_")[2] not in written


def test_an_erased_workshops_keys_end_and_nothing_of_them_is_left(house: House) -> None:
    organisations = Organisations(house.project.settings.warehouse_folder)
    with records(house) as database:
        keys, audit = KeyStore(database), AuditLog(database)
        theirs = keys.create(["102"], label=f"{MARKER} portal")
        shared = keys.create(["101", "102"])
        assert organisations.workshops("111222333") == {"102"}
        audit.record(Action.MADE, "token:ann", "102", "r-1", "j-1", name=MARKER)
        erase_workshop(house.project, "102", "asked for")
        assert keys.match(theirs.text) is None
        left = keys.match(shared.text)
        assert left is not None
        assert left.workshops == {"101"}
        assert [row.workshop_id for row in audit.list()] == ["101"]
        assert organisations.workshops("111222333") == set()
    assert house.places_of(MARKER, theirs.record.key_id) == []


def test_a_workshop_of_which_only_a_key_is_left_can_be_erased(house: House) -> None:
    with records(house) as database:
        keys = KeyStore(database)
        made = keys.create(["303"])
        erase_workshop(house.project, "303", "")
        assert (keys.match(made.text), keys.list()) == (None, [])
