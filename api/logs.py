"""The log of the long-running commands: JSON lines on stderr, or text for a person at a terminal."""

import json
import logging
import logging.config
import re
import sys
import threading
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

from exporters.observation import current_job

current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""Id of the request that this code runs for."""

_log = logging.getLogger(__name__)

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; the rest are fields that the caller gave."""

_SECRETS = (
    (re.compile(r"\brk_([0-9a-f]{16})_[0-9A-Za-z]+"), r"rk_\1_***"),  # an API key, whose id is no secret
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?"), "***"),  # a JWT
    (re.compile(r"(?i)\b(authorization['\"]?\s*[:=]\s*['\"]?\w+|bearer)\s+[\w.~+/=-]+"), r"\1 ***"),
    (re.compile(r"://([^\s:/@\"]*):[^\s/@\"]+@"), r"://\1:***@"),
    (re.compile(r"(?i)\b((?:x-amz-)?(?:signature|credential|security-token))=[^&\s\"']+"), r"\1=***"),
    (re.compile(r"(?i)\b(password|passwd|pwd|secret|token|api_?key)=[^&\s\"']+"), r"\1=***"),
)
"""What must not be in a log, should a message of another library quote it; and what stands there instead."""
_MARKS = ("rk_", "eyj", "bearer", "authorization", "://", "=")
"""Where none of these is, in small letters, there is no secret; the look spares most lines the patterns."""

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}


def configure_logging(level: str, *, as_text: bool) -> None:
    """Log from now on as `describe_logging` has it."""
    logging.config.dictConfig(describe_logging(level, as_text=as_text))
    catch_strays()


def catch_strays() -> None:
    """Have the log tell what would else be printed: warnings, and errors that end a thread."""
    logging.captureWarnings(capture=True)
    threading.excepthook = _tell_of_thread


def describe_logging(level: str, *, as_text: bool) -> dict[str, Any]:
    """The configuration of the log, for `logging.config`: our own lines from `level` on, others' warnings."""
    ours = {"level": level.upper(), "handlers": ["stderr"], "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": TextLines if as_text else JsonLines}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "lines"}
        },
        "loggers": {name: {**ours} for name in ("api", "exporters", "warehouse", "_granian")},
        # What other libraries say when debugging may hold anything, headers and signatures among it.
        "root": {"level": "WARNING", "handlers": ["stderr"]},
    }


def _tell_of_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None:
        _log.critical("a thread ended by an error", exc_info=ended.exc_value)


def is_terminal() -> bool:
    """Whether a person reads the log as it is written."""
    return sys.stderr.isatty()


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        fields = {
            "time": _instant(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            **_fields_of(record),
        }
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return without_secrets(_encode(fields))


class TextLines(logging.Formatter):
    """One line of text, and the trace of an exception below it."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        fields = [f"{name}={value}" for name, value in _fields_of(record).items()]
        time = _instant(record).isoformat(sep=" ", timespec="milliseconds")[:-6]
        line = " ".join([time, f"{record.levelname:<7}", record.getMessage(), *fields]).translate(_CONTROLS)
        if record.exc_info:
            line += f"\n{self.formatException(record.exc_info)}"
        return without_secrets(line)


def without_secrets(text: str) -> str:
    """The text with stars in place of keys, tokens, passwords and signatures."""
    lowered = text.lower()
    if any(mark in lowered for mark in _MARKS):
        for pattern, instead in _SECRETS:
            text = pattern.sub(instead, text)
    return text


def _encode(fields: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(fields, enc_hook=str).decode()
    except UnicodeEncodeError:  # text that is half a character: the slower encoder writes it as an escape
        return json.dumps(fields, default=str)


def _instant(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """What runs, and what the caller tells besides."""
    known = {"request_id": current_request.get(), "job_id": current_job()}
    return {name: value for name, value in known.items() if value is not None} | {
        name: value for name, value in vars(record).items() if name not in _PLAIN
    }
