"""What the commands hand to whoever shows it: plan, summary and the view of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wxpush.i18n import in_english
from wxpush.model import CodeClass, Problem, Quota, State

if TYPE_CHECKING:
    from wxpush.app.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class Sample:
    """One message as it will be sent: `parts` are (label, keyword, value) in the template's order."""

    line: int
    to: str
    title: str
    parts: Sequence[tuple[str, str, str]]
    url: str | None = None
    miniprogram: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """What a pass over the whole list found. Rows count without blank ones.

    `known` are rows whose message the ledger has an outcome for, by outcome (`accepted`, `failed`, `held`,
    `in_doubt`), `gone` the recorded keys that the list lacks, by state; `to_send` is what is left.
    """

    rows: int
    blank: int
    to_send: int
    wrong: int
    skips: Mapping[str, int]
    known: Mapping[str, int]
    gone: Mapping[str, int]
    changed: int = 0
    changed_lines: Sequence[int] = ()
    problems: Sequence[Problem] = ()
    warnings: Sequence[Problem] = ()
    warnings_total: int = 0
    sample: Sample | None = None
    verdicts: "Verdicts | None" = None
    """Why rows are screened out, where they are screened; those are in `skips`, too."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What `send` is about to do, shown before the question.

    `done` are the counts of what the run has behind it; `survey` is None with --no-preflight. `begins`
    and `ends` are expected moments; `ends` is None where it can't be told, `days` how many days the
    quota spreads it over. `notes` are remarks in the language in force.
    """

    run: str
    is_new: bool
    is_over: bool
    account: str
    appid: str
    api_base: str
    template_title: str
    template_id: str
    campaign: Path
    list_name: str
    people: int | None
    recovered: int
    done: Mapping[str, int]
    survey: Survey | None
    rate: float
    workers: int
    quota: Quota | None
    quota_kept: int
    quota_note: str
    begins: datetime | None
    ends: datetime | None
    days: int
    goes_on_alone: bool
    """Whether it waits by itself where one day is not enough; else the command is to be run again."""
    sample: Sample | None
    rehearsal: str = ""
    """`dry_run`, `sandbox`, or empty for the real thing."""
    last_accepted: datetime | None = None
    failures_waiting: int = 0
    in_doubt: int = 0
    resends: bool = False
    """Whether what is in doubt goes again."""
    notes: Sequence[str] = ()
    until: datetime | None = None
    """From when on no message goes any more."""
    left_then: int | None = None
    """How many messages are expected to be left then; None where that isn't known."""
    claims: int = 0
    """How many claims of a process that is gone it takes over, `recovered` ones and those too old for it."""

    @property
    def behind(self) -> dict[str, int]:
        """The counts of what this call leaves as it is: all that is done but the claims that it takes over.

        Those are told of as they end, as one does at once that is too old to be sent again.
        """
        counts = self._stand
        doubtful = counts.get(State.IN_DOUBT.value, 0)
        return counts | {State.IN_DOUBT.value: max(0, doubtful - self.claims)}

    @property
    def in_all(self) -> int | None:
        """How many messages are done when all goes well; None where that can't be told."""
        if self.people is None or self.survey is None:
            return None
        # Whoever sends again what is in doubt finds in the list what goes first, too.
        most = sum(self._stand.values()) + self.survey.to_send
        return min(sum(self.behind.values()) + self.claims + self.people, most)

    @property
    def _stand(self) -> dict[str, int]:
        """The outcomes that there are, but those that are to be sent again."""
        survey, counts = self.survey, dict(self.done)
        if survey is not None:
            names = survey.known.keys() | survey.gone.keys()
            counts = {name: survey.known.get(name, 0) + survey.gone.get(name, 0) for name in names}
        counts.pop(State.PENDING.value, None)
        return counts


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Messages that failed, are held or in doubt for one cause. `state` as in the failures file."""

    state: str
    code: str
    count: int
    cls: CodeClass
    meaning: str
    meaning_en: str
    advice: str


@dataclass(frozen=True, slots=True)
class StoppedBy:
    """What ended a run before its list: `meaning` and `hint` for people, `meaning_en` for JSON."""

    code: str
    meaning: str
    meaning_en: str
    hint: str
    goes_on: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """What receipts say of the accepted messages, which are `delivered` + `undelivered` + `unconfirmed`.

    `undelivered` counts by status, most first; `rate` is delivered / (delivered + undelivered); the times are
    whole seconds from WeChat's answer to the delivery. None where there is nothing to tell it from.
    """

    delivered: int
    undelivered: Mapping[str, int]
    unconfirmed: int
    rate: float | None
    median_s: int | None
    p99_s: int | None

    @property
    def accepted(self) -> int:
        """All of them."""
        return self.delivered + sum(self.undelivered.values()) + self.unconfirmed

    def to_json(self) -> dict[str, Any]:
        """What JSON says beside a run's counts."""
        rate = None if self.rate is None else round(self.rate, 4)
        return {
            "delivered": self.delivered,
            "undelivered": [{"status": name, "count": count} for name, count in self.undelivered.items()],
            "unconfirmed": self.unconfirmed,
            "delivery": {"rate": rate, "median_s": self.median_s, "p99_s": self.p99_s},
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run stands after a call; the numbers add up to `total` (contract §4)."""

    run: str
    account: str
    state: str
    total: int
    accepted: int
    failed: int
    skipped: int
    held: int
    in_doubt: int
    pending: int
    failures: Sequence[FailureGroup]
    skips: Mapping[str, int]
    attempts: int
    token_fetches: int
    elapsed_s: float
    rate_per_s: float
    stopped_by: StoppedBy | None
    failures_file: Path | None
    gone_pending: int = 0
    changed: int = 0
    changed_lines: Sequence[int] = ()
    unmatched_file: Path | None = None
    """The rows for which the joined list has none."""
    unsettled: int = 0
    sending_s: float = 0.0
    """How long this call was sending, by which its rate goes; `elapsed_s` has the long waits, too."""
    skips_file: Path | None = None
    """The file of the rows that were left out, where one was wanted."""
    notes: Sequence[str] = ()
    delivery: DeliveryFigures | None = None
    """None where the account has no receipts."""

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        stop = self.stopped_by
        return {
            "schema": 1,
            "run": self.run,
            "account": self.account,
            "state": self.state,
            "total": self.total,
            "accepted": self.accepted,
            "failed": self.failed,
            "skipped": self.skipped,
            "held": self.held,
            "in_doubt": self.in_doubt,
            "pending": self.pending,
            "failures": [
                {"code": g.code, "count": g.count, "meaning": g.meaning_en, "class": g.cls.value}
                for g in self.failures
                if g.state == "failed"
            ],
            "skips": [{"reason": reason, "count": count} for reason, count in self.skips.items()],
            "attempts": self.attempts,
            "token_fetches": self.token_fetches,
            "elapsed_s": round(self.elapsed_s, 1),
            "rate_per_s": round(self.rate_per_s, 1),
            "stopped_by": stop
            and {"code": stop.code, "meaning": stop.meaning_en, "hint": in_english(stop.hint)},
            "failures_file": None if self.failures_file is None else str(self.failures_file),
            "unmatched_file": None if self.unmatched_file is None else str(self.unmatched_file),
            **(self.delivery.to_json() if self.delivery else {}),
            **({"skips_file": str(self.skips_file)} if self.skips_file is not None else {}),
        }

    def to_keep(self) -> dict[str, Any]:
        """The same for the run's card: read again from any folder, so its paths are whole."""
        files = {"failures_file": self.failures_file, "unmatched_file": self.unmatched_file}
        return self.to_json() | {
            name: None if file is None else str(file.absolute()) for name, file in files.items()
        }


@dataclass(frozen=True, slots=True)
class Settlement:
    """What `runs settle` did, and how the run stands after it; its numbers are those of `summary`.

    `state` is `finished` or `interrupted`. `in_window` messages are left in doubt because the next start
    settles them; `passed_over` rows of the operator's file were no longer in doubt. Of those that receipts
    settled, `undelivered` were accepted and not delivered; `rejected` ones failed in WeChat's review.
    """

    summary: Summary
    state: str
    delivered: int
    to_resend: int
    in_window: int
    passed_over: int
    undelivered: int = 0
    rejected: int = 0

    @property
    def exit_code(self) -> int:
        """0 when nothing is in doubt any more (contract §3)."""
        if self.state == "interrupted":
            return 130
        return 1 if self.summary.in_doubt else 0

    def to_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        stands = self.summary.to_json()
        return {
            "schema": 1,
            "run": self.summary.run,
            "account": self.summary.account,
            "state": self.state,
            "delivered": self.delivered,
            "to_resend": self.to_resend,
            "in_window": self.in_window,
            "passed_over": self.passed_over,
            "not_delivered": self.undelivered,
            "rejected": self.rejected,
            "total": self.summary.total,
            **{name: stands[name] for name in _STATES},
            "failures_file": stands["failures_file"],
        }


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as `runs` and `runs show` tell of it. `live_pid` is set while a process works on it."""

    name: str
    account: str
    appid: str
    origin: str
    campaign: Path
    list_name: str
    template_title: str
    template_id: str
    folder: Path
    created: datetime
    updated: datetime
    state: str
    total: int
    counts: Mapping[str, int]
    failures: Sequence[FailureGroup] = ()
    skips: Mapping[str, int] = field(default_factory=dict)
    live_pid: int | None = None
    approved: str = ""
    """The approval code that its latest call was given."""
    delivery: DeliveryFigures | None = None
    """None where the account has no receipts, or, of an older run in a list, where they weren't read."""
    in_window: int = 0
    """How many of those in doubt the next start of a run that was cut off settles by itself."""
    read_to: int | None = None
    """The last block of the ledger that is counted here; None where the card was believed."""

    def to_json(self) -> dict[str, Any]:
        """One run in the JSON of `runs` and `runs show`."""
        return {
            "run": self.name,
            "account": self.account,
            "appid": self.appid,
            "campaign": str(self.campaign),
            "list": self.list_name,
            "template_id": self.template_id,
            "approved": self.approved or None,
            "state": self.state,
            "created": self.created.isoformat(timespec="seconds"),
            "updated": self.updated.isoformat(timespec="seconds"),
            "total": self.total,
            **{name: self.counts.get(name, 0) for name in _STATES},
            "failures": [
                {
                    "state": g.state,
                    "code": g.code,
                    "count": g.count,
                    "meaning": g.meaning_en,
                    "class": g.cls.value,
                }
                for g in self.failures
            ],
            "skips": [{"reason": reason, "count": count} for reason, count in self.skips.items()],
            "live_pid": self.live_pid,
            **(self.delivery.to_json() if self.delivery else {}),
        }


_STATES = ("accepted", "failed", "skipped", "held", "in_doubt", "pending")
