"""Logs of the station programs: one event name a line, on standard error, JSON or for a person."""

import logging
import sys
from typing import Literal

import structlog


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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
