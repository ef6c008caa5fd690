"""Declared sources: what a source delivers, in which format, and what identifies and orders its rows."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from warehouse.errors import WarehouseError, describe_faults

FileFormat = Literal["csv", "ndjson", "parquet"]

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_PACE = {"workshop_portal": 20.0, "plandocket": 0.25}
"""Calls a second. PlanDocket's smallest plan allows 1,000 an hour; the portal tells no limit."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


class SourceConfigError(WarehouseError):
    """The source configuration is wrong."""


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or "__" in name:
        raise ValueError("must be lower-case letters, digits and single underscores")
    return name


def _checked_zone(zone: str) -> str:
    if zone not in available_timezones():
        raise ValueError(f"{zone!r} is no IANA time zone, such as Europe/Oslo")
    return zone


Name = Annotated[str, AfterValidator(_checked_name)]


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BelongsTo(_Declaration):
    """The row of another entity of the source that a row goes with."""

    entity: Name
    column: str
    """Column of the own rows that names the other one."""
    refers_to: str | None = None
    """Column of the other entity that it holds; None: its key, of one column."""


class SourceEntity(_Declaration):
    """One kind of row that a source delivers."""

    key: list[str] = Field(min_length=1)
    """Columns that identify a row: of several rows with one key the newest is taken."""
    columns: list[str] = Field(min_length=1)
    """Columns that there must be; others are landed as they come."""
    watermark: str | None = None
    """Column that tells when a row last changed: orders the rows of one key and places a row on a day."""
    watermark_format: str | None = None
    """strptime format of a watermark in local time; None: ISO 8601, in UTC where no offset is written."""
    keep_vanished: bool = False
    """Keep rows that the source has no more, the instant in the column `_vanished`."""
    workshop: list[str] = Field(default=[])
    """Columns that name a row's workshop; several are its parts, joined by ` / `."""
    belongs_to: BelongsTo | None = None
    """Whose workshop and customer a row has that does not name them itself."""
    shared: bool = False
    """No workshop's: reference data of all."""
    customer: str | None = None
    """Column that identifies a row's customer."""
    personal: list[str] = Field(default=[])
    """Columns that tell of the customer; emptied when the customer is erased."""

    @field_validator("workshop", mode="before")
    @classmethod
    def _one_column_or_several(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _key_and_watermark_are_columns(self) -> Self:
        needed = [*self.key, *([self.watermark] if self.watermark else [])]
        missing = [name for name in needed if name not in self.columns]
        if missing:
            raise ValueError(f"key and watermark must be among the columns: add {', '.join(missing)}")
        return self


class FileEntity(SourceEntity):
    """Rows in files of one shape."""

    files: str
    """Glob below the source's path."""
    format: FileFormat
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    """CSV only."""


class RestEntity(SourceEntity):
    """Rows of one resource of an HTTP API."""

    resource: str
    """Name of the resource, as the API's reader knows it."""


class TableEntity(SourceEntity):
    """Rows of one database table or view."""

    table: str = Field(pattern=r"^[^.]+(\.[^.]+)?$")
    """Its name as the database has it, with its schema where that is not the default one: `schema.table`."""
    overlap: int = Field(default=60, ge=0)
    """Minutes before the last watermark that are read again: no transaction may take longer to commit."""
    find_deleted: bool = True
    """Compare all keys with those landed, to find rows that were deleted and rows no watermark tells of."""

    @model_validator(mode="after")
    def _watermark_needs_no_format(self) -> Self:
        if self.watermark_format:
            raise ValueError("a table's watermark is a timestamp: leave watermark_format out")
        return self


class Tenant(_Declaration):
    """The one workshop of a source whose rows name none."""

    id: str = Field(min_length=1)
    name: str = Field(min_length=1)
    org_number: str | None = None


class _Source(_Declaration):
    time_zone: Annotated[str, AfterValidator(_checked_zone)]
    """Zone of workshops that name none, and of local times in the source."""
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$")
    """Currency of workshops that name none; None: the source knows no money."""
    service_time: Literal["start_time", "completed_at"] = "start_time"
    """The instant that decides on which day a booking counts; a booking without it counts by its start."""
    tenant: Tenant | None = None
    """Whose all rows are that are not shared; None: each tells itself."""


class FileSource(_Source):
    """A source that delivers files."""

    type: Literal["files"] = "files"
    path: str
    """Folder (absolute, relative to the source root, or, from `./` on, to the file that declares it), or
    `s3://bucket/prefix`."""
    entities: dict[Name, FileEntity]

    @property
    def place(self) -> str:
        """Where the rows come from, for people."""
        return self.path


class RestSource(_Source):
    """A source that is an HTTP API; its credentials are secrets."""

    type: Literal["rest"]
    api: Literal["workshop_portal", "plandocket"]
    """Which API it speaks."""
    url: str
    """Where the API is, without a secret in it; https unless it is this machine."""
    requests_per_second: float | None = Field(default=None, gt=0, le=10_000)
    """Most calls that are begun in a second; None: what the API is known to bear."""
    concurrency: int = Field(default=8, ge=1, le=64)
    """How many workshops are read at once."""
    overlap_hours: float = Field(default=1, ge=0, le=24 * 366)
    """Changes are read again from this long before the newest known one, for those that came late."""
    legacy_bookings: bool = False
    """Read bookings from the old routes, which know no changes: all of them each time."""
    entities: dict[Name, RestEntity]

    @field_validator("url")
    @classmethod
    def _url_is_safe(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in {"http", "https"}:
            raise ValueError("must be an address such as https://api.example.com")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must have no user, query or fragment: secrets have a file of their own")
        if parts.scheme == "http" and host not in _LOOPBACK:
            raise ValueError("must begin with https://, or what it carries can be read on the way")
        return url.rstrip("/")

    @property
    def pace(self) -> float:
        """Most calls that are begun in a second."""
        return self.requests_per_second or _PACE[self.api]

    @property
    def place(self) -> str:
        """Where the rows come from, for people."""
        return self.url


class DatabaseSource(_Source):
    """A source that is a PostgreSQL database; its URL is a secret."""

    type: Literal["postgresql"]
    entities: dict[Name, TableEntity]

    @property
    def place(self) -> str:
        """Where the rows come from, for people."""
        return "PostgreSQL"


Source = FileSource | RestSource | DatabaseSource
_SOURCE: TypeAdapter[Source] = TypeAdapter(
    Annotated[
        Annotated[FileSource, Tag("files")]
        | Annotated[RestSource, Tag("rest")]
        | Annotated[DatabaseSource, Tag("postgresql")],
        Discriminator(lambda declared: declared.get("type", "files")),
    ]
)


def _placed(source: Source, folder: Path) -> Source:
    if isinstance(source, FileSource) and source.path.startswith("./"):
        return source.model_copy(update={"path": str(folder / source.path)})
    return source


def load_sources(path: Path, active: list[str]) -> Mapping[str, Source]:
    """The active sources declared in the TOML file at `path`.

    Raises:
        SourceConfigError: the file is missing or wrong, or an active source is not declared there.
    """
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SourceConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceConfigError(f"{path}: is not TOML: {error}") from error
    missing = [name for name in active if name not in declared]
    if missing:
        known = ", ".join(sorted(declared)) or "none"
        raise SourceConfigError(f"{path}: declares no source {', '.join(missing)}; it declares {known}")
    sources = {}
    for name in active:
        try:
            _checked_name(name)
            sources[name] = _placed(_SOURCE.validate_python(declared[name]), path.absolute().parent)
        except ValidationError as error:
            raise SourceConfigError(f"{path}: source {name}: {describe_faults(error)}") from error
        except ValueError as error:
            raise SourceConfigError(f"{path}: source name {name!r} {error}") from error
    return sources
