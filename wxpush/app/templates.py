"""The account's templates beside the template files of a project: listed, fetched, compared."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from wxpush.app.surroundings import Surroundings
from wxpush.channels.wechat.client import WeChatClient, make_keeper
from wxpush.channels.wechat.listed import (
    Listed,
    as_file,
    difference,
    differs,
    file_name,
    listed_templates,
    template_files,
    updated,
)
from wxpush.channels.wechat.template import (
    Template,
    load_template,
    read_template,
    read_template_mapping,
)
from wxpush.config import load_account
from wxpush.errors import InputError, ProblemsError
from wxpush.i18n import _
from wxpush.model import Problem
from wxpush.yamlfile import MAX_BYTES, parse_yaml

FOLDER: Final = Path("templates")
_PATIENCE: Final = 10.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A template of the account, and the file that describes it, if one does."""

    listed: Listed
    file: Path | None = None
    is_stale: bool = False
    """The file says something else."""

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "id": self.listed.id,
            "title": self.listed.title,
            "keywords": list(self.listed.keywords),
            "content": self.listed.content,
            "file": None if self.file is None else str(self.file),
            "differs": self.is_stale,
        }


@dataclass(frozen=True, slots=True)
class Pulled:
    """What became of a template's file: `new`, `updated` or `unchanged`."""

    listed: Listed
    file: Path
    change: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A file beside the account: `lines` of a unified diff, or `missing` where the account has no such id."""

    file: Path
    lines: tuple[str, ...] = ()
    missing: bool = False


def fetch(account: str | None, around: Surroundings) -> tuple[str, list[Listed]]:
    """The account's name and its templates. Raises InputError, StoppedError."""
    chosen = load_account(account, around.environ)
    client = WeChatClient(chosen, make_keeper(chosen, around.directories, around.clock), patience=_PATIENCE)
    try:
        return chosen.name, listed_templates(client.private_templates())
    finally:
        client.close()


def entries(found: Sequence[Listed], folder: Path) -> list[Entry]:
    """The templates with the files of `folder` that describe them, as far as those can be read."""
    files = {template.id: (path, template) for path, template in _read(template_files(folder))}
    beside = []
    for listed in found:
        path, template = files.get(listed.id, (None, None))
        beside.append(Entry(listed, path, template is not None and differs(template, listed)))
    return beside


def pull(found: Sequence[Listed], wanted: Sequence[str], folder: Path) -> list[Pulled]:
    """Write the templates, or those of `wanted` (ids or titles), as files; what was added to a file stays.

    Raises InputError for one that isn't there, or where a file can't be written.
    """
    files = {template.id: path for path, template in _read(template_files(folder))}
    _refuse_broken(found, folder)
    taken = [path.name for path in template_files(folder)]
    pulled = []
    for listed in _chosen(found, wanted):
        path = files.get(listed.id)
        name = file_name(listed.title, taken) if path is None else path.name
        taken.append(name)
        pulled.append(_written(listed, folder / name, is_new=path is None))
    return pulled


def compare(found: Sequence[Listed], paths: Sequence[Path], account: str) -> list[Difference]:
    """Every template file of `paths`, files or folders, beside the account.

    Raises InputError, ProblemsError.
    """
    by_id = {listed.id: listed for listed in found}
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise InputError(
                _("{path}: there is no such file or folder.").format(path=path),
                _("Fetch the account's templates: wxpush template pull"),
            )
        files += template_files(path) if path.is_dir() else [path]
    differences = []
    for file in files:
        template = load_template(file)
        listed = by_id.get(template.id)
        if listed is None:
            differences.append(Difference(file, missing=True))
        else:
            name = _("{account} (WeChat)").format(account=account)
            differences.append(Difference(file, tuple(difference(template, listed, str(file), name))))
    return differences


def _refuse_broken(found: Sequence[Listed], folder: Path) -> None:
    """See that no file of the folder is a template of the account with a mistake in it.

    Another file would be written beside it, and what was added to the first be lost from sight.
    """
    problems: list[Problem] = []
    for path in template_files(folder):
        faults = read_template(path).problems
        if faults and any(listed.id in _text_of(path) for listed in found):
            problems += faults
    if problems:
        raise ProblemsError(problems)


def _text_of(path: Path) -> str:
    """The text of a file as far as it can be read."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(MAX_BYTES)
    except OSError:
        return ""


def _read(paths: Sequence[Path]) -> list[tuple[Path, Template]]:
    read = []
    for path in paths:
        try:
            read.append((path, load_template(path)))
        except ProblemsError:
            continue
    return read


def _chosen(found: Sequence[Listed], wanted: Sequence[str]) -> list[Listed]:
    chosen = []
    for name in wanted:
        fitting = [listed for listed in found if name in (listed.id, listed.title)]
        if not fitting:
            known = _(", ").join(listed.title for listed in found) or _("none")
            raise InputError(
                _('The account has no template "{name}".').format(name=name),
                _("It has: {titles}").format(titles=known),
            )
        chosen += [listed for listed in fitting if listed not in chosen]
    return chosen or list(found)


def _says(path: Path, text: str, listed: Listed) -> bool:
    """Whether `text` is a template file that says what the account says."""
    parsed = parse_yaml(path, text=text)
    if parsed.document is None or parsed.problems:
        return False
    template = read_template_mapping(parsed.document.value, parsed.document).template
    return template is not None and template.id == listed.id and not differs(template, listed)


def _replace(path: Path, text: str) -> None:
    """Write a file in one step: what was there stays until all of the new one is on the disk."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _written(listed: Listed, path: Path, *, is_new: bool) -> Pulled:
    try:
        if is_new:
            path.parent.mkdir(parents=True, exist_ok=True)
            _replace(path, as_file(listed))
            return Pulled(listed, path, "new")
        if not differs(load_template(path), listed):
            return Pulled(listed, path, "unchanged")
        text = updated(path.read_text(encoding="utf-8-sig"), listed)
        if not _says(path, text, listed):
            raise InputError(
                _("{path}: its title and content can't be replaced as they are written there.").format(
                    path=path
                ),
                _("Begin each key on a line of its own, or remove the file and run the command again."),
            )
        _replace(path, text)
    except OSError as error:
        raise InputError(
            _("{path} can't be written: {reason}.").format(path=path, reason=error.strerror)
        ) from None
    return Pulled(listed, path, "updated")
