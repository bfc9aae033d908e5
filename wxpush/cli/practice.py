"""`wxpush init` and `wxpush sandbox`."""

import shlex
import sys
import threading
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from wxpush.cli.base import signals_to, surroundings
from wxpush.console import Console
from wxpush.errors import InputError
from wxpush.i18n import _


def init(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help=_("Where to write them (default: this folder)."))
    ] = None,
) -> int:
    """Write a starter campaign, template and list; overwrites nothing."""
    folder = folder or Path()
    starter = files("wxpush") / "starter"
    names = ("campaign.yaml", "template.yaml", "users.csv")
    schemas = ("campaign.schema.json", "template.schema.json")
    taken = [name for name in names if (folder / name).exists()]
    if taken:
        raise InputError(
            _("{folder} already has {names}; nothing was written.").format(
                folder=folder, names=", ".join(taken)
            ),
            _("Name another folder: wxpush init DIR"),
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            (folder / name).write_bytes((starter / name).read_bytes())
        # An editor finds them by the first line of the two files.
        (folder / ".schemas").mkdir(exist_ok=True)
        for name in schemas:
            (folder / ".schemas" / name).write_bytes((files("wxpush") / "schemas" / name).read_bytes())
    except OSError as error:
        raise InputError(
            _("{folder} can't be written: {reason}.").format(folder=folder, reason=error.strerror)
        ) from None
    console = Console()
    console.say(_("Written: {names}").format(names=", ".join(str(folder / name) for name in names)))
    send = f"wxpush send {folder / 'campaign.yaml'} {folder / 'users.csv'}"
    console.commands(
        [
            (f"{send} --sandbox", _("sends them to a local WeChat, to see how it goes")),
            (f"{send} --dry-run", _("checks them and shows the plan")),
        ]
    )
    return 0


def sandbox(
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help=_("The port; 0 takes a free one."))
    ] = 8077,
    scenario: Annotated[
        str, typer.Option(metavar="NAME|FILE", help=_("How it behaves: calm, demo, or a scenario file."))
    ] = "calm",
    templates: Annotated[
        Path | None, typer.Option(metavar="DIR", help=_("The account's templates, as template files."))
    ] = None,
    events: Annotated[
        str | None, typer.Option(metavar="URL", help=_("Push receipts to this URL, as WeChat does."))
    ] = None,
    shown: Annotated[
        Path | None, typer.Option(metavar="FILE", help=_("Log what every user was shown (JSON lines)."))
    ] = None,
) -> int:
    """Run a local WeChat to practise on; prints the environment that points wxpush at it."""
    from wxpush.app.place import scenario_of
    from wxpush.sandbox import Sandbox, environment, serve, templates_from_folder
    from wxpush.sandbox.robots import Received, Robots, RobotSettings, environment_of

    chosen = scenario_of(scenario)
    if templates is not None:
        chosen = chosen.with_templates(templates_from_folder(templates))
    if events is not None:
        chosen = chosen.with_events(events)
    around, console, stop = surroundings(), Console(), threading.Event()
    home = around.directories.state / "sandbox" / around.now().strftime("%Y%m%d-%H%M%S")

    def tell(running: Sandbox) -> None:
        console.say(_("A local WeChat listens on {url}. In another terminal:").format(url=running.url))
        for name, value in (environment(running) | {"WXPUSH_HOME": str(home)}).items():
            console.data(f"{_SET}{name}={value}")
        console.say(_("Group robots to be told how a run ended (`notify:`):"))
        for name, value in environment_of(robots).items():
            console.data(f"{_SET}{name}={_quoted(value)}")
        console.say(_("What it imitates, and what not: docs/sandbox.md. Ctrl-C ends it."))
        sys.stdout.flush()

    def show(message: Received) -> None:
        console.say(_("{group} group: {text}").format(group=_group(message.robot), text=message.text))

    with signals_to(stop.set), Robots(RobotSettings(secret=_ROBOT_SECRET), on_message=show) as robots:
        serve(chosen, on_ready=tell, stop=stop, port=port, shown=shown)
    console.say(_("The local WeChat has ended."))
    return 0


_SET = "set " if sys.platform == "win32" else "export "
#: Made up: it protects nothing.
_ROBOT_SECRET = "SEC" + "0123456789abcdef" * 4


def _group(robot: str) -> str:
    return _("WeCom") if robot == "wecom" else _("DingTalk")


def _quoted(value: str) -> str:
    """A value with signs that a shell would read, ready to be pasted."""
    return value if sys.platform == "win32" else shlex.quote(value)
