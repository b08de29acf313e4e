"""Log lines without tokens, bodies or addresses, each with its request id."""

import contextvars
import logging
import re

from pythonjsonlogger.json import JsonFormatter

request_id_var: contextvars.ContextVar[str] = contextvars.ContextVar("request_id", default="-")

_SECRETS = [
    (re.compile(r"(/(?:test-session|participant/assignment|ws/session|live/session)/)[^/?\s\"']+"), r"\1[token]"),
    # In addresses, cookies and headers, and in bodies as JSON or Python writes them.
    (
        re.compile(
            r"((?:token|signature|password|confirmation|ticket|secret|sessionid)[\"']?\s*[=:]\s*[\"']?)[^&;,\s\"']+",
            re.IGNORECASE,
        ),
        r"\1[redacted]",
    ),
    (re.compile(r"(Bearer\s+)[A-Za-z0-9._~+/=-]+", re.IGNORECASE), r"\1[redacted]"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "[token]"),
    (re.compile(r"SESSION-[A-Z0-9]{8,}"), "SESSION-[token]"),
    (re.compile(r"\b[A-Z2-7]{32}\b"), "[token]"),
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "[address]"),
]


def redact(text: str) -> str:
    """Return text with everything that could open a door or name a person replaced."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class RedactSecrets(logging.Filter):
    """Rewrites each record's text; attached to every handler."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Replace the message by its redacted form and stamp the request id."""
        record.msg = redact(record.getMessage())
        record.args = ()
        record.request_id = request_id_var.get()
        return True


class LineFormatter(logging.Formatter):
    """One line a record: time, level, request id, logger, message. Tracebacks are redacted too."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s [%(request_id)s] %(name)s: %(message)s")

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's name
        """Return the traceback without secrets."""
        return redact(super().formatException(ei))  # type: ignore[arg-type]


class JsonLine(JsonFormatter):
    """One JSON object a record, for whoever collects the logs; extra fields become members."""

    def __init__(self) -> None:
        super().__init__(
            "%(asctime)s %(levelname)s %(request_id)s %(name)s %(message)s",
            rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
            json_ensure_ascii=False,
        )

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's name
        """Return the traceback without secrets."""
        return redact(super().formatException(ei))  # type: ignore[arg-type]
