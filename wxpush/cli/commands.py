"""All commands, as one Typer app."""

from pathlib import Path
from typing import Annotated

import typer

from wxpush import __version__
from wxpush.cli import account, practice, retry, runs, send, settle, token
from wxpush.cli.base import GLOBALS, command, new_app
from wxpush.i18n import _

app = new_app(_("Send WeChat template messages to a list: nobody twice, nobody lost."))

# In the order of a first week with wxpush; help texts are given here because docstrings have one language.
command(app, "init", _("Write a starter campaign, template and list; overwrite nothing."))(practice.init)
command(app, "send", _("Send a campaign to a list; go on where an earlier run of its name stopped."))(
    send.send
)
command(app, "retry-failed", _("Send again what failed and may succeed now."))(retry.retry_failed)
command(
    runs.app,
    "settle",
    _(
        "Decide about messages in doubt, on a terminal one by one: delivered, or send again. "
        "Exit code 0 when nothing is in doubt any more, 1 while something is."
    ),
)(settle.settle)
app.add_typer(runs.app, name="runs")
command(app, "report", _("Tell who didn't get the message, and why."))(runs.report)
command(app, "explain", _("Explain an error code. A negative one: wxpush explain -- -1"))(account.explain)
command(app, "quota", _("Show today's quota of template messages, used and left."))(account.quota)
app.add_typer(token.app, name="token")
command(app, "sandbox", _("Run a local WeChat to practise on."))(practice.sandbox)


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
