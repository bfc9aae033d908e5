"""`wxpush receipts serve` and `import`."""

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Final

import typer

from wxpush.cli.base import command, interruptible, new_app, parse_wait, signals_to, surroundings
from wxpush.cli.lists import list_of
from wxpush.cli.options import AccountName, Json
from wxpush.console import Console
from wxpush.console.safe import joined
from wxpush.errors import InterruptedRunError, WxpushError
from wxpush.i18n import _, ngettext

if TYPE_CHECKING:
    from wxpush.app.importing import Imported
    from wxpush.app.settling_meanwhile import SettledRuns
    from wxpush.config import Account
    from wxpush.web.receiver import Counts

app = new_app()

#: Of a file that is none of events, so many faults say it all.
_FEW: Final = 3

Suppress = Annotated[
    str | None,
    typer.Option(
        "--suppress",
        metavar="TIME",
        help=_("Put who refuses the messages on the suppression list for so long (30d)."),
    ),
]


@command(app, "serve", _("Be the URL that WeChat pushes its events to; Ctrl-C ends it."))
def serve(
    account: AccountName = None,
    listen: Annotated[
        str,
        typer.Option("--listen", metavar="HOST:PORT", help=_("Where to listen; port 0 takes a free one.")),
    ] = "127.0.0.1:8080",
    path: Annotated[str, typer.Option("--path", metavar="PATH", help=_("The path of the URL."))] = "/wechat",
    forward: Annotated[
        str | None,
        typer.Option(
            "--forward",
            metavar="URL",
            help=_("Pass WeChat's pushes on to this system, and its answers back."),
        ),
    ] = None,
    allow_plain: Annotated[
        bool,
        typer.Option("--allow-plain", help=_("Believe unencrypted pushes, too, although there is a key.")),
    ] = False,
    suppress: Suppress = None,
    as_json: Json = False,
) -> int:
    """Be the URL that WeChat pushes its events to; Ctrl-C ends it."""
    from wxpush.app.apart import kept_apart
    from wxpush.app.receiving import address_of, receive

    address = address_of(listen, path, forward)
    console, stop = Console(json=as_json), threading.Event()

    def ready(url: str, chosen: "Account") -> None:
        console.say(
            _("Receiving for {account} on {url}. Ctrl-C ends it.").format(account=chosen.name, url=url)
        )
        for note in kept_apart(chosen, surroundings()):
            console.say(note)
        if address.forward is not None:
            without_query = address.forward.partition("?")[0]  # which may hold a key
            console.say(_("Pushes are passed on to {url}.").format(url=without_query))
        if not address.is_loopback:
            console.warn(_("Others can reach this address in the clear. Put nginx with TLS in front."))

    def tell(counts: "Counts") -> None:
        moment = f"{surroundings().now():%Y-%m-%d %H:%M:%S}"
        told = _("{moment}: since the start {counts}.")
        console.say(told.format(moment=moment, counts=_told(counts)))
        if counts.nothing_but_refused:
            console.warn(_("Nothing but refusals so far: compare the Token and this machine's clock."))

    def tell_settled(runs: "SettledRuns", error: Exception | None) -> None:
        for card, settled in runs:
            console.say(_settled(card.name, settled.total))
        if error is not None:
            reason = error if isinstance(error, WxpushError) else type(error).__name__
            console.warn(_("The receipts settled nothing: {reason}").format(reason=reason))

    with signals_to(stop.set):
        counts = receive(
            account,
            address,
            surroundings(),
            allow_plain=allow_plain,
            suppress=parse_wait("--suppress", suppress),
            on_ready=ready,
            tell=tell,
            tell_settled=tell_settled,
            stop=stop,
        )
    console.say(_("Ended. {counts}").format(counts=_told(counts)))
    if as_json:
        console.json({"schema": 1, **counts.to_json()})
    return 0


