"""How a webhook's receiver knows the caller: a header of its choice, a user and password, or Kerberos."""

import base64
import importlib.util
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_HEADER_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST = 2_000
_OWN_NAMES_TEXT = """
    host content-length content-type content-encoding transfer-encoding connection keep-alive te trailer
    upgrade expect accept accept-encoding user-agent date via forwarded cookie origin referer range
"""
_OWN_NAMES = frozenset(_OWN_NAMES_TEXT.split())
_OWN_PREFIXES = ("webhook-", "proxy-", "sec-", "x-forwarded-", "x-http-method", "x-method-override", ":")
_FIELDS = {"method": "Method", "key": "Key", "value": "Value"}


class AuthRefused(Exception):  # noqa: N818  the condition reads better without "Error"
    """An authentication that cannot be used. Its text quotes neither key nor value."""

    def __init__(self, field_name: str, message: str) -> None:
        super().__init__(f"authConfig.{field_name}: {message}")
        self.field = field_name
        """`Method`, `Key` or `Value`."""
        self.message = message


class Method(StrEnum):
    """A way to be known."""

    HEADER = "Header"
    BASIC = "BasicAuth"
    KERBEROS = "Kerberos"


@dataclass(frozen=True)
class Auth:
    """How the receiver knows the caller."""

    method: Method
    key: str = field(repr=False)
    """Name of the header, user, or `domain@user` with the domain optional."""
    value: str = field(repr=False)
    """Value of the header, or password."""

    @property
    def headers(self) -> dict[str, str]:
        """What is sent from the first request on; of Kerberos nothing, as it has a token for each call."""
        if self.method is Method.HEADER:
            return {self.key: self.value}
        if self.method is Method.BASIC:
            pair = base64.b64encode(f"{self.key}:{self.value}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {}

    def to_text(self) -> str:
        """It as text, to be sealed."""
        return json.dumps([self.method, self.key, self.value])


def from_text(text: str) -> Auth:
    """What `to_text` wrote."""
    method, key, value = json.loads(text)
    return Auth(Method(method), key, value)


def read_auth(config: Mapping[str, Any]) -> Auth:
    """The authentication that an authConfig asks for; its keys and its method in any case.

    Raises:
        AuthRefused: a part is missing, unknown, or could change the call beyond the authentication.
    """
    given: dict[str, Any] = {}
    for name, value in config.items():
        known = _FIELDS.get(str(name).lower())
        if known is None or known in given:
            raise AuthRefused("Method", "authConfig has Method, Key and Value, each once")
        given[known] = value
    for name in _FIELDS.values():
        if not isinstance(given.get(name), str) or not given[name]:
            raise AuthRefused(name, "must be a text that is not empty")
        if len(given[name]) > _LONGEST:
            raise AuthRefused(name, f"must not be longer than {_LONGEST} characters")
        if _CONTROLS.search(given[name]):
            raise AuthRefused(name, "must not hold line breaks or other control characters")
    methods = {method.lower(): method for method in Method}
    method = methods.get(given["Method"].lower())
    if method is None:
        raise AuthRefused("Method", f"must be one of {', '.join(Method)}")
    _CHECKS[method](given["Key"], given["Value"])
    return Auth(method, given["Key"], given["Value"])


def _check_header(key: str, value: str) -> None:
    if not _TOKEN.fullmatch(key):
        raise AuthRefused("Key", "is not a header's name: up to 100 letters, digits and - are")
    if key.lower() in _OWN_NAMES or key.lower().startswith(_OWN_PREFIXES):
        raise AuthRefused("Key", "this header belongs to the call itself; choose another")
    if not _HEADER_VALUE.fullmatch(value):
        raise AuthRefused("Value", "a header's value is printable ASCII, without spaces at its ends")


def _check_basic(key: str, value: str) -> None:  # noqa: ARG001  any password will do
    if ":" in key:
        raise AuthRefused("Key", "a user's name must not hold a colon")


def _check_kerberos(key: str, value: str) -> None:  # noqa: ARG001
    domain, _, user = key.rpartition("@")
    if not user or "@" in domain or (key.startswith("@")) or re.search(r"[\s/\\]", key):
        raise AuthRefused("Key", "must be domain@user, or user alone")
    if importlib.util.find_spec("httpx_gssapi") is None:
        raise AuthRefused("Method", KERBEROS_MISSING)


_CHECKS = {Method.HEADER: _check_header, Method.BASIC: _check_basic, Method.KERBEROS: _check_kerberos}
KERBEROS_MISSING = "Kerberos needs the extra `kerberos`, which is not installed here; see docs/deliveries.md"
