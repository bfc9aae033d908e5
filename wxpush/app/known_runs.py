"""The runs that this user has: where they are, how they stand, and which one is meant."""

import json
import os
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from wxpush.app.aftermath import look_back
from wxpush.app.codes import Cause, failure_groups
from wxpush.app.doubtful import in_window
from wxpush.app.results import FailureGroup, RunView
from wxpush.app.sources.spool import QUERY
from wxpush.app.surroundings import Surroundings
from wxpush.app.tally import skips_of, tally_by_card
from wxpush.delivery.ledger import Place, RecordVisitor, both
from wxpush.delivery.records import Record
from wxpush.delivery.run import RunCard, RunFolder, runs_in
from wxpush.errors import DamagedStateError, InputError, WxpushError
from wxpush.i18n import _
from wxpush.model import CodeClass, State
from wxpush.private import STATE_DIR, ensure_private_dir, read_private, write_private

_PLACES: Final = "places.json"
_MOST_PLACES: Final = 200
_LIMIT: Final = 1024 * 1024


def remember_place(state: Path, around: Surroundings) -> None:
    """Note that runs live in `state`, so that `runs` finds them from any folder."""
    if around.directories.home is not None:
        return  # then all are there
    home = ensure_private_dir(around.directories.state)
    places = [str(state), *(place for place in _places(home) if place != str(state))]
    write_private(home / _PLACES, json.dumps(places[:_MOST_PLACES], ensure_ascii=False).encode())


@dataclass(frozen=True, slots=True)
class KnownRuns:
    """The runs that can be read, with their cards, the latest first; and what is wrong with the others."""

    cards: dict[Path, RunCard]
    faults: list[WxpushError]

    @property
    def folders(self) -> list[RunFolder]:
        """Where they live."""
        return [RunFolder(path) for path in self.cards]


def all_runs(around: Surroundings, here: Path) -> KnownRuns:
    """Every run in this folder, its subfolders and the places that were sent from."""
    states = dict.fromkeys(path.resolve() for path in _states(around, here) if path.is_dir())
    cards: dict[Path, RunCard] = {}
    faults: list[WxpushError] = []
    for folder in (folder for state in states for folder in runs_in(state)):
        try:
            card = folder.card()
        except WxpushError as error:
            faults.append(error)
        else:
            if card is not None:
                cards[folder.path] = card
    latest = sorted(cards.items(), key=lambda item: max(item[1].updated, item[1].created), reverse=True)
    return KnownRuns(dict(latest), faults)


def find_run(name: str | None, around: Surroundings, here: Path) -> RunFolder:
    """The run called `name`, or the only one there is. Raises InputError that lists what there is."""
    known = all_runs(around, here)
    cards = known.cards
    fitting = [folder for folder in known.folders if name in (None, cards[folder.path].name)]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and known.faults:
        raise known.faults[0]
    names = ", ".join(dict.fromkeys(card.name for card in cards.values()))
    if not cards:
        raise InputError(_("There is no run yet."), _("Start one: wxpush send CAMPAIGN RECIPIENTS"))
    if not fitting:
        raise InputError(
            _('There is no run "{name}".').format(name=name), _("There are: {names}").format(names=names)
        )
    if name is None:
        raise InputError(_("Which run? There are several."), _("Name one of: {names}").format(names=names))
    places = ", ".join(str(folder.path) for folder in fitting)
    raise InputError(
        _('Several runs are called "{name}": {places}.').format(name=name, places=places),
        _("Go to the folder of the one that you mean, or pass --home."),
    )


@contextmanager
def held_run(name: str | None, around: Surroundings, here: Path) -> Iterator[tuple[RunFolder, RunCard]]:
    """The run called `name`, or the only one, locked for this process.

    Raises InputError, LockedError, DamagedStateError.
    """
    folder = find_run(name, around, here)
    with folder.locked():
        card = folder.card()
        if card is None:
            raise DamagedStateError(_("The run in {path} has lost its card.").format(path=folder.path))
        yield folder, card


