"""A command known by name and text alone; what it does is imported when it is called or asked for help."""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import typer

from wxpush.cli.base import command, new_app
from wxpush.cli.help import Command


class Deferred(Command):
    """Stands in the list of commands for a function or a group of `wxpush.cli`: `place` is `module:name`.

    `within` are further commands of a group, deferred in their turn.
    """

    def __init__(self, name: str, help_text: str, place: str, within: Iterable["Deferred"] = ()) -> None:
        super().__init__(name, help=help_text)
        self._place, self._within = place, tuple(within)

    def loaded(self) -> Any:
        """The command itself."""
        module, _, attribute = self._place.partition(":")
        found = getattr(import_module(f"wxpush.cli.{module}"), attribute)
        app = found if isinstance(found, typer.Typer) else new_app()
        if app is not found:
            command(app, str(self.name), str(self.help))(found)
        loaded: Any = typer.main.get_command(app)
        loaded.help = self.help
        for inner in self._within:
            loaded.add_command(inner)
        return loaded

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """A context of the command itself, which is what is parsed, completed and run from here on."""
        return self.loaded().make_context(info_name, args, parent=parent, **extra)
