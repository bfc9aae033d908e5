"""`wxpush send`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, TypeAlias

import typer

from wxpush.cli.base import (
    Signals,
    agree,
    interruptible,
    log_request,
    parse_rate,
    parse_wait,
    raise_interrupt,
    refused,
    surroundings,
)
from wxpush.cli.lists import Dsn, Exclude, Join, On, Recipients, Sql, Where, list_of, sieve_of
from wxpush.cli.options import (
    AccountName,
    At,
    Json,
    ListFormat,
    LogFile,
    LogMost,
    Quiet,
    Rate,
    Until,
    Workers,
    Yes,
)
from wxpush.cli.outputs import refuse_inputs, refuse_other_summaries, refuse_same, refuse_unwritable
from wxpush.console import Console
from wxpush.errors import (
    InputError,
    InterruptedRunError,
    StoppedError,
    WxpushError,
)
from wxpush.i18n import _

if TYPE_CHECKING:
    from datetime import datetime

    from wxpush.app.request import SendRequest
    from wxpush.app.results import Summary
    from wxpush.app.sending import Sending
    from wxpush.cli.ending import Tell

_USUAL_SCENARIO: Final = "calm"


def send(
    campaign: Annotated[Path, typer.Argument(metavar="CAMPAIGN", help=_("The campaign file (YAML)."))],
    recipients: Recipients = None,
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
    sql: Sql = None,
    dsn: Dsn = None,
    where: Where = None,
    exclude: Exclude = None,
    join: Join = None,
    on: On = None,
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
        typer.Option(
            metavar="CODE",
            help=_("Send only what has this code of `wxpush preview`, as the run and account it names."),
        ),
    ] = None,
    at: At = None,
    until: Until = None,
    wait_receipts: Annotated[
        str | None,
        typer.Option(
            "--wait-receipts",
            metavar="TIME",
            help=_("Wait so long at most (2m) until every accepted message has its receipt."),
        ),
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
    log: LogFile = None,
    log_max: LogMost = None,
    quiet: Quiet = False,
) -> int:
    """Send a campaign to a list; go on where an earlier run of its name stopped."""
    from wxpush.app.request import SendRequest

    console = Console(quiet=quiet, json=as_json)
    code: int | None = None
    try:
        _refuse_contradictions(in_doubt, to, row, scenario, sandbox=sandbox, dry_run=dry_run, as_json=as_json)
        if log is not None and (dry_run or to is not None):
            raise InputError(_("--log tells of a run, and --dry-run and --to make none."))
        begins, ends = _moments(at, until, to)
        if skips is not None and (dry_run or to is not None):
            raise InputError(_("--skips is for a sending to a whole list, not for --dry-run or --to."))
        sieve = sieve_of(where, exclude, join, on)
        inputs = (campaign, Path(recipients or ""), Path(scenario or ""), *sieve.files)
        written = {"--report": report, "--failures": failures, "--skips": skips, "--log": log}
        refuse_inputs(written, inputs)
        refuse_same(written)
        refuse_other_summaries(report)
        refuse_unwritable(written)
        request = SendRequest(
            campaign=campaign,
            recipients=Path(recipients or ""),
            list_name=recipients or "",
            sieve=sieve,
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
            at=begins,
            until=ends,
            wait_receipts=parse_wait("--wait-receipts", wait_receipts),
            dry_run=dry_run,
            sandbox=(scenario or _USUAL_SCENARIO) if sandbox else None,
            failures=failures,
            skips=skips,
            log=log_request(log, log_max),
        )
        with interruptible() as signals, list_of(recipients, list_format, sql, dsn) as source:
            request = replace(
                request,
                recipients=source.path,
                list_name=source.name,
                list_format=source.list_format,
                query=source.words,
            )
            if to is not None:
                return _try_out(request, to, row, console, signals, yes=yes)
            if dry_run:
                summary, earned, tell = _rehearse(request, console)
            else:
                summary, earned, tell = _send(request, written, console, signals, yes=yes)
            if as_json:
                console.json(summary.to_json())
            if report is not None:
                _write_report(report, summary, console)
            code = earned
            signals.to(raise_interrupt)
            tell()
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


def _moments(at: str | None, until: str | None, to: str | None) -> "tuple[datetime | None, datetime | None]":
    """`--at` and `--until`. Raises InputError."""
    if at is None and until is None:
        return None, None
    from wxpush.app.moments import beginning, end

    if to is not None:
        raise InputError(_("--to sends at once, so it doesn't go with --at or --until."))
    now = surroundings().now()
    begins = None if at is None else beginning(at, now)
    return begins, None if until is None else end(until, begins or now)


_Ended: TypeAlias = "tuple[Summary, int, Tell]"
"""How a sending ended: what is shown, the exit code, and who is told of it last."""


def _rehearse(request: "SendRequest", console: Console) -> _Ended:
    from wxpush.app.rehearsal import dry_run
    from wxpush.cli.ending import telling

    plan, summary, notifier = dry_run(request, surroundings(), console.checking)
    console.plan(plan)
    console.summary(summary)
    code = 0 if not summary.failed else 1
    sent = replace(summary, state="finished", accepted=summary.pending, pending=0, attempts=summary.pending)
    tell = telling(notifier, sent, plan.template_title, console, exit_code=code, rehearsal=True)
    return summary, code, tell


def _send(
    request: "SendRequest",
    written: Mapping[str, Path | None],
    console: Console,
    signals: Signals,
    *,
    yes: bool,
) -> _Ended:
    """Send, and show it. Once messages may be on their way, `signals` end the sending, not its telling.

    `written` are the files that options name, by option.
    """
    from wxpush.app.known_runs import remember_place
    from wxpush.app.sending import opened
    from wxpush.cli.ending import ended, the_same_again

    rehearsal = request.sandbox is not None
    around = surroundings()
    with opened(request, around) as sending:
        refuse_inputs(written, sending.papers)
        refuse_same({**written, "--failures": sending.failures_file})
        preflight = sending.preflight
        if preflight.looks_back:
            with console.looking_back() as count:
                preflight.look_back(count)
        with console.checking(preflight.lines) as count:
            preflight.survey(count)
        try:
            if preflight.asks_who_follows:
                with console.asking_who_follows() as tell:
                    preflight.check_followers(tell)
            plan = sending.plan()
        except StoppedError as error:
            summary = sending.stopped_before(error)
            return summary, *ended(
                sending, summary, console, again=the_same_again(summary), rehearsal=rehearsal
            )
        console.plan(plan)
        if not plan.is_over and not plan.rehearsal:
            agree(plan, console, yes=yes, at=request.at)
        if not plan.rehearsal:
            remember_place(sending.state, around)
        try:
            if not plan.is_over:
                _wait(sending, request, console)
        except StoppedError as error:
            summary = sending.stopped_before(error)
        else:
            signals.to(sending.stop)
            with console.progress(plan.in_all, plan.behind) as listener:
                summary = sending.execute(listener)
        return summary, *ended(sending, summary, console, again=the_same_again(summary), rehearsal=rehearsal)


def _wait(sending: "Sending", request: "SendRequest", console: Console) -> None:
    """Wait for the moment of --at; a rehearsal doesn't."""
    if request.at is not None and request.sandbox is None:
        with console.countdown(request.at) as tell:
            sending.wait(tell)


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
        refuse_other_summaries(path)  # the sending may have taken a day
        path.write_text(json.dumps(summary.to_json(), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        # What was sent was sent: this must not change the exit code.
        console.warn(
            _("The report {path} can't be written: {reason}.").format(path=path, reason=error.strerror)
        )
    except InputError as error:
        console.warn(str(error))
