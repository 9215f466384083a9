"""Logs of the station programs: one event name a line, on standard error, JSON or for a person."""

import logging
import sys
from typing import Literal, TextIO, cast

import structlog


class _StandardError:
    """Standard error as it is now: whoever redirects it may close the one of before."""

    def write(self, line: str) -> int:
        return sys.stderr.write(line)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logging(form: Literal["auto", "json", "console"] = "auto") -> None:
    """Send structlog's lines to standard error; `auto` asks whether a person is looking."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, _StandardError())),
        cache_logger_on_first_use=False,
    )
