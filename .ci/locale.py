"""Bring the message catalogues in step: code → wxpush.pot → zh_CN/LC_MESSAGES/wxpush.po → .mo.

The words of Typer (`typer.pot`, kept by hand) go into the .po too, since Typer looks its own messages up
in our catalogue. New messages come in untranslated, none is ever guessed, vanished ones are dropped. No
dates and no line numbers are written, so that files whose messages are as they were keep their bytes.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "wxpush" / "locale"
PO = LOCALE / "zh_CN" / "LC_MESSAGES" / "wxpush.po"
KEYWORDS = {"_": None, "ngettext": (1, 2)}
HEADER = r"""msgid ""
msgstr ""
"Project-Id-Version: wxpush\n"
"Language: {language}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: {plural_forms}\n"

"""


def extracted() -> Catalog:
    """Every message of the code, with the files that say it."""
    catalog = Catalog()
    found = extract_from_dir(ROOT / "wxpush", keywords=KEYWORDS)
    for name, _line, message, _comments, _context in sorted(found, key=lambda entry: entry[:2]):
        catalog.add(message, locations=[(f"wxpush/{Path(name).as_posix()}", 1)])
    return catalog


def updated(template: Catalog) -> Catalog:
    """The Chinese catalogue with exactly the messages of the code and of Typer."""
    with (LOCALE / "typer.pot").open("rb") as file:
        for message in read_po(file):
            if message.id and message.id not in template:
                template.add(message.id)
    with PO.open("rb") as file:
        chinese = read_po(file, locale="zh_CN")
    chinese.update(template, no_fuzzy_matching=True)
    chinese.obsolete.clear()
    return chinese


def save(path: Path, catalog: Catalog, *, language: str, plural_forms: str) -> None:
    """Write a text catalogue under our own header."""
    with path.open("wb") as file:
        file.write(HEADER.format(language=language, plural_forms=plural_forms).encode())
        write_po(file, catalog, width=0, omit_header=True, include_lineno=False)


def compile_catalogue(catalog: Catalog) -> None:
    """Write the .mo that gettext reads."""
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)
    with PO.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalog)


def main() -> None:
    """Do all three steps, and name the messages that wait for their Chinese."""
    template = extracted()
    save(LOCALE / "wxpush.pot", template, language="en", plural_forms="nplurals=2; plural=(n != 1);")
    chinese = updated(template)
    save(PO, chinese, language="zh_CN", plural_forms="nplurals=1; plural=0;")
    compile_catalogue(chinese)
    missing = [message.id for message in chinese if message.id and not is_translated(message.string)]
    for message in missing:
        sys.stdout.write(f"not translated: {message!r}\n")
    sys.stdout.write(f"{len(chinese)} messages, {len(missing)} not translated\n")


def is_translated(translation: str | Sequence[str] | None) -> bool:
    """Whether a message has all its forms: one, or as many as the language has plurals."""
    return bool(translation) and all(translation or ())


if __name__ == "__main__":
    main()
