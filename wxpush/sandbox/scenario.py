"""A scenario: what a sandbox is told of its account, its people and its faults; a versioned file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem
from wxpush.sandbox.faults import Faults
from wxpush.sandbox.reader import Place, Reader, nowhere
from wxpush.sandbox.settings import (
    Account,
    AllowList,
    DedupeSettings,
    EventSettings,
    FollowerSettings,
    QuotaSettings,
    Review,
    Tag,
    Template,
    TokenSettings,
)
from wxpush.yamlfile import load_yaml

VERSION = 1
ORDER = (
    "token",
    "permission",
    "quota",
    "json",
    "touser",
    "template",
    "miniprogram",
    "data",
    "recipient",
    "repeat",
    "content",
)
"""The steps of judging a send; WeChat's own order is not published, this one is plausible."""
_NEEDS_JSON = frozenset(ORDER[ORDER.index("json") + 1 :])
_FOLDER = Path(__file__).parent / "scenarios"


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a sandbox imitates; every part has a calm default.

    `any_template` accepts every 43-character template id and checks no keyword: for practice without
    template files. `miniprograms` maps each linked mini program to its pages (none listed: any page); left
    empty, every well-formed appid counts as linked. `order` is that of the checks of a send.
    """

    version: int = VERSION
    seed: int = 0
    account: Account = field(default_factory=Account)
    tokens: TokenSettings = field(default_factory=TokenSettings)
    dedupe: DedupeSettings = field(default_factory=DedupeSettings)
    quota: QuotaSettings = field(default_factory=QuotaSettings)
    followers: FollowerSettings = field(default_factory=FollowerSettings)
    tags: tuple[Tag, ...] = ()
    allow_list: AllowList = field(default_factory=AllowList)
    review: Review = field(default_factory=Review)
    events: EventSettings = field(default_factory=EventSettings)
    templates: tuple[Template, ...] = ()
    any_template: bool = False
    miniprograms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    order: tuple[str, ...] = ORDER
    faults: Faults = field(default_factory=Faults)
    remember_shown: bool = True
    """Keep what users were shown in memory too; off for long runs, where the file is the record."""
    remember_calls: int = 10_000
    """How many of the last calls are kept for `calls()`."""

    def __post_init__(self) -> None:
        if self.version != VERSION:
            message = _("this wxpush reads scenarios of version {version} only.")
            raise ValueError(message.format(version=VERSION))
        if sorted(self.order) != sorted(ORDER):
            message = _("`order` must hold each of these once: {steps}.")
            raise ValueError(message.format(steps=", ".join(ORDER)))
        if any(step in _NEEDS_JSON for step in self.order[: self.order.index("json")]):
            raise ValueError(_("in `order`, only token, permission and quota can stand before json."))

    def with_templates(self, templates: Iterable[Template | Mapping[str, Any]]) -> "Scenario":
        """The same with these templates added; mappings have template_id, title, content, allowed."""
        added = (item if isinstance(item, Template) else template_from_mapping(item) for item in templates)
        return replace(self, templates=(*self.templates, *added))

    def with_events(self, url: str) -> "Scenario":
        """The same with its events pushed to `url`. Raises InputError for what is no URL."""
        try:
            return replace(self, events=replace(self.events, url=url))
        except ValueError as error:
            raise InputError(f"--events: {error}") from None

    @classmethod
    def named(cls, name: str) -> "Scenario":
        """The scenario `name` that comes with wxpush (`calm`, `demo`); raises InputError for another name."""
        known = scenario_names()
        if name not in known:
            message = _("There is no scenario {name}; wxpush has: {names}.")
            hint = _("Or give a scenario's file.")
            raise InputError(message.format(name=name, names=", ".join(known)), hint)
        return load(_FOLDER / f"{name}.yaml")


def scenario_names() -> tuple[str, ...]:
    """The names that `Scenario.named` takes."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def from_mapping(mapping: Mapping[str, Any], *, file: str = "scenario", place: Place = nowhere) -> Scenario:
    """The scenario that `mapping` describes; numbers and truth values may be text.

    `file` and `place` name the source in problems. Raises ProblemsError with all of them.
    """
    reader = Reader(file, place)
    if "version" not in mapping:
        hint = _("Start the file with `version: {version}`.").format(version=VERSION)
        reader.blame((), "WX703", _("`version` is missing."), hint)
    scenario = reader.settings(Scenario, mapping)
    if scenario is None or reader.problems:
        raise ProblemsError(reader.problems)
    return scenario


def load(path: Path) -> Scenario:
    """The scenario file `path`. Raises ProblemsError with every fault and its line."""
    document = load_yaml(path)
    return from_mapping(document.value, file=document.file, place=document.place)


def faults_from_mapping(mapping: Mapping[str, Any]) -> Faults:
    """Faults written as in a scenario's `faults:`. Raises ProblemsError."""
    reader = Reader("faults")
    faults = reader.settings(Faults, mapping)
    if faults is None or reader.problems:
        raise ProblemsError(reader.problems)
    return faults


def template_from_mapping(mapping: Mapping[str, Any]) -> Template:
    """A template with template_id, title, content, allowed. Raises ProblemsError."""
    reader = Reader("template")
    template = reader.settings(Template, mapping)
    if template is None or reader.problems:
        raise ProblemsError(reader.problems)
    return template


def templates_from_folder(folder: Path) -> tuple[Template, ...]:
    """A folder's wxpush template files (`id`, `title`, `content`, `allowed`) as the account's templates.

    Raises ProblemsError with the faults of all files, InputError where the folder has no template file.
    """
    problems: list[Problem] = []
    found: list[Template] = []
    for path in sorted((*folder.glob("*.yaml"), *folder.glob("*.yml"))):
        try:
            found.append(_template_file(path))
        except ProblemsError as error:
            problems += error.problems
    if problems:
        raise ProblemsError(problems)
    if not found:
        raise InputError(_("{folder} holds no template file (*.yaml).").format(folder=folder))
    return tuple(found)


def _template_file(path: Path) -> Template:
    document = load_yaml(path)
    reader = Reader(document.file, document.place)
    value = {("template_id" if key == "id" else key): inner for key, inner in document.value.items()}
    template = reader.settings(Template, value)
    if template is None or reader.problems:
        raise ProblemsError(reader.problems)
    return template
