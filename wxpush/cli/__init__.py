"""The command line: parse, build, run, show. Everything that a command does is in `wxpush.app`."""

import gc
import os
import sys
from typing import Final

_OF_A_START: Final = 200_000
"""More objects than the modules of any command consist of."""
_USUAL: Final = 10_000


def main() -> None:
    """The command `wxpush`."""
    _collect_late()
    # No installed package has a say in how our own files are read.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from wxpush.i18n import choose_language, set_language

    # Help texts are made when the commands are imported, so the language comes first.
    set_language(choose_language(sys.argv[1:], os.environ))
    from wxpush.cli.entrance import enter

    code = enter(sys.argv[1:])
    # Python looks through all objects once more when it ends, and then it gives back all memory anyway.
    gc.freeze()
    sys.exit(code)


def _collect_late() -> None:
    """A command makes many objects when it starts, and hardly any garbage: it is looked for from then on."""
    gc.set_threshold(_OF_A_START, 20, 20)
    gc.callbacks.append(_collect_as_usual)


def _collect_as_usual(_phase: str, _info: object) -> None:
    """Called by the first collection."""
    gc.callbacks.remove(_collect_as_usual)
    gc.set_threshold(_USUAL, 20, 20)
