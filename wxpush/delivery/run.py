"""A run on disk: its folder, its lock, and the card that says what it is and what it was sent with."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final, get_origin

from wxpush.delivery import store
from wxpush.delivery.identity import RunId
from wxpush.errors import DamagedStateError, InputError, LockedError, StateError, StorageError
from wxpush.i18n import _
from wxpush.lock import locked
from wxpush.private import STATE_DIR, ensure_private_dir, read_private, remove, write_private

_RUNS: Final = "runs"
_CARD: Final = "run.json"
_PID: Final = "run.pid"
_LOCK: Final = "run.lock"
_SCHEMA: Final = 1
#: Somebody who only looks whether the run is alive holds the lock for a moment.
_PATIENCE_S: Final = 0.2
_CARD_LIMIT: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class RunCard:
    """What is known of a run beside its ledger.

    `content` and `selection` are fingerprints of what alters its messages and of what says who gets one;
    `lists` are the digests of the lists that it was sent with, in order; `bases` cover everything that its
    messages were rendered from, the day included; `survey` is what the latest check of the whole list
    found, empty where none was made or it found faults; `begun` is how many rows the latest call found
    before it sent, and how many it skips, by reason; `call` is how it stood when it ended (its JSON).
    """

    name: str
    origin: str
    appid: str
    account: str
    campaign: str
    list: str
    template_id: str
    template_title: str
    content: str
    selection: str
    created: float
    updated: float = 0.0
    lists: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    survey: dict[str, Any] = field(default_factory=dict)
    call: dict[str, Any] = field(default_factory=dict)
    begun: dict[str, Any] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    """What names the list and who of it is meant beside `list`, as words of the command."""
    joined: str = ""
    """Digest and columns (`phone=mobile`) of the list that was joined to the latest one, if one was."""
    approved: str = ""
    """The code of what somebody approved, where the latest call was given one."""

    @property
    def id(self) -> RunId:
        """Who the run is."""
        return RunId(self.origin, self.appid, self.name)

    @property
    def is_of_one_basis(self) -> bool:
        """Whether everything in the ledger was rendered from one list, campaign and day."""
        return len(self.lists) <= 1 and len(self.bases) <= 1

    def with_basis(self, digest: str, basis: str) -> "RunCard":
        """The card of a run that is now sent with the list `digest`, rendered from `basis`."""
        lists = self.lists if self.lists[-1:] == (digest,) else (*self.lists, digest)
        bases = self.bases if self.bases[-1:] == (basis,) else (*self.bases, basis)
        return replace(self, lists=lists, bases=bases)


class RunFolder:
    """Where a run lives; reading it needs no lock, writing does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ledger = path / "ledger"

    @classmethod
    def of(cls, state: Path, run: RunId) -> "RunFolder":
        """The folder of `run` under the state folder `state`."""
        return cls(state / _RUNS / run.folder)

    @property
    def failures(self) -> Path:
        """The machine-readable list of what failed, is held or in doubt."""
        return self.path / "failures.jsonl"

    @property
    def minutes(self) -> Path:
        """The statistics of its minutes."""
        return self.path / "stats.jsonl"

    @property
    def left_out(self) -> Path:
        """Why lines of its list were left out."""
        return self.path / "left-out.json"

    def exists(self) -> bool:
        """Whether the run has been started."""
        return (self.path / _CARD).exists() or store.exists(self.ledger)

    def card(self) -> RunCard | None:
        """The run's card, None where there is none. Raises DamagedStateError, UnsafeStateError."""
        content = read_private(self.path / _CARD, _CARD_LIMIT)
        if content is None:
            return None
        try:
            values = json.loads(content)
            known = values["schema"] == _SCHEMA
            values = {
                "approved": "",
                "options": [],
                "joined": "",
                "begun": {},
                **values,
            }  # which older cards lack
            card = RunCard(**{f.name: _typed(values[f.name], f.type) for f in fields(RunCard)})
        except (ValueError, TypeError, KeyError, RecursionError):
            known = False
        if not known:
            raise DamagedStateError(
                _("{path} is not what this version of wxpush wrote.").format(path=self.path / _CARD),
                _("Restore the run's folder from a backup."),
            )
        return card

    def write_card(self, card: RunCard) -> None:
        """Replace the card. Raises StorageError."""
        text = json.dumps({"schema": _SCHEMA, **asdict(card)}, ensure_ascii=False, indent=1)
        write_private(self.path / _CARD, text.encode())

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that works on this run. Raises LockedError, naming the other's pid."""
        ensure_private_dir(self.path.parent)
        ensure_private_dir(self.path)
        with locked(self.path / _LOCK, _PATIENCE_S, self._busy):
            try:
                write_private(self.path / _PID, str(os.getpid()).encode())
                yield
            finally:
                with suppress(StateError):
                    remove(self.path / _PID)

    def live_pid(self) -> int | None:
        """The process that works on this run just now, if one does. Raises UnsafeStateError."""
        if not (self.path / _LOCK).exists():
            return None
        try:
            with locked(self.path / _LOCK, 0, self._busy):
                return None
        except LockedError:
            return int(self._holder()) if self._holder().isdecimal() else 0
        except StorageError:
            return None  # nobody can lock it

    def _busy(self) -> LockedError:
        return LockedError(
            _("Another wxpush works on this run (process {pid}).").format(pid=self._holder()),
            _("Wait until it ends, or stop it with Ctrl-C: nothing is lost."),
        )

    def _holder(self) -> str:
        return (read_private(self.path / _PID, 32) or b"?").decode("ascii", "replace").strip()


