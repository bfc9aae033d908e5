"""A database query as a list: its rows, read once as a stream, written down as JSONL with exact texts.

It only reads: one SELECT, in a transaction that is rolled back, read-only where the database knows that.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, BinaryIO, Final
from urllib.parse import quote, quote_plus, unquote
from uuid import UUID

from wxpush.config import load_database
from wxpush.errors import InputError
from wxpush.i18n import _

_ROWS_AT_ONCE: Final = 1_000
_FROM_ENVIRONMENT: Final = "env:"
#: A password before the host, as SQLAlchemy looks for it; and one among the options behind it.
_BEFORE_HOST: Final = re.compile(r"[^:]*://[^:/]*:([^@]*)@")
_AS_OPTION: Final = re.compile(r"[?&;]\s*(?:password|passwd|pwd|pass|token)\s*=\s*([^;&\s]+)", re.IGNORECASE)
_LONGEST_MESSAGE: Final = 500
#: What may stand before a statement's end: texts, quoted names, comments, and all but a semicolon.
_BODY: Final = re.compile(
    r"""(?:'[^']*'|"[^"]*"|`[^`]*`|\$\$.*?\$\$|--[^\n]*|/\*.*?\*/|[^;'"`$/-]|[$/-])*""", re.DOTALL
)
_COMMENTS: Final = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_READS: Final = re.compile(r"\(*\s*(?:select|with|values|table)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Query:
    """`--sql` and `--dsn` as they were typed; `dsn` is a URL without a password, env:NAME or a known name."""

    sql: str
    dsn: str

    def words(self) -> tuple[str, ...]:
        """The options that say so."""
        return "--sql", self.sql, "--dsn", self.dsn


def write_rows(query: Query, environ: Mapping[str, str], file: BinaryIO) -> None:
    """Write what the query finds to `file`, an object a line. Raises InputError."""
    statement = _statement(query.sql)
    row = 0
    with _answer(_url(query.dsn, environ), statement) as (names, rows):
        _refuse_twins(names)
        for row, found in enumerate(rows, 1):
            values = {
                name: exact(value, name, row)
                for name, value in zip(names, found, strict=True)
                if value is not None
            }
            file.write(_line(values))
    if not row:
        raise InputError(
            _("--sql: the query finds no rows."), _("Try the query in the database's own client.")
        )


@contextmanager
def _answer(url: str, statement: str) -> Iterator[tuple[list[str], Iterator[Any]]]:
    """The columns of the answer, and its rows as a stream."""
    engine = _engine(url)
    from sqlalchemy.exc import SQLAlchemyError

    options: dict[str, Any] = {"stream_results": True, "yield_per": _ROWS_AT_ONCE, "no_parameters": True}
    if engine.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    try:
        with _connected(engine, url) as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA query_only = ON")
            with connection.execution_options(**options).exec_driver_sql(statement) as result:
                if not result.returns_rows:
                    raise InputError(_("--sql: the statement gives no rows."), _only_reads())
                yield list(result.keys()), iter(result)
            connection.rollback()
    except SQLAlchemyError as error:
        raise _refused(error, url) from None
    finally:
        engine.dispose()


def _engine(url: str) -> Any:
    """SQLAlchemy's way to the database; nothing is asked of it yet."""
    try:
        import sqlalchemy
    except ImportError:
        raise InputError(
            _("--sql needs a library that isn't installed."), _("Install it: pip install 'wxpush[sql]'")
        ) from None
    from sqlalchemy import exc

    try:
        parsed = sqlalchemy.make_url(url)
        engine = sqlalchemy.create_engine(parsed, poolclass=sqlalchemy.NullPool)
    except exc.NoSuchModuleError:
        raise InputError(
            _("--dsn: no database of this kind is known: {kind}.").format(kind=url.partition("://")[0]),
            _("Write it as SQLAlchemy does: postgresql+psycopg://…, mysql+pymysql://…, sqlite:///shop.db"),
        ) from None
    except ImportError as error:
        raise InputError(
            _("--dsn: the database's driver isn't installed: {name}.").format(name=error.name or error),
            _("Install it beside wxpush: pip install {name}").format(name=error.name or "…"),
        ) from None
    except (exc.ArgumentError, ValueError):
        raise InputError(
            _("--dsn: this is no URL of a database."), _("Write it like: postgresql+psycopg://shop@db/shop")
        ) from None
    file = parsed.database or ""
    if engine.dialect.name == "sqlite" and not file.startswith(("file:", ":memory:")):
        _refuse_missing(Path(file))  # SQLite would make it
    return engine


def _refuse_missing(file: Path) -> None:
    if not file.is_file():
        raise InputError(_("--dsn: there is no file {path}.").format(path=file), _("Check the path."))


def _connected(engine: Any, url: str) -> Any:
    try:
        return engine.connect()
    except Exception as error:  # each driver has errors of its own
        raise _refused(error, url) from None


def _refused(error: Exception, url: str) -> InputError:
    return InputError(
        _("--sql: the database refuses: {reason}").format(reason=_reason(error, url)),
        _("Try the query in the database's own client."),
    )


def _line(values: dict[str, Any]) -> bytes:
    try:
        text = json.dumps(values, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a character, which the list's reader tells of
        text = json.dumps(values).encode()
    return text + b"\n"


def _statement(sql: str) -> str:
    """The one statement that is to be run. Raises InputError for what doesn't only read."""
    start = _COMMENTS.match(sql)
    body = _BODY.match(sql)
    end = body.end() if body else 0
    rest = sql[end:]
    if rest.startswith(";") and not _is_blank(rest[1:]):
        raise InputError(_("--sql: there is more than one statement."), _only_reads())
    if not _READS.match(sql, start.end() if start else 0):
        raise InputError(_("--sql: this is no query."), _only_reads())
    return sql[:end] if rest.startswith(";") else sql


def _is_blank(text: str) -> bool:
    return _COMMENTS.fullmatch(text.rstrip(";")) is not None


def _only_reads() -> str:
    return _("It takes one SELECT (or WITH … SELECT), and changes nothing.")


def _url(dsn: str, environ: Mapping[str, str]) -> str:
    """The URL that is meant; raises InputError for a secret that would be read by others."""
    if "://" in dsn:
        if _passwords(dsn):
            raise InputError(
                _("--dsn: a password on the command line can be read by every user of this machine."),
                _("Put the whole URL into a variable, and name that: --dsn env:SHOP_DSN"),
            )
        return dsn
    variable = dsn.removeprefix(_FROM_ENVIRONMENT) if dsn.startswith(_FROM_ENVIRONMENT) else None
    if variable is None:
        variable = load_database(dsn, environ)
    url = environ.get(variable, "").strip()
    if not url:
        raise InputError(
            _("--dsn: {variable} is not set.").format(variable=variable),
            _("Set it to the database's URL: postgresql+psycopg://shop:…@db/shop"),
        )
    return url


def _passwords(url: str) -> list[str]:
    """Every password in a URL, as it is written there or as it is meant."""
    found = _BEFORE_HOST.match(url)
    told = [found[1]] if found else []
    told += _AS_OPTION.findall(url) + _AS_OPTION.findall(unquote(url))
    return [one for one in told if one]


def _reason(error: Exception, url: str) -> str:
    """The driver's own words on one line, without a password."""
    text = " ".join(str(getattr(error, "orig", None) or error).split())
    for password in sorted(_passwords(url), key=len, reverse=True):
        meant = unquote(password)
        for written in (password, meant, quote(meant, safe=""), quote_plus(meant)):
            text = text.replace(written, "***")
    return text.replace(url, "***")[:_LONGEST_MESSAGE]


def _refuse_twins(names: list[str]) -> None:
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise InputError(
            _('--sql: two columns of the answer are called "{name}".').format(name=twice[0]),
            _("Give one of them another name: select … as order_name"),
        )


def exact(value: Any, column: str, row: int) -> Any:
    """A value as a campaign's expressions see it; `None` within a group stays. Raises InputError."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | UUID | timedelta):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): _inner(inner, column, row) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_inner(inner, column, row) for inner in value]
    kind = _("bytes") if isinstance(value, bytes | bytearray | memoryview) else type(value).__name__
    raise InputError(
        _('--sql:{row}: the column "{column}" holds {kind}, which is no text.').format(
            row=row, column=column, kind=kind
        ),
        _("Leave it out, or let the database turn it into text: cast({column} as char)").format(
            column=column
        ),
    )


def _inner(value: Any, column: str, row: int) -> Any:
    return None if value is None else exact(value, column, row)
