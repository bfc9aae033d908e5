"""`wxpush runs settle`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wxpush.cli.base import Signals, interruptible, put_off, surroundings
from wxpush.cli.options import Json, RunName, Yes
from wxpush.console import Console
from wxpush.errors import InputError, InterruptedRunError, NobodyToAskError, WxpushError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.decisions import SettleRequest
    from wxpush.app.results import Settlement
    from wxpush.app.settling import Settling


@dataclass(slots=True)
class _Stand:
    """What is known of the run by the time that something keeps it from being settled.

    `counts` reads the whole ledger, so it is asked only where somebody wants the answer.
    """

    run: str | None
    account: str = "default"
    counts: Callable[[], Mapping[str, int]] = dict


def settle(
    run: RunName = None,
    delivered: Annotated[
        bool, typer.Option("--delivered", help=_("The chosen ones got it: never sent again."))
    ] = False,
    resend: Annotated[
        bool,
        typer.Option(
            "--resend", help=_("Let the next `wxpush send` send the chosen ones again; some may get two.")
        ),
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help=_("Choose everything that is in doubt."))] = False,
    line: Annotated[
        list[int] | None,
        typer.Option(
            "--line", metavar="N", min=1, help=_("Choose the message of this line of the list; repeatable.")
        ),
    ] = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--key", metavar="KEY", help=_("Choose the message with this key; repeatable.")),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help=_("Do what the column wxpush_decision of this failures file says: delivered or resend."),
        ),
    ] = None,
    receipts: Annotated[
        bool, typer.Option("--receipts", help=_("Settle what WeChat's receipts prove, without a question."))
    ] = False,
    review: Annotated[
        bool,
        typer.Option("--review", help=_("Ask WeChat which held messages its review has rejected.")),
    ] = False,
    yes: Yes = False,
    as_json: Json = False,
) -> int:
    """Decide about messages in doubt: delivered, or to be sent again."""
    console, stand = Console(json=as_json), _Stand(run)
    try:
        request = _request(
            run,
            line or (),
            key or (),
            from_file,
            delivered,
            resend,
            everything,
            by_wechat=receipts or review,
            yes=yes,
        )
        if receipts or review:
            request = _by_wechat(request, receipts=receipts, review=review)
        with interruptible() as signals:
            settlement = _settle(request, console, stand, signals, yes=yes)
            if as_json:
                console.json(settlement.to_json())
    except KeyboardInterrupt:
        console.say(_("Interrupted. What was decided is kept; the rest is in doubt as before."))
        return _refused(InterruptedRunError(_("interrupted")), stand, console, as_json=as_json)
    except WxpushError as error:
        console.error(error)
        return _refused(error, stand, console, as_json=as_json)
    return settlement.exit_code


def _request(
    run: str | None,
    lines: Sequence[int],
    keys: Sequence[str],
    file: Path | None,
    delivered: bool,
    resend: bool,
    everything: bool,
    *,
    by_wechat: bool,
    yes: bool,
) -> "SettleRequest":
    """The options as a request; raises InputError for those that contradict each other or do nothing."""
    from wxpush.app.decisions import SettleRequest
    from wxpush.app.doubtful import Decision

    decides, chooses = delivered or resend, everything or bool(lines or keys)
    if delivered and resend:
        raise InputError(_("--delivered and --resend contradict each other."))
    if file is not None and (decides or chooses):
        raise InputError(_("--from doesn't go with other choices: the file says it all."))
    if everything and (lines or keys):
        raise InputError(_("--all doesn't go with --line or --key."))
    if decides != chooses:
        raise InputError(
            _("A decision and a choice of messages go together."),
            _("--delivered or --resend, with --all, --line N or --key KEY."),
        )
    if yes and not (decides or file is not None or by_wechat):
        raise InputError(
            _("--yes decides nothing by itself."),
            _("Pass --delivered or --resend with --all, --line N or --key KEY, or --from FILE."),
        )
    decision = (Decision.DELIVERED if delivered else Decision.RESEND) if decides else None
    return SettleRequest(run, decision, everything, tuple(lines), tuple(keys), file)


def _by_wechat(request: "SettleRequest", *, receipts: bool, review: bool) -> "SettleRequest":
    """The request to let WeChat decide; raises InputError where the operator decides, too."""
    if not request.asks:
        raise InputError(
            _("--receipts and --review don't go with decisions of your own."),
            _("Run the command again for what is left."),
        )
    return replace(request, by_receipts=receipts, by_review=review)


def _settle(
    request: "SettleRequest", console: Console, stand: _Stand, signals: Signals, *, yes: bool
) -> "Settlement":
    from wxpush.app.next_steps import after_settling
    from wxpush.app.settling import opened

    with opened(request, surroundings(), Path.cwd()) as settling:
        stand.run, stand.account, stand.counts = settling.run, settling.account, settling.counts
        passed_over, interrupted = 0, False
        if request.asks_nobody:
            _let_wechat_decide(request, settling, signals)
        elif request.asks:
            interrupted = not _ask(settling, console, signals)
        else:
            passed_over = _obey(settling, console, signals, yes=yes)
        signals.to(_nothing)  # it is decided: what is left is to write and tell it
        settlement = settling.settlement(passed_over, interrupted=interrupted)
        console.settlement(settlement, after_settling(settlement, settling.send_command))
        return settlement


def _let_wechat_decide(request: "SettleRequest", settling: "Settling", signals: Signals) -> None:
    """By its receipts and its review; what has no network is done first."""
    if request.by_receipts:
        with put_off(signals):
            settling.settle_by_receipts()
    if request.by_review:
        settling.fail_rejected()


def _obey(settling: "Settling", console: Console, signals: Signals, *, yes: bool) -> int:
    """Do what the options say; returns how many rows of a file were no longer in doubt."""
    decided = settling.decided()
    if any(decided.messages.values()):
        counts = {decision.value: len(messages) for decision, messages in decided.messages.items()}
        console.decisions(counts)
        if not yes:
            _agree(console)
        signals.to(_nothing)
        for decision, messages in decided.messages.items():
            settling.settle(messages, decision)
    return decided.passed_over


def _agree(console: Console) -> None:
    if not console.can_ask():
        raise NobodyToAskError(
            _("There is no terminal to ask on, so nothing was changed."),
            _("Pass --yes to do it without asking."),
        )
    if not console.confirm(_("Do so?")):
        raise InterruptedRunError(_("Nothing was changed: you didn't agree."))


def _ask(settling: "Settling", console: Console, signals: Signals) -> bool:
    """Ask about one message after the other; returns whether it came to its end uninterrupted."""
    left = settling.doubtful
    if not left:
        return True
    if not console.can_ask():
        raise NobodyToAskError(
            _("There is no terminal to ask on, so nothing was changed."),
            _("Pass --delivered or --resend with --all, --line N or --key KEY, or --from FILE."),
        )
    total = len(left)
    console.doubts(settling.run, total)
    try:
        while left:
            answer = console.decide(left[0], total - len(left) + 1, total)
            if answer is None:
                return False
            chosen = left if answer.rest else left[:1]
            if answer.decision is not None:
                with put_off(signals):
                    settling.settle(chosen, answer.decision)
            left = left[len(chosen) :]
    except KeyboardInterrupt:
        return False
    return True


def _nothing() -> None:
    """Obey no signal but a third one."""


def _refused(error: WxpushError, stand: _Stand, console: Console, *, as_json: bool) -> int:
    if as_json:
        from wxpush.app.refusal import settling_refused

        console.json(settling_refused(error, stand.run or "", stand.account, stand.counts()))
    return error.exit_code
