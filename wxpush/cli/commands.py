"""All commands by name and text, as one group; each is imported when it is called."""

from pathlib import Path
from typing import Annotated, Any

import typer

from wxpush import __version__
from wxpush.cli.base import GLOBALS, new_app
from wxpush.cli.deferred import Deferred
from wxpush.i18n import _


def wxpush() -> Any:
    """The command `wxpush`, in the language in force; docstrings have one language, so help is given here."""
    app = new_app(_("Send WeChat template messages to a list: nobody twice, nobody lost."))
    app.callback()(options)
    group: Any = typer.main.get_command(app)
    for deferred in _deferred():
        group.add_command(deferred)
    return group


def _deferred() -> list[Deferred]:
    settle = Deferred(
        "settle",
        _(
            "Decide about messages in doubt, on a terminal one by one: delivered, or send again. "
            "Exit code 0 when nothing is in doubt any more, 1 while something is."
        ),
        "settle:settle",
    )
    return [
        Deferred(
            "init", _("Write a starter campaign, template and list; overwrite nothing."), "practice:init"
        ),
        Deferred(
            "send",
            _("Send a campaign to a list; go on where an earlier run of its name stopped."),
            "send:send",
        ),
        Deferred(
            "validate",
            _("Check campaigns, templates and a list, without network and without an account."),
            "validate:validate",
        ),
        Deferred("preview", _("Show messages as the user will see them; send nothing."), "preview:preview"),
        Deferred("retry-failed", _("Send again what failed and may succeed now."), "retry:retry_failed"),
        Deferred(
            "report", _("Tell how a run went: outcomes, causes, speed, and why it was slow."), "report:report"
        ),
        Deferred(
            "trace",
            _("Tell everything that is known of one message or person, over all runs."),
            "trace:trace",
        ),
        Deferred(
            "explain", _("Explain an error code. A negative one: wxpush explain -- -1"), "account:explain"
        ),
        Deferred("quota", _("Show today's quota of template messages, used and left."), "account:quota"),
        Deferred(
            "schema",
            _("Print the JSON Schema by which an editor completes and checks a file."),
            "schema:schema",
        ),
        Deferred(
            "doctor",
            _("Examine what a sending rests on: installation, state, account, network, clock, token, quota."),
            "doctor:doctor",
        ),
        Deferred("sandbox", _("Run a local WeChat to practise on."), "practice:sandbox"),
        Deferred("runs", _("What has been sent, and how it stands."), "runs:app", within=[settle]),
        Deferred(
            "receipts",
            _("What WeChat tells of the delivery: taken in from it, or from files."),
            "receipts:app",
        ),
        Deferred("template", _("The account's templates and the files that describe them."), "template:app"),
        Deferred("users", _("The account's followers and tags."), "users:app"),
        Deferred("notify", _("Those who are told how a run ended."), "notify:app"),
        Deferred(
            "suppress",
            _("The suppression list: people of the account to whom nothing is sent."),
            "suppress:app",
        ),
        Deferred("token", _("The cached access_token."), "token:app"),
    ]


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"wxpush {__version__}")
        raise typer.Exit


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
