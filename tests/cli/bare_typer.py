"""The yardstick of a start: three commands in Typer, one of them with a table by Rich, and nothing else."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(help="Send messages to a list.", no_args_is_help=True)
token = typer.Typer(help="The cached token.")
app.add_typer(token, name="token")

FACTS = {
    "Account": "default",
    "appid": "wx0123456789abcdef",
    "Token": "96_x…xxxx",
    "Fetched": "2026-11-26 16:59:09 +08:00",
    "Expires": "2026-11-26 18:59:09 +08:00",
    "Time left": "1:50:58",
    "Generation": "3",
}


@app.command()
def send(
    campaign: Annotated[str, typer.Argument(help="The campaign file.")],
    recipients: Annotated[str, typer.Argument(help="The list.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check only.")] = False,
) -> None:
    """Send a campaign to a list."""


@app.command()
def explain(code: Annotated[str, typer.Argument(help="The code.")]) -> None:
    """Explain a code."""


@token.command()
def show(account: Annotated[str, typer.Option("--account", help="The account.")] = "default") -> None:
    """Show the cached token."""
    table = Table(show_header=False, box=None)
    for name, fact in FACTS.items():
        table.add_row(name, fact)
    Console().print(table)


if __name__ == "__main__":
    app()