def campaign_file(folder: RunFolder, card: RunCard) -> Path:
    """The campaign's file: beside the run's state, else where it was sent from."""
    state, known = folder.path.parents[1], Path(card.campaign)
    beside = state.parent / known.name
    travelled = state.name == STATE_DIR and beside.exists()  # a home of its own stands beside nothing
    return beside if travelled else known


def from_here(path: Path) -> str:
    """`path` as it is shortest to type in this folder."""
    with suppress(ValueError):  # another drive
        return min(os.path.relpath(path), str(path), key=len)
    return str(path)


def send_command(folder: RunFolder, card: RunCard) -> str:
    """The command that goes on with this very run, whatever its campaign's name turns into today."""
    words = ["wxpush", "send", from_here(campaign_file(folder, card))]
    words += [] if card.list == QUERY else [from_here(Path(card.list))]
    words += [*card.options, "--run", card.name]
    if card.account != "default":
        words += ["--account", card.account]
    return shlex.join(words)


def view(
    folder: RunFolder, around: Surroundings, *, whole: bool, visit: RecordVisitor | None = None
) -> RunView:
    """How a run stands; unless `whole`, the card of a run that no process works on is believed.

    `visit` is shown every record of the ledger, where that is read.
    """
    card = folder.card()
    if card is None:
        raise InputError(_("There is no run in {path}.").format(path=folder.path))
    pid = folder.live_pid()
    if not whole and pid is None and card.call:
        return _from_card(folder, card, around)
    latest = _Latest()
    seen = latest.note if visit is None else both(latest.note, visit)
    aftermath = look_back(folder, card, live=pid is not None, visit=seen)
    counted = tally_by_card(card, aftermath.states)
    state = "running" if pid is not None else str(card.call.get("state", "interrupted"))
    groups = failure_groups(aftermath.causes)
    found = _view(folder, card, around, state, counted.total, counted.counts, pid=pid, groups=groups)
    return replace(
        found,
        updated=max(found.updated, around.at(latest.at)),
        in_window=sum(in_window(claim, around) for claim in aftermath.rows.claims),
        read_to=latest.block,
    )


class _Latest:
    """The last record that a reading of the ledger has seen: its block, and when it was made."""

    def __init__(self) -> None:
        self.block = self.at = 0

    def note(self, place: Place, record: Record) -> None:
        """Take in the next one."""
        self.block, self.at = place.block, record.at


def _from_card(folder: RunFolder, card: RunCard, around: Surroundings) -> RunView:
    call = card.call
    counts = {state.value: int(call.get(state.value, 0)) for state in State}
    causes: Counter[Cause] = Counter()
    for one in call.get("failures", ()):
        causes[State.FAILED.value, str(one["code"]), CodeClass(one["class"])] += int(one["count"])
    total, groups = int(call.get("total", 0)), failure_groups(causes)
    return _view(folder, card, around, str(call.get("state")), total, counts, groups=groups)


def _view(
    folder: RunFolder,
    card: RunCard,
    around: Surroundings,
    state: str,
    total: int,
    counts: dict[str, int],
    *,
    pid: int | None = None,
    groups: Sequence[FailureGroup] = (),
) -> RunView:
    return RunView(
        name=card.name,
        account=card.account,
        appid=card.appid,
        origin=card.origin,
        campaign=Path(card.campaign),
        list_name=card.list,
        template_title=card.template_title,
        template_id=card.template_id,
        folder=folder.path,
        created=around.at(card.created),
        updated=around.at(card.updated or card.created),
        state=state,
        total=total,
        counts=counts,
        failures=groups,
        skips=skips_of(card),
        live_pid=pid,
        approved=card.approved,
    )


def _states(around: Surroundings, here: Path) -> list[Path]:
    home = around.directories.home
    if home is not None:
        return [home]
    near = [here / STATE_DIR, *sorted(here.glob(f"*/{STATE_DIR}")), *sorted(here.glob(f"*/*/{STATE_DIR}"))]
    return [*near, *(Path(place) for place in _places(around.directories.state))]


def _places(home: Path) -> list[str]:
    try:
        found = json.loads(read_private(home / _PLACES, _LIMIT) or b"[]")
    except (ValueError, WxpushError):
        return []
    return [str(place) for place in found] if isinstance(found, list) else []
