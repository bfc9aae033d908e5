"""A list of openids: one column, whole or not at all where it is a file."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

from wxpush.errors import InputError
from wxpush.i18n import _
from wxpush.report.draft import draft_of

HEADER: Final = "openid"


def lines(openids: Iterable[str]) -> str:
    """Openids as rows; WeChat's need no quotes."""
    return "".join(f"{openid}\n" for openid in openids)


@contextmanager
def openid_file(path: Path) -> Iterator[TextIO]:
    """A new file for this user only, which takes the place of `path` when the context ends well.

    Raises InputError for a file that holds something else, or one that can't be written.
    """
    _refuse_other_lists(path)
    with draft_of(path) as file:
        yield file


def _refuse_other_lists(path: Path) -> None:
    """See that nothing is replaced but an earlier list of this kind: `users.csv` may be the shop's own."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            ours = file.readline(len(HEADER) + 2).strip() in ("", HEADER)
    except FileNotFoundError:
        return
    except OSError:
        ours = False
    if not ours:
        raise InputError(
            _("{path} is there already, and has more in it than openids.").format(path=path),
            _("Give --output the name of a new file."),
        )
