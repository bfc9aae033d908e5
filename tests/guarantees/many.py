"""Many commands of wxpush in one process: `python many.py COMMANDS CODES`, two files of JSON.

COMMANDS holds a list of argument lists; CODES takes their exit codes.
"""

import json
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])

from wxpush.cli.entrance import enter  # noqa: E402 - the path comes first
from wxpush.i18n import set_language  # noqa: E402

set_language("en")
commands = json.loads(Path(sys.argv[1]).read_text("ascii"))
Path(sys.argv[2]).write_text(json.dumps([enter(command) for command in commands]), "ascii")
