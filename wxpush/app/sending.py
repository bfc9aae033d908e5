"""One `send`, from its files to its summary: prepare, plan, execute."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from wxpush.app.aftermath import Aftermath, look_back, standing_for, write_failures
from wxpush.app.approval import refuse_claims, refuse_unapproved
from wxpush.app.codes import failure_groups, stopped_by
from wxpush.app.delivering import Delivered, Delivering
from wxpush.app.doubtful import SETTLED_BY_RECEIPT, in_window
from wxpush.app.forecast import Forecast, forecast
from wxpush.app.material import Material, read_material
from wxpush.app.notified import account_without_secret, notifier_of
from wxpush.app.observing import Observers
from wxpush.app.outgoing import Outgoing
from wxpush.app.pace import Pace
from wxpush.app.place import Scene, real_scene, sandbox_scene
from wxpush.app.receipted import figures_if_readable
from wxpush.app.request import SendRequest, Surroundings
from wxpush.app.results import Plan, Sample, Summary, Survey
from wxpush.app.schedule import begin_of, day_of, refuse_odd_moments
from wxpush.app.screening import open_screening
from wxpush.app.selection import DUPLICATE, Choices, Selection
from wxpush.app.sources.excluding import refuse_other_accounts
from wxpush.app.sources.spool import QUERY, STDIN
from wxpush.app.suppressing import NOT_FOLLOWING, Watch, folder_of, not_up_to_date, put_on, welcome
from wxpush.app.survey import by_state, lasting, recall_survey, remembered, survey_list
from wxpush.app.waiting import wait_until
from wxpush.campaign.check import Ready
from wxpush.delivery import store
from wxpush.delivery.engine import Ending
from wxpush.delivery.gate import left_to_run
from wxpush.delivery.identity import RunId, hash64
from wxpush.delivery.ledger import Ledger, Place, RecordVisitor
from wxpush.delivery.ports import Listener, Progress
from wxpush.delivery.receipts import any_receipts
from wxpush.delivery.records import Record
from wxpush.delivery.run import RunCard, RunFolder, refuse_changes, refuse_older_ledger
from wxpush.delivery.standing import ByKey, Standing
from wxpush.delivery.suppressions import Entry
from wxpush.errors import InputError, ProblemsError, StateError, StoppedError, StorageError
from wxpush.i18n import _, ngettext
from wxpush.model import State
from wxpush.private import remove, remove_tree
from wxpush.report.skips import SkipLog

if TYPE_CHECKING:
    from wxpush.app.following import FollowerCheck

if TYPE_CHECKING:
    from wxpush.app.notifying import Notifier

_LONGEST_NAME: Final = 80
_SPOOLED: Final = {STDIN: "stdin", QUERY: "sql"}


@contextmanager
def opened(request: SendRequest, around: Surroundings) -> Iterator["Sending"]:
    """Read and open everything that a sending needs, and let go of it at the end.

    Raises InputError for wrong files or options, LockedError while another process works on the run,
    StateError for a state that can't be used.
    """
    _refuse_odd_name(request.run)
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
    with ExitStack() as stack:
        if request.sandbox is not None:
            scene = stack.enter_context(
                sandbox_scene(request.sandbox, material.template, request.campaign, around)
            )
        else:
            account = request.account or material.campaign.account
            scene = real_scene(account, request.campaign, around)
        yield stack.enter_context(_held(request, around, material, scene))


def _refuse_odd_name(run: str | None) -> None:
    """An empty variable in a script must not continue the campaign's own run."""
    if run is not None and not (run.strip() and run.isprintable() and len(run) <= _LONGEST_NAME):
        raise InputError(
            _("--run: a run's name has 1 to {most} printable characters.").format(most=_LONGEST_NAME),
            _("Leave --run out to use the campaign's own name."),
        )


