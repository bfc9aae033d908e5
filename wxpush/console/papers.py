"""What a report tells, put into words of the language in force."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from wxpush import __version__
from wxpush.app.sources.spool import called
from wxpush.channels.wechat.errcodes import info
from wxpush.console import words
from wxpush.delivery.minutes import BOUNDS, MINUTE
from wxpush.i18n import _, ngettext
from wxpush.model import State
from wxpush.report.paper import (
    Cause,
    Class,
    Distribution,
    Fact,
    Paper,
    Part,
    Slot,
    SlowTime,
    Timeline,
)

if TYPE_CHECKING:
    from wxpush.app.course import Bar, Slow
    from wxpush.app.delivered import Delivery
    from wxpush.app.reporting import RunReport
    from wxpush.app.results import FailureGroup

_STATES: Final = ("accepted", "failed", "skipped", "held", "in_doubt", "pending")
_ENDS: Final = (State.ACCEPTED, State.FAILED, State.HELD, State.IN_DOUBT)
_HOUR: Final = 3600
_DAY: Final = 86_400
#: Upper bounds of the classes of time to delivery, in whole seconds; the last class is above them all.
_DELAYS: Final = (1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 14_400, 86_400)
#: As many labels stand below a chart.
_LABELS: Final = 6
_LEAST_CLASSES: Final = 8
_WORTH_TELLING_MS: Final = 1_000
#: A bar in which so much of the time was waited is marked.
_MUCH: Final = 0.25


def paper(report: RunReport) -> Paper:
    """The whole report in words."""
    view = report.view
    accepted, total = view.counts.get("accepted", 0), view.total
    headline = _("{accepted} of {total} accepted").format(
        accepted=words.number(accepted), total=words.number(total)
    )
    return Paper(
        run=view.name,
        state=view.state,
        state_label=words.state(view.state),
        headline=headline,
        subtitle=view.template_title,
        total=words.number(total),
        parts=_parts(view.counts, total),
        delivery=_delivery_parts(report.delivery),
        facts=list(_facts(report)),
        timeline=_timeline(report),
        distributions=list(_distributions(report)),
        causes=_causes(view.failures),
        skips=[Fact(words.reason(name), words.number(count)) for name, count in words.ordered(view.skips)],
        slow=[_slow(slow, report) for slow in report.slow],
        remarks=list(_remarks(report)),
        details=_details(report),
        made=_("Made {moment} by wxpush {version}").format(
            moment=words.moment(report.made), version=__version__
        ),
    )


def _delivery_parts(delivery: Delivery | None) -> list[Part]:
    """What became of the accepted ones."""
    if delivery is None or not delivery.accepted:
        return []
    counts = [("delivered", _("delivered"), delivery.delivered)]
    for status, count in delivery.reasons.items():
        counts.append(("failed", _("not delivered: {why}").format(why=words.undelivered(status)), count))
    counts.append(("pending", _("no receipt so far"), delivery.unconfirmed))
    whole = delivery.accepted
    share = _("{share} of accepted")
    return [
        Part(name, label, count, share.format(share=words.percent(count, whole)))
        for name, label, count in counts
        if count
    ]


def _parts(counts: Mapping[str, int], total: int) -> list[Part]:
    return [
        Part(name, words.state(name), counts[name], words.percent(counts[name], total))
        for name in _STATES
        if counts.get(name)
    ]


def _facts(report: RunReport) -> Iterator[Fact]:
    begun, ended = report.begun, report.ended
    if begun is None or ended is None:
        return
    yield Fact(_("First outcome"), words.moment(begun, begun), f"{begun:%Y-%m-%d}")
    yield Fact(_("Last outcome"), words.moment(ended, ended), f"{ended:%Y-%m-%d}")
    yield Fact(_("Time of sending"), words.duration(report.sending), _left_out(report))
    yield Fact(_("Rate"), words.rate(report.rate), _peak(report))
    again = report.course.repeated
    several = ngettext("{count} message took several", "{count} messages took several", again)
    told = several.format(count=words.number(again)) if again else ""
    yield Fact(_("Attempts"), words.number(report.calls), told)
    yield from _times(report)
    for why, milliseconds in report.waits.most_common():
        if milliseconds >= _WORTH_TELLING_MS:
            spent = words.duration(milliseconds / 1000)
            yield Fact(_("Waited: {why}").format(why=words.why(why)), spent)


def _left_out(report: RunReport) -> str:
    """The time between the first outcome and the last in which nothing was being sent."""
    if report.begun is None or report.ended is None:
        return ""
    rest = (report.ended - report.begun).total_seconds() - report.sending
    return _("without pauses of {time}").format(time=words.duration(rest)) if rest >= MINUTE else ""


def _peak(report: RunReport) -> str:
    """The most in a short time; empty where only long times are known, or the run was too short."""
    peak = report.peak
    if peak is None or report.step > MINUTE or report.sending < MINUTE:
        return ""
    return _("at most {rate}").format(rate=_per(peak.total, report.step))


def _times(report: RunReport) -> Iterator[Fact]:
    """How long WeChat took to answer and to deliver."""
    worst = _("99% below {time}")
    if report.latency:
        found = report.percentiles()
        label = _("Answer of WeChat, half below")
        yield Fact(label, _time(found["p50"]), worst.format(time=_time(found["p99"])))
    delivery = report.delivery
    if delivery is not None and delivery.rate is not None:
        known = delivery.delivered + delivery.undelivered
        of = _("of {count} with a receipt").format(count=words.number(known))
        yield Fact(_("Delivery rate"), words.percent(delivery.delivered, known), of)
    if delivery is not None and delivery.seconds:
        half, most = words.delay(delivery.median_s or 0), words.delay(delivery.p99_s or 0)
        yield Fact(_("Time to delivery, half below"), half, worst.format(time=most))


def _per(count: int, step: int) -> str:
    number = words.number(count)
    if step == 1:
        return _("{number} in a second").format(number=number)
    if step == MINUTE:
        return _("{number} in a minute").format(number=number)
    return _("{number} in {time}").format(number=number, time=words.duration(step))


def _timeline(report: RunReport) -> Timeline | None:
    if not report.course.sent:
        return None
    titles = {
        1: _("Outcomes per second"),
        MINUTE: _("Outcomes per minute"),
        _HOUR: _("Outcomes per hour"),
        _DAY: _("Outcomes per day"),
    }
    title = titles.get(report.step) or _("Outcomes per {time}").format(time=words.duration(report.step))
    kept = [state for state in _ENDS if any(bar.counts.get(state) for bars in report.bars for bar in bars)]
    slots = list(_slots(report, kept))
    note = _("Pauses of more than half an hour are left out.") if len(report.stretches) > 1 else ""
    names = [state.value for state in kept]
    return Timeline(title, names, [words.state(name) for name in names], slots, note)


def _slots(report: RunReport, kept: Sequence[State]) -> Iterator[Slot]:
    every = _label_step(sum(map(len, report.bars)) * report.step)
    ends = [stretch.end for stretch in report.stretches]
    for index, bars in enumerate(report.bars):
        if index:
            passed = report.stretches[index].start - ends[index - 1]
            yield Slot((), _("{time} without a sending").format(time=words.duration(passed)), "", True)
        for place, bar in enumerate(bars):
            # Of those that would touch, the chart leaves out the later ones.
            wanted = place == 0 or bar.start // every != (bar.start - report.step) // every
            label = _clock(bar.start, report.step, report.bars) if wanted else ""
            waited = _waited(bar, report)
            tip = " ".join([_tip(bar, kept), *([f"({words.why(waited)})"] if waited else [])])
            counts = [bar.counts.get(state, 0) for state in kept]
            yield Slot(counts, tip, label, is_wait=bool(waited))


def _waited(bar: Bar, report: RunReport) -> str:
    """The reason for which much of a bar's time was waited; none where bars are shorter than minutes."""
    if report.step < MINUTE:
        return ""
    waits: Counter[str] = Counter()
    for start in range(bar.start, bar.start + report.step, MINUTE):
        if start in report.stats:
            waits.update(report.stats[start].waits)
    most = waits.most_common(1)
    return most[0][0] if most and most[0][1] >= report.step * 1000 * _MUCH else ""