def _typed(value: Any, kind: Any) -> Any:
    """A value of the card as its field wants it; raises TypeError for one of another type."""
    origin = get_origin(kind) or kind
    if origin is tuple and type(value) is list and all(type(item) is str for item in value):
        return tuple(value)
    if origin is float and type(value) in (int, float):
        return float(value)
    if origin in (str, dict) and type(value) is origin:
        return value
    raise TypeError


def state_beside(campaign: Path, home: Path | None) -> Path:
    """The state folder for a campaign file: `.wxpush/` beside it, or `home` where one is set."""
    if home is not None:
        ensure_private_dir(home / _RUNS)  # `home` itself may be the operator's own, open folder
        return home
    state = ensure_private_dir(campaign.resolve().parent / STATE_DIR)
    ignore = state / ".gitignore"
    if not ignore.exists():
        write_private(ignore, b"*\n")
    return state


def runs_in(state: Path) -> list[RunFolder]:
    """Every run under a state folder."""
    folder = state / _RUNS
    if not folder.is_dir():
        return []
    return [RunFolder(path) for path in sorted(folder.iterdir()) if (path / _CARD).exists()]


def refuse_changes(old: RunCard, new: RunCard, *, accept: bool) -> None:
    """See that a run goes on with what it began with. Raises InputError (contract: "Changed")."""
    if old.selection != new.selection:
        raise InputError(
            _('The run "{run}" was begun with another `to`, `key` or account.').format(run=old.name),
            _("Give this sending a name of its own (`name:` in the campaign, or --run NAME)."),
        )
    if old.content != new.content and not accept:
        raise InputError(
            _('The campaign\'s text has changed since the run "{run}" was begun.').format(run=old.name),
            _(
                "Pass --accept-changes to send the rest with the new text, "
                "or --run NAME to begin another run, in which everybody gets the new message."
            ),
        )


def refuse_older_ledger(card: RunCard, accepted: int, ledger: Path) -> None:
    """See that a ledger with `accepted` messages isn't a copy from before the card's last call.

    Raises DamagedStateError: whoever was accepted since would get it twice.
    """
    known = int(card.call.get("accepted", 0))
    if accepted < known:
        raise DamagedStateError(
            _("The ledger in {path} knows of {count} accepted messages, the run's card of {known}.").format(
                path=ledger, count=accepted, known=known
            ),
            _("Restore the folder from a backup: only the ledger knows who got the message."),
        )


def refuse_other_account(card: RunCard, origin: str, appid: str) -> None:
    """See that the account in force is the run's own. Raises InputError."""
    if (origin, appid) != (card.origin, card.appid):
        raise InputError(
            _('The run "{run}" belongs to the account {appid} at {origin}.').format(
                run=card.name, appid=card.appid, origin=card.origin
            ),
            _("Set WXPUSH_APPID, WXPUSH_SECRET and WXPUSH_API_BASE as they were when it was sent."),
        )
