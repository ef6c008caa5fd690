"""The import contracts name every module of the exporters, so that a new one is not left out."""

import tomllib

from tests.built import ROOT


def test_every_module_of_the_exporters_is_named_in_each_contract_about_them() -> None:
    modules = {
        f"exporters.{path.stem}"
        for path in (ROOT / "exporters").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").exists()
    }
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    rooms = {"boto3": "exporters.storage", "fpdf": "exporters.formats"}
    for contract in contracts:
        for library, room in rooms.items():
            if library in contract.get("forbidden_modules", []):
                assert modules - {room} <= set(contract["source_modules"]), contract["name"]
        if contract.get("source_modules") == ["exporters.formats"]:
            assert modules - {"exporters.formats"} <= set(contract["forbidden_modules"])
