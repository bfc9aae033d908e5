"""One row's message to testers: really sent, but belonging to no run."""

import secrets
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Final

from wxpush.app.codes import stopped_by
from wxpush.app.delivering import Delivered, Delivering
from wxpush.app.material import Material, read_material
from wxpush.app.pace import Pace
from wxpush.app.place import Scene, real_scene
from wxpush.app.request import SendRequest
from wxpush.app.surroundings import Surroundings
from wxpush.campaign.check import Bad, Ready
from wxpush.campaign.schema import Campaign
from wxpush.channels.wechat.addresses import openid_findings
from wxpush.channels.wechat.errcodes import info
from wxpush.channels.wechat.rules import WeChatRules
from wxpush.config import load_testers
from wxpush.delivery.identity import RunId
from wxpush.delivery.ports import Listener
from wxpush.delivery.records import FINAL, Claim, Mark, Record
from wxpush.delivery.trials import TrialLog
from wxpush.errors import InputError, InterruptedRunError, ProblemsError, StoppedError
from wxpush.i18n import _
from wxpush.model import Message, Severity

_PACE: Final = Pace(rate=2.0, workers=2, hours=None)
_OUTAGE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a tester's message; `words` say why it failed, empty where it was accepted."""

    to: str
    accepted: bool
    code: str
    words: str = ""


class _Memory:
    """The ledger of a trial: its outcomes, which nobody asks about tomorrow but for their receipts."""

    def __init__(self, log: TrialLog) -> None:
        self._log = log
        self.records: dict[str, Record] = {}

    def commit(self, records: Sequence[Record], claims: Sequence[Claim] = ()) -> None:
        """Keep the outcomes; raises StorageError."""
        self._log.commit(records, claims)
        self.records |= {record.key: record for record in records if record.mark in FINAL}


class Trial:
    """A row's message, ready to be sent to testers. `send` once."""

    def __init__(
        self, material: Material, ready: Ready, openids: Sequence[str], scene: Scene, around: Surroundings
    ) -> None:
        self._material, self._ready, self._openids = material, ready, openids
        self._scene, self._around = scene, around
        self._delivering = Delivering(scene.account, scene.directories, around.clock)
        self.sample = material.sample(ready.message, ready.rendered)
        self.people = len(openids)

    def stop(self) -> None:
        """End in seconds. Signal-safe."""
        self._delivering.stop()

    def send(self, listener: Listener) -> list[Tried]:
        """Send it to everyone.

        Raises StoppedError where the account can't send or nobody answers, InterruptedRunError when
        `stop` was called before all were decided, StateError where it can't be noted what is sent.
        """
        self._delivering.connect()
        account, directories = self._scene.account, self._scene.directories
        once = RunId(self._scene.origin, account.appid, f"test-{secrets.token_hex(8)}")
        directories.account_dir(account)
        with closing(TrialLog(directories.trials_path(account.origin, account.appid), once.name)) as log:
            memory = _Memory(log)
            delivered = self._deliver(once, memory, listener)
        why = stopped_by(delivered.ending, self._around.now())
        if why is not None:
            raise StoppedError(why.meaning, why.hint, code=why.code)
        if delivered.ending.state == "interrupted":
            raise InterruptedRunError(_interrupted(memory, self._openids))
        return [_tried(memory, openid) for openid in self._openids]

    def _deliver(self, once: RunId, memory: _Memory, listener: Listener) -> Delivered:
        campaign = _impatient(self._material.campaign)
        messages = (_addressed(self._material, self._ready, openid) for openid in self._openids)
        return self._delivering.send(once, memory, campaign, _PACE, listener, messages=messages)


def prepare(request: SendRequest, testers: Sequence[str], line: int | None, around: Surroundings) -> Trial:
    """The message of the row on `line` (the first one by default) for `testers`: names or openids.

    Raises InputError for an unknown tester or row, ProblemsError where the row is wrong.
    """
    openids = _openids(testers, around)
    material = read_material(
        request.campaign,
        request.recipients,
        list_name=request.list_name,
        list_format=request.list_format,
        today=around.today(),
        sieve=request.sieve,
    )
    ready = _ready(material, line)
    account = request.account or material.campaign.account
    return Trial(material, ready, openids, real_scene(account, request.campaign, around), around)


def _impatient(campaign: Campaign) -> Campaign:
    """Somebody sits and waits for this one message."""
    stop = campaign.stop_when.model_copy(update={"outage": min(_OUTAGE_S, campaign.stop_when.outage)})
    return campaign.model_copy(update={"stop_when": stop})


def _interrupted(memory: _Memory, openids: Sequence[str]) -> str:
    text = _("Interrupted: {accepted} of {total} messages were accepted by WeChat.")
    accepted = sum(_tried(memory, openid).accepted for openid in openids)
    return text.format(accepted=accepted, total=len(openids))


def _openids(testers: Sequence[str], around: Surroundings) -> list[str]:
    known = load_testers(around.environ)
    openids = [known.get(name, name) for name in testers]
    for name, openid in zip(testers, openids, strict=True):
        if any(found.severity is Severity.ERROR for found in openid_findings(openid)):
            raise InputError(
                _('"{name}" is neither a tester\'s name nor an openid.').format(name=name),
                _("Write the name under `testers:` in config.yaml, or pass the openid itself."),
            )
    return list(dict.fromkeys(openids))


def _ready(material: Material, line: int | None) -> Ready:
    rows = (row for row in material.recipients if line is None or row.line == line)
    for row in islice(rows, 1):
        examined = material.checker.examine(row)
        if isinstance(examined, Ready):
            return examined
        if isinstance(examined, Bad):
            raise ProblemsError(material.recipients.placed(examined.problems))
    raise InputError(
        _("The list has no row on line {line} that the campaign sends to.").format(line=line or 1),
        _("Pass --row with the line of another row, as an editor or Excel counts it."),
    )


def _addressed(material: Material, ready: Ready, openid: str) -> Message:
    rules, rendered = WeChatRules(material.template, material.campaign.checks), ready.rendered
    payload = rules.compose(openid, rendered.data, rendered.url, rendered.miniprogram)
    return Message(openid, openid, payload, ready.message.row, ready.message.line, "{}")


def _tried(memory: _Memory, openid: str) -> Tried:
    record = memory.records.get(openid)
    if record is None:
        return Tried(openid, accepted=False, code="")
    if record.mark is Mark.ACCEPTED:
        return Tried(openid, accepted=True, code="0")
    known = info(record.code)
    return Tried(openid, accepted=False, code=record.code, words=f"{known.meaning} {known.advice}")
