"""Settings: the one module that reads the environment, once, at the front doors; all else is passed in."""

from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

import setting_checks as checks
from exporters.access.options import AccessOptions, TokenOptions
from exporters.access.plans import parse_plans
from exporters.deliveries.options import DeliveryOptions, SmtpOptions
from exporters.options import ExportOptions, Quotas
from exporters.seal import Seal
from exporters.storage import S3Options
from warehouse.database import DatabaseOptions, check_size

_CENTURY_DAYS, _WEEK_SECONDS = 36_500, 604_800
_MOST_REQUESTS = 1_000_000
_Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(checks.split_names)]


class SettingsError(ValueError):
    """Settings have values they cannot take: the variables' names and what is wrong, never the values."""


class Settings(BaseSettings):
    """Every setting, read from the environment as `REPORTS_<SETTING>`; docs/settings.md explains them."""

    model_config = SettingsConfigDict(env_prefix="REPORTS_", frozen=True, env_ignore_empty=True)

    data_folder: Annotated[Path, AfterValidator(checks.check_folder)] = Path("data")
    """Folder of everything the product keeps on disk; other paths default to places in it."""
    source_config: Path = Path("sources.toml")
    """File that declares the sources."""
    sources: Annotated[_Names, AfterValidator(checks.check_sources)] = ("sample",)
    """Names of the sources to load, separated by commas."""
    source_root: Path | None = None
    """Folder that relative source paths start from; default: `sources` in the data folder."""
    source_secrets: Path | None = None
    """TOML file with a table of secrets for each source that needs them; default: no source does."""
    memory_limit: Annotated[str, AfterValidator(check_size)] = "4GB"
    """Most memory DuckDB takes before it spills to disk."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    """Threads of DuckDB; default: as many as there are cores."""
    keep_generations: Annotated[int, Field(ge=1)] = 3
    """Newest generations that are always kept."""
    generation_grace_hours: Annotated[float, Field(ge=0, le=24 * _CENTURY_DAYS)] = 24
    """Hours for which an older generation stays, for readers still on it."""
    max_loss_percent: Annotated[float, Field(ge=0, le=100)] = 50
    """Share of a source's rows of an entity that a night may lose and still be published; 100: all."""
    landing_days: Annotated[float, Field(ge=0, le=_CENTURY_DAYS)] = 30
    """Days after which landed rows that newer loads have replaced are removed."""
    stale_after_hours: Annotated[float, Field(ge=1, le=24 * _CENTURY_DAYS)] = 30
    """Hours after which a source that was not read without a fault counts as stale."""
    nightly_at: Annotated[str, AfterValidator(checks.check_time)] = "02:15"
    """Local time of the nightly run."""
    nightly_time_zone: Annotated[str, AfterValidator(checks.check_zone)] = "Europe/Oslo"
    """Zone of the nightly run's local time."""
    backfill_start: Annotated[str, AfterValidator(checks.check_first_day)] = "2016-01-01"
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
    lease_seconds: Annotated[float, Field(gt=0, le=_WEEK_SECONDS)] = 60
    """How long a worker that falls silent keeps its job."""
    max_attempts: Annotated[int, Field(ge=1, le=1000)] = 3
    """How often a job is tried."""
    export_memory_limit: Annotated[str, AfterValidator(check_size)] = "512MB"
    """Most memory DuckDB takes for one export before it spills to disk."""
    language: Literal["nb", "sv", "da", "de", "en"] = "en"
    """Language of files for which none was asked: nb, sv, da, de or en."""
    row_quota: Annotated[int, Field(ge=1)] | None = None
    """Rows that a workshop may export in 24 hours; default: any number."""
    byte_quota: Annotated[int, Field(ge=1)] | None = None
    """Bytes of a workshop's stored files from which it may export no more; default: any number."""
    pending_quota: Annotated[int, Field(ge=1)] = 10_000
    """Exports of a workshop that may wait to be made."""
    brands: Path | None = None
    """Folder of the workshops' logos, colours and footers; default: files carry none."""
    api_host: str = "127.0.0.1"
    """Address that the API listens on."""
    api_port: Annotated[int, Field(ge=1, le=65_535)] = 8000
    """Port that the API listens on."""
    allowed_origins: Annotated[_Names, AfterValidator(checks.check_origins)] = ()
    """Origins, separated by commas, whose pages may use the API from a browser; default: none but its own."""
    link_seconds: Annotated[int, Field(ge=0, le=300)] = 0
    """Seconds for which a link to a file in S3 is good; 0: downloads come from the API itself."""
    retention_days: Annotated[float, Field(gt=0, le=_CENTURY_DAYS)] = 7
    """Days after which an export's file is removed; its record stays."""
    token_keys: Annotated[str | None, AfterValidator(checks.check_token_keys)] = None
    """Where the key set is that tokens are checked against: a URL or a file; default: no token is taken."""
    token_issuer: Annotated[str | None, Field(validate_default=True)] = None
    """What a token's claim `iss` must be."""
    token_audience: Annotated[str | None, Field(validate_default=True)] = None
    """What a token's claim `aud` must be or hold."""
    token_workshop_claim: Annotated[str, Field(min_length=1)] = "workshop_id"  # noqa: S105  a name
    """Name of a token's claim with the id of its workshop, or a list of them."""
    rate_per_minute: Annotated[int, Field(ge=1, le=_MOST_REQUESTS)] = 600
    """Requests of one caller in a minute."""
    concurrent_requests: Annotated[int, Field(ge=1, le=_MOST_REQUESTS)] = 16
    """Requests of one caller under way at once."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """From what level on the server and the workers log: debug, info, warning or error."""
    otlp_endpoint: Annotated[str | None, AfterValidator(checks.check_collector)] = None
    """Where traces are sent to, by OTLP over HTTP, such as `http://127.0.0.1:4318`; default: nowhere."""
    plans: Annotated[str, AfterValidator(checks.check_plans)] = "standard=1000,professional=5000,enterprise="
    """Plans of API keys as `name=requests an hour`, separated by commas; without a number: no limit. The
    first is that of keys that name none."""
    audit_days: Annotated[float, Field(gt=0, le=_CENTURY_DAYS)] = 365
    """Days for which the audit log is kept, and deliveries and fires that have ended."""
    seal_key: Annotated[SecretStr | None, AfterValidator(checks.check_key)] = None
    """Key of 32 bytes in base64 that seals secrets in the records; default: the file `seal.key` in the data
    folder, made at first use."""
    public_url: Annotated[str, AfterValidator(checks.check_public_url)] = "http://127.0.0.1:8000"
    """What links in mails begin with: where people reach the API."""
    smtp_host: str | None = None
    """Mail server; default: no mail can be sent."""
    smtp_port: Annotated[int, Field(ge=1, le=65_535)] = 587
    """Port of the mail server."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection to the mail server is encrypted: starttls, tls or none."""
    smtp_user: str | None = None
    """Account at the mail server; default: it asks for none."""
    smtp_password: SecretStr | None = None
    """Password of the account."""
    mail_sender: Annotated[str, AfterValidator(checks.check_sender)] = "reports@localhost"
    """Address that mails come from."""
    attachment_limit: Annotated[int, Field(ge=0)] = 10_000_000
    """Bytes up to which a file is attached to a mail; a larger one is mailed as a link."""
    webhook_networks: Annotated[_Names, AfterValidator(checks.check_networks)] = ()
    """Networks, separated by commas, that webhooks may lead to beside public ones, such as `10.1.0.0/16`."""

    @field_validator("token_issuer", "token_audience")
    @classmethod
    def _check_complete(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("token_keys") is not None:
            raise ValueError("must be set where REPORTS_TOKEN_KEYS is: tokens of others would be taken else")
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
            database=DatabaseOptions(self.export_memory_limit, self.threads),
            lease=timedelta(seconds=self.lease_seconds),
            max_attempts=self.max_attempts,
            retention=timedelta(days=self.retention_days),
            language=self.language,
            brand_folder=self.brands,
            quotas=Quotas(self.row_quota, self.byte_quota, self.pending_quota),
            record_retention=timedelta(days=self.audit_days),
            deliveries=self.deliveries,
        )

    @property
    def deliveries(self) -> DeliveryOptions:
        """How deliveries are sent."""
        smtp = None
        if self.smtp_host:
            password = self.smtp_password.get_secret_value() if self.smtp_password else None
            smtp = SmtpOptions(self.smtp_host, self.smtp_port, self.smtp_security, self.smtp_user, password)
        return DeliveryOptions(
            seal=self.seal,
            smtp=smtp,
            sender=self.mail_sender,
            public_url=self.public_url,
            attachment_limit=self.attachment_limit,
            allowed_networks=tuple(ip_network(network) for network in self.webhook_networks),
        )

    @property
    def seal(self) -> Seal:
        """What seals secrets in the records."""
        return Seal(self.seal_key.get_secret_value() if self.seal_key else self.data_folder / "seal.key")

    @property
    def link_lifetime(self) -> timedelta | None:
        """How long a link to a file in the store is good; None: none are made."""
        return timedelta(seconds=self.link_seconds) if self.link_seconds else None

    @property
    def access(self) -> AccessOptions:
        """Who is let in, and how far."""
        tokens = None
        if self.token_keys and self.token_issuer and self.token_audience:
            tokens = TokenOptions(
                self.token_keys, self.token_issuer, self.token_audience, self.token_workshop_claim
            )
        return AccessOptions(
            tokens,
            self.rate_per_minute,
            self.concurrent_requests,
            timedelta(days=self.audit_days),
            parse_plans(self.plans),
        )

    @property
    def stale_after(self) -> timedelta:
        """How long a source counts as fresh after it was read without a fault."""
        return timedelta(hours=self.stale_after_hours)

    @property
    def landing_retention(self) -> timedelta:
        """How long landed rows stay that newer loads have replaced."""
        return timedelta(days=self.landing_days)

    @property
    def generation_grace(self) -> timedelta:
        """How long an older generation stays."""
        return timedelta(hours=self.generation_grace_hours)


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: settings have values they cannot take.
    """
    try:
        return Settings()
    except ValidationError as error:
        faults = _describe_faults(error)
    # Outside the clause: the error of pydantic, which shows the values, must not be told along with this one.
    raise SettingsError("; ".join(faults))


def _describe_faults(error: ValidationError) -> list[str]:
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return [
        f"REPORTS_{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
        for fault in faults
    ]