def _label_step(span: int) -> int:
    """How far apart labels stand, in seconds: a round figure."""
    steps = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, _HOUR, 2 * _HOUR, 4 * _HOUR, 8 * _HOUR, _DAY)
    return next((step for step in steps if span / step <= _LABELS), 7 * _DAY)


def _clock(start: int, step: int, bars: Sequence[Sequence[Bar]]) -> str:
    at = words.stamp(start)
    span = bars[-1][-1].start - bars[0][0].start
    if step >= _DAY:
        return f"{at:%m-%d}"
    if span > _DAY:
        return f"{at:%m-%d %H:%M}"
    return f"{at:%H:%M:%S}" if span < 10 * MINUTE else f"{at:%H:%M}"


def _tip(bar: Bar, kept: Sequence[State]) -> str:
    counts = words.counted({state.value: bar.counts.get(state, 0) for state in kept})
    return f"{words.stamp(bar.start):%m-%d %H:%M:%S}  {counts or words.number(0)}"


def _distributions(report: RunReport) -> Iterator[Distribution]:
    if report.latency:
        yield _latency(report)
    if report.delivery is not None and report.delivery.seconds:
        yield _deliveries(report.delivery)


def _deliveries(delivery: Delivery) -> Distribution:
    counts = [0] * (len(_DELAYS) + 1)
    for seconds, count in delivery.seconds.items():
        counts[bisect_left(_DELAYS, seconds)] += count
    last = max(number for number, count in enumerate(counts) if count)
    classes = [_delay_class(number, counts[number]) for number in range(max(last, _LEAST_CLASSES) + 1)]
    facts = [
        Fact(_("half below"), words.delay(delivery.median_s or 0)),
        Fact(_("99% below"), words.delay(delivery.p99_s or 0)),
    ]
    title = _("How long it took to be delivered")
    return Distribution("delivery", title, classes, facts, labels_name_classes=True)