@contextmanager
def _held(
    request: SendRequest, around: Surroundings, material: Material, scene: Scene
) -> Iterator["Sending"]:
    """The run's lock and ledger."""
    if not scene.rehearsal:
        refuse_other_accounts(material.sifted.excluded, scene.origin, scene.account.appid)
    run = RunId(scene.origin, scene.account.appid, request.run or material.campaign.name)
    folder = RunFolder.of(scene.state, run)
    with folder.locked():
        if scene.rehearsal:
            _begin_anew(folder)
        sending = Sending(request, around, material, scene, run, folder)
        try:
            yield sending
        finally:
            sending.close()


def _begin_anew(folder: RunFolder) -> None:
    remove_tree(folder.ledger)
    for path in folder.path.glob("*.json*"):
        remove(path)


class Sending:
    """A run that is locked and open. Call `survey`, then `plan`, then `execute`."""

    def __init__(
        self,
        request: SendRequest,
        around: Surroundings,
        material: Material,
        scene: Scene,
        run: RunId,
        folder: RunFolder,
    ) -> None:
        self._request, self._around, self._material = request, around, material
        self._scene, self._run, self._folder = scene, run, folder
        found = folder.card()
        self._is_new = found is None
        card = self._fresh_card()
        if found is not None:
            refuse_changes(found, card, accept=request.accept_changes)
            card = replace(
                card, created=found.created, updated=found.updated, lists=found.lists, bases=found.bases
            )
        self._unchanged = found is not None and found.is_of_one_basis and found.bases == (material.basis,)
        self._kept_survey = found.survey if found is not None and self._unchanged else {}
        self._card = card
        self._standing: Standing = self._fitting_standing(found)
        self._auto = material.campaign.suppress.auto
        self._watch = Watch(folder_of(scene.directories, scene.account), self._auto)
        visit = self._standing.note if self._auto is None else self._note_earlier
        self._ledger = Ledger(folder.ledger, run, visit, may_be_new=found is None)
        for claim in self._ledger.recovered:
            self._standing.note_claim(claim)
        self._notes: list[str] = []
        if found is not None:
            accepted = by_state(self._standing.counts()).get(State.ACCEPTED, 0)
            refuse_older_ledger(found, accepted, folder.ledger)
            if self._standing.counts().keys() & SETTLED_BY_RECEIPT:
                self._settle_by_receipts(found, self._standing.note)
        refuse_claims(request, found, material, len(self._ledger.recovered))
        self._before = by_state(self._standing.counts())
        self._interrupted = False
        self._surveyed: Survey | None = None
        self._written: Standing | None = None
        self._unmatched: Path | None = None
        self._delivering = Delivering(scene.account, scene.directories, around.clock)
        self._pace = Pace.of(
            material.campaign,
            request.rate,
            request.workers,
            until=request.until,
            any_hour=scene.rehearsal,
        )
        self._log: SkipLog | None = None
        self._settle_suppressions()
        self._screening = open_screening(material.campaign, scene, around)
        if self._screening is not None:
            self._watch.look_for(self._screening.suppressed)
        self._observers = Observers(folder, run, scene.account.name, request.log, around.clock)

    def close(self) -> None:
        """Let go of the files."""
        self._ledger.close()
        self._observers.close()

    @property
    def tolerate(self) -> float:
        """The share of recipients' own failures that still counts as success."""
        return self._material.campaign.tolerate

    @cached_property
    def notifier(self) -> "Notifier | None":
        """Who is told how it ends; None where nobody is."""
        account, campaign = self._scene.account, self._material.campaign
        if self._scene.rehearsal:  # whose account is not the one that will be sent with
            name = self._request.account or campaign.account
            return notifier_of(campaign, account_without_secret(name, self._around), self._around)
        return notifier_of(campaign, account, self._around)

    @property
    def title(self) -> str:
        """What is sent, as the template calls it."""
        return self._material.template.title

    @property
    def state(self) -> Path:
        """The state folder that the run lives in."""
        return self._scene.state

    @property
    def lines(self) -> int | None:
        """How many lines the list has, which are at least as many as its rows; None for a workbook."""
        return self._material.recipients.lines

    def survey(self, tell: Callable[[int], None]) -> Survey | None:
        """Check the whole list unless that was done before, or isn't wanted (then None).

        Raises ProblemsError when a row is wrong and the good ones are not to be sent alone.
        """
        if not self._request.preflight:
            return None
        if self._kept_survey and self._screening is None:
            self._surveyed = recall_survey(
                self._kept_survey,
                self._standing,
                self._first_sample(),
                resend_in_doubt=self._request.resend_in_doubt,
            )
            return self._surveyed
        survey = survey_list(self._material, self._selection(), self._standing, tell)
        self._list_unmatched()
        if survey.wrong and not self._request.skip_invalid:
            raise ProblemsError(survey.problems, total=survey.wrong)
        self._surveyed = survey
        return survey

    @property
    def looks_back(self) -> bool:
        """Whether `look_back` has something to do that may take some time."""
        return self._screening is not None and self._screening.looks_back

    def look_back(self, tell: Callable[[int], None]) -> None:
        """Find out whom the account wrote to in the last days; `tell` hears how many messages were seen."""
        if self._screening is not None:
            self._screening.look_back(tell)

    @property
    def asks_who_follows(self) -> bool:
        """Whether `check_followers` is to be called before `plan`."""
        anybody = self._surveyed is None or self._surveyed.to_send or self._surveyed.skips.get("suppressed")
        return self._material.campaign.check_followers and bool(anybody)

    def check_followers(self, tell: Callable[[int], None]) -> None:
        """Ask WeChat who of those to be sent to follows; `tell` hears how many were asked about.

        Raises StoppedError where that can't be told; then nothing may be sent.
        """
        if self._screening is None:
            return
        from wxpush.app.following import FollowerCheck  # which nobody else needs, nor its threads
        from wxpush.channels.wechat.following import AT_ONCE

        self._delivering.connect()
        check = FollowerCheck(self._selection(), self._screening, self._surveyed, limit=self._request.limit)
        with closing(self._delivering.client(AT_ONCE)) as client:
            self._surveyed = check.run(client.following, tell, skip_foreign=self._request.skip_invalid)
        self._suppress_by(check)

    def _suppress_by(self, check: "FollowerCheck") -> None:
        """Bring the suppression list up to date with who follows."""
        folder, now = folder_of(self._scene.directories, self._scene.account), self._around.clock.wall()
        with self._list_trouble_told():
            if check.back:
                welcome(folder, check.back, now)
            if check.gone and self._auto is not None:
                until = now + self._auto
                put_on(folder, (Entry(openid, "", now, until, NOT_FOLLOWING) for openid in check.gone))

    def plan(self) -> Plan:
        """What is about to be done. Reads the quota; raises StoppedError for an account that can't send."""
        survey, pace = self._surveyed, self._pace
        to_send = survey.to_send if survey else None
        recovered = self._goes_first()
        is_over = to_send == 0 and not recovered
        if not is_over and not self._delivering.is_connected:
            self._delivering.connect()
        expected = self._forecast(to_send)
        quota = self._delivering.quota.quota
        return Plan(
            run=self._run.name,
            is_new=self._is_new,
            is_over=is_over,
            account=self._scene.account.name,
            appid=self._scene.account.appid,
            api_base=self._scene.account.api_base,
            template_title=self._material.template.title,
            template_id=self._material.template.id,
            campaign=self._request.campaign,
            list_name=self._request.list_name,
            people=self._people(to_send),
            recovered=recovered,
            done={state: count for state, count in self._before.items() if state != State.PENDING},
            survey=survey,
            rate=pace.rate,
            workers=pace.workers,
            quota=quota,
            quota_kept=int(quota.limit * self._material.campaign.keep_quota) if quota else 0,
            quota_note=self._delivering.quota.note,
            begins=expected.begins if expected else None,
            ends=expected.ends if expected else None,
            days=expected.days if expected else 1,
            until=self._request.until,
            left_then=expected.left if expected else None,
            goes_on_alone=self._goes_on_alone(to_send),
            sample=survey.sample if survey else self._first_sample(),
            rehearsal="sandbox" if self._scene.rehearsal else "",
            last_accepted=self._around.at(self._card.updated) if self._card.updated else None,
            failures_waiting=self._before.get(State.FAILED, 0),
            in_doubt=self._before.get(State.IN_DOUBT, 0) - recovered,
            resends=self._request.resend_in_doubt,
            notes=[
                *self._material.notes(),
                *(self._screening.notes if self._screening else ()),
                *self._list_notes(),
                *self._notes,
                *self._untold(is_over=is_over),
                *self._of_the_wait(recovered),
            ],
        )

    def _untold(self, *, is_over: bool) -> list[str]:
        """Who can't be told how it ends, as it stands; a rehearsal tells nobody."""
        if is_over or self._scene.rehearsal or self.notifier is None:
            return []
        return self.notifier.faults()

    def _of_the_wait(self, recovered: int) -> list[str]:
        """What to know of the wait for --at: what can be settled now is in doubt after it."""
        if self._request.at is None:
            return []
        if self._scene.rehearsal:
            return [_("A rehearsal doesn't wait for --at.")]
        if not recovered or self._request.resend_in_doubt:
            return []
        text = ngettext(
            "{count} message that was cut off on its way comes to be in doubt during the wait; "
            "leave --at out to settle it now.",
            "{count} messages that were cut off on their way come to be in doubt during the wait; "
            "leave --at out to settle them now.",
            recovered,
        )
        return [text.format(count=recovered)]

    def _goes_first(self) -> int:
        """How many claims of a killed process are sent again before the list; what is too old is in doubt."""
        claims = self._ledger.recovered
        if self._request.resend_in_doubt:
            return len(claims)
        return sum(in_window(claim, self._around) for claim in claims)

    def stopped_before(self, error: StoppedError) -> Summary:
        """How the run stands when the account, or the way to it, forbade the start."""
        ending = Ending("stopped", error.code, str(error), error.hint)
        outgoing = Outgoing(self._selection(), self._ledger, self._around.clock, 0, self._surveyed)
        return self._summed_up(Delivered(ending, Progress()), outgoing)

    def wait(self, tell: Callable[[float], None]) -> None:
        """Wait for the moment that was asked for, then look at account and quota anew.

        `tell` hears how many seconds are left. Raises InputError where the machine slept far past it,
        StoppedError for an account that can't send by then.
        """
        if self._request.at is not None:
            wait_until(self._request.at, self._around.clock, tell)
            self._delivering.look_again()

    def execute(self, listener: Listener) -> Summary:
        """Send, and tell how the run stands, whatever WeChat and the network do.

        Raises InputError when the list is no longer the one that was checked, StorageError when the run
        can't be begun on this disk; then nothing was sent.
        """
        self._refuse_changed_list()
        self._card = replace(
            self._card.with_basis(self._material.recipients.digest(), self._material.basis),
            survey=self._worth_keeping(),
            call=_without_screened(self._card.call),
            approved=self._material.approval_code if self._request.approved else "",
        )
        self._folder.write_card(self._card)
        self._ledger.forget_invalid()
        written = standing_for(self._card)
        if type(self._standing) is type(written) or self._standing.is_empty():
            # What the ledger held is known: with what is written from here on, it needn't be read again.
            self._written = written
        self._follow(self._written)
        self._log = SkipLog(self._folder.path / "skips.jsonl") if self._request.skips else None
        outgoing = Outgoing(
            self._selection(),
            self._ledger,
            self._around.clock,
            self._request.limit,
            self._surveyed,
            self._log,
        )
        listener = self._observers.beside(listener)
        self._observers.begin(
            campaign=self._card.campaign,
            list=self._card.list,
            rate=self._pace.rate,
            workers=self._pace.workers,
        )
        delivered = self._deliver(outgoing, listener)
        if self._surveyed is None:
            outgoing.count_rest()
            self._list_unmatched()
        if self._request.wait_receipts is not None and delivered.ending.state != "interrupted":
            self._await_receipts(self._request.wait_receipts, listener)
        if delivered.ending.code != "storage" and self._anything_unsettled(delivered.progress):
            with suppress(StorageError):
                self._settle_by_receipts(self._card)
        return self._observers.end(self._summed_up(delivered, outgoing))

    def _follow(self, written: Standing | None) -> None:
        """Let everybody see what is written from here on who needs to."""
        watch = self._watch
        if written is None:
            if watch.sees_anything:
                self._ledger.follow(watch.note)
        elif not watch.sees_anything:
            self._ledger.follow(written.note)
        else:

            def both(place: Place, record: Record) -> None:
                written.note(place, record)
                watch.note(place, record)

            self._ledger.follow(both)

    def _note_earlier(self, place: Place, record: Record) -> None:
        self._standing.note(place, record)
        self._watch.note_earlier(place, record)

    def _settle_suppressions(self) -> None:
        """Bring the suppression list up to date with what the ledger has by now."""
        with self._list_trouble_told():
            self._watch.settle(self._around.clock.wall())

    @contextmanager
    def _list_trouble_told(self) -> Iterator[None]:
        """What was sent was sent: a list that can't be written is told of, and changes nothing else."""
        try:
            yield
        except StateError as error:
            self._notes.append(not_up_to_date(error))

    def stop(self) -> None:
        """End in seconds, taking the answers on their way; called again, at once. Signal-safe."""
        self._interrupted = True
        self._delivering.stop()

    @property
    def _receipts(self) -> Path:
        """Where the account's receipts are, if it has any."""
        account = self._scene.account
        return self._scene.directories.receipts_path(account.origin, account.appid)

    @property
    def _own_surroundings(self) -> Surroundings:
        """Where this run and the others of its account are: a rehearsal has a world of its own."""
        return replace(self._around, home=self._scene.state) if self._scene.rehearsal else self._around

    def _settle_by_receipts(self, card: RunCard, follow: RecordVisitor | None = None) -> None:
        """A receipt proves that a message was accepted: it isn't in doubt, and must not be sent again."""
        if any_receipts(self._receipts):
            from wxpush.app.settling_by_receipts import settle_and_tell

            self._notes += settle_and_tell(
                self._ledger, self._folder, card, self._own_surroundings, self._receipts, follow=follow
            )

    def _anything_unsettled(self, progress: Progress) -> bool:
        before = self._before.get(State.IN_DOUBT, 0) + self._before.get(State.HELD, 0)
        return bool(before or progress.in_doubt or progress.held or self._ledger.claimed)

    def _await_receipts(self, seconds: float, listener: Listener) -> None:
        from wxpush.app.awaiting import await_receipts

        clock = self._around.clock
        until = self._around.at(clock.wall() + seconds)
        with suppress(StateError):
            await_receipts(
                self._folder, self._receipts, until, clock, listener, is_over=lambda: self._interrupted
            )
        if not any_receipts(self._receipts):
            self._notes.append(_("No receipt came: is `wxpush receipts serve` running for this account?"))

    def _deliver(self, outgoing: Outgoing, listener: Listener) -> Delivered:
        if not self._delivering.is_connected:
            return self._nothing_to_send(outgoing)
        expiry = self._material.checker.expiry
        return self._delivering.send(
            self._run,
            self._ledger,
            self._material.campaign,
            self._pace,
            listener,
            messages=iter(outgoing),
            recovered=self._ledger.recovered,
            resend_in_doubt=self._request.resend_in_doubt,
            still_wanted=None if expiry is None else lambda message: outgoing.still_wanted(message, expiry),
            witnesses=self._observers.all,
        )

    def _nothing_to_send(self, outgoing: Outgoing) -> Delivered:
        """Only the wrong rows are noted, which a list that is remembered doesn't have."""
        for message in () if self._kept_survey and self._log is None else outgoing:
            # Whoever is screened out may be free to get it by now: then it waits for the next call.
            if message is not None and self._screening is None:
                raise RuntimeError("a message that the plan didn't know of")
        self._ledger.commit([])
        return Delivered(Ending("finished"), Progress())

    def _summed_up(self, delivered: Delivered, outgoing: Outgoing) -> Summary:
        ending, progress, elapsed = delivered.ending, delivered.progress, delivered.elapsed
        if outgoing.fault is not None and ending.state == "finished":
            problem = outgoing.fault.problems[0]
            ending = replace(ending, state="stopped", code="invalid", detail=str(problem), hint=problem.hint)
        with suppress(StorageError):
            self._ledger.commit([])
        self._settle_suppressions()
        survey = self._surveyed
        gone = survey.gone if survey else by_state(self._standing.orphans())
        # After a failed commit nobody knows but the disk.
        noted = None if ending.code == "storage" else self._known()
        aftermath = look_back(self._folder, self._card, noted=noted)
        states = aftermath.states
        skips = outgoing.skips
        done = [states[s] for s in (State.ACCEPTED, State.FAILED, State.HELD, State.IN_DOUBT)]
        rows = survey.rows if survey else outgoing.rows
        # A start that was refused may have gone through no list; else what is pending is among its rows.
        known = sum(done) + sum(skips.values()) if rows else sum(states.values())
        total = max(rows + sum(gone.values()), known)
        pending = total - sum(done) - sum(skips.values())
        left = pending - gone.get(State.PENDING, 0)
        state = "limited" if ending.state == "finished" and left else ending.state
        changed = list(survey.changed_lines) if survey else outgoing.changed
        summary = Summary(
            run=self._run.name,
            account=self._scene.account.name,
            state=state,
            total=total,
            accepted=done[0],
            failed=done[1],
            skipped=sum(skips.values()),
            held=done[2],
            in_doubt=done[3],
            pending=pending,
            failures=failure_groups(aftermath.causes),
            skips=skips,
            attempts=progress.attempts,
            token_fetches=self._delivering.token_fetches,
            elapsed_s=elapsed,
            rate_per_s=progress.finished / elapsed if elapsed > 0 else 0.0,
            stopped_by=stopped_by(ending, self._around.now()),
            failures_file=self._failures_file(aftermath),
            gone_pending=gone.get(State.PENDING, 0),
            changed=survey.changed if survey else len(changed),
            changed_lines=changed,
            unmatched_file=self._unmatched,
            unsettled=min(ending.unsettled, self._ledger.claimed),
            skips_file=self._skips_file(),
            notes=[*self._list_notes(), *self._notes],
            delivery=figures_if_readable(self._folder, self._card, self._around, log=self._receipts),
        )
        self._remember(summary)
        return summary

    def _known(self) -> Standing | None:
        """How everything stands, if that is known without the ledger."""
        if self._written is None or self._ledger.claimed:
            return None
        if self._standing.is_empty():
            return self._written
        self._standing.absorb(self._written)
        return self._standing

    def _list_unmatched(self) -> None:
        """Write down which rows the joined list knows nothing of, once all have gone by."""
        join = self._material.recipients.join
        if join is not None and join.seen_all:
            from wxpush.app.sources.unmatched import write_unmatched

            now = self._around.clock.wall()
            with suppress(StorageError):
                self._unmatched = write_unmatched(join, self._beside("unmatched"), self._folder.path, now)

    def _list_notes(self) -> list[str]:
        if self._unmatched is None:
            return []
        return [_("The rows without a match are listed in {path}.").format(path=self._unmatched)]

    def _skips_file(self) -> Path | None:
        if self._log is None or self._request.skips is None:
            return None
        try:
            written = self._log.write(self._request.skips)
        except StateError as error:
            self._log.trouble = error
            written = None
        if self._log.trouble is not None:
            note = _("The file of skipped rows is not whole: {reason}")
            self._notes.append(note.format(reason=self._log.trouble))
        return written

    def _failures_file(self, aftermath: Aftermath) -> Path | None:
        if self._request.failures is not None:
            wanted = self._request.failures
        else:
            wanted = self._beside("failures")
        with suppress(StorageError):
            return write_failures(self._folder, aftermath, wanted)
        return None

    def _beside(self, kind: str) -> Path:
        """Where a file about the list goes: beside it, or into the run's folder if it is none."""
        if not self._request.is_file:
            return self._folder.path / f"{_SPOOLED[self._request.list_name]}.{kind}.csv"
        suffix = f".sandbox.{kind}.csv" if self._scene.rehearsal else f".{kind}.csv"
        return self._request.recipients.with_name(self._request.recipients.stem + suffix)

    def _remember(self, summary: Summary) -> None:
        self._card = replace(self._card, updated=self._around.clock.wall(), call=summary.to_keep())
        with suppress(StorageError):
            self._folder.write_card(self._card)

    def _forecast(self, messages: int | None) -> Forecast | None:
        if messages is None:
            return None
        left_at_begin, left_daily = self._quota_left()
        return forecast(
            begin_of(self._request, self._around),
            self._people(messages) or 0,
            self._pace.rate,
            self._pace.hours,
            left_today=left_at_begin,
            left_daily=left_daily,
            until=self._request.until,
        )

    def _quota_left(self) -> tuple[int, int] | tuple[None, None]:
        """What the quota gives to this run on the day on which it begins, and on any other day."""
        keep, quota = self._material.campaign.keep_quota, self._delivering.quota.quota
        if quota is None:
            return None, None
        daily = int(quota.limit * (1 - keep))
        is_today = day_of(self._request, self._around) == self._around.today()
        return left_to_run(quota, keep) if is_today else daily, daily

    def _goes_on_alone(self, to_send: int | None) -> bool:
        left, _daily = self._quota_left()
        return left is None or (to_send or 0) <= left or self._material.campaign.on_quota == "wait"

    def _worth_keeping(self) -> dict[str, Any]:
        """What the next call needn't find out again: only of a list that is good by itself."""
        if self._surveyed is None or self._surveyed.wrong or self._request.keep_first:
            return {}
        return remembered(self._surveyed)

    def _refuse_changed_list(self) -> None:
        """The question may have stood open for long enough to save the list once more."""
        with self._request.recipients.open("rb") as file:
            now = hashlib.file_digest(file, "sha256").hexdigest()
        if now != self._material.recipients.digest():
            raise InputError(
                _("{list}: the list has changed since it was checked; nothing was sent.").format(
                    list=self._request.list_name
                ),
                _("Run the same command again."),
            )

    def _list_path(self) -> str:
        name = self._request.list_name
        return str(self._request.recipients.absolute()) if self._request.is_file else name

    def _people(self, to_send: int | None) -> int | None:
        limit = self._request.limit
        return to_send if limit is None or to_send is None else min(to_send, limit)

    def _selection(self) -> Selection:
        known = self._kept_survey if self._surveyed is None else remembered(self._surveyed)
        is_good = bool(known) and (self._surveyed is None or not self._surveyed.wrong)
        return Selection(
            self._material,
            self._standing,
            self._ledger.record_at,
            Choices(self._request.keep_first, self._request.resend_in_doubt),
            unchanged=self._unchanged,
            no_duplicates=is_good and not known["skips"].get(DUPLICATE),
            screening=self._screening,
        )

    def _first_sample(self) -> Sample | None:
        """A message to show, where no survey has rendered one."""
        for row in self._material.recipients:
            examined = self._material.checker.examine(row)
            if isinstance(examined, Ready):
                return self._material.sample(examined.message, examined.rendered)
        return None

    def _fitting_standing(self, found: RunCard | None) -> Standing:
        begun_without_card = found is None and store.exists(self._folder.ledger)
        if begun_without_card:
            return ByKey(hash64)
        return standing_for(found, unchanged=self._unchanged or found is None)

    def _fresh_card(self) -> RunCard:
        template = self._material.template
        return RunCard(
            name=self._run.name,
            origin=self._run.origin,
            appid=self._run.appid,
            account=self._scene.account.name,
            campaign=str(self._request.campaign.absolute()),
            list=self._list_path(),
            options=self._request.options,
            template_id=template.id,
            template_title=template.title,
            content=self._material.content,
            selection=self._material.selection,
            created=self._around.clock.wall(),
        )


def _without_screened(call: dict[str, Any]) -> dict[str, Any]:
    """How the call before stood, as long as this one hasn't ended: whom it screened out is open again."""
    if not call:
        return call
    skips = {str(skip["reason"]): int(skip["count"]) for skip in call.get("skips", ())}
    kept = lasting(skips)
    return call | {"skips": [{"reason": reason, "count": count} for reason, count in kept.items()]}
