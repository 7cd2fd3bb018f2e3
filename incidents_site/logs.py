"""How Muster logs: one line an event on standard error, structured, without secrets."""

from __future__ import annotations

import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

# The routing key in an intake address is the secret of that integration, and a signed link is one for its bearer.
SECRET_IN_PATH = re.compile(r"(/(?:integrations|setup|confirm|answers/email|password/reset/key)/)[^/\s\"']+")


def hide_routing_keys(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the routing key wherever an intake address is part of a message."""
    text = event.get("event")
    if isinstance(text, str):
        event["event"] = SECRET_IN_PATH.sub(r"\1…", text)
    return event


def drop_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Django attaches whole request objects to its records; they say little and hold much."""
    event.pop("request", None)
    return event


SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
    drop_request,
    hide_routing_keys,
]


def configure() -> None:
    """Send structlog's events through standard logging, so that one configuration rules both."""
    structlog.configure(
        processors=[*SHARED_PROCESSORS, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def logging_config() -> dict[str, Any]:
    """The ``LOGGING`` setting: readable on a terminal, JSON lines anywhere else, quiet libraries."""
    for_people = [structlog.dev.ConsoleRenderer(colors=False)]
    for_machines = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *(for_people if sys.stderr.isatty() else for_machines),
                ],
                "foreign_pre_chain": SHARED_PROCESSORS,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django.request": {"level": "ERROR"},
            "django.security": {"level": "WARNING"},
            "psycopg.pool": {"level": "ERROR"},
            "celery": {"level": "WARNING"},
            "uvicorn": {"level": "WARNING"},
        },
    }
