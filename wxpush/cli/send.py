"""`wxpush send`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from wxpush.cli.base import (
    Signals,
    agree,
    interruptible,
    parse_rate,
    readable,
    refused,
    surroundings,
    this_command,
)
from wxpush.cli.options import AccountName, Json, ListFormat, Quiet, Rate, Workers, Yes
from wxpush.console import Console
from wxpush.errors import (
    InputError,
    InterruptedRunError,
    StoppedError,
    WxpushError,
)
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.request import SendRequest
    from wxpush.app.results import Summary

_USUAL_SCENARIO: Final = "calm"


def send(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help=_("The campaign file (YAML)."))],
    recipients: Annotated[
        str,
        typer.Argument(metavar="RECIPIENTS", help=_("The list: CSV, JSONL or .xlsx; - for standard input.")),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help=_("Check everything and show the plan; no network, no record."))
    ] = False,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help=_("Send to a local WeChat that is started for this command."))
    ] = False,
    scenario: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help=_("How the local WeChat behaves (with --sandbox): calm, demo, or a file."),
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="NAME|OPENID[,…]", help=_("Send one row's message to testers; no run.")),
    ] = None,
    row: Annotated[
        int | None,
        typer.Option(
            "--row", metavar="N", min=1, help=_("The line of the row for --to (default: the first).")
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, help=_("Send the next N that are not yet done; the rest stays pending.")
        ),
    ] = None,
    rate: Rate = None,
    workers: Workers = None,
    run: Annotated[
        str | None, typer.Option(metavar="NAME", help=_("The run's name, instead of the campaign's."))
    ] = None,
    account: AccountName = None,
    list_format: ListFormat = None,
    skip_invalid: Annotated[
        bool, typer.Option("--skip-invalid", help=_("Send the good rows and count the wrong ones as failed."))
    ] = False,
    keep_first: Annotated[
        bool, typer.Option("--keep-first", help=_("Of several rows with one key, send the first."))
    ] = False,
    no_preflight: Annotated[
        bool, typer.Option("--no-preflight", help=_("Check each row only as its turn comes."))
    ] = False,
    in_doubt: Annotated[
        str, typer.Option("--in-doubt", metavar="leave|resend", help=_("What to do with messages in doubt."))
    ] = "leave",
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help=_("Go on although what the messages say has changed."))
    ] = False,
    approved: Annotated[
        str | None,
        typer.Option(metavar="CODE", help=_("Send only what has this code of `wxpush preview`.")),
    ] = None,
    yes: Yes = False,
    as_json: Json = False,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help=_("Write the JSON summary to this file, too."))
    ] = None,
    failures: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help=_("Where the failures file goes (default: beside the list).")),
    ] = None,
    skips: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help=_("Write the rows that are left out to this file, with the reason.")
        ),
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Send a campaign to a list; go on where an earlier run of its name stopped."""
    from wxpush.app.request import SendRequest

    console = Console(quiet=quiet, json=as_json)
    code: int | None = None
    try:
        _refuse_contradictions(in_doubt, to, row, scenario, sandbox=sandbox, dry_run=dry_run, as_json=as_json)
        if skips is not None and (dry_run or to is not None):
            raise InputError(_("--skips is for a sending to a whole list, not for --dry-run or --to."))
        request = SendRequest(
            campaign=campaign,
            recipients=Path(recipients),
            list_name=recipients,
            list_format=list_format,
            run=run,
            account=account,
            rate=parse_rate(rate),
            workers=workers,
            limit=limit,
            preflight=not no_preflight,
            skip_invalid=skip_invalid,
            keep_first=keep_first,
            resend_in_doubt=in_doubt == "resend",
            accept_changes=accept_changes,
            approved=approved,
            dry_run=dry_run,
            sandbox=(scenario or _USUAL_SCENARIO) if sandbox else None,
            failures=failures,
            skips=skips,
        )
        with interruptible() as signals, readable(recipients) as path:
            request = replace(request, recipients=path)
            if to is not None:
                return _try_out(request, to, row, console, signals, yes=yes)
            if dry_run:
                summary, earned = _rehearse(request, console)
            else:
                summary, earned = _send(request, console, signals, yes=yes)
            if as_json:
                console.json(summary.to_json())
            if report is not None:
                _write_report(report, summary, console)
            code = earned
    except KeyboardInterrupt:
        if code is not None:
            return code  # all is said and done
        console.say(_("Interrupted. Nothing is lost; the same command continues."))
        return refused(InterruptedRunError(_("interrupted")), run, account, console, as_json=as_json)
    except WxpushError as error:
        console.error(error)
        return refused(error, run, account, console, as_json=as_json)
    return code


