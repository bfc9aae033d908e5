"""Messages in doubt on a terminal: how one is shown, what is asked about it, and what was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wxpush.app.doubtful import Decision, Doubtful
from wxpush.app.results import Settlement
from wxpush.console import words
from wxpush.console.layout import Page, Span, cropped
from wxpush.console.summary import commands, counts_of
from wxpush.i18n import _, ngettext
from wxpush.report.failures import cell_text

_MOST_COLUMNS: Final = 12
_LONGEST_VALUE: Final = 120
_ALL: Final = ("a", "全部", "全")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the operator decides about a message, or about it and all the `rest`; None leaves it in doubt."""

    decision: Decision | None
    rest: bool = False

    def decides_many(self, left: int) -> bool:
        """Whether so much hangs on it, of `left` messages, that it is asked for twice."""
        return self.rest and self.decision is not None and left > 1


_ANSWERS: Final = {
    **dict.fromkeys(("d", "delivered", "收到", "已收到"), Answer(Decision.DELIVERED)),
    **dict.fromkeys(("r", "resend", "重发"), Answer(Decision.RESEND)),
    **dict.fromkeys(("", "l", "leave", "保留", "不变"), Answer(None)),
    **dict.fromkeys(("q", "quit", "退出"), Answer(None, rest=True)),
}


def understood(typed: str) -> Answer | None:
    """What somebody typed, in either language; None where it is no answer."""
    text = typed.strip().rstrip("。.!！").replace(" ", "").lower()
    if text in _ANSWERS:
        return _ANSWERS[text]
    for ending in _ALL:
        answer = _ANSWERS.get(text.removesuffix(ending)) if text.endswith(ending) else None
        if answer is not None and answer.decision is not None:
            return Answer(answer.decision, rest=True)
    return None


def lay_out_doubts(page: Page, run: str, count: int) -> None:
    """What there is to decide, and how."""
    text = ngettext(
        'Run "{run}": {count} message is in doubt. WeChat may have got it, but no answer was recorded.',
        'Run "{run}": {count} messages are in doubt. WeChat may have got them, but no answer was recorded.',
        count,
    )
    page.text(text.format(run=run, count=words.number(count)), "bold")
    lay_out_answers(page, several=count > 1)


def lay_out_answers(page: Page, *, several: bool) -> None:
    """What can be answered; `several` where there are others that could go the same way."""
    rows: list[tuple[str, str]] = [
        ("d", _("delivered: they got it; never sent again")),
        ("r", _("send again: the next `wxpush send` does, and who got the first one gets two")),
        ("l", _("leave it in doubt")),
        ("q", _("quit: leave this one and the rest")),
    ]
    if several:
        rows.append(("da, ra", _("the same for this one and all the rest")))
    page.pairs([(letters, (told, "")) for letters, told in rows], indent=2)


def lay_out_doubtful(page: Page, message: Doubtful, number: int, total: int) -> None:
    """One message: who, what it said, the row that it was made from, what is known of its way."""
    page.lines.append([])
    heading = _("{number} of {total}: line {line}").format(
        number=words.number(number), total=words.number(total), line=message.line
    )
    page.text(heading, "bold")
    rows: list[tuple[str, Span]] = [(_("To"), (message.to, "bold"))]
    rows.append((_("Message"), (_short(" · ".join(message.texts)), "")))
    rows += _columns(message)
    page.pairs([*rows, *_way(message)], indent=2)


def _columns(message: Doubtful) -> list[tuple[str, Span]]:
    texts = {name: cell_text(value) for name, value in message.columns.items()}
    told = [(name, (_short(text), "")) for name, text in texts.items() if text.strip() and text != message.to]
    if len(told) > _MOST_COLUMNS:
        more = _("… and {count} more columns").format(count=len(told) - _MOST_COLUMNS)
        told = [*told[:_MOST_COLUMNS], ("", (more, "dim"))]
    return told


