"""`wxpush` with everything made to talk that can: python loud.py [--break WHAT] ARGUMENTS.

DEBUG for every logger, http.client's own trace, urllib3's log on standard error, the stacks of all threads
ten times a second, tracebacks with the values of variables. WHAT makes a library fail with all that it
was given in the message: `prepare` in a worker's thread, `shutdown` in the watchdog's, `print` in the main
thread.
"""

import faulthandler
import http.client
import logging
import socket
import sys
import threading
import time

import requests
import rich.cells
import rich.traceback
import urllib3

from wxpush.cli import main


def make_loud() -> None:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    for name in list(logging.root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.DEBUG)
    urllib3.add_stderr_logger(logging.DEBUG)
    http.client.HTTPConnection.debuglevel = 1
    faulthandler.enable(all_threads=True)
    threading.Thread(target=dump_stacks, daemon=True).start()
    rich.traceback.install(show_locals=True)


def dump_stacks() -> None:
    # Not dump_traceback_later, which looks at running threads without the lock and may crash on them.
    while True:
        faulthandler.dump_traceback(all_threads=True)
        time.sleep(0.1)


def break_library(what: str) -> None:
    def fail(*values: object, **named: object) -> None:
        given = [vars(value) if hasattr(value, "__dict__") else value for value in values]
        raise ZeroDivisionError(f"{given} {named}")

    prepare = requests.PreparedRequest.prepare

    def fail_at_a_message(self: object, method: str, url: str, **named: object) -> None:
        (fail if "template/send" in url else prepare)(self, method, url, **named)

    if what != "print":
        sys.modules["pycurl"] = None  # the threads of the plain install are meant
    if what == "prepare":
        requests.PreparedRequest.prepare = fail_at_a_message  # type: ignore[method-assign]
    elif what == "shutdown":
        socket.socket.shutdown = fail  # type: ignore[method-assign]
    elif what == "print":
        rich.cells.cell_len = fail  # type: ignore[assignment]


make_loud()
if sys.argv[1] == "--break":
    break_library(sys.argv[2])
    del sys.argv[1:3]
main()