def _refuse_contradictions(
    in_doubt: str,
    to: str | None,
    row: int | None,
    scenario: str | None,
    *,
    sandbox: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """An option that would be ignored could send to everybody what was meant for one. Raises InputError."""
    if in_doubt not in {"leave", "resend"}:
        raise InputError(_("--in-doubt takes leave or resend."))
    if scenario is not None and not sandbox:
        raise InputError(_("--scenario is for --sandbox; without it the real account would be used."))
    if row is not None and to is None:
        raise InputError(_("--row is for --to; without it everybody in the list would get the message."))
    if to is not None and (sandbox or dry_run or as_json):
        raise InputError(
            _("--to really sends, so it doesn't go with --sandbox, --dry-run or --json."),
            _("Leave --to out to rehearse."),
        )


def _rehearse(request: "SendRequest", console: Console) -> "tuple[Summary, int]":
    from wxpush.app.rehearsal import dry_run

    plan, summary = dry_run(request, surroundings(), console.checking)
    console.plan(plan)
    console.summary(summary)
    return summary, 0 if not summary.failed else 1


def _send(request: "SendRequest", console: Console, signals: Signals, *, yes: bool) -> "tuple[Summary, int]":
    """Send, and show it. Once messages may be on their way, `signals` end the sending, not its telling."""
    from wxpush.app.exitcode import exit_code
    from wxpush.app.known_runs import remember_place
    from wxpush.app.next_steps import after_send
    from wxpush.app.sending import opened

    around = surroundings()
    with opened(request, around) as sending:
        if sending.looks_back:
            with console.looking_back() as tell:
                sending.look_back(tell)
        with console.checking(sending.lines) as tell:
            sending.survey(tell)
        try:
            if sending.asks_who_follows:
                with console.asking_who_follows() as tell:
                    sending.check_followers(tell)
            plan = sending.plan()
        except StoppedError as error:
            summary = sending.stopped_before(error)
            console.summary(summary, after_send(summary, this_command()))
            return summary, exit_code(summary)
        console.plan(plan)
        if not plan.is_over and not plan.rehearsal:
            agree(plan, console, yes=yes)
        if not plan.rehearsal:
            remember_place(sending.state, around)
        total = None if plan.people is None else sum(plan.done.values()) + plan.people
        signals.to(sending.stop)
        with console.progress(total, plan.done) as listener:
            summary = sending.execute(listener)
        console.summary(summary, [] if plan.rehearsal else after_send(summary, this_command()))
        return summary, exit_code(summary, sending.tolerate)


def _try_out(
    request: "SendRequest", to: str, row: int | None, console: Console, signals: Signals, *, yes: bool
) -> int:
    from wxpush.app.trying import prepare

    testers = [name.strip() for name in to.split(",") if name.strip()]
    trial = prepare(request, testers, row, surroundings())
    console.sample(trial.sample)
    agree(trial, console, yes=yes)
    signals.to(trial.stop)
    with console.progress(trial.people, {}) as listener:
        results = trial.send(listener)
    for result in results:
        if result.accepted:
            console.data(_("{openid}: accepted by WeChat.").format(openid=result.to))
        else:
            console.data(f"{result.to}: {result.code} {result.words}")
    return 0 if all(result.accepted for result in results) else 1


def _write_report(path: Path, summary: "Summary", console: Console) -> None:
    import json

    try:
        path.write_text(json.dumps(summary.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        # What was sent was sent: this must not change the exit code.
        console.warn(
            _("The report {path} can't be written: {reason}.").format(path=path, reason=error.strerror)
        )
