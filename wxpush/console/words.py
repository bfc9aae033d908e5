"""Numbers, moments, states and waits in words, in the language in force."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone

from wxpush.i18n import _, ngettext

BEIJING = timezone(timedelta(hours=8))
_MOST_LINES = 10


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


def stamp(unix: float) -> datetime:
    """A Unix time in seconds as a moment in Beijing."""
    return datetime.fromtimestamp(unix, BEIJING)


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
        "suppressed": _("on the suppression list"),
        "frequency": _("had a message lately"),
        "expired": _("too late for it"),
        "not_following": _("doesn't follow the account"),
    }
    return words.get(name, name)


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
    # Who must not be written to comes first: nobody expects it of his list.
    ordered = sorted(counts.items(), key=lambda item: item[0] != "suppressed")
    return listed(text.format(count=number(n), reason=reason(name)) for name, n in ordered if n)


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
