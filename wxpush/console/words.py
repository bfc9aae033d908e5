"""Numbers, moments, states and waits in words, in the language in force."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from wxpush.clock import BEIJING
from wxpush.i18n import _, ngettext

if TYPE_CHECKING:
    from wxpush.app.results import DeliveryFigures

_MOST_LINES = 10
_LONG_S = 120


def number(count: int) -> str:
    """`12345` as `12,345`."""
    return f"{count:,}"


def rate(per_second: float) -> str:
    """A rate as people say it: by the second, or by the minute where that is below one."""
    if 0 < per_second < 1:
        return _("{number} a minute").format(number=f"{per_second * 60:.3g}")
    return _("{number}/s").format(number=f"{per_second:,.1f}".removesuffix(".0"))


def moment(at: datetime, today: datetime | None = None) -> str:
    """Beijing time: `2026-11-23 14:03:00 +08:00`, without the date where `today` is the same day."""
    local = at.astimezone(BEIJING)
    if today is not None and local.date() == today.astimezone(BEIJING).date():
        return f"{local:%H:%M:%S} +08:00"
    return f"{local:%Y-%m-%d %H:%M:%S} +08:00"


def coming(at: datetime, now: datetime) -> str:
    """A moment to wait for; on another day with the day of the week: `Mon 2026-11-30 08:00:00 +08:00`."""
    local = at.astimezone(BEIJING)
    if local.date() == now.astimezone(BEIJING).date():
        return moment(at, now)
    days = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))
    return f"{days[local.weekday()]} {moment(at)}"


def stamp(unix: float) -> datetime:
    """A Unix time in seconds as a moment in Beijing."""
    return datetime.fromtimestamp(unix, BEIJING)


def day(unix: float) -> str:
    """A Unix time as a day in Beijing: `2026-11-23`."""
    return f"{stamp(unix):%Y-%m-%d}"


def duration(seconds: float) -> str:
    """`0:05:34`; days are hours past 24."""
    whole = max(0, round(seconds))
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def state(name: str) -> str:
    """An outcome or the state of a run as a word; a name that nobody knows as it is."""
    words = {
        "accepted": _("accepted"),
        "failed": _("failed"),
        "skipped": _("skipped"),
        "held": _("held for review"),
        "in_doubt": _("in doubt"),
        "pending": _("pending"),
        "finished": _("finished"),
        "limited": _("limited"),
        "stopped": _("stopped"),
        "interrupted": _("interrupted"),
        "dry_run": _("rehearsal"),
        "refused": _("refused"),
        "running": _("running"),
        "retrying": _("retrying"),
    }
    return words.get(name, name)


STATE_STYLES = {
    "accepted": "green",
    "finished": "green",
    "failed": "red",
    "held": "yellow",
    "in_doubt": "yellow",
    "stopped": "yellow",
    "interrupted": "yellow",
}


def reason(name: str) -> str:
    """Why a row is skipped."""
    words = {
        "duplicate": _("the same message twice in the list"),
        "condition": _("`when` is false"),
        "where": _("`--where` is false"),
        "excluded": _("excluded"),
        "no_match": _("no match to join"),
        "suppressed": _("on the suppression list"),
        "frequency": _("had a message lately"),
        "expired": _("too late for it"),
        "not_following": _("doesn't follow the account"),
    }
    return words.get(name, name)


def why(name: str) -> str:
    """Why nothing was sent for a while."""
    words = {
        "hours": _("outside the send window"),
        "quota": _("the day's quota is used up"),
        "throttle": _("rate limit by WeChat"),
        "outage": _("WeChat can't be reached"),
        "token": _("no access_token yet"),
        "retry": _("all that is left waits for its next try"),
        "receipts": _("receipts of the accepted messages"),
    }
    return words.get(name, name)


def delivery(figures: "DeliveryFigures") -> str:
    """What receipts say of the accepted messages, in one line."""
    told = [_("delivered {count}").format(count=number(figures.delivered))]
    for status, count in figures.undelivered.items():
        told.append(_("{reason} {count}").format(reason=undelivered(status), count=number(count)))
    if figures.unconfirmed:
        told.append(_("unconfirmed {count}").format(count=number(figures.unconfirmed)))
    text = _("accepted {count} — {told}").format(count=number(figures.accepted), told=listed(told))
    if rate := delivery_rate(figures.delivered, sum(figures.undelivered.values())):
        text = _("{text}; {rate}").format(text=text, rate=rate)
    if figures.median_s is None or figures.p99_s is None:
        return text
    times = _("median {median}, p99 {p99}").format(median=_lag(figures.median_s), p99=_lag(figures.p99_s))
    return _("{text}; {times}").format(text=text, times=times)


def delivery_rate(delivered: int, undelivered: int) -> str:
    """The share of delivered ones among those of which a receipt came; empty where none did."""
    known = delivered + undelivered
    if not known:
        return ""
    return _("delivery rate {rate} of {count} with a receipt").format(
        rate=percent(delivered, known), count=number(known)
    )


def percent(count: int, total: int) -> str:
    """A share as people read it: never 100 % or 0 % where something is lacking or there."""
    if not total:
        return "–"
    share = count * 100 / total
    if count not in (0, total):
        share = min(max(share, 0.01), 99.99)
    digits = 2 if share < 1 or 99 < share < 100 else 1
    return f"{share:.{digits}f}".rstrip("0").rstrip(".") + "%"


def undelivered(status: str) -> str:
    """Why an accepted message wasn't delivered; a status that nobody knows as it is."""
    words = {
        "user block": _("refused by the user"),
        "system failed": _("failed in WeChat's system"),
        "freq limit": _("too many for the user"),
    }
    return words.get(status, status)


