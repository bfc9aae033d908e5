"""`wxpush retry-failed`."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wxpush.cli.base import (
    agree,
    interruptible,
    log_request,
    parse_class,
    parse_rate,
    refused,
    signals_to,
    surroundings,
)
from wxpush.cli.options import Json, LogFile, LogMost, Quiet, Rate, RunName, Workers, Yes
from wxpush.cli.outputs import refuse_inputs, refuse_unwritable
from wxpush.console import Console, words
from wxpush.errors import InputError, InterruptedRunError, WxpushError
from wxpush.i18n import _, ngettext

if TYPE_CHECKING:
    from wxpush.app.results import Summary
    from wxpush.app.retrying import RetryPlan, RetryRequest
    from wxpush.cli.ending import Tell


@dataclass(slots=True)
class _Stand:
    """What is known of the run by the time that something keeps it from being sent."""

    run: str | None
    account: str | None = None
    counts: Mapping[str, int] | None = None


def retry_failed(
    run: RunName = None,
    code: Annotated[
        list[str] | None,
        typer.Option("--code", metavar="N", help=_("Only this error code; may be repeated.")),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--class", metavar="CLASS", help=_("Only this class of codes; may be repeated.")),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=_("Everything that failed."))] = False,
    recipients: Annotated[
        Path | None, typer.Option(metavar="LIST", help=_("Render the messages anew from this list."))
    ] = None,
    rate: Rate = None,
    workers: Workers = None,
    yes: Yes = False,
    as_json: Json = False,
    log: LogFile = None,
    log_max: LogMost = None,
    quiet: Quiet = False,
) -> int:
    """Send again what failed and may succeed now; held and in-doubt messages never."""
    from wxpush.app.retrying import RetryRequest

    console = Console(quiet=quiet, json=as_json)
    if everything and (code or classes):
        raise InputError(_("--all doesn't go with --code or --class."))
    refuse_inputs({"--log": log}, [recipients] if recipients else [])
    refuse_unwritable({"--log": log})
    request = RetryRequest(
        run=run,
        codes=frozenset(code or ()),
        classes=frozenset(parse_class(name) for name in classes or ()),
        everything=everything,
        recipients=recipients,
        rate=parse_rate(rate),
        workers=workers,
        log=log_request(log, log_max),
    )
    stand = _Stand(run)
    try:
        with interruptible():
            summary, exit_code, tell = _retry(request, console, stand, yes=yes)
    except KeyboardInterrupt:
        console.say(_("Interrupted. Nothing is lost; the same command continues."))
        return _refused(InterruptedRunError(_("interrupted")), stand, console, as_json=as_json)
    except WxpushError as error:
        console.error(error)
        return _refused(error, stand, console, as_json=as_json)
    if as_json:
        console.json(summary.to_json())
    with suppress(KeyboardInterrupt), interruptible():
        tell()
    return exit_code


def _refused(error: WxpushError, stand: _Stand, console: Console, *, as_json: bool) -> int:
    return refused(error, stand.run, stand.account, console, as_json=as_json, counts=stand.counts)


def _retry(
    request: "RetryRequest", console: Console, stand: _Stand, *, yes: bool
) -> "tuple[Summary, int, Tell]":
    from wxpush.app.retrying import opened
    from wxpush.cli.ending import ended

    with opened(request, surroundings(), Path.cwd()) as retrying:
        stand.run, stand.account, stand.counts = retrying.run, retrying.account, retrying.counts()
        plan = retrying.plan()
        _show(plan, console)
        if plan.people:
            for fault in retrying.notifier.faults() if retrying.notifier else ():
                console.warn(fault)
            agree(plan, console, yes=yes)
            with signals_to(retrying.stop), console.progress(plan.people, {}) as listener:
                summary = retrying.execute(listener)
        else:
            summary = retrying.summary()
        return summary, *ended(retrying, summary, console, again=retrying.send_command)


def _show(plan: "RetryPlan", console: Console) -> None:
    for note in plan.notes:
        console.warn(note)
    if left_out := words.skips(plan.left_out):
        console.say(_("Chosen, but not sent to: {skips}").format(skips=left_out))
    if not plan.people:
        console.say(
            _('Nothing to send again in the run "{run}": {failed} failed, none of them chosen.').format(
                run=plan.run, failed=plan.failed
            )
        )
        return
    codes = ", ".join(f"{code} × {count}" for code, count in plan.codes.most_common())
    text = ngettext(
        'Run "{run}", account {account}: {people} of {failed} failed message goes again ({codes}).',
        'Run "{run}", account {account}: {people} of {failed} failed messages go again ({codes}).',
        plan.people,
    )
    console.say(
        text.format(run=plan.run, account=plan.account, people=plan.people, failed=plan.failed, codes=codes)
    )
