"""Settings: the one module that reads the environment, once, at the front doors; all else is passed in."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from exporters.options import ExportOptions
from exporters.storage import S3Options
from warehouse.database import DatabaseOptions


class Settings(BaseSettings):
    """Every setting, read from the environment as `REPORTS_<SETTING>`; docs/settings.md explains them."""

    model_config = SettingsConfigDict(env_prefix="REPORTS_", frozen=True, env_ignore_empty=True)

    data_folder: Path = Path("data")
    """Folder of everything the product keeps on disk; other paths default to places in it."""
    source_config: Path = Path("sources.toml")
    """File that declares the sources."""
    sources: Annotated[tuple[str, ...], NoDecode] = ("sample",)
    """Names of the sources to load, separated by commas."""
    source_root: Path | None = None
    """Folder that relative source paths start from; default: `sources` in the data folder."""
    memory_limit: str = "4GB"
    """Most memory DuckDB takes before it spills to disk."""
    threads: Annotated[int, Field(ge=1)] | None = None
    """Threads of DuckDB; default: as many as there are cores."""
    keep_generations: Annotated[int, Field(ge=1)] = 3
    """Newest generations that are always kept."""
    generation_grace_hours: Annotated[float, Field(ge=0)] = 24
    """Hours for which an older generation stays, for readers still on it."""
    nightly_at: Annotated[str, Field(pattern=r"^\d{2}:\d{2}$")] = "02:15"
    """Local time of the nightly run."""
    nightly_time_zone: str = "Europe/Oslo"
    """Zone of the nightly run's local time."""
    backfill_start: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = "2016-01-01"
    """First day that can be loaded again by day."""
    store_url: str | None = None
    """Where files go: `file://…` or `s3://bucket/prefix`; default: `store` in the data folder."""
    s3_endpoint: str | None = None
    """Endpoint of an S3 that is not Amazon's."""
    s3_region: str = "us-east-1"
    """Region of the S3."""
    s3_access_key: str | None = None
    """Access key; default: what the machine's own S3 configuration says."""
    s3_secret_key: SecretStr | None = None
    """Secret key that belongs to the access key."""
    jobs_url: SecretStr | None = None
    """Database of the job records, SQLite or PostgreSQL; default: `jobs.db` in the data folder."""
    lease_seconds: Annotated[float, Field(gt=0)] = 60
    """How long a worker that falls silent keeps its job."""
    max_attempts: Annotated[int, Field(ge=1)] = 3
    """How often a job is tried."""
    retention_days: Annotated[float, Field(gt=0)] = 7
    """Days after which an export's file is removed; its record stays."""

    @field_validator("sources", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @property
    def source_folder(self) -> Path:
        """Folder that relative source paths start from."""
        return self.source_root or self.data_folder / "sources"

    @property
    def landing_folder(self) -> Path:
        """Folder of the landing."""
        return self.data_folder / "landing"

    @property
    def warehouse_folder(self) -> Path:
        """Folder of the build file and the generations."""
        return self.data_folder / "warehouse"

    @property
    def store_location(self) -> str:
        """URL of the store, with its default."""
        return self.store_url or f"file://{(self.data_folder / 'store').resolve()}"

    @property
    def jobs_database(self) -> str:
        """URL of the job records' database, with its default."""
        if self.jobs_url is not None:
            return self.jobs_url.get_secret_value()
        return f"sqlite:///{(self.data_folder / 'jobs.db').resolve()}"

    @property
    def s3(self) -> S3Options:
        """How S3 is reached."""
        secret = self.s3_secret_key.get_secret_value() if self.s3_secret_key else None
        return S3Options(self.s3_endpoint, self.s3_region, self.s3_access_key, secret)

    @property
    def database(self) -> DatabaseOptions:
        """Limits of DuckDB."""
        return DatabaseOptions(self.memory_limit, self.threads)

    @property
    def exports(self) -> ExportOptions:
        """Where exports live and how long things last."""
        return ExportOptions(
            store_url=self.store_location,
            s3=self.s3,
            jobs_url=self.jobs_database,
            warehouse_folder=self.warehouse_folder,
            database=self.database,
            lease=timedelta(seconds=self.lease_seconds),
            max_attempts=self.max_attempts,
            retention=timedelta(days=self.retention_days),
        )

    @property
    def generation_grace(self) -> timedelta:
        """How long an older generation stays."""
        return timedelta(hours=self.generation_grace_hours)


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        pydantic.ValidationError: a setting has a value it cannot take.
    """
    return Settings()
