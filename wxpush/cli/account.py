"""`wxpush quota` and `wxpush explain`."""

from typing import TYPE_CHECKING, Annotated

import typer

from wxpush.cli.base import surroundings
from wxpush.cli.options import AccountName, Json
from wxpush.console import Console
from wxpush.errors import InputError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.channels.wechat.errcodes import CodeInfo


def quota(
    account: AccountName = None,
    as_json: Json = False,
) -> int:
    """Show today's limit of template messages, how many are used and left."""
    from wxpush.app.quota import ask_quota

    name, found = ask_quota(account, surroundings())
    console = Console(json=as_json)
    if as_json:
        figures = {"limit": found.limit, "used": found.used, "remain": found.remain}
        console.json({"schema": 1, "account": name, **figures})
    else:
        console.quota(name, found)
    return 0


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help=_("An error code, such as 43004 or -1."))],
    as_json: Json = False,
) -> int:
    """Explain an error code: what it means and what to do. A negative one: wxpush explain -- -1."""
    from wxpush.channels.wechat.errcodes import info, info_of, is_known

    if not is_known(code):
        raise InputError(
            _('No code "{code}" is known.').format(code=code),
            _("WeChat's codes are whole numbers, such as 43004; ours are words, such as timeout."),
        )
    known, console = info(code), Console(json=as_json)
    failed = info_of(code, "failed")
    then = failed if failed is not known else None
    if as_json:
        more = {} if then is None else {"if_rejected": _json_of(then)}
        console.json({"schema": 1, "code": code, **_json_of(known), **more})
    else:
        console.explain(known, then)
    return 0


def _json_of(known: "CodeInfo") -> dict[str, str]:
    return {"class": known.cls.value, "meaning": known.meaning.en, "advice": known.advice.en}
