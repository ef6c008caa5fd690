"""A store in an S3 bucket, of any server: large files go up in parts and appear when the last one is in."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO, TypedDict

import boto3.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as ServerConnectionError
from botocore.response import StreamingBody

from exporters.storage.errors import (
    NotFoundError,
    StoreError,
    StoreFullError,
    StoreRefusedError,
    StoreUnavailableError,
)
from exporters.storage.store import S3Options, StoredFile, StoreWriter, check_key

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

PART_SIZE = 8 * 1024 * 1024
"""Bytes of a part, all but the last; S3 allows 10,000 parts, so a file of 78 GiB."""

_READ_SIZE = 1024 * 1024
_FULL = {"EntityTooLarge", "InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"}
_TROUBLE = {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests"}


class S3Store:
    """Files below `prefix` (empty, or ending in a slash) in `bucket`."""

    def __init__(self, bucket: str, prefix: str, options: S3Options) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._client = _connect(options)

    def writer(
        self, key: str, *, media_type: str | None = None, disposition: str | None = None
    ) -> StoreWriter:
        """Begin a file; the server first hears of it when a part is full or the file is whole."""
        headers: _Headers = {}
        if media_type:
            headers["ContentType"] = media_type
        if disposition:
            headers["ContentDisposition"] = disposition
        return _S3Writer(self._client, self._bucket, self._name_of(key), self.url_of(key), headers)

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> BinaryIO:
        """The file's bytes as they come; a broken connection raises StoreUnavailableError from the read."""
        location = self.url_of(key)
        part: _Part = {}
        if offset or length is not None:
            part["Range"] = f"bytes={offset}-{'' if length is None else offset + length - 1}"
        with _store_errors(location):
            body = self._client.get_object(Bucket=self._bucket, Key=self._name_of(key), **part)["Body"]
        return io.BufferedReader(_S3Reader(body, location), _READ_SIZE)

    def stat(self, key: str) -> StoredFile:
        """The file's size and time."""
        with _store_errors(self.url_of(key)):
            found = self._client.head_object(Bucket=self._bucket, Key=self._name_of(key))
        return StoredFile(key, found["ContentLength"], found["LastModified"].astimezone(UTC))

    def list(self, folder: str = "") -> Iterator[StoredFile]:
        """Every file below `folder`, a page of the server's listing at a time."""
        folder = folder.removesuffix("/")
        prefix = self._name_of(folder) + "/" if folder else self._prefix
        with _store_errors(f"s3://{self._bucket}/{prefix}"):
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=prefix
            ):
                for item in page.get("Contents", ()):
                    # Consoles mark an empty folder by an object whose name ends in a slash: not a file.
                    if not item["Key"].endswith("/"):
                        key = item["Key"].removeprefix(self._prefix)
                        yield StoredFile(key, item["Size"], item["LastModified"].astimezone(UTC))

    def delete(self, key: str) -> None:
        """Remove the file."""
        with suppress(NotFoundError), _store_errors(self.url_of(key)):
            self._client.delete_object(Bucket=self._bucket, Key=self._name_of(key))

    def link(self, key: str, lifetime: timedelta) -> str:
        """A presigned URL; it gives the file with the type and the name it was written with."""
        with _store_errors(self.url_of(key)):
            return self._client.generate_presigned_url(
                "get_object",
                Params={"Bucket": self._bucket, "Key": self._name_of(key)},
                ExpiresIn=int(lifetime.total_seconds()),
            )

    def url_of(self, key: str) -> str:
        """The file's `s3://` URL."""
        return f"s3://{self._bucket}/{self._name_of(key)}"

    def sweep(self, older_than: timedelta) -> int:
        """Abort unfinished uploads that were begun that long ago."""
        limit = datetime.now(UTC) - older_than
        swept = 0
        with _store_errors(f"s3://{self._bucket}/{self._prefix}"):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            uploads = [upload for page in pages for upload in page.get("Uploads", ())]
        for upload in uploads:
            name, upload_id = upload["Key"], upload["UploadId"]
            # One that was finished or aborted since the listing is no error.
            with suppress(NotFoundError), _store_errors(f"s3://{self._bucket}/{name}"):
                if upload["Initiated"] <= limit:
                    self._client.abort_multipart_upload(Bucket=self._bucket, Key=name, UploadId=upload_id)
                    swept += 1
        return swept

    def _name_of(self, key: str) -> str:
        return self._prefix + check_key(key)


class _Headers(TypedDict, total=False):
    """What the server sends along with a file."""

    ContentType: str
    ContentDisposition: str


class _Part(TypedDict, total=False):
    """Which bytes of a file are asked for."""

    Range: str


