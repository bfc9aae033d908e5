"""One row's message to testers: really sent, but belonging to no run and recorded nowhere."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from wxpush.app.codes import stopped_by
from wxpush.app.delivering import Delivering, Pace
from wxpush.app.material import Material, read_material
from wxpush.app.place import real_scene
from wxpush.app.request import SendRequest, Surroundings
from wxpush.app.results import Sample
from wxpush.campaign.check import Bad, Ready
from wxpush.channels.wechat.addresses import openid_findings
from wxpush.channels.wechat.errcodes import info
from wxpush.channels.wechat.rules import WeChatRules
from wxpush.config import load_testers
from wxpush.delivery.identity import RunId
from wxpush.delivery.ports import Listener
from wxpush.delivery.records import FINAL, Claim, Mark, Record
from wxpush.errors import InputError, ProblemsError, StoppedError
from wxpush.i18n import _
from wxpush.model import Message, Severity

_RATE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of a tester's message; `words` say why it failed, empty where it was accepted."""

    to: str
    accepted: bool
    code: str
    words: str = ""


class _Memory:
    """A ledger for messages that nobody asks about tomorrow."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def commit(self, records: Sequence[Record], claims: Sequence[Claim] = ()) -> None:
        """Keep the outcomes."""
        del claims
        self.records |= {record.key: record for record in records if record.mark in FINAL}


def try_out(
    request: SendRequest, testers: Sequence[str], line: int | None, around: Surroundings, listener: Listener
) -> tuple[Sample, list[Tried]]:
    """Send the row on `line` (the first one by default) to `testers`, names of config.yaml or openids.

    Raises InputError for an unknown tester or row, ProblemsError where the row is wrong, StoppedError
    where the account can't send.
    """
    openids = _openids(testers, around)
    material = read_material(
        request.campaign,
        request.recipients,
        list_name=request.list_name,
        list_format=request.list_format,
        today=around.today(),
    )
    ready = _ready(material, line)
    account = request.account or material.campaign.account
    scene = real_scene(account, request.campaign, around)
    delivering = Delivering(scene.account, scene.directories, around.clock)
    delivering.connect()
    memory = _Memory()
    once = RunId(scene.origin, scene.account.appid, f"test-{secrets.token_hex(8)}")
    messages = [_addressed(material, ready, openid) for openid in openids]
    delivered = delivering.send(
        once,
        memory,
        material.campaign,
        Pace(_RATE, 2, None),
        listener,
        messages=iter(messages),
    )
    ending = delivered.ending
    if ending.code:
        why = stopped_by(ending.code, ending.detail, ending.hint)
        raise StoppedError(why.meaning, why.hint, code=why.code)
    return material.sample(ready.message, ready.rendered), [_tried(memory, openid) for openid in openids]


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
            raise ProblemsError(examined.problems)
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
