"""A dry run: everything but the network, without an account and without a record."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from wxpush.app.apart import kept_apart
from wxpush.app.approval import refuse_unapproved
from wxpush.app.forecast import forecast
from wxpush.app.material import Material, read_material
from wxpush.app.notified import account_without_secret, notifier_of
from wxpush.app.pace import Pace
from wxpush.app.place import Scene
from wxpush.app.request import SendRequest
from wxpush.app.results import Plan, Summary, Survey
from wxpush.app.schedule import begin_of, day_of, refuse_odd_moments
from wxpush.app.screening import Screening, open_screening
from wxpush.app.selection import Choices, Selection
from wxpush.app.surroundings import Surroundings
from wxpush.app.survey import survey_list
from wxpush.config import Account
from wxpush.delivery.ledger import Place
from wxpush.delivery.records import Record
from wxpush.delivery.standing import ByRow
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.private import STATE_DIR

if TYPE_CHECKING:
    from wxpush.app.notifying import Notifier

#: A context that is given how many lines the list has, and gives what is told how many rows are done.
Checking = Callable[[int | None], AbstractContextManager[Callable[[int], None]]]


def dry_run(
    request: SendRequest, around: Surroundings, checking: Checking
) -> tuple[Plan, Summary, "Notifier | None"]:
    """Check everything and say what would be sent, and who told. Raises ProblemsError, InputError."""
    material = read_material(
        request.campaign,
        request.recipients,
        list_name=request.list_name,
        list_format=request.list_format,
        today=day_of(request, around),
        sieve=request.sieve,
    )
    refuse_unapproved(request, material)
    refuse_odd_moments(request, around, material.campaign)
    standing = ByRow()
    screening = _screening(request, around, material)
    choices = Choices(keep_first=request.keep_first)
    selection = Selection(material, standing, _nothing_recorded, choices, screening=screening)
    with checking(material.recipients.lines) as tell:
        survey = survey_list(material, selection, standing, tell)
    if survey.wrong and not request.skip_invalid:
        raise ProblemsError(survey.problems, total=survey.wrong)
    account = account_without_secret(request.account or material.campaign.account, around)
    return (
        _plan(request, around, material, survey, account, screening),
        _summary(request, material, survey),
        notifier_of(material.campaign, account, around),
    )


def _screening(request: SendRequest, around: Surroundings, material: Material) -> Screening | None:
    """As for the real account, where one is set up; who follows isn't asked."""
    account = account_without_secret(request.account or material.campaign.account, around)
    if account is None:
        return open_screening(material.campaign, None, around)
    home = around.directories.home  # nothing is made for a rehearsal, not even the folder
    state = request.campaign.resolve().parent / STATE_DIR if home is None else home
    scene = Scene(account, account.origin, state, around.directories)
    return open_screening(material.campaign, scene, around)


def _notes(material: Material, screening: Screening | None) -> list[str]:
    notes = material.notes() + (screening.notes if screening else [])
    if material.campaign.check_followers:
        notes.append(_("check_followers: who doesn't follow is asked only before a real sending."))
    return notes


def _nothing_recorded(place: Place) -> Record:
    raise LookupError(place)


def _plan(
    request: SendRequest,
    around: Surroundings,
    material: Material,
    survey: Survey,
    account: Account | None,
    screening: Screening | None,
) -> Plan:
    campaign, pace = material.campaign, Pace.of(material.campaign, request.rate, request.workers)
    expected = forecast(
        begin_of(request, around),
        survey.to_send,
        pace.rate,
        pace.hours,
        left_today=None,
        left_daily=None,
        until=request.until,
    )
    known = (request.account or campaign.account or "", "", "")
    if account is not None:
        known = (account.name, account.appid, account.api_base)
    return Plan(
        run=request.run or campaign.name,
        is_new=True,
        is_over=False,
        account=known[0],
        appid=known[1],
        api_base=known[2],
        template_title=material.template.title,
        template_id=material.template.id,
        campaign=request.campaign,
        list_name=request.list_name,
        people=survey.to_send,
        recovered=0,
        done={},
        survey=survey,
        rate=pace.rate,
        workers=pace.workers,
        quota=None,
        quota_kept=0,
        quota_note="",
        begins=expected.begins,
        ends=expected.ends,
        days=expected.days,
        goes_on_alone=True,
        sample=survey.sample,
        rehearsal="dry_run",
        notes=[*kept_apart(account, around), *_notes(material, screening)],
        until=request.until,
        left_then=expected.left,
    )


def _summary(request: SendRequest, material: Material, survey: Survey) -> Summary:
    skipped = sum(survey.skips.values())
    return Summary(
        run=request.run or material.campaign.name,
        account=request.account or material.campaign.account or "default",
        state="dry_run",
        total=survey.rows,
        accepted=0,
        failed=survey.wrong,
        skipped=skipped,
        held=0,
        in_doubt=0,
        pending=survey.rows - survey.wrong - skipped,
        failures=(),
        skips=survey.skips,
        attempts=0,
        token_fetches=0,
        elapsed_s=0.0,
        rate_per_s=0.0,
        stopped_by=None,
        failures_file=None,
    )
