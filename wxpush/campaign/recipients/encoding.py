"""Which encoding a text list is in, found by reading it once as a stream; its SHA-256 on the way."""

import codecs
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from wxpush.campaign.recipients.faults import list_error
from wxpush.i18n import _

# Small enough for the text of a chunk to stay in the processor's cache.
_CHUNK = 1 << 16
_MOST_WITHOUT_NEWLINE = 1 << 20
_WIDE = "[\u0800-\ud7ff\ue000-\uffff]"
# GBK text may begin with a few bytes that happen to be UTF-8, but not with so many characters of it.
_SURELY_UTF8 = 4


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file that has been read through once: it decodes, and holds no NUL and no endless line."""

    path: Path
    encoding: str
    digest: str
    """SHA-256 of the raw bytes, in hex."""
    lines: int
    """How many lines it has, counted by their breaks."""


class _UndecodableError(Exception):
    def __init__(self, line: int, wide: int) -> None:
        self.line = line
        self.wide = wide


def examine_text(path: Path, name: str, *, in_lines: bool = True) -> TextFile:
    """Read `path` through: UTF-16 by its mark, else UTF-8, else GB18030. Raises ProblemsError.

    `in_lines`: its rows are lines, so that an endless one is a fault.
    """
    most = _MOST_WITHOUT_NEWLINE if in_lines else None
    with path.open("rb") as stream:
        start = stream.read(8)
    _refuse_workbooks(start, name)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return TextFile(path, "utf-16", *_read_through(path, name, "utf-16", most))
        except _UndecodableError as error:
            raise _undecodable(name, error.line, _("Save the list as UTF-8.")) from None
    try:
        return TextFile(path, "utf-8-sig", *_read_through(path, name, "utf-8", most))
    except _UndecodableError as error:
        if start.startswith(codecs.BOM_UTF8) or error.wide >= _SURELY_UTF8:
            hint = _("The list is UTF-8 up to there: a part was damaged, or pasted in another encoding.")
            raise _undecodable(name, error.line, hint) from None
        broken_line = error.line
    try:
        return TextFile(path, "gb18030", *_read_through(path, name, "gb18030", most))
    except _UndecodableError:
        hint = _("Save the list as UTF-8 (Excel: CSV UTF-8).")
        raise _undecodable(name, broken_line, hint) from None


def _undecodable(name: str, line: int, hint: str) -> Exception:
    return list_error(name, line, "WX304", _("the text can't be decoded."), hint)


def _refuse_workbooks(start: bytes, name: str) -> None:
    if start.startswith(b"PK\x03\x04"):
        hint = _("Pass --list-format xlsx, or give the file the ending .xlsx.")
        raise list_error(name, 0, "WX302", _("this is a workbook, not text."), hint)
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        hint = _("Save it as .xlsx or CSV, without a password.")
        raise list_error(name, 0, "WX302", _("this is an old or encrypted Excel file."), hint)


def _read_through(path: Path, name: str, encoding: str, most: int | None) -> tuple[str, int]:
    """The file's SHA-256, and its lines; raises _UndecodableError, or ProblemsError for what is no list.

    `most` characters may come without a break.
    """
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    digest = hashlib.sha256()
    lines = wide = unbroken = 0
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(_CHUNK)
            digest.update(chunk)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = bytes(error.object[: error.start]).decode(encoding, "ignore")
                raise _UndecodableError(
                    lines + _breaks(good) + 1, wide + len(re.findall(_WIDE, good))
                ) from None
            if "\0" in text:
                line = lines + _breaks(text[: text.index("\0")]) + 1
                hint = _("Save the list anew as CSV UTF-8.")
                raise list_error(name, line, "WX305", _("the list holds a NUL character."), hint)
            if wide < _SURELY_UTF8:
                wide += len(re.findall(_WIDE, text))
            lines += _breaks(text)
            unbroken = 0 if "\n" in text or "\r" in text else unbroken + len(text)
            if most is not None and unbroken > most:
                message = _("the line is longer than {limit} KiB.").format(limit=most >> 10)
                raise list_error(name, lines + 1, "WX309", message, _("Is it really a list?"))
            if not chunk:
                return digest.hexdigest(), lines + 1


def _breaks(text: str) -> int:
    return text.count("\n") or text.count("\r")