def trouble(source: str) -> str:
    """What put somebody on the suppression list by itself; what nobody knows as it is."""
    words = {
        "43004": _("doesn't follow"),
        "not_following": _("doesn't follow"),
        "43101": _("refuses the messages"),
        "user block": _("refuses the messages"),
    }
    return words.get(source, source)


def delay(seconds: int) -> str:
    """Whole seconds as people say them: `40 s`, `2 min`, `1 h`."""
    if seconds < 120:
        return _("{count} s").format(count=seconds)
    return (
        _("{count} min").format(count=seconds // 60)
        if seconds < 7200
        else _("{count} h").format(count=seconds // 3600)
    )


def _lag(seconds: int) -> str:
    """Receipts tell whole seconds."""
    if seconds >= _LONG_S:
        return duration(seconds)
    return _("{seconds} s").format(seconds=seconds) if seconds else _("under 1 s")


def listed(parts: Iterable[str]) -> str:
    """Several things in one line."""
    return _(", ").join(parts)


def counted(counts: Mapping[str, int]) -> str:
    """Counts by state in one line, those of zero left out."""
    text = _("{count} {name}")
    return listed(text.format(count=number(n), name=state(name)) for name, n in counts.items() if n)


def skips(counts: Mapping[str, int]) -> str:
    """Counts of skipped rows by reason in one line; empty where there are none."""
    text = _("{count} ({reason})")
    return listed(text.format(count=number(n), reason=reason(name)) for name, n in ordered(counts) if n)


def ordered(skips: Mapping[str, int]) -> list[tuple[str, int]]:
    """Counts of skipped rows as they are told: first who must not be written to, which nobody expects."""
    return sorted(skips.items(), key=lambda item: item[0] != "suppressed")


def code_class(name: str) -> str:
    """Whose fault a code is."""
    words = {
        "transient": _("passing trouble; trying again helps"),
        "throttle": _("too fast or too much"),
        "account": _("the account's; it stops the run"),
        "message": _("the message's"),
        "recipient": _("the recipient's own"),
        "unknown": _("not known"),
    }
    return words.get(name, name)


def changed(count: int, lines: Sequence[int]) -> str:
    """Rows that were accepted earlier and read differently now; `lines` may be only the first of them."""
    text = ngettext(
        "{count} row was accepted earlier and reads differently now; it is not sent (line {lines}).",
        "{count} rows were accepted earlier and read differently now; they are not sent (lines {lines}).",
        count,
    )
    shown = ", ".join(map(str, lines[:_MOST_LINES])) + (" …" if count > min(len(lines), _MOST_LINES) else "")
    return text.format(count=number(count), lines=shown)
