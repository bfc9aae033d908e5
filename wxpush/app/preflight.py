"""What a sending finds out before its plan: how its list is, and who of it isn't to be written to."""

from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from wxpush.app.delivering import Delivering
from wxpush.app.errand import Errand
from wxpush.app.opening import OpenRun
from wxpush.app.results import Sample, Survey
from wxpush.app.screening import Screening, open_screening
from wxpush.app.selection import DUPLICATE, Choices, Selection
from wxpush.app.side_files import unmatched_file
from wxpush.app.suppressing import folder_of
from wxpush.app.survey import recall_survey, remembered, survey_list
from wxpush.app.verdicts import Verdicts
from wxpush.campaign.checker import Ready
from wxpush.delivery import store
from wxpush.delivery.leftout import LeftOut
from wxpush.delivery.suppressions import Reading
from wxpush.errors import ProblemsError, StateError


class Preflight:
    """Call `look_back`, `survey` and `check_followers`, in this order, as far as there is something to do."""

    def __init__(self, errand: Errand, run: OpenRun, delivering: Delivering) -> None:
        self._request, self._material = errand.request, errand.material
        self._errand, self._run, self._delivering = errand, run, delivering
        self._list = folder_of(errand.scene.directories, errand.scene.account)
        self._reading = Reading(self._list)
        self.screening = self._fresh()
        if self.screening is not None:
            run.watch.look_for(self.screening.suppressed)
        self._written = 0.0
        self.found: Survey | None = None
        """What the list holds; None as long as it isn't checked."""
        self.unmatched: Path | None = None
        """The file of the rows that the joined list knows nothing of."""
        self.left_out = _left_out(errand, run)
        """Why lines of the list are left out."""
        self.notes: list[str] = []
        """What to say aloud of who follows."""
        self.unread = ""
        """Why the suppression list couldn't be read when it was looked at for the last time."""

    @property
    def lines(self) -> int | None:
        """How many lines the list has, which are at least as many as its rows; None for a workbook."""
        return self._material.recipients.lines

    @property
    def looks_back(self) -> bool:
        """Whether `look_back` has something to do that may take some time."""
        return self.screening is not None and self.screening.looks_back

    def look_back(self, tell: Callable[[int], None]) -> None:
        """Find out whom the account wrote to in the last days; `tell` hears how many messages were seen."""
        if self.screening is not None:
            self.screening.look_back(tell)

    def survey(self, tell: Callable[[int], None]) -> Survey | None:
        """Check the whole list unless that was done before, or isn't wanted (then None).

        Raises ProblemsError when a row is wrong and the good ones are not to be sent alone.
        """
        if not self._request.preflight:
            return None
        if self._run.survey and self.screening is None:
            self.found = recall_survey(
                self._run.survey,
                self._run.standing,
                self._first_sample(),
                resend_in_doubt=self._request.resend_in_doubt,
            )
            return self.found
        survey = survey_list(self._material, self.selection(), self._run.standing, tell, self.left_out)
        self.list_unmatched()
        if survey.wrong and not self._request.skip_invalid:
            raise ProblemsError(survey.problems, total=survey.wrong)
        self.found = survey
        return survey

    def list_unmatched(self) -> None:
        """Write down which rows the joined list knows nothing of, once all have gone by."""
        self.unmatched = unmatched_file(self._errand)

    @property
    def asks_who_follows(self) -> bool:
        """Whether `check_followers` has something to do."""
        anybody = self.found is None or self.found.to_send or self.found.skips.get("suppressed")
        return self._material.campaign.check_followers and bool(anybody)

    def check_followers(self, tell: Callable[[int], None]) -> None:
        """Ask WeChat who of those to be sent to follows; `tell` hears how many were asked about.

        Raises StoppedError where that can't be told; then nothing may be sent.
        """
        if self.screening is None:
            return
        from wxpush.app.following import FollowerCheck  # which nobody else needs, nor its threads
        from wxpush.channels.wechat.following import AT_ONCE

        self._delivering.connect()
        check = FollowerCheck(self.selection(), self.screening, self.found, limit=self._request.limit)
        with closing(self._delivering.client(AT_ONCE)) as client:
            self.found = check.run(client.following, tell, skip_foreign=self._request.skip_invalid)
        now = self._errand.around.clock.wall()
        self.notes += self._run.watch.settle_followers(check.gone, check.back, now)

    def renew(self) -> None:
        """Take in who was suppressed since the check: the question, or `--at`, may have taken hours."""
        self._written = store.last_written(self._list)
        fresh = self._fresh()
        if self.screening is not None:
            self.screening.renew(fresh)
        elif fresh is not None:
            self.screening = fresh
            self.found = self.found and replace(self.found, verdicts=Verdicts())
        if self.screening is not None:
            self._run.watch.look_for(self.screening.suppressed)

    def look_again(self) -> Screening | None:
        """The screening with what the list says by now, where it was written to since; else None.

        A list that can't be read now is read at the next look: a sending goes on with what it knew, and
        says so.
        """
        if store.last_written(self._list) == self._written:
            return None
        try:
            self.renew()
        except StateError as error:
            self._written = 0.0
            self.unread = str(error)
            return None
        self.unread = ""
        return self.screening

    def selection(self) -> Selection:
        """The choice of rows, as far as the list is known by now."""
        known = self._run.survey if self.found is None else remembered(self.found)
        is_good = bool(known) and (self.found is None or not self.found.wrong)
        return Selection(
            self._material,
            self._run.standing,
            self._run.ledger.record_at,
            Choices(self._request.keep_first, self._request.resend_in_doubt),
            unchanged=self._run.unchanged,
            no_duplicates=is_good and not known["skips"].get(DUPLICATE),
            screening=self.screening,
        )

    def sample(self) -> Sample | None:
        """A message to show."""
        return self.found.sample if self.found else self._first_sample()

    def worth_keeping(self) -> dict[str, Any]:
        """What the next call needn't find out again: only of a list that is good by itself."""
        if self.found is None or self.found.wrong or self._request.keep_first:
            return {}
        return remembered(self.found)

    def _fresh(self) -> Screening | None:
        errand = self._errand
        return open_screening(errand.material.campaign, errand.scene, errand.around, self._reading)

    def _first_sample(self) -> Sample | None:
        """A message to show, where no survey has rendered one."""
        for row in self._material.recipients:
            examined = self._material.checker.examine(row)
            if isinstance(examined, Ready):
                return self._material.sample(examined.message, examined.rendered)
        return None


def _left_out(errand: Errand, run: OpenRun) -> LeftOut:
    """What an earlier call found, where it was the same list: this one may not come to its end."""
    digest = errand.material.recipients.digest()
    if run.unchanged:
        with suppress(StateError):
            found = LeftOut.read(errand.folder.left_out, errand.around.clock)
            if found is not None and found.of == digest:
                return found
    return LeftOut(digest, clock=errand.around.clock)
