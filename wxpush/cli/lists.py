"""The list of a command: a file, standard input or a query, and who of it is meant."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wxpush.cli.base import surroundings
from wxpush.errors import InputError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.sieve import Sieve
    from wxpush.app.sources.spool import Source

Recipients = Annotated[
    str | None,
    typer.Argument(
        metavar="RECIPIENTS",
        show_default=False,
        help=_("The list: CSV, JSONL, JSON or .xlsx; - for standard input. Not with --sql."),
    ),
]
Sql = Annotated[
    str | None,
    typer.Option("--sql", metavar="QUERY", help=_("Take the list from a database: one SELECT (with --dsn).")),
]
Dsn = Annotated[
    str | None,
    typer.Option(
        "--dsn",
        metavar="URL|env:NAME|NAME",
        help=_("The database: a URL without a password, a variable with one, or a name of config.yaml."),
    ),
]
Where = Annotated[
    str | None,
    typer.Option("--where", metavar="CONDITION", help=_('Only rows that meet it: "amount|float > 100".')),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="FILE|RUN",
        help=_("Nobody of this list, or whom this run reached; may be given several times."),
    ),
]
Join = Annotated[
    Path | None,
    typer.Option("--join", metavar="FILE", help=_("Add the columns of this list to the rows (with --on).")),
]
On = Annotated[
    str | None,
    typer.Option("--on", metavar="COLUMN[=COLUMN]", help=_("The column to join by: phone, or phone=mobile.")),
]


def sieve_of(where: str | None, exclude: Sequence[str] | None, join: Path | None, on: str | None) -> "Sieve":
    """Who of the list is meant. Raises InputError for options that don't go together."""
    from wxpush.app.sieve import Sieve

    if (join is None) != (on is None):
        raise InputError(
            _("--join and --on go together."), _("Write them like: --join openids.csv --on phone")
        )
    return Sieve(where, tuple(exclude or ()), join, on, surroundings())


@contextmanager
def list_of(
    recipients: str | None, list_format: str | None, sql: str | None, dsn: str | None
) -> Iterator["Source"]:
    """The list, readable as often as needed while the context lasts. Raises InputError."""
    from wxpush.app.sources import spool

    if sql is not None:
        if recipients is not None or list_format is not None:
            raise InputError(_("--sql is the list: leave the other one and --list-format out."))
        if dsn is None:
            raise InputError(_("--sql needs --dsn, the database."), _("Write it like: --dsn env:SHOP_DSN"))
        from wxpush.app.sources.query import Query

        with spool.from_query(Query(sql, dsn), os.environ) as source:
            yield source
        return
    if dsn is not None:
        raise InputError(_("--dsn goes with --sql."))
    if recipients is None:
        raise InputError(_("The list is lacking."), _("Name it behind the campaign, or pass --sql."))
    if recipients == spool.STDIN:
        with spool.from_stdin(sys.stdin.buffer, list_format) as source:
            yield source
    else:
        yield spool.Source(Path(recipients), recipients, list_format)
