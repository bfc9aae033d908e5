"""The command line: parse, build, run, show. Everything that a command does is in `wxpush.app`."""

import gc
import os
import sys


def main() -> None:
    """The command `wxpush`."""
    # A command makes many objects when it starts, and hardly any garbage.
    gc.set_threshold(10_000, 20, 20)
    # No installed package has a say in how our own files are read.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from wxpush.i18n import choose_language, set_language

    # Help texts are made when the commands are imported, so the language comes first.
    set_language(choose_language(sys.argv[1:], os.environ))
    from wxpush.cli.entrance import enter

    sys.exit(enter(sys.argv[1:]))
