"""The run of a sending, open: its card, its ledger, and how its messages stand before anything is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wxpush.app.aftermath import standing_for
from wxpush.app.approval import refuse_claims
from wxpush.app.doubtful import in_window
from wxpush.app.errand import Errand
from wxpush.app.run_receipts import RunReceipts
from wxpush.app.suppressing import folder_of
from wxpush.app.survey import by_state
from wxpush.app.watch import Watch
from wxpush.delivery import store
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Ledger
from wxpush.delivery.run import RunCard, refuse_changes, refuse_older_ledger
from wxpush.delivery.standing import ByKey, Standing
from wxpush.model import State


@dataclass(frozen=True, slots=True)
class OpenRun:
    """`before` counts by state what the run has behind it; `watch` has seen every record of that.

    `unchanged`: all of it was rendered from this very campaign and list, of which `survey` was kept.
    `notes` are remarks in the language in force.
    """

    card: RunCard
    is_new: bool
    unchanged: bool
    survey: dict[str, Any]
    ledger: Ledger
    standing: Standing
    watch: Watch
    receipts: RunReceipts
    before: Mapping[str, int]
    notes: Sequence[str]


def open_run(errand: Errand) -> OpenRun:
    """Open it, take in what an earlier process left, and settle what receipts prove of that.

    Raises InputError for changes that aren't accepted, StateError for a state that can't be used.
    """
    folder, campaign = errand.folder, errand.material.campaign
    found = folder.card()
    card = _card(errand, found)
    unchanged = found is not None and found.is_of_one_basis and found.bases == (errand.material.basis,)
    standing = _fitting_standing(errand, found, unchanged=unchanged)
    watch = Watch(folder_of(errand.scene.directories, errand.scene.account), campaign.suppress.auto)
    ledger = Ledger(folder.ledger, errand.run, watch.beside_earlier(standing.note), may_be_new=found is None)
    for claim in ledger.recovered:
        standing.note_claim(claim)
    receipts = RunReceipts(errand.receipts, folder, errand.own_surroundings)
    notes: list[str] = []
    if found is not None:
        refuse_older_ledger(found, by_state(standing.counts()).get(State.ACCEPTED, 0), folder.ledger)
        notes = receipts.settle_before(ledger, found, standing)
    refuse_claims(errand.request, found, errand.material, len(ledger.recovered))
    return OpenRun(
        card=card,
        is_new=found is None,
        unchanged=unchanged,
        survey=found.survey if found is not None and unchanged else {},
        ledger=ledger,
        standing=standing,
        watch=watch,
        receipts=receipts,
        before=by_state(standing.counts()),
        notes=notes + watch.settle(errand.around.clock.wall()),
    )


def goes_first(run: OpenRun, errand: Errand) -> int:
    """How many claims of a killed process are sent again before the list; what is too old is in doubt."""
    claims = run.ledger.recovered
    if errand.request.resend_in_doubt:
        return len(claims)
    return sum(in_window(claim, errand.around) for claim in claims)


def _card(errand: Errand, found: RunCard | None) -> RunCard:
    """The run's card as this call has it, with the past of the one that was found."""
    fresh = _fresh_card(errand)
    if found is None:
        return fresh
    refuse_changes(found, fresh, accept=errand.request.accept_changes)
    return replace(fresh, created=found.created, updated=found.updated, lists=found.lists, bases=found.bases)


def _fresh_card(errand: Errand) -> RunCard:
    request, material = errand.request, errand.material
    return RunCard(
        name=errand.run.name,
        origin=errand.run.origin,
        appid=errand.run.appid,
        account=errand.scene.account.name,
        campaign=str(request.campaign.absolute()),
        list=str(request.recipients.absolute()) if request.is_file else request.list_name,
        options=request.options,
        template_id=material.template.id,
        template_title=material.template.title,
        content=material.content,
        selection=material.selection,
        created=errand.around.clock.wall(),
    )


def _fitting_standing(errand: Errand, found: RunCard | None, *, unchanged: bool) -> Standing:
    begun_without_card = found is None and store.exists(errand.folder.ledger)
    if begun_without_card:
        return ByKey(hash64)
    return standing_for(found, unchanged=unchanged or found is None)
