"""`wxpush token show`, `refresh` and `clear`."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from wxpush.cli.base import command, new_app, surroundings
from wxpush.cli.options import AccountName, Json, Yes
from wxpush.console import Console
from wxpush.errors import InterruptedRunError, NobodyToAskError
from wxpush.i18n import _

if TYPE_CHECKING:
    from wxpush.app.tokens import TokenSeen

app = new_app()

_Reveal = Annotated[bool, typer.Option("--reveal", help=_("Show the token itself, not just its ends."))]


@command(app, "show", _("Show the cached token, masked; ask nobody for a new one."))
def show(account: AccountName = None, reveal: _Reveal = False, as_json: Json = False) -> int:
    """Show the cached token, masked; asks nobody for a new one."""
    from wxpush.app.tokens import cached

    seen = cached(account, surroundings())
    console = Console(json=as_json)
    if seen is None and not as_json:
        console.say(_("No token is cached. The next sending fetches one; so does: wxpush token refresh"))
        return 0
    _tell(seen, console, reveal=reveal, as_json=as_json)
    return 0


@command(app, "refresh", _("Ask WeChat for the token now; without --force other systems don't notice."))
def refresh(
    account: AccountName = None,
    force: Annotated[
        bool, typer.Option("--force", help=_("Make WeChat issue a new token: logs other systems out."))
    ] = False,
    yes: Yes = False,
    reveal: _Reveal = False,
    as_json: Json = False,
) -> int:
    """Ask WeChat for the token now; without --force other systems don't notice."""
    from wxpush.app.tokens import refreshed, replaces_others

    around, console = surroundings(), Console(json=as_json)
    if (force or replaces_others(account, around)) and not yes:
        _agree(console)
    _tell(refreshed(account, around, force=force), console, reveal=reveal, as_json=as_json)
    return 0


@command(app, "clear", _("Forget the cached token; it stays valid at WeChat."))
def clear(account: AccountName = None) -> int:
    """Forget the cached token; it stays valid at WeChat."""
    from wxpush.app.tokens import forget

    there_was_one = forget(account, surroundings())
    Console().say(_("The cached token is forgotten.") if there_was_one else _("No token was cached."))
    return 0


def _agree(console: Console) -> None:
    console.warn(
        _("This makes the token that is in use worthless: every other system of this account is logged out.")
    )
    if not console.can_ask():
        raise NobodyToAskError(
            _("There is no terminal to ask on, so nothing was done."), _("Pass --yes to go ahead.")
        )
    if not console.confirm(_("Go ahead?")):
        raise InterruptedRunError(_("Nothing was done: you didn't agree."))


def _tell(seen: "TokenSeen | None", console: Console, *, reveal: bool, as_json: bool) -> None:
    shown: dict[str, Any] = {"token": None} if seen is None else seen.facts(reveal=reveal)
    if as_json:
        console.json({"schema": 1, **shown})
    else:
        console.token(shown)
