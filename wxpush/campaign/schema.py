"""The campaign file: every key of it as a typed, frozen value, every fault of it in one go."""

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
)

from wxpush.campaign.draft import without
from wxpush.campaign.expressions import TODAY, parse_condition, parse_text, render_alone
from wxpush.campaign.fault import FaultError, FaultsError, Spot
from wxpush.campaign.units import (
    UnitError,
    no_value,
    nonempty,
    one_text,
    parse_duration,
    parse_flag,
    parse_rate,
    parse_share,
)
from wxpush.campaign.windows import Window, parse_windows
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem
from wxpush.near import nearest
from wxpush.yamlfile import Document, KeyPath, Parsed, misspelt, parse_yaml

_NAME_LENGTH = 80
_LACKING: Final = "WX121"
_LEVELS: Final = ("error", "warn", "off")


def _expression(value: object) -> str:
    if isinstance(value, str) and not value:
        raise no_value()
    text = one_text(value)
    parse_text(text)
    return text


def _condition(value: object) -> str:
    text = one_text(value)
    parse_condition(text)
    return text


def _whole(least: int, most: int) -> BeforeValidator:
    def parse(value: object) -> int:
        text = one_text(value)
        if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
            message = _("“{value}” is not a whole number from {least} to {most}.")
            raise UnitError(message.format(value=value, least=least, most=most))
        return int(text)

    return BeforeValidator(parse)


def _choice(*choices: str) -> BeforeValidator:
    def parse(value: object) -> str:
        text = one_text(value)
        if text not in choices:
            hint = _("Write one of: {choices}.").format(choices=", ".join(choices))
            raise UnitError(_("“{value}” is not known here.").format(value=value), hint)
        return text

    return BeforeValidator(parse)


def _bounded(least: float, most: float, bounds: str) -> AfterValidator:
    def check(seconds: float) -> float:
        if not least <= seconds <= most:
            message = _("the duration must be within {bounds}.").format(bounds=bounds)
            raise UnitError(message)
        return seconds

    return AfterValidator(check)


def _template(value: object, info: ValidationInfo) -> Path | dict[str, Any]:
    if isinstance(value, dict):
        return value
    folder: Path = (info.context or {})["folder"]
    return _beside(folder, nonempty(value))


def _beside(folder: Path, name: str) -> Path:
    """`name` seen from `folder`, kept short: `templates/a.yaml`, not `samples/../templates/a.yaml`."""
    path = folder / name
    short = Path(os.path.normpath(path))
    # Where a folder on the way is a link, `..` leads elsewhere.
    return short if short.exists() and path.exists() and short.samefile(path) else path


def _files(value: object, info: ValidationInfo) -> tuple[Path, ...]:
    folder: Path = (info.context or {})["folder"]
    return tuple(_beside(folder, nonempty(one)) for one in (value if isinstance(value, list) else [value]))


def _name(value: object, info: ValidationInfo) -> str:
    """The run's name as rendered with today's date."""
    expression = parse_text(nonempty(value))
    if expression.required | expression.optional:
        hint = _("Only {{ today }} can be used in the name: all rows share it.")
        raise UnitError(_("the name of a run can't come from the list."), hint, "WX201")
    name = render_alone(expression, {TODAY: (info.context or {})["today"].isoformat()}).strip()
    if not 1 <= len(name) <= _NAME_LENGTH or any(unicodedata.category(one)[0] == "C" for one in name):
        message = _("the name must have 1 to {limit} characters, all of them visible.")
        raise UnitError(message.format(limit=_NAME_LENGTH), code="WX201")
    return name


def _notify(value: object, info: ValidationInfo) -> tuple[Any, ...]:
    from wxpush.config.target_reader import Kind, TargetReader

    codes = {Kind.UNKNOWN_KEY: "WX120", Kind.LACKING: "WX121", Kind.WRONG: "WX122", Kind.EMPTY: "WX123"}
    faults: list[tuple[Spot, FaultError]] = []

    def note(kind: Kind, at: tuple[str | int, ...], message: str, hint: str) -> None:
        faults.append((Spot(at, at_key=kind is Kind.UNKNOWN_KEY), FaultError(codes[kind], message, hint)))

    targets = TargetReader((info.context or {})["folder"], note).targets(value)
    if faults:
        raise FaultsError(faults)
    return targets


Templated = Annotated[str, BeforeValidator(_expression)]
# A key that is written down without a value is a fault; one that is left out is None.
_MaybeTemplated = Annotated[str | None, BeforeValidator(_expression)]
Duration = Annotated[float, BeforeValidator(parse_duration)]
Share = Annotated[float, BeforeValidator(parse_share)]


