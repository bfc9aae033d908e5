"""A process that makes calls and tells how long each took and how much memory they cost it.

`python caller.py URL BODY DEADLINE CALLS`: some calls that are answered well, then so many under the fault,
all at once; one line of JSON on standard output.
"""

import json
import queue
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[2])

from tests.guarantees.watch import most_memory  # noqa: E402 - the path comes first
from wxpush.channels.wechat.reply import Reply  # noqa: E402
from wxpush.channels.wechat.token_call import JSON_HEADERS  # noqa: E402
from wxpush.channels.wechat.transport import Transport  # noqa: E402
from wxpush.channels.wechat.wire import Request  # noqa: E402


def main() -> None:
    url, body, deadline, calls = sys.argv[1], sys.argv[2].encode(), float(sys.argv[3]), int(sys.argv[4])
    transport = Transport(calls, deadline)
    request = Request("POST", url, body, JSON_HEADERS)
    replies: queue.SimpleQueue[Reply] = queue.SimpleQueue()

    def make_calls() -> list[Reply]:
        for _number in range(calls):
            transport.start(request, replies.put)
        return [replies.get() for _number in range(calls)]

    calm = make_calls()
    before = most_memory()
    met = make_calls()
    told = {
        "calm": [reply.body.decode() for reply in calm],
        "arrivals": [reply.arrival.value for reply in met],
        "sizes": [len(reply.body) for reply in met],
        "seconds": [reply.seconds for reply in met],
        "grown": most_memory() - before,
    }
    sys.stdout.write(json.dumps(told))


main()