def _way(message: Doubtful) -> list[tuple[str, Span]]:
    since = words.moment(message.since)
    if not message.code:
        return [
            (_("Claimed"), (since, "")),
            (_("Cause"), (_("wxpush was cut off while it was on its way"), "")),
        ]
    return [
        (_("Last tried"), (since, "")),
        (_("Attempts"), (words.number(message.attempts), "")),
        (_("Cause"), (message.cause, "")),
    ]


def _short(text: str) -> str:
    return cropped(text, _LONGEST_VALUE)


def lay_out_question(page: Page, *, several: bool) -> None:
    """What is asked of one message, in brief."""
    if several:
        text = _("d delivered, r send again, l leave, q quit; da, ra: all the rest the same way; ? explains")
    else:
        text = _("d delivered, r send again, l leave, q quit; ? explains")
    page.text(text, "dim", indent=2)


def really(answer: Answer, count: int) -> str:
    """The question before one answer decides about many."""
    if answer.decision is Decision.DELIVERED:
        text = ngettext(
            "Is it certain that {count} person got it?", "Is it certain that all {count} got it?", count
        )
    else:
        text = ngettext(
            "Send {count} message again, though the person may get two?",
            "Send {count} messages again, though some people may get two?",
            count,
        )
    return text.format(count=words.number(count))


def decisions(counts: Mapping[str, int]) -> list[str]:
    """What is about to be done."""
    told = []
    if count := counts.get(Decision.DELIVERED, 0):
        text = ngettext(
            "{count} message counts as delivered and is never sent again.",
            "{count} messages count as delivered and are never sent again.",
            count,
        )
        told.append(text.format(count=words.number(count)))
    if count := counts.get(Decision.RESEND, 0):
        text = ngettext(
            "{count} message is sent again by the next `wxpush send`, under a fresh id: "
            "if the first one arrived, the person gets two.",
            "{count} messages are sent again by the next `wxpush send`, under fresh ids: "
            "people whose first one arrived get two.",
            count,
        )
        told.append(text.format(count=words.number(count)))
    return told


def lay_out_settlement(page: Page, settlement: Settlement, next_commands: Sequence[tuple[str, str]]) -> None:
    """What was done, how the run stands, and what can be done next."""
    summary = settlement.summary
    page.text(_headline(settlement), "bold green" if not summary.in_doubt else "bold yellow", hang=2)
    page.blank()
    page.numbers(counts_of(summary), indent=2)
    remarks = _remarks(settlement)
    if remarks:
        page.blank()
    for remark in remarks:
        page.text(remark, hang=2)
    commands(page, next_commands)


def _headline(settlement: Settlement) -> str:
    done = {
        _("{count} delivered"): settlement.delivered,
        _("{count} accepted, but not delivered"): settlement.undelivered,
        _("{count} rejected in review"): settlement.rejected,
        _("{count} to be sent again"): settlement.to_resend,
        _("{count} still in doubt"): settlement.summary.in_doubt,
    }
    told = [text.format(count=words.number(count)) for text, count in done.items() if count]
    if not told:
        return _('Nothing is in doubt in the run "{run}".').format(run=settlement.summary.run)
    text = _('Run "{run}": {told}.')
    if settlement.state == "interrupted":
        text = _('Interrupted; what was decided is kept. Run "{run}": {told}.')
    return text.format(run=settlement.summary.run, told=words.listed(told))


def _remarks(settlement: Settlement) -> list[str]:
    remarks = []
    if settlement.in_window:
        text = ngettext(
            "{count} message was claimed less than eight minutes ago and is left to the same send: within "
            "eight minutes it settles it by itself, with the same id.",
            "{count} messages were claimed less than eight minutes ago and are left to the same send: within "
            "eight minutes it settles them by itself, with the same ids.",
            settlement.in_window,
        )
        remarks.append(text.format(count=words.number(settlement.in_window)))
    if settlement.passed_over:
        text = ngettext(
            "{count} row of the file was passed over: its message is no longer in doubt.",
            "{count} rows of the file were passed over: their messages are no longer in doubt.",
            settlement.passed_over,
        )
        remarks.append(text.format(count=words.number(settlement.passed_over)))
    return remarks
