"""What the texts of settings must be; a message names no value: it may be a secret in the wrong variable."""

import os
import re
from datetime import date
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import SecretStr

from exporters.access.plans import parse_plans
from exporters.seal import SealError, parse_key
from warehouse.period import parse_day

_EARLIEST, _LATEST = date(1900, 1, 1), date(2099, 12, 31)
"""Days between which the days of a backfill can be counted in every time zone."""


def check_folder(folder: Path) -> Path:
    """A folder, or a place where one can be made."""
    place = folder.absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not os.path.isdir(place):
        raise ValueError("must be a folder, or a place where one can be made")
    return folder


def check_zone(zone: str) -> str:
    """A time zone."""
    if zone not in available_timezones():
        raise ValueError("must be an IANA time zone, such as Europe/Oslo")
    return zone


def check_first_day(text: str) -> str:
    """A day from which days can be counted."""
    try:
        if _EARLIEST <= parse_day(text) <= _LATEST:
            return text
    except ValueError:
        pass
    raise ValueError(f"must be a date as YYYY-MM-DD, from {_EARLIEST} to {_LATEST}")


def check_time(text: str) -> str:
    """A time of day."""
    if not re.fullmatch("([01][0-9]|2[0-3]):[0-5][0-9]", text):
        raise ValueError("must be a time of day as HH:MM, from 00:00 to 23:59")
    return text


def check_collector(place: str | None) -> str | None:
    """Where traces are taken, if anywhere."""
    if place is not None and not _is_plain_url(place):
        raise ValueError("must be an http or https URL without a password, such as http://127.0.0.1:4318")
    return place


def check_public_url(url: str) -> str:
    """Where people reach the API; without the slash at its end."""
    if not _is_plain_url(url):
        raise ValueError("must be an http or https URL, such as https://reports.example")
    return url.rstrip("/")


def _is_plain_url(text: str) -> bool:
    parts = urlsplit(text)
    plain = parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc
    return bool(plain) and not parts.query and not parts.fragment


def check_token_keys(place: str | None) -> str | None:
    """A file with keys, or a URL of them, which may have a query."""
    if place is not None and "://" in place:
        parts = urlsplit(place)
        if parts.scheme not in {"https", "http"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("must be an https or http URL without a password, or a file")
    return place


def check_key(key: SecretStr | None) -> SecretStr | None:
    """The key that seals secrets."""
    if key is not None:
        try:
            parse_key(key.get_secret_value())
        except SealError as error:
            raise ValueError(str(error)) from None
    return key


def check_plans(text: str) -> str:
    """Plans of API keys."""
    parse_plans(text)
    return text


def check_sender(address: str) -> str:
    """Address that mails come from."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}", address):
        raise ValueError("must be a plain address, such as reports@example.com")
    return address


def split_names(value: object) -> object:
    """Names that were separated by commas."""
    if not isinstance(value, str):
        return value
    return tuple(name.strip() for name in value.split(",") if name.strip())


def check_sources(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of sources, at least one."""
    if not names:
        raise ValueError("must name at least one source")
    return names


def check_origins(names: tuple[str, ...]) -> tuple[str, ...]:
    """Origins of web pages, in small letters."""
    origins = tuple(name.lower() for name in names)
    if not all(re.fullmatch(r"https?://[a-z0-9.:\[\]-]+", origin) for origin in origins):
        raise ValueError("must be origins, such as https://portal.example, separated by commas")
    return origins


def check_networks(names: tuple[str, ...]) -> tuple[str, ...]:
    """Networks by their addresses."""
    for name in names:
        try:
            ip_network(name)
        except ValueError:
            raise ValueError("must be networks, such as 10.1.0.0/16, separated by commas") from None
    return names
