"""One `send`, from its files to its summary: preflight, plan, execute."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from wxpush.app.aftermath import look_back, standing_for
from wxpush.app.apart import kept_apart
from wxpush.app.delivering import Delivered, Delivering
from wxpush.app.errand import Errand, held
from wxpush.app.notified import account_without_secret, notifier_of
from wxpush.app.observing import Observers
from wxpush.app.opening import goes_first, open_run
from wxpush.app.outgoing import Outgoing
from wxpush.app.pace import Pace
from wxpush.app.planning import planned
from wxpush.app.preflight import Preflight
from wxpush.app.receipted import figures_if_readable
from wxpush.app.request import SendRequest
from wxpush.app.results import Plan, Summary
from wxpush.app.side_files import beside, failures_file, skip_log, skips_file, unmatched_notes
from wxpush.app.summing import remember, summed_up
from wxpush.app.surroundings import Surroundings
from wxpush.app.survey import by_state
from wxpush.app.tally import begun_with, tally_by_list
from wxpush.app.waiting import wait_until
from wxpush.delivery.engine import Ending
from wxpush.delivery.ports import Listener, Progress
from wxpush.delivery.standing import Standing
from wxpush.errors import StateError, StoppedError, StorageError
from wxpush.i18n import _
from wxpush.model import State
from wxpush.report.skips import SkipLog

if TYPE_CHECKING:
    from wxpush.app.notifying import Notifier


@contextmanager
def opened(request: SendRequest, around: Surroundings) -> Iterator["Sending"]:
    """Read and open everything that a sending needs, and let go of it at the end.

    Raises InputError for wrong files or options, LockedError while another process works on the run,
    StateError for a state that can't be used.
    """
    with held(request, around) as errand, closing(Sending(errand)) as sending:
        yield sending


class Sending:
    """A run that is locked and open. Go through its `preflight`, then call `plan`, then `execute`."""

    def __init__(self, errand: Errand) -> None:
        request, scene, campaign = errand.request, errand.scene, errand.material.campaign
        self._errand, self._request, self._material = errand, request, errand.material
        self._clock = errand.around.clock
        self._run = open_run(errand)
        self._card = self._run.card
        self._notes: list[str] = []
        self._interrupted = False
        self._written: Standing | None = None
        self._log: SkipLog | None = None
        self._delivering = Delivering(scene.account, scene.directories, self._clock)
        self._pace = Pace.of(
            campaign, request.rate, request.workers, until=request.until, any_hour=scene.rehearsal
        )
        self.preflight = Preflight(errand, self._run, self._delivering)
        self._observers = Observers(errand.folder, errand.run, scene.account.name, request.log, self._clock)

    def close(self) -> None:
        """Let go of the files."""
        self._run.ledger.close()
        self._observers.close()

    @property
    def tolerate(self) -> float:
        """The share of recipients' own failures that still counts as success."""
        return self._material.campaign.tolerate

    @property
    def papers(self) -> list[Path]:
        """The files that the campaign names."""
        campaign = self._material.campaign
        template = [campaign.template] if isinstance(campaign.template, Path) else []
        return [*template, *campaign.blocked_words]

    @property
    def failures_file(self) -> Path:
        """Where what fails is listed."""
        return self._request.failures or beside(self._errand, "failures")

    @cached_property
    def notifier(self) -> "Notifier | None":
        """Who is told how it ends; None where nobody is."""
        campaign, around = self._material.campaign, self._errand.around
        if self._errand.scene.rehearsal:  # whose account is not the one that will be sent with
            name = self._request.account or campaign.account
            return notifier_of(campaign, account_without_secret(name, around), around)
        return notifier_of(campaign, self._errand.scene.account, around)

    @property
    def title(self) -> str:
        """What is sent, as the template calls it."""
        return self._material.template.title

    @property
    def state(self) -> Path:
        """The state folder that the run lives in."""
        return self._errand.scene.state

    def plan(self) -> Plan:
        """What is about to be done. Reads the quota; raises StoppedError for an account that can't send."""
        survey, recovered = self.preflight.found, goes_first(self._run, self._errand)
        is_over = survey is not None and survey.to_send == 0 and not recovered
        if not is_over and not self._delivering.is_connected:
            self._delivering.connect()
        return planned(
            self._errand,
            self._run,
            survey,
            self._pace,
            self._delivering.quota,
            is_over=is_over,
            recovered=recovered,
            sample=self.preflight.sample(),
            notes=[
                *self._apart(),
                *self._material.notes(),
                *(self.preflight.screening.notes if self.preflight.screening else ()),
                *self._notes_before(),
                *self._untold(is_over=is_over),
            ],
        )

    def _notes_before(self) -> list[str]:
        """What was to be said before anything was sent."""
        preflight = self.preflight
        notes = [*unmatched_notes(preflight.unmatched), *self._run.notes, *preflight.notes]
        if preflight.unread:
            text = _("Who was suppressed during the sending may have got a message: {reason}")
            notes.append(text.format(reason=preflight.unread))
        return notes

    def _apart(self) -> list[str]:
        """Whether the account is known elsewhere, too."""
        scene = self._errand.scene
        return [] if scene.rehearsal else kept_apart(scene.account, self._errand.around)

    def _untold(self, *, is_over: bool) -> list[str]:
        """Who can't be told how it ends, as it stands; a rehearsal tells nobody."""
        if is_over or self._errand.scene.rehearsal or self.notifier is None:
            return []
        return self.notifier.faults()

    def stopped_before(self, error: StoppedError) -> Summary:
        """How the run stands when the account, or the way to it, forbade the start."""
        ending = Ending("stopped", error.code, str(error), error.hint)
        outgoing = Outgoing(
            self.preflight.selection(), self._run.ledger, self._clock, 0, self.preflight.found
        )
        return self._summed_up(Delivered(ending, Progress()), outgoing)

    def wait(self, tell: Callable[[float], None]) -> None:
        """Wait for the moment that was asked for, then look at account and quota anew.

        `tell` hears how many seconds are left. Raises InputError where the machine slept far past it,
        StoppedError for an account that can't send by then.
        """
        if self._request.at is not None:
            self._observers.put_off(self._request.at)
            wait_until(self._request.at, self._clock, tell)
            self._observers.put_off(None)
            self._delivering.look_again()

    def execute(self, listener: Listener) -> Summary:
        """Send, and tell how the run stands, whatever WeChat and the network do.

        Raises InputError when the list is no longer the one that was checked, StorageError when the run
        can't be begun on this disk; then nothing was sent.
        """
        self._errand.refuse_changed_list()
        self.preflight.renew()
        self._begin()
        self._log = skip_log(self._errand)
        outgoing = Outgoing(
            self.preflight.selection(),
            self._run.ledger,
            self._clock,
            self._request.limit,
            self.preflight.found,
            self._log,
            self.preflight.look_again,
            self.preflight.left_out,
            self._observers.skipped,
        )
        listener = self._observers.beside(listener)
        self._observers.begin(
            campaign=self._card.campaign,
            list=self._card.list,
            rate=self._pace.rate,
            workers=self._pace.workers,
        )
        with self._run.watch.keeping_up(self._clock.wall):
            delivered = self._deliver(outgoing, listener)
        if self.preflight.found is None:
            outgoing.count_rest()
            self.preflight.list_unmatched()
        self._settle_by_receipts(delivered, listener)
        return self._observers.end(self._summed_up(_with_fault(delivered, outgoing), outgoing))

    def stop(self) -> None:
        """End in seconds, taking the answers on their way; called again, at once. Signal-safe."""
        self._interrupted = True
        self._delivering.stop()

    def _begin(self) -> None:
        """Say on the card what is sent from now on, and let everybody see it who needs to."""
        join, found = self._material.recipients.join, self.preflight.found
        self._card = replace(
            self._card.with_basis(self._material.recipients.digest(), self._material.basis),
            survey=self.preflight.worth_keeping(),
            begun={} if found is None else begun_with(found),
            joined=join.digest if join is not None else "",
            approved=self._material.approval_code if self._request.approved else "",
        )
        self._errand.folder.write_card(self._card)
        ledger, standing = self._run.ledger, self._run.standing
        ledger.forget_invalid()
        written = standing_for(self._card)
        if type(standing) is type(written) or standing.is_empty():
            # What the ledger held is known: with what is written from here on, it needn't be read again.
            self._written = written
        visit = self._run.watch.beside(self._written.note if self._written is not None else None)
        if visit is not None:
            ledger.follow(visit)

    def _settle_by_receipts(self, delivered: Delivered, listener: Listener) -> None:
        """Wait for receipts, where that is wanted, and settle what they prove."""
        receipts, wait = self._run.receipts, self._request.wait_receipts
        if wait is not None and delivered.ending.state != "interrupted":
            self._notes += receipts.wait_for_all(wait, listener, is_over=lambda: self._interrupted)
        if delivered.ending.code != "storage" and self._anything_unsettled(delivered.progress):
            with suppress(StorageError):
                self._notes += receipts.settle(self._run.ledger, self._card)

    def _anything_unsettled(self, progress: Progress) -> bool:
        before = self._run.before.get(State.IN_DOUBT, 0) + self._run.before.get(State.HELD, 0)
        return bool(before or progress.in_doubt or progress.held or self._run.ledger.claimed)

    def _deliver(self, outgoing: Outgoing, listener: Listener) -> Delivered:
        if not self._delivering.is_connected:
            return self._nothing_to_send(outgoing)
        expiry = self._material.checker.expiry
        return self._delivering.send(
            self._errand.run,
            self._run.ledger,
            self._material.campaign,
            self._pace,
            listener,
            messages=iter(outgoing),
            recovered=self._run.ledger.recovered,
            resend_in_doubt=self._request.resend_in_doubt,
            still_wanted=None if expiry is None else lambda message: outgoing.still_wanted(message, expiry),
            witnesses=self._observers.all,
        )

    def _nothing_to_send(self, outgoing: Outgoing) -> Delivered:
        """Only the wrong rows are noted, which a list that is remembered doesn't have."""
        nobody_asks = self._log is None and self._observers.skipped is None
        for message in () if self._run.survey and nobody_asks else outgoing:
            # Whoever is screened out may be free to get it by now: then it waits for the next call.
            if message is not None and self.preflight.screening is None:
                raise RuntimeError("a message that the plan didn't know of")
        self._run.ledger.commit([])
        return Delivered(Ending("finished"), Progress())

    def _summed_up(self, delivered: Delivered, outgoing: Outgoing) -> Summary:
        errand, ledger, survey = self._errand, self._run.ledger, self.preflight.found
        with suppress(StorageError):
            ledger.commit([])
        self._notes += self._run.watch.settle(self._clock.wall())
        gone = survey.gone if survey else by_state(self._run.standing.orphans())
        # After a failed commit nobody knows but the disk.
        noted = None if delivered.ending.code == "storage" else self._known()
        aftermath = look_back(errand.folder, self._card, noted=noted)
        rows = survey.rows if survey else outgoing.rows
        failures, of_failures = failures_file(errand, aftermath)
        summary = summed_up(
            self._card,
            aftermath,
            tally_by_list(aftermath.states, rows, sum(gone.values()), outgoing.skips),
            state=delivered.ending.state,
            delivered=delivered,
            token_fetches=self._delivering.token_fetches,
            now=errand.around.now(),
            failures_file=failures,
            delivery=figures_if_readable(errand.folder, self._card, errand.around, log=errand.receipts),
            gone_pending=gone.get(State.PENDING, 0),
        )
        written, trouble = skips_file(errand, self._log)
        changed = list(survey.changed_lines) if survey else outgoing.changed
        summary = replace(
            summary,
            changed=survey.changed if survey else len(changed),
            changed_lines=changed,
            unmatched_file=self.preflight.unmatched,
            skips_file=written,
            unsettled=min(summary.unsettled, ledger.claimed),
            notes=[*self._notes_before(), *self._notes, *of_failures, *trouble],
        )
        remember(summary, errand.folder, self._card, self._clock.wall())
        with suppress(StateError):
            self.preflight.left_out.write(errand.folder.left_out, self._clock.wall())
        return summary

    def _known(self) -> Standing | None:
        """How everything stands, if that is known without the ledger."""
        standing, written = self._run.standing, self._written
        if written is None or self._run.ledger.claimed:
            return None
        if standing.is_empty():
            return written
        standing.absorb(written)
        return standing


def _with_fault(delivered: Delivered, outgoing: Outgoing) -> Delivered:
    """A list that can't be read to its end stops the sending."""
    if outgoing.fault is None or delivered.ending.state != "finished":
        return delivered
    problem = outgoing.fault.problems[0]
    ending = replace(
        delivered.ending, state="stopped", code="invalid", detail=str(problem), hint=problem.hint
    )
    return replace(delivered, ending=ending)