class _Part(BaseModel):
    # A part is built with the campaign that it is a part of.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class MiniProgram(_Part):
    """The mini program that a tap opens; both are expressions."""

    appid: Templated
    pagepath: _MaybeTemplated = None


class Retry(_Part):
    """How often a definite transient refusal is tried (`attempts`), and the backoff in seconds."""

    attempts: Annotated[int, _whole(1, 20)] = 4
    base: Annotated[Duration, _bounded(0.001, 60, "1ms – 60s")] = 0.5
    cap: Annotated[Duration, _bounded(0.001, 600, "1ms – 10min")] = 30.0


class StopWhen(_Part):
    """When to stop instead of burning the list: share of failures after so many, seconds of outage."""

    failure_rate: Share = 0.1
    after: Annotated[int, _whole(1, 1_000_000)] = 200
    outage: Annotated[Duration, _bounded(1, 86_400, "1s – 24h")] = 600.0


class Limits(_Part):
    """How many messages of the account one person gets on a day, and on seven days; None is no limit."""

    per_user_per_day: Annotated[int | None, _whole(1, 60)] = None
    per_user_per_week: Annotated[int | None, _whole(1, 400)] = None


class Expires(_Part):
    """From when on a message is too late: `after` seconds from the moment in `column`."""

    column: Annotated[str, BeforeValidator(nonempty)]
    after: Annotated[Duration, _bounded(0, 366 * 86_400, "1ms – 366d")] = 0.0


class Suppress(_Part):
    """For how many seconds people that unfollowed or refused are put on the suppression list; None: never."""

    auto: Annotated[Duration, _bounded(1, 3660 * 86_400, "1s – 3660d")] | None = None


class Campaign(_Part):
    """A campaign file; every text with `{{ }}` is checked to be an expression, and left as it was written."""

    name: Annotated[str, BeforeValidator(_name)]
    channel: Annotated[str, _choice("wechat")] = "wechat"
    account: Annotated[str | None, BeforeValidator(nonempty)] = None
    template: Annotated[Any, BeforeValidator(_template)]
    """The path of the template file, or the template's mapping itself; the channel reads it."""
    to: Templated = "{{ openid }}"
    key: _MaybeTemplated = None
    when: Annotated[str | None, BeforeValidator(_condition)] = None
    url: _MaybeTemplated = None
    miniprogram: MiniProgram | None = None
    data: dict[str, Templated] = Field(min_length=1)
    rate: Annotated[float, BeforeValidator(parse_rate)] = 30.0
    """Messages per second."""
    burst: Annotated[int | None, _whole(1, 10_000)] = None
    workers: Annotated[int | None, _whole(1, 512)] = None
    timeout: Annotated[Duration, _bounded(0.1, 60, "100ms – 60s")] = 10.0
    # Made without being checked: else each part would be built as a model of its own when this is read.
    retry: Retry = Retry.model_construct()
    stop_when: StopWhen = StopWhen.model_construct()
    checks: dict[str, Annotated[Literal["error", "warn", "off"], _choice(*_LEVELS)]] = Field(
        default_factory=dict
    )
    blocked_words: Annotated[tuple[Path, ...], BeforeValidator(_files)] = ()
    """Files of words that no message may hold, one word a line."""
    keep_quota: Share = 0.1
    on_quota: Annotated[Literal["stop", "wait"], _choice("stop", "wait")] = "stop"
    send_window: Annotated[tuple[Window, ...] | None, BeforeValidator(parse_windows)] = None
    tolerate: Share = 0.0
    notify: Annotated[tuple[Any, ...] | None, BeforeValidator(_notify)] = None
    """Who is told how a run ended (config.targets.Target); None leaves it to the account."""
    limits: Limits = Limits.model_construct()
    expires: Expires | None = None
    suppress: Suppress = Suppress.model_construct()
    check_followers: Annotated[bool, BeforeValidator(parse_flag)] = False

    _document: Document = PrivateAttr()
    _source: Path = PrivateAttr()
    _today: date = PrivateAttr()

    @property
    def source(self) -> Path:
        """The file it was read from."""
        return self._source

    @property
    def document(self) -> Document:
        """The file's text with its places."""
        return self._document

    @property
    def today(self) -> date:
        """The day that `{{ today }}` stands for."""
        return self._today

    def with_keywords(self, meant: Mapping[str, str]) -> "Campaign":
        """The same with other names for some of its keywords; their places stay where they are."""
        if not meant:
            return self
        data = {meant.get(name, name): text for name, text in self.data.items()}
        renamed = self.model_copy(update={"data": data})
        for name, right in meant.items():
            renamed._document = renamed._document.renamed(("data", name), right)
        return renamed

    def content_fingerprint(self) -> str:
        """SHA-256 in hex over what alters its messages; the template file's own content is not in it."""
        return _digest(self.model_dump(mode="json", include={"data", "url", "miniprogram", "when"}))

    def identity_fingerprint(self) -> str:
        """SHA-256 in hex over what tells people and messages apart: `to` and `key`."""
        return _digest({"to": self.to, "key": self.key or self.to})