class _S3Writer(StoreWriter):
    def __init__(self, client: "S3Client", bucket: str, name: str, location: str, headers: _Headers) -> None:
        super().__init__(location)
        self._headers = headers
        self._client = client
        self._bucket = bucket
        self._name = name
        self._buffer = bytearray()
        self._upload_id: str | None = None
        self._parts: list[CompletedPartTypeDef] = []

    def _append(self, data: memoryview) -> None:
        while data.nbytes:
            room = PART_SIZE - len(self._buffer)
            self._buffer += data[:room]
            data = data[room:]
            if len(self._buffer) == PART_SIZE:
                self._upload_part()

    def _upload_part(self) -> None:
        with _store_errors(self._location):
            if self._upload_id is None:
                started = self._client.create_multipart_upload(
                    Bucket=self._bucket, Key=self._name, **self._headers
                )
                self._upload_id = started["UploadId"]
            number = len(self._parts) + 1
            sent = self._client.upload_part(
                Bucket=self._bucket,
                Key=self._name,
                UploadId=self._upload_id,
                PartNumber=number,
                Body=bytes(self._buffer),
            )
        self._parts.append({"ETag": sent["ETag"], "PartNumber": number})
        self._buffer.clear()

    def _publish(self) -> None:
        with _store_errors(self._location):
            if self._upload_id is None:
                self._client.put_object(
                    Bucket=self._bucket, Key=self._name, Body=bytes(self._buffer), **self._headers
                )
                return
            if self._buffer:
                self._upload_part()
            self._client.complete_multipart_upload(
                Bucket=self._bucket,
                Key=self._name,
                UploadId=self._upload_id,
                MultipartUpload={"Parts": self._parts},
            )

    def _discard(self) -> None:
        self._buffer.clear()
        if self._upload_id is None:
            return
        with suppress(StoreError), _store_errors(self._location):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._name, UploadId=self._upload_id)


class _S3Reader(io.RawIOBase):
    def __init__(self, body: StreamingBody, location: str) -> None:
        self._body = body
        self._location = location

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        with _store_errors(self._location):
            data = self._body.read(view.nbytes)
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


@lru_cache(maxsize=8)
def _connect(options: S3Options) -> "S3Client":
    """A client, which several threads may share; making one takes a quarter of a second, so it is kept."""
    config = Config(
        connect_timeout=3,
        read_timeout=60,
        retries={"mode": "standard", "total_max_attempts": 3},
        # Many servers know only path-style addresses, and not the checksums newer SDKs add unasked.
        s3={"addressing_style": "path" if options.endpoint_url else "auto"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # The endpoint is a parameter; the environment does not get a say in it.
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs lack it
    )
    with _store_errors("The S3 client"):
        return boto3.session.Session().client(
            "s3",
            endpoint_url=options.endpoint_url,
            region_name=options.region or ("us-east-1" if options.endpoint_url else None),
            aws_access_key_id=options.access_key,
            aws_secret_access_key=options.secret_key,
            config=config,
        )


@contextmanager
def _store_errors(location: str) -> Iterator[None]:
    """Errors of the SDK as StoreError, cut off from their cause: its text may quote the signed request."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, location) from None
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise StoreRefusedError(
            f"{location}: no usable S3 credentials ({type(error).__name__}). Set an access and a secret key."
        ) from None
    except (HTTPClientError, ServerConnectionError, IncompleteReadError) as error:
        raise StoreUnavailableError(
            f"{location}: the S3 server did not answer ({type(error).__name__}). "
            "Check the endpoint and the network, then try again."
        ) from None
    except BotoCoreError as error:
        raise StoreError(f"{location}: the S3 request failed ({type(error).__name__}).") from None


def _answered(error: ClientError, location: str) -> StoreError:
    code = re.sub(r"[^A-Za-z0-9.]", "", str(error.response.get("Error", {}).get("Code", "")))[:60]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    kind: type[StoreError] = StoreError
    text = f"the S3 server answered {status} ({code})."
    if code == "NoSuchBucket":
        text = "the bucket does not exist. Create it, or correct the store's URL."
    elif code == "NoSuchUpload":
        kind, text = NotFoundError, "the unfinished upload was removed by somebody else."
    elif code in _FULL or status in {413, 507}:
        kind, text = StoreFullError, f"the store is full or the quota is used up ({code})."
    elif code in _TROUBLE or status in {408, 429} or status >= 500:
        kind, text = StoreUnavailableError, f"the S3 server is in trouble ({code}). Try again later."
    elif status in {401, 403}:
        kind = StoreRefusedError
        text = f"the S3 server refused ({code}). Check the keys and the bucket's permissions."
    elif status == 404:
        kind, text = NotFoundError, "there is no such file."
    return kind(f"{location}: {text}")
