"""All commands, as one Typer app."""

from pathlib import Path
from typing import Annotated

import typer

from wxpush import __version__
from wxpush.cli import account, practice, retry, runs, send, token
from wxpush.cli.base import GLOBALS, Command, new_app
from wxpush.i18n import _

app = new_app(_("Send WeChat template messages to a list: nobody twice, nobody lost."))
app.command("send", cls=Command)(send.send)
app.command("retry-failed", cls=Command)(retry.retry_failed)
app.add_typer(runs.app, name="runs")
app.command("report", cls=Command)(runs.report)
app.add_typer(token.app, name="token")
app.command("quota", cls=Command)(account.quota)
app.command("explain", cls=Command)(account.explain)
app.command("init", cls=Command)(practice.init)
app.command("sandbox", cls=Command)(practice.sandbox)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wxpush {__version__}")
        raise typer.Exit


@app.callback()
def options(
    lang: Annotated[
        str | None,
        typer.Option("--lang", metavar="zh|en", help=_("Language of everything that is shown.")),
    ] = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help=_("One directory for all state (also WXPUSH_HOME).")),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help=_("Show the version and exit.")
        ),
    ] = False,
) -> None:
    """The options before the command; the language was taken from them before this module was imported."""
    del lang, version
    GLOBALS.home = home
