"""The command `wxpush` as the tests of the guarantee start it: the same objects, with clocks and an end.

`python entry.py '{"die": ["claims committed", 3], "ahead": 540, …}' send campaign.yaml users.csv …`

    die      a named moment and its number: the process is killed there
    ahead    seconds by which wall and boot clock are ahead
    wall     seconds by which the wall clock alone is ahead
    boot_id  another start of the machine, whose boot clock began some seconds ago
    speed    seconds of all clocks per real one, counted from `since` (Unix time)
    jumps    [[after, by], …]: so many seconds after the start the wall clock moves by so many
    fsize    no file grows beyond so many bytes
    debug    log everything
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).parents[2])

from wxpush import clock as clocks  # noqa: E402 - the path comes first


def clock_of(wanted: dict[str, Any]) -> clocks.Clock:
    """The clocks that are asked for."""
    speed, since = wanted.get("speed", 1.0), wanted.get("since", 0.0)
    ahead, aside, jumps = wanted.get("ahead", 0.0), wanted.get("wall", 0.0), wanted.get("jumps", [])
    began = time.monotonic()
    boot_id = wanted.get("boot_id")

    def wall() -> float:
        jumped = sum(by for after, by in jumps if time.monotonic() - began >= after)
        return since + (time.time() - since) * speed + ahead + aside + jumped

    def boot() -> float:
        if boot_id is not None:
            return 60.0 + time.monotonic() - began
        return clocks.boot_seconds() * speed + ahead

    return clocks.Clock(
        monotonic=lambda: time.monotonic() * speed,
        wall=wall,
        boot=boot,
        boot_id=(lambda: boot_id) if boot_id is not None else clocks.system_boot_id,
        speed=speed,
    )


def main() -> int:
    wanted, arguments = json.loads(sys.argv[1]), sys.argv[2:]
    sys.argv[1:] = arguments
    from wxpush.i18n import choose_language, set_language

    set_language(choose_language(arguments, {"WXPUSH_LANG": "en"}))
    # Imported before anybody watches: a profiled import takes seconds.
    import wxpush.app.retrying
    import wxpush.app.sending  # noqa: F401
    from wxpush.cli.entrance import enter

    if "fsize" in wanted:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (wanted["fsize"], wanted["fsize"]))
    if wanted.get("debug"):
        import http.client
        import logging

        logging.basicConfig(level=logging.DEBUG)
        http.client.HTTPConnection.debuglevel = 1
    if "die" in wanted:
        from tests.guarantees.points import die_at

        die_at(*wanted["die"])
    return enter(arguments, clock_of(wanted))


if __name__ == "__main__":
    sys.exit(main())