def _delay_class(number: int, count: int) -> Class:
    below = words.delay(_DELAYS[number - 1]) if number else words.delay(0)
    if number == len(_DELAYS):
        return Class(count, f"> {below}: {words.number(count)}")
    above = words.delay(_DELAYS[number])
    return Class(count, f"{below} – {above}: {words.number(count)}", f"≤ {above}")


def _latency(report: RunReport) -> Distribution:
    first, last = min(report.latency), max(report.latency)
    while last - first + 1 < _LEAST_CLASSES:  # one or two bars say little of how narrow it is
        first, last = max(0, first - 1), min(len(BOUNDS), last + 1)
    classes = [_class(number, report) for number in range(first, last + 1)]
    found = report.percentiles()
    facts = [
        Fact(_("half below"), _time(found["p50"])),
        Fact(_("90% below"), _time(found["p90"])),
        Fact(_("99% below"), _time(found["p99"])),
    ]
    return Distribution("latency", _("How long WeChat took to answer"), classes, facts)


def _class(number: int, report: RunReport) -> Class:
    count = report.latency.get(number, 0)
    below = _time(BOUNDS[number - 1]) if number else _time(0)
    if number == len(BOUNDS):
        return Class(count, f"> {below}: {words.number(count)}")
    above = _time(BOUNDS[number])
    return Class(count, f"{below} – {above}: {words.number(count)}", above)


def _time(seconds: float) -> str:
    if seconds < 0.995:
        return f"{seconds * 1000:.3g} ms"
    return f"{seconds:.3g} s" if seconds < MINUTE else words.duration(seconds)


def _causes(groups: Sequence[FailureGroup]) -> list[Cause]:
    most = max((group.count for group in groups), default=0)
    return [
        Cause(
            group.state,
            words.state(group.state),
            words.number(group.count),
            group.count / most,
            group.code,
            group.meaning,
            group.advice,
        )
        for group in groups
    ]


def _slow(slow: Slow, report: RunReport) -> SlowTime:
    begin, end = words.stamp(slow.start), words.stamp(slow.end)
    pattern = (
        "%m-%d %H:%M" if report.ended and report.begun and _days(report.begun, report.ended) else "%H:%M"
    )
    long = slow.end - slow.start
    when = f"{begin:{pattern}}" if long == MINUTE else f"{begin:{pattern}} – {end:%H:%M}"
    rate = _("{number}/min, usually {usual}").format(
        number=words.number(round(slow.sent)), usual=words.number(round(slow.usual))
    )
    share = slow.sent / slow.usual if slow.usual else 0.0
    return SlowTime(when, rate, share, words.listed(_whys(slow)))


def _days(begun: datetime, ended: datetime) -> timedelta | None:
    return ended - begun if begun.date() != ended.date() else None


def _whys(slow: Slow) -> Iterator[str]:
    if slow.is_silent:
        yield _("no process told anything: none was running, or it was stopped hard")
        return
    told = False
    for why, milliseconds in slow.waits.items():
        told = True
        yield _("{time} of waiting: {why}").format(
            time=words.duration(milliseconds / 1000), why=words.why(why)
        )
    for code, count in slow.codes.items():
        told = True
        yield _("{count} × {meaning} ({code})").format(
            count=words.number(count), meaning=info(code).meaning, code=code
        )
    if slow.latency:
        told = True
        yield _("calls took {time}").format(time=_time(slow.latency))
    if slow.slowed_down:
        told = True
        yield _("sent more slowly on purpose")
    if not told:
        yield _("nothing remarkable was seen")


def _remarks(report: RunReport) -> Iterator[str]:
    view = report.view
    if view.live_pid is not None:
        yield _("It is still being sent (process {pid}); this is how it stands now.").format(
            pid=view.live_pid
        )
    if report.course.sent and not report.stats:
        yield _(
            "This run was sent by an earlier wxpush, which kept no statistics: "
            "how long WeChat took, and why some minutes were slow, isn't known."
        )
    if view.counts.get("in_doubt"):
        yield _("What is in doubt may have reached WeChat: `wxpush runs settle` decides.")
    if not report.course.sent:
        yield _("Nothing was sent yet.")


def _details(report: RunReport) -> list[Fact]:
    view = report.view
    return [
        Fact(_("Run"), view.name),
        Fact(_("Account"), f"{view.account} ({view.appid})"),
        Fact(_("Template"), f"{view.template_title} ({view.template_id})"),
        Fact(_("Campaign"), str(view.campaign)),
        Fact(_("List"), called(view.list_name)),
        *([Fact(_("Approved"), view.approved)] if view.approved else []),
        Fact(_("Folder"), str(view.folder)),
    ]
