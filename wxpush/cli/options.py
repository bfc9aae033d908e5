"""Options that several commands share, each worded once."""

from pathlib import Path
from typing import Annotated

import typer

from wxpush.i18n import _

RunName = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help=_("The run; may be left out where there is only one.")),
]
AccountName = Annotated[
    str | None, typer.Option("--account", metavar="NAME", help=_("The account of config.yaml."))
]
Rate = Annotated[
    str | None,
    typer.Option("--rate", metavar="N/s", help=_("Messages per second, minute or hour: 30/s, 600/min.")),
]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", min=1, max=512, help=_("Calls at the same time."))
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="MOMENT", help=_("Check and ask now, begin then: 10:00, 2026-12-01 10:00.")),
]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="MOMENT", help=_("Stop then, to be continued: 21:00, 2026-12-01 21:00.")),
]
ListFormat = Annotated[
    str | None,
    typer.Option(
        "--list-format",
        metavar="csv|jsonl|json|xlsx",
        help=_("The list's format, where the ending is silent."),
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_("Print one JSON object on standard output."))]
Yes = Annotated[bool, typer.Option("--yes", "-y", help=_("Don't ask."))]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help=_("Say nothing but warnings, errors and what went wrong."))
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        "--log", metavar="FILE", help=_("Log every event to this file as JSON lines (docs/log.md).")
    ),
]
LogMost = Annotated[
    str | None,
    typer.Option(
        "--log-max",
        metavar="SIZE",
        show_default="50MB",
        help=_("Begin a new log file past this size; five are kept."),
    ),
]
