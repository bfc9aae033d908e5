"""`wxpush schema`."""

import sys
from enum import StrEnum
from importlib.resources import files
from typing import Annotated

import typer

from wxpush.i18n import _


class Kind(StrEnum):
    """The files that have a schema."""

    CAMPAIGN = "campaign"
    TEMPLATE = "template"


def schema(
    kind: Annotated[Kind, typer.Argument(metavar="campaign|template", help=_("Of which kind of file."))],
) -> None:
    """Print the JSON Schema by which an editor completes and checks a file."""
    sys.stdout.write(schema_text(kind.value))


def schema_text(kind: str) -> str:
    """The JSON Schema of `campaign` or `template` files."""
    return (files("wxpush") / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8")
