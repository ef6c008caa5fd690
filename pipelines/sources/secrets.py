"""The secrets of sources: a TOML file with one table for each source that needs any, kept out of all else."""

import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from warehouse.errors import WarehouseError


class SecretsError(WarehouseError):
    """The file of secrets, or a source's table in it, is missing or wrong; the message tells no secret."""


def load_secrets(path: Path | None, source: str) -> Mapping[str, Any]:
    """The secrets of one source.

    Raises:
        SecretsError: there are none, or the file can be read by others than its owner.
    """
    if path is None:
        raise SecretsError(f"the source {source} needs secrets: name their file in REPORTS_SOURCE_SECRETS")
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretsError(f"{path}: can be read by others than its owner; run chmod 600 on it")
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SecretsError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise SecretsError(f"{path}: is not TOML") from None  # the cause may quote a secret
    table = declared.get(source)
    if not isinstance(table, dict):
        raise SecretsError(f"{path}: has no table [{source}]")
    return table
