"""The object store: whole files under keys, in a local folder or in an S3 bucket, chosen by URL."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from exporters.storage.errors import (
    InvalidKeyError,
    InvalidStoreUrlError,
    NotFoundError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
)
from exporters.storage.local import LocalStore
from exporters.storage.store import S3Options, Store, StoredFile, StoreWriter, check_key

__all__ = [
    "InvalidKeyError",
    "InvalidStoreUrlError",
    "NotFoundError",
    "S3Options",
    "Store",
    "StoreError",
    "StoreFullError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "StoreWriter",
    "StoredFile",
    "check_key",
    "open_store",
]

_EXPECTED = "Write a folder's path, file:///absolute/folder or s3://bucket/prefix."


def open_store(url: str, *, s3: S3Options | None = None) -> Store:
    """The store at `url`: a folder's path, `file:///absolute/folder`, or `s3://bucket/prefix`.

    `s3` says how to reach the bucket; without it, the cloud's defaults and the SDK's own credential chain.
    Nothing is created or contacted yet. Raises InvalidStoreUrlError.
    """
    if not url.strip() or not url.isprintable():
        raise InvalidStoreUrlError(f"The store URL is empty or holds control characters. {_EXPECTED}")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", url):
        return LocalStore(Path(url))
    scheme, _, rest = url.partition(":")
    if scheme.lower() == "file":
        return LocalStore(_folder_of(rest))
    if scheme.lower() == "s3":
        bucket, prefix = _bucket_of(rest)
        options = s3 or S3Options()
        _check_endpoint(options.endpoint_url)
        # The SDK takes half a second to import: only those who use S3 pay for it.
        from exporters.storage.s3 import S3Store  # noqa: PLC0415

        return S3Store(bucket, prefix, options)
    raise InvalidStoreUrlError(f"The store URL has the unknown scheme {scheme!r}. {_EXPECTED}")


def _folder_of(rest: str) -> Path:
    host, _, path = rest.removeprefix("//").partition("/")
    if not rest.startswith("//") or host not in {"", "localhost"} or not path:
        raise InvalidStoreUrlError(
            f"The store's file URL does not name an absolute local folder. {_EXPECTED}"
        )
    return Path("/" + unquote(path))


def _bucket_of(rest: str) -> tuple[str, str]:
    bucket, _, prefix = rest.removeprefix("//").partition("/")
    # The URL is not repeated: what is wrong with it may be a secret written into it.
    if not rest.startswith("//") or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}", bucket):
        raise InvalidStoreUrlError(
            "The store's S3 URL does not name a bucket (letters, digits, '.', '_', '-'; keys and passwords "
            f"never go into it). {_EXPECTED}"
        )
    prefix = prefix.strip("/")
    try:
        return bucket, f"{check_key(prefix)}/" if prefix else ""
    except InvalidKeyError as error:
        raise InvalidStoreUrlError(f"The prefix of the store's S3 URL cannot be used. {error}") from None


def _check_endpoint(endpoint_url: str | None) -> None:
    if endpoint_url is None:
        return
    try:
        parts = urlsplit(endpoint_url)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in endpoint_url or parts.query or parts.fragment:
        raise InvalidStoreUrlError(
            "The S3 endpoint must be http://host:port or https://host, without user name, password or query."
        )
