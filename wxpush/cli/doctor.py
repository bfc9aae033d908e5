"""`wxpush doctor`."""

from typing import Annotated

import typer

from wxpush.cli.base import surroundings
from wxpush.cli.options import AccountName, Json
from wxpush.console import Console
from wxpush.i18n import _


def doctor(
    account: AccountName = None,
    offline: Annotated[bool, typer.Option("--offline", help=_("Don't try the network."))] = False,
    as_json: Json = False,
) -> int:
    """Examine what a sending rests on: installation, state, account, network, clock, token, quota."""
    from wxpush.app.doctor import Finding, examine

    console, lines = Console(json=as_json), []
    for line in examine(account, surroundings(), network=not offline):
        lines.append(line)
        if not as_json:
            console.examined(line.topic, line.verdict.value, line.text, line.remedy)
    ok = all(line.verdict is not Finding.PROBLEM for line in lines)
    if as_json:
        console.json({"schema": 1, "ok": ok, "lines": [line.to_json() for line in lines]})
    return 0 if ok else 1
