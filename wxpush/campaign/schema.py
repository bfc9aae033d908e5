"""The campaign file: every key of it as a typed, frozen value, every fault of it in one go."""

import hashlib
import json
import os
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

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

from wxpush.campaign.expressions import TODAY, parse_condition, parse_text, render_alone
from wxpush.campaign.fault import FaultError
from wxpush.campaign.units import (
    UnitError,
    no_value,
    nonempty,
    one_text,
    parse_duration,
    parse_flag,
    parse_rate,
    parse_share,
    parse_window,
)
from wxpush.errors import ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem
from wxpush.yamlfile import Document, Parsed, parse_yaml

_NAME_LENGTH = 80


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
    retry: Retry = Retry()
    stop_when: StopWhen = StopWhen()
    checks: dict[str, Annotated[Literal["error", "warn", "off"], _choice("error", "warn", "off")]] = Field(
        default_factory=dict
    )
    blocked_words: Annotated[tuple[Path, ...], BeforeValidator(_files)] = ()
    """Files of words that no message may hold, one word a line."""
    keep_quota: Share = 0.1
    on_quota: Annotated[Literal["stop", "wait"], _choice("stop", "wait")] = "stop"
    send_window: Annotated[tuple[time, time] | None, BeforeValidator(parse_window)] = None
    tolerate: Share = 0.0
    limits: Limits = Limits()
    expires: Expires | None = None
    suppress: Suppress = Suppress()
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
    so that the keywords can be checked in the same go.
    """

    campaign: Campaign | None
    document: Document | None
    problems: tuple[Problem, ...]
    template: Path | dict[str, Any] | None = None
    data: Mapping[str, Any] | None = None


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
    campaign, problems = None, list(parsed.problems)
    try:
        context = {"folder": path.parent, "today": today}
        campaign = Campaign.model_validate(document.value, context=context)
        campaign._document, campaign._source, campaign._today = document, path, today
    except ValidationError as error:
        seen = {(found.line, found.column) for found in problems}
        told = [_problem(document, dict(fault)) for fault in error.errors(include_url=False)]
        problems += [found for found in told if (found.line, found.column) not in seen]
    template, data = document.value.get("template"), document.value.get("data")
    problems.sort(key=lambda found: (found.line, found.column))
    return Reading(
        campaign if not problems else None,
        document,
        tuple(problems),
        _beside(path.parent, template) if isinstance(template, str) and template else _group(template),
        _group(data),
    )


def _group(value: object) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _problem(document: Document, fault: dict[str, Any]) -> Problem:
    """One fault as pydantic reports it, in words and with its place."""
    place = tuple(part for part in fault["loc"] if part != "[key]")
    name = ".".join(str(part) for part in place)
    reason = (fault.get("ctx") or {}).get("error")
    kind = fault["type"]
    if isinstance(reason, FaultError):
        return document.problem(place, reason.code, f"{name}: {reason.message}", reason.hint)
    if kind == "extra_forbidden":
        known = _known_keys(place[:-1])
        near = get_close_matches(str(place[-1]), known, 1)
        hint = _("Did you mean `{key}`?").format(key=near[0]) if near else ""
        hint = hint or _("Known keys: {keys}.").format(keys=", ".join(known))
        message = _("the key `{key}` is unknown.").format(key=name)
        return document.problem(place, "WX120", message, hint, at_key=True)
    if kind == "missing":
        message = _("the key `{key}` is lacking.").format(key=name)
        return document.problem(place[:-1], "WX121", message, _example(place))
    if fault["input"] is None or kind == "too_short":
        return document.problem(place, "WX123", f"{name}: {no_value().message}", no_value().hint)
    message = _("{key}: a group of `key: value` lines is expected.").format(key=name)
    return document.problem(place, "WX122", message, _example(place))


def _known_keys(place: tuple[str | int, ...]) -> list[str]:
    parts: dict[tuple[str | int, ...], type[BaseModel]] = {
        ("retry",): Retry,
        ("stop_when",): StopWhen,
        ("miniprogram",): MiniProgram,
        ("limits",): Limits,
        ("expires",): Expires,
        ("suppress",): Suppress,
    }
    return list(parts.get(place, Campaign).model_fields)


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
