"""What the HTTP libraries log, without tokens and secrets."""

import logging
import re

from wxpush.channels.http.redact import redact

_LIBRARIES = ("urllib3", "requests")
_QUERY = re.compile(r"\?[^\s\"']+")


class _Redacting(logging.Filter):
    """Rewrites a record before any handler sees it."""

    def filter(self, record: logging.LogRecord) -> bool:
        # Of an address that another system keeps its token at, any part of the query may be a key.
        record.msg, record.args = _QUERY.sub("?***", redact(record.getMessage())), None
        record.exc_info = record.exc_text = None  # a traceback's messages hold the URL
        return True


def redact_library_logs() -> None:
    """Make the loggers of urllib3 and requests safe at every level; to be called after their import."""
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in _LIBRARIES:
            logger = logging.getLogger(name)
            if not any(isinstance(present, _Redacting) for present in logger.filters):
                logger.addFilter(_Redacting())
