"""Exchanges a folder for a link and back, at random moments: python swapper.py FOLDER OUTSIDE TIMES [UID].

Prints `ready`, then how often that went well, which for a user (UID) who may not do it is never.
"""

import ctypes
import os
import random
import sys
import time
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2
PAUSES = (0.0, 0.0003, 0.003, 0.05)


def main(folder: str, outside: str, times: str, uid: str = "") -> None:
    if uid:
        os.setgid(int(uid))
        os.setuid(int(uid))
    renameat2 = ctypes.CDLL(None).renameat2
    link = Path(f"{folder}.link") if not uid else Path(f"/tmp/link-{os.getpid()}")
    link.symlink_to(outside)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    went_well = 0
    for _time in range(int(times)):
        names = os.fsencode(folder), os.fsencode(link)
        went_well += renameat2(AT_FDCWD, names[0], AT_FDCWD, names[1], RENAME_EXCHANGE) == 0
        time.sleep(random.choice(PAUSES) * random.random())
    link.unlink()
    sys.stdout.write(f"{went_well}\n")


main(*sys.argv[1:])
