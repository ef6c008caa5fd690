"""The seal: keeps secrets that must be sent again unreadable in the records, and signs links.

What is sealed is encrypted and authenticated (Fernet); a signature is an HMAC-SHA256 for one purpose.
"""

import base64
import binascii
import hmac
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

_KEY_BYTES = 32


class SealError(Exception):
    """A key or a sealed text that cannot be used. It names neither."""


@dataclass(frozen=True)
class Seal:
    """Seals and signs with one key of 32 bytes, which every process of an installation must share."""

    source: str | Path = field(repr=False)
    """The key in base64, or the file that holds it: made at first use, readable by its owner only."""

    def close(self, text: str) -> str:
        """The text, unreadable without the key; each time another."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """The text that was sealed.

        Raises:
            SealError: it was sealed with another key, or changed since.
        """
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except (InvalidToken, UnicodeEncodeError):
            raise SealError(
                "a sealed secret cannot be opened: it was sealed with another key; enter the secret again"
            ) from None

    def sign(self, purpose: str, text: str) -> str:
        """A signature of the text for one purpose: the same each time, 43 letters, digits, `-` and `_`.

        Raises:
            SealError: the key cannot be used, as of every other call.
        """
        digest = hmac.digest(self._key, f"{purpose}\0{text}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def is_signed(self, purpose: str, text: str, signature: str) -> bool:
        """Whether the signature is the text's, for this purpose; compared in constant time."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode())

    @cached_property
    def _fernet(self) -> Fernet:
        # Another key than that of the signatures, made from the same one.
        return Fernet(base64.urlsafe_b64encode(hmac.digest(self._key, b"seal", "sha256")))

    @cached_property
    def _key(self) -> bytes:
        return parse_key(self.source) if isinstance(self.source, str) else _read_key(self.source)


def parse_key(text: str) -> bytes:
    """The bytes of a key written in base64.

    Raises:
        SealError: it is not 32 bytes in base64.
    """
    try:
        key = base64.b64decode(text.strip(), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _KEY_BYTES:
        raise SealError("the key must be 32 bytes in base64, as `openssl rand -base64 32` makes it")
    return key


def _read_key(path: Path) -> bytes:
    try:
        if not path.exists():
            _make_key(path)
        return parse_key(path.read_text(encoding="ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise SealError(f"the key file {path} cannot be read or made: {type(error).__name__}") from None
    except SealError as error:
        raise SealError(f"the key file {path}: {error}") from None


def _make_key(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(os.urandom(_KEY_BYTES)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):  # of several processes one wins, and the others read its key
        os.link(beside, path)
    beside.unlink()
