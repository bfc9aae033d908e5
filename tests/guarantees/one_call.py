"""One call of the transport in a process of its own: python one_call.py URL TIMEOUT CALM_URL.

Prints JSON: what came of it, its seconds, and by how many KiB the most memory in use has grown.
"""

import json
import resource
import sys
import time

from wxpush.channels.http.transport import Transport
from wxpush.channels.http.wire import Request


def most_memory() -> int:
    """In KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main(url: str, timeout: str, calm: str) -> None:
    transport = Transport(1, float(timeout))
    transport.call(Request("POST", f"{calm}/cgi-bin/message/template/send", b"{}"))
    before, started = most_memory(), time.monotonic()
    reply = transport.call(Request("POST", url, b'{"touser":"o"}'))
    seconds = time.monotonic() - started
    found = {
        "arrival": reply.arrival.name,
        "failure": reply.failure,
        "seconds": seconds,
        "grown": most_memory() - before,
    }
    sys.stdout.write(json.dumps(found))
    transport.close()


main(*sys.argv[1:])
