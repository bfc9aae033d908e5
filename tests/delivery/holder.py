"""A process that holds a run's lock until it is killed. `python -m tests.delivery.holder RUN_FOLDER`."""

import sys
from pathlib import Path

from wxpush.delivery.run import RunFolder

if __name__ == "__main__":
    with RunFolder(Path(sys.argv[1])).locked():
        sys.stdout.write("held\n")
        sys.stdout.flush()
        sys.stdin.read()