def _told(counts: "Counts") -> str:
    parts = [
        (counts.people, _("{count} came or went")),
        (counts.others, ngettext("{count} other push", "{count} other pushes", counts.others)),
        (counts.relayed, _("{count} passed on")),
        (counts.unanswered, _("{count} without an answer of the system behind")),
        (counts.not_stored, _("{count} that the disk refused")),
        (counts.faults, _("{count} faults of wxpush itself")),
    ]
    told = [
        ngettext(
            "{count} receipt with its repeats", "{count} receipts with their repeats", counts.receipts
        ).format(count=f"{counts.receipts:,}")
    ]
    told += [text.format(count=f"{count:,}") for count, text in parts if count]
    if refused := sum(counts.refused.values()):
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.refused.most_common())
        told.append(_("{count} refused ({reasons})").format(count=f"{refused:,}", reasons=reasons))
    return "; ".join(told)


@command(app, "import", _("Take in the events that another system wrote down: XML or JSON, also gzipped."))
def import_files(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE...", help=_("The files; - is standard input."), show_default=False),
    ],
    account: AccountName = None,
    field: Annotated[
        str | None,
        typer.Option(
            "--field", metavar="NAME", help=_("Where in a line's JSON object WeChat's push is: body.")
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help=_("Take in nothing unless everything can be read."))
    ] = False,
    suppress: Suppress = None,
    as_json: Json = False,
) -> int:
    """Take in the events that another system wrote down: XML or JSON, also gzipped."""
    from wxpush.app.importing import Source, import_events

    console, seconds = Console(json=as_json), parse_wait("--suppress", suppress)
    try:
        with interruptible(), ExitStack() as stack:
            opened = {name: list_of(name, None, None, None) for name in files}
            sources = [Source(name, stack.enter_context(found).path) for name, found in opened.items()]
            tell = stack.enter_context(console.importing())
            found = import_events(
                sources, account, surroundings(), inner=field, strict=strict, suppress=seconds, tell=tell
            )
    except KeyboardInterrupt:
        console.say(_("Interrupted: what was taken in is kept, and the same command takes in the rest."))
        return InterruptedRunError.exit_code
    for note in found.notes:
        console.say(note)
    if found.wrong:
        console.problems(found.problems[:_FEW] if found.is_nothing else found.problems, found.wrong)
    if found.is_nothing:
        console.warn(
            _(
                "Not one event: each line or element is what WeChat pushes, as XML or JSON; where it lies "
                "within other records, name its field with --field."
            )
        )
    if as_json:
        console.json({"schema": 1, **found.to_json()})
    elif not found.is_nothing:
        _tell_imported(found, console)
    return 1 if found.wrong else 0


def _tell_imported(found: "Imported", console: Console) -> None:
    told = ngettext(
        "{count} receipt: {new} new, {repeats} repeated.",
        "{count} receipts: {new} new, {repeats} repeated.",
        found.receipts,
    )
    told = told.format(count=f"{found.receipts:,}", new=f"{found.new:,}", repeats=f"{found.repeats:,}")
    if found.statuses:
        listed = (f"{_status(status)} {count:,}" for status, count in found.statuses.most_common())
        of = ngettext("Of {count} message: {statuses}.", "Of {count} messages: {statuses}.", found.messages)
        told = joined(told, of.format(count=f"{found.messages:,}", statuses=_(", ").join(listed)))
    console.say(told)
    runs = [f"{run} {count:,}" for run, count in found.runs.items()]
    if found.strangers and not runs:
        console.say(_("They are of no run that is known here."))
    elif found.strangers:
        runs.append(_("of no run that is known here {count}").format(count=f"{found.strangers:,}"))
    if runs:
        console.say(_("By run: {runs}.").format(runs=_(", ").join(runs)))
    for run, count in found.settled.items():
        console.say(_settled(run, count))
    if found.people or found.others:
        rest = _("{people} came or went; {others} other entries passed over.")
        console.say(rest.format(people=f"{found.people:,}", others=f"{found.others:,}"))


def _settled(run: str, count: int) -> str:
    text = ngettext(
        "{run}: {count} message that was in doubt or held has its receipt.",
        "{run}: {count} messages that were in doubt or held have their receipts.",
        count,
    )
    return text.format(run=run, count=f"{count:,}")


def _status(status: str) -> str:
    return _("delivered") if status == "success" else status
