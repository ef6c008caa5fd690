"""docs/cli.md says what the command line has: its commands, options and exit codes, no more and no less."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from api.cli import app
from api.cli_errors import ExitCode
from pipelines.__main__ import app as pipelines_app
from pipelines.console import ExitCode as NightExitCode

_PAGE = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")


def _sections() -> dict[str, str]:
    _, *parts = re.split(r"^## ", _PAGE, flags=re.MULTILINE)
    return dict(part.split("\n", 1) for part in parts)


@pytest.mark.parametrize(
    ("program", "program_app"), [("reports", app), ("python -m pipelines", pipelines_app)]
)
def test_commands_and_options(program: str, program_app: typer.Typer) -> None:
    documented = {
        title.removeprefix(f"{program} "): set(re.findall(r"^\| `(--[a-z-]+)` \|", text, re.MULTILINE))
        for title, text in _sections().items()
        if title.startswith(f"{program} ")
    }
    assert documented == {
        name: {
            option
            for parameter in command.params
            for option in parameter.opts
            if option.startswith("--") and option != "--help"
        }
        for name, command in _commands(typer.main.get_command(program_app))
    }


def _commands(group: Any) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from ((f"{name} {inner}", one) for inner, one in _commands(command))
        else:
            yield name, command


def _exit_codes(section: str) -> list[int]:
    return [int(code) for code in re.findall(r"^\| (\d+) \|", _sections()[section], re.MULTILINE)]


def test_exit_codes() -> None:
    assert _exit_codes("Exit codes") == sorted(ExitCode)
    assert _exit_codes("python -m pipelines night") == sorted(NightExitCode)
    assert set(_exit_codes("python -m pipelines sample")) < set(NightExitCode)
