"""A bare loop of `requests`, one message after the other: requests_loop.py API MESSAGES."""

import json
import sys

import requests

from benchmarks.material import body
from benchmarks.servers.latency import TOKEN


def main() -> None:
    """Send the same message over and over, each answer checked."""
    api, messages = sys.argv[1], int(sys.argv[2])
    url = f"{api}/cgi-bin/message/template/send?access_token={TOKEN}"
    session, data, accepted = requests.Session(), body().encode(), 0
    for _number in range(messages):
        answer = session.post(url, data=data, timeout=10).json()
        accepted += answer["errcode"] == 0
    print(json.dumps({"accepted": accepted}))


if __name__ == "__main__":
    main()