def _digest(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Reading:
    """A campaign file as far as it can be understood, with its problems.

    `campaign` is None where there are any; `template` and `data` are there as soon as they can be read,
    so that the keywords can be checked in the same go. So is all the rest of it by the `draft`: the
    campaign without what is wrong, whose keys are `faulty`; None where nothing can be understood.
    """

    campaign: Campaign | None
    document: Document | None
    problems: tuple[Problem, ...]
    template: Path | dict[str, Any] | None = None
    data: Mapping[str, Any] | None = None
    draft: Campaign | None = None
    faulty: frozenset[str] = frozenset()


def load_campaign(path: Path, *, today: date) -> Campaign:
    """The campaign in `path`; raises ProblemsError with all its faults, each with line and column."""
    reading = read_campaign(path, today=today)
    if reading.campaign is None:
        raise ProblemsError(reading.problems)
    return reading.campaign


def read_campaign(path: Path, *, today: date, parsed: Parsed | None = None) -> Reading:
    """Like `load_campaign`, but hands the faults back, so that those of the template can join them.

    `parsed` is the file's YAML where it has been read before.
    """
    parsed = parsed or parse_yaml(path)
    document = parsed.document
    if document is None:
        return Reading(None, None, parsed.problems)
    problems = list(parsed.problems)
    document = _respelt(document, problems)
    faults: list[dict[str, Any]] = []
    try:
        draft: Campaign | None = _built(document, document.value, path, today)
    except ValidationError as error:
        faults = [dict(fault) for fault in error.errors(include_url=False)]
        seen = {(found.line, found.column) for found in problems}
        told = [found for fault in faults for found in _problems(document, fault)]
        # What is lacking has no place of its own, and stands where something else may be wrong.
        problems += [one for one in told if one.code == _LACKING or (one.line, one.column) not in seen]
        draft = _draft(document, faults, path, today)
    template, data = document.value.get("template"), document.value.get("data")
    problems.sort(key=lambda found: (found.line, found.column))
    return Reading(
        draft if not problems else None,
        document,
        tuple(problems),
        _beside(path.parent, template) if isinstance(template, str) and template else _group(template),
        _group(data),
        draft,
        frozenset(str(fault["loc"][0]) for fault in faults if not _is_level(fault)),
    )


def _built(document: Document, value: dict[str, Any], source: Path, today: date) -> Campaign:
    campaign = Campaign.model_validate(value, context={"folder": source.parent, "today": today})
    campaign._document, campaign._source, campaign._today = document, source, today
    return campaign


def _respelt(document: Document, problems: list[Problem]) -> Document:
    """The file with its misspelt keys as they are meant, so that their values are looked at as well.

    Each is told in `problems`.
    """
    document = _respelt_at(document, (), Campaign, problems)
    for key, group in document.value.items():
        model = _model_of((key,))
        if model is not None and isinstance(group, dict):
            document = _respelt_at(document, (key,), model, problems)
    return document


def _respelt_at(
    document: Document, place: KeyPath, model: type[BaseModel], problems: list[Problem]
) -> Document:
    group = document.value[str(place[0])] if place else document.value
    required = [key for key, field in model.model_fields.items() if field.is_required()]
    for key, meant in misspelt(group, model.model_fields, required).items():
        problems.append(_unknown(document, (*place, key)))
        document = document.renamed((*place, key), meant)
    return document


#: What the keys that a campaign can't do without are taken for where they are wrong or lacking.
_STAND_INS: Final[dict[str, Any]] = {"name": "-", "template": {}, "data": {"-": "-"}}
_SOME_APPID: Final = "wx0123456789abcdef"


def _is_level(fault: dict[str, Any]) -> bool:
    """Whether a fault concerns a level in `checks`, which says how much a problem matters and no more."""
    return fault["loc"][0] == "checks" and len(fault["loc"]) > 1


def _draft(document: Document, faults: list[dict[str, Any]], source: Path, today: date) -> Campaign | None:
    """The campaign without its faults; what it can't do without has a stand-in that nothing is said of."""
    value = without(document.value, [fault["loc"] for fault in faults])
    for fault in filter(_is_level, faults):
        near = get_close_matches(str(fault["input"]).lower(), _LEVELS, 1)
        value["checks"] |= {fault["loc"][1]: near[0]} if near else {}
    no_data = not value.get("data")
    value |= {key: stand_in for key, stand_in in _STAND_INS.items() if not value.get(key)}
    if isinstance(value.get("miniprogram"), dict):
        value["miniprogram"] = {"appid": _SOME_APPID, **value["miniprogram"]}
    try:
        draft = _built(document, value, source, today)
    except ValidationError as error:
        # A group that lacks a key can't be had without its other faults alone.
        value = without(value, [fault["loc"][:1] for fault in error.errors()])
        try:
            draft = _built(document, value, source, today)
        except ValidationError:
            return None
    return draft.model_copy(update={"data": {}}) if no_data else draft


def _group(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _problems(document: Document, fault: dict[str, Any]) -> list[Problem]:
    """One fault as pydantic reports it, or what it is made of."""
    reason = (fault.get("ctx") or {}).get("error")
    if not isinstance(reason, FaultsError):
        return [_problem(document, fault)]
    problems = []
    for spot, inner in reason.faults:
        path = (*fault["loc"], *spot.path)
        name = ".".join(str(part) for part in path if isinstance(part, str))
        message = f"{name}: " + inner.message
        problems.append(document.problem(path, inner.code, message, inner.hint, at_key=spot.at_key))
    return problems


def _problem(document: Document, fault: dict[str, Any]) -> Problem:
    """One fault as pydantic reports it, in words and with its place."""
    place = tuple(part for part in fault["loc"] if part != "[key]")
    name = ".".join(str(part) for part in place)
    reason = (fault.get("ctx") or {}).get("error")
    kind = fault["type"]
    if isinstance(reason, FaultError):
        message = f"{name}: " + reason.message
        return document.problem(place, reason.code, message, reason.hint, offset=reason.offset)
    if kind == "extra_forbidden":
        return _unknown(document, place)
    if kind == "missing":
        message = _("the key `{key}` is lacking.").format(key=name)
        return document.problem(place[:-1], _LACKING, message, _example(place))
    if fault["input"] is None or kind == "too_short":
        return document.problem(place, "WX123", f"{name}: {no_value().message}", no_value().hint)
    message = _("{key}: a group of `key: value` lines is expected.").format(key=name)
    return document.problem(place, "WX122", message, _example(place))


def _unknown(document: Document, place: KeyPath) -> Problem:
    known = list((_model_of(place[:-1]) or Campaign).model_fields)
    near = nearest(str(place[-1]), known)
    hint = _("Did you mean `{key}`?").format(key=near) if near else ""
    hint = hint or _("Known keys: {keys}.").format(keys=", ".join(known))
    message = _("the key `{key}` is unknown.").format(key=".".join(map(str, place)))
    return document.problem(place, "WX120", message, hint, at_key=True)


def _model_of(place: KeyPath) -> type[BaseModel] | None:
    """The group at `place` whose keys are known; None where any key may stand."""
    if not place:
        return Campaign
    field = Campaign.model_fields.get(str(place[0])) if len(place) == 1 else None
    kinds = (field.annotation, *get_args(field.annotation)) if field else ()
    return next((one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)), None)


def _example(place: tuple[str | int, ...]) -> str:
    examples = {
        "name": "name: order-shipped-{{ today }}",
        "template": "template: ../templates/order_shipped.yaml",
        "data": 'data: {thing1: "{{ product }}"}',
        "appid": "appid: wx0123456789abcdef",
        "retry": "retry: {attempts: 4, base: 0.5s, cap: 30s}",
        "stop_when": "stop_when: {failure_rate: 10%, after: 200, outage: 10min}",
        "checks": "checks: {thing: warn}",
        "limits": "limits: {per_user_per_day: 1, per_user_per_week: 3}",
        "expires": "expires: {column: paid_at, after: 7d}",
        "column": "column: paid_at",
        "suppress": "suppress: {auto: 24h}",
    }
    example = examples.get(str(place[-1]))
    return _("Write it like: {example}").format(example=example) if example else ""
