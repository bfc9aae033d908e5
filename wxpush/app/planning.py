"""The plan of a sending: what is about to be done, from its check, its pace and what the quota leaves."""

from datetime import datetime

from wxpush.app.doubtful import RECEIPT, SETTLED
from wxpush.app.errand import Errand
from wxpush.app.forecast import Forecast, forecast
from wxpush.app.opening import OpenRun
from wxpush.app.pace import Pace
from wxpush.app.quota import QuotaFound
from wxpush.app.results import Plan, Sample, Survey
from wxpush.app.schedule import begin_of, day_of
from wxpush.delivery.gate import left_to_run
from wxpush.delivery.records import Mark
from wxpush.i18n import _, ngettext
from wxpush.model import Quota, State


def planned(
    errand: Errand,
    run: OpenRun,
    survey: Survey | None,
    pace: Pace,
    found: QuotaFound,
    *,
    is_over: bool,
    recovered: int,
    sample: Sample | None,
    notes: list[str],
) -> Plan:
    """`recovered` messages go before those of the list; `sample` is what is shown of the list."""
    request, scene, material, quota = errand.request, errand.scene, errand.material, found.quota
    keep = material.campaign.keep_quota
    left, daily = _quota_left(errand, quota)
    to_send = survey.to_send if survey else None
    people = to_send if request.limit is None or to_send is None else min(to_send, request.limit)
    expected = None if people is None else _forecast(errand, people, pace, left, daily)
    return Plan(
        run=errand.run.name,
        is_new=run.is_new,
        is_over=is_over,
        account=scene.account.name,
        appid=scene.account.appid,
        api_base=scene.account.api_base,
        template_title=material.template.title,
        template_id=material.template.id,
        campaign=request.campaign,
        list_name=request.list_name,
        people=people,
        recovered=recovered,
        claims=len(run.ledger.recovered),
        done={state: count for state, count in run.before.items() if state != State.PENDING},
        survey=survey,
        rate=pace.rate,
        workers=pace.workers,
        quota=quota,
        quota_kept=int(quota.limit * keep) if quota else 0,
        quota_note=found.note,
        begins=expected.begins if expected else None,
        ends=expected.ends if expected else None,
        days=expected.days if expected else 1,
        until=request.until,
        left_then=expected.left if expected else None,
        goes_on_alone=left is None or (to_send or 0) <= left or material.campaign.on_quota == "wait",
        sample=sample,
        rehearsal="sandbox" if scene.rehearsal else "",
        last_accepted=_last_accepted(errand, run) if is_over else None,
        failures_waiting=run.before.get(State.FAILED, 0),
        in_doubt=run.before.get(State.IN_DOUBT, 0) - recovered,
        resends=request.resend_in_doubt,
        notes=[*notes, *_of_the_wait(errand, recovered)],
    )


def _last_accepted(errand: Errand, run: OpenRun) -> datetime | None:
    """When the latest message was accepted by an answer of WeChat."""
    found = run.ledger.last(
        lambda record: record.mark is Mark.ACCEPTED and record.code not in (SETTLED, RECEIPT)
    )
    return None if found is None else errand.around.at(found.at)


def _forecast(errand: Errand, people: int, pace: Pace, left: int | None, daily: int | None) -> Forecast:
    return forecast(
        begin_of(errand.request, errand.around),
        people,
        pace.rate,
        pace.hours,
        left_today=left,
        left_daily=daily,
        until=errand.request.until,
    )


def _quota_left(errand: Errand, quota: Quota | None) -> tuple[int, int] | tuple[None, None]:
    """What the quota gives to this run on the day on which it begins, and on any other day."""
    if quota is None:
        return None, None
    keep = errand.material.campaign.keep_quota
    daily = int(quota.limit * (1 - keep))
    is_today = day_of(errand.request, errand.around) == errand.around.today()
    return left_to_run(quota, keep) if is_today else daily, daily


def _of_the_wait(errand: Errand, recovered: int) -> list[str]:
    """What to know of the wait for --at: what can be settled now is in doubt after it."""
    if errand.request.at is None:
        return []
    if errand.scene.rehearsal:
        return [_("A rehearsal doesn't wait for --at.")]
    if not recovered or errand.request.resend_in_doubt:
        return []
    text = ngettext(
        "{count} message that was cut off on its way comes to be in doubt during the wait; "
        "leave --at out to settle it now.",
        "{count} messages that were cut off on their way come to be in doubt during the wait; "
        "leave --at out to settle them now.",
        recovered,
    )
    return [text.format(count=recovered)]
