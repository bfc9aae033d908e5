"""Checks campaign, template and list files as they lie on the desk: no network, no account, no state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wxpush.app.kinds import is_foreign, is_of_chart, kind
from wxpush.app.papers import list_of, papers_of, template_of
from wxpush.app.validation import Checking, Validation
from wxpush.campaign.schema import Reading, read_campaign
from wxpush.campaign.sources import lines_at
from wxpush.channels.wechat.template import Template, load_template
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem, Severity
from wxpush.yamlfile import Document, KeyPath, Parsed, load_yaml, parse_yaml

if TYPE_CHECKING:
    from wxpush.app.sieve import Sieve
    from wxpush.app.usage import Audiences, Use
    from wxpush.campaign.recipients import RecipientList

_ENDINGS: Final = frozenset({".yaml", ".yml"})
_DECIDING: Final = frozenset({"to", "key", "when", "checks"})
"""The keys without which nothing can be said of a row: whether it is wanted, whose it is, what matters."""


@dataclass(frozen=True, slots=True)
class ListToCheck:
    """A list that every campaign is checked with; `name` is how places name it."""

    path: Path
    name: str
    format: str | None = None
    sieve: "Sieve | None" = None
    """What narrows it and adds to it."""


def validate(
    paths: Sequence[Path],
    wanted: ListToCheck | None,
    *,
    today: date,
    checking: Checking,
    audiences: "Audiences | None" = None,
) -> Validation:
    """Check files, and folders with all that is in them; `audiences` take in whom the list would reach.

    Raises ProblemsError for paths that aren't there, InputError where there is nothing to check.
    """
    _refuse_missing(paths, wanted)
    found = Validation(audiences=audiences)
    possible, broken = False, list[Path]()
    files = list(_files(paths, found))
    found.several = sum(kind(parsed) == "campaign" for _path, parsed in files) > 1
    for path, parsed in files:
        what = kind(parsed)
        if what == "template":
            _check_template(path, found)
        elif what == "campaign":
            possible = True
            _check_campaign(path, parsed, wanted, found, today, checking)
        else:
            broken += [path] if parsed.document is None else []
            _note(found, path)
            found.add(parsed.problems or (_neither(path),))
    if wanted is not None and broken and not possible:
        opened = _opened(wanted, found)
        _not_checked(broken[0], opened, found, checking)
    elif wanted is not None and not possible:
        raise InputError(
            _("A list is checked against a campaign, and there is none among the files."),
            _("Name the campaign, too: wxpush validate campaign.yaml --recipients users.csv"),
        )
    if not found.files and not _of_charts_alone(paths, found):
        raise InputError(
            _("There is neither a campaign nor a template to check."),
            _("Name the files, or the folder that they are in."),
        )
    if found.opened is not None:
        found.problems = found.opened.placed(found.problems)
    found.sort()
    return found


def _of_charts_alone(paths: Sequence[Path], found: Validation) -> bool:
    """Whether nothing was named but files of Helm charts, as by a hook that goes by names of files."""
    return bool(found.passed_over) and not any(path.is_dir() for path in paths)


def quoted_lines(found: Validation) -> dict[tuple[str, int], str]:
    """The texts of the lines that the problems stand in, by file and number, as far as there are any."""
    from wxpush.channels.http.redact import redact  # a check that finds nothing shows nothing

    wanted: dict[str, set[int]] = {}
    for problem in found.problems:
        wanted.setdefault(problem.file, set()).add(problem.line)
    texts = dict(found.quoted)
    for file, numbers in wanted.items():
        of_list = found.opened is not None and file == found.opened.name
        lines = found.opened.texts_of(numbers) if found.opened and of_list else lines_at(Path(file), numbers)
        # Who wrote a robot's key into a campaign is told so, without its being shown once more.
        texts.update({(file, number): text if of_list else redact(text) for number, text in lines.items()})
    return texts


def _files(paths: Sequence[Path], found: Validation) -> Iterator[tuple[Path, Parsed]]:
    """Every file to check, once, read; those of folders only where they are ours."""
    seen: set[Path] = set()
    for path in paths:
        of_folder = path.is_dir()
        if not of_folder:
            _refuse_list(path)
        for file in _inside(path) if of_folder else [path]:
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
            parsed = parse_yaml(file)
            if is_of_chart(file, parsed) or (of_folder and is_foreign(file, parsed)):
                found.passed_over.append(str(file))
            else:
                yield file, parsed


def _refuse_missing(paths: Sequence[Path], wanted: ListToCheck | None) -> None:
    """See that all that is named on the command line is there. Raises ProblemsError that names the rest."""
    hint = _("Check the path.")
    problems = [
        Problem(str(path), 0, 0, "WX101", _("there is no such file or folder."), hint)
        for path in paths
        if not path.exists()
    ]
    lists = [] if wanted is None else [(wanted.path, wanted.name)]
    if wanted is not None and wanted.sieve is not None and wanted.sieve.join is not None:
        lists.append((wanted.sieve.join, str(wanted.sieve.join)))
    problems += [
        Problem(name, 0, 0, "WX301", _("there is no such list."), hint)
        for path, name in lists
        if not path.exists()
    ]
    if problems:
        raise ProblemsError(problems)


def _refuse_list(path: Path) -> None:
    """`send` takes the list as its second argument; who does so here, too, is told how it is meant."""
    if path.suffix.lower() in _ENDINGS:
        return  # before the import: what reads lists would slow the start of every check
    from wxpush.campaign.recipients import LIST_ENDINGS

    if path.suffix.lower() in LIST_ENDINGS:
        raise InputError(
            _("{path} is a list, neither a campaign nor a template.").format(path=path),
            _("Give the list with --recipients."),
        )


def _inside(folder: Path) -> Iterator[Path]:
    """The YAML files of a folder and its folders, sorted; hidden ones, as of runs and versions, aside."""
    try:
        inside = sorted(folder.iterdir())
    except OSError as error:
        message = _("{path} can't be read: {reason}.").format(path=folder, reason=error.strerror)
        raise InputError(message) from None
    for path in inside:
        if path.name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _inside(path)
        elif path.suffix.lower() in _ENDINGS:
            yield path


def _neither(path: Path) -> Problem:
    hint = _("A campaign has name, template and data; a template has id, title and content.")
    return Problem(str(path), 1, 1, "WX130", _("this is neither a campaign nor a template."), hint)


def _note(found: Validation, path: Path | str) -> None:
    if str(path) not in found.files:
        found.files.append(str(path))


def _check_template(path: Path, found: Validation) -> None:
    _note(found, path)
    try:
        template = load_template(path)
    except ProblemsError as error:
        found.add(error.problems)
        return
    found.add(template.warnings)
    if found.audiences is not None:
        found.uses.append(_use(template, load_yaml(path), (), 0.0))


def _use(template: Template, document: Document, base: KeyPath, keep_quota: float) -> "Use":
    """Where the parts of a template stand that an account may say otherwise about."""
    from wxpush.app.usage import Use

    file = None if base else Path(document.file)
    at, content = document.place((*base, "id")), document.place((*base, "content"))
    return Use(template, (document.file, *at), (document.file, *content), keep_quota, file)


def _check_campaign(
    path: Path,
    parsed: Parsed,
    wanted: ListToCheck | None,
    found: Validation,
    today: date,
    checking: Checking,
) -> None:
    _note(found, path)
    reading = read_campaign(path, today=today, parsed=parsed)
    problems: list[Problem] = []
    template = template_of(reading, problems)
    if isinstance(reading.template, Path) and reading.template.is_file():
        _note(found, reading.template)
    opened = _opened(wanted, found)
    papers = papers_of(reading, template, opened, problems, wanted.sieve if wanted else None)
    _note_files(found, problems)
    found.add_for(str(path), problems)
    if papers is None:
        _not_checked(path, opened, found, checking)
        return
    found.quoted |= papers.sifted.lines
    if found.audiences is not None and template is not None and template.template is not None:
        found.uses.append(_use_of(reading, template.template, papers.campaign.keep_quota))
    lacking = any(one.severity is Severity.ERROR and one.code == "WX204" for one in problems)
    faulty = reading.faulty & _DECIDING
    if opened is not None and (lacking or papers.sifted.faulty or faulty):
        from wxpush.app.partial import Obstacle, check_in_part

        obstacle = Obstacle(str(path), faulty, no_column=lacking, narrowing=papers.sifted.faulty)
        check_in_part(obstacle, papers, opened, found, checking)
    elif opened is not None:
        keep, audiences = papers.campaign.keep_quota, found.audiences
        audience = None if audiences is None else audiences.begin(str(path), keep)
        checker = papers.checker(opened, thorough=True)
        from wxpush.app.validating_rows import check_rows

        check_rows(papers.campaign, path, checker, opened, found, checking, audience)


def _not_checked(path: Path, opened: "RecipientList | None", found: Validation, checking: Checking) -> None:
    """Of a campaign of which nothing is understood."""
    if opened is not None:
        from wxpush.app.partial import Obstacle, check_in_part

        check_in_part(Obstacle(str(path), broken=True), None, opened, found, checking)


def _use_of(reading: Reading, template: Template, keep_quota: float) -> "Use":
    if isinstance(reading.template, Path):
        return _use(template, load_yaml(reading.template), (), keep_quota)
    if reading.document is None:
        raise ValueError("a template without a file")
    return _use(template, reading.document, ("template",), keep_quota)


def _opened(wanted: ListToCheck | None, found: Validation) -> "RecipientList | None":
    if wanted is None:
        return None
    _note(found, wanted.name)
    problems: list[Problem] = []
    opened = list_of(wanted.path, wanted.name, wanted.format, problems)
    if wanted.sieve is not None:
        from wxpush.app.sources.sifting import joined

        opened = joined(opened, wanted.sieve, problems)
    _note_files(found, problems)
    found.add(problems)
    found.opened = opened or found.opened
    return opened


def _note_files(found: Validation, problems: Sequence[Problem]) -> None:
    """Note the files of problems that may stand in other lists than the one that is checked."""
    for problem in problems:
        if problem.is_in_file:
            _note(found, problem.file)
