"""The smallest program of its kind: three commands of Typer, one of which prints a table with Rich."""

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(help="The cached access_token.")
FACTS = {
    "Account": "default",
    "appid": "wx0123456789abcdef",
    "Token": "T_ab…6789",
    "Fetched": "2026-11-23 10:00:00 +08:00",
    "Expires": "2026-11-23 12:00:00 +08:00",
    "Time left": "1 h 59 min",
    "Generation": "1",
}


@app.command()
def show() -> None:
    """Show the cached token, masked."""
    table = Table.grid(padding=(0, 2))
    for name, value in FACTS.items():
        table.add_row(name, value)
    Console().print(table)


@app.command()
def refresh(force: bool = typer.Option(False, "--force", help="Make WeChat issue a new token.")) -> None:
    """Ask WeChat for the token now."""
    Console().print("refreshed by force" if force else "refreshed")


@app.command()
def clear() -> None:
    """Forget the cached token."""
    Console().print("cleared")
