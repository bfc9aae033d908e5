"""What was tried for the way to WeChat, calls and nothing else: python -m benchmarks.transports [CALLS].

Each in a process of its own against the same nginx, 16 calls under way; prints calls a second and the
CPU time of a call.
"""

import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pycurl

from benchmarks.material import MESSAGE
from benchmarks.place import ROOT
from benchmarks.servers.nginx import Nginx
from benchmarks.tools import find_nginx
from wxpush.channels.http.courier import Courier, ThreadCourier
from wxpush.channels.http.curl import CurlCourier
from wxpush.channels.http.wire import Request

AT_ONCE: Final = 16
PATH: Final = "/cgi-bin/message/template/send"
BODY: Final = json.dumps(MESSAGE, ensure_ascii=False).encode()


def by_courier(courier: Courier, url: str, calls: int) -> None:
    """As wxpush does it: the courier is asked, and brings what has come."""
    request = Request("POST", url, headers=(("Content-Type", "application/json"),))
    started = answered = 0
    while answered < calls:
        while courier.free() and started < calls:
            courier.start(started, request, BODY)
            started += 1
        answered += len(courier.arrived(1.0))


def threads_of_requests(url: str, calls: int) -> None:
    """The base install."""
    by_courier(ThreadCourier(AT_ONCE, 10.0), url, calls)


def libcurl_in_one_thread(url: str, calls: int) -> None:
    """wxpush[fast]: the multi interface, told by the sockets themselves."""
    by_courier(CurlCourier(AT_ONCE, 10.0), url, calls)


def libcurl_in_threads(url: str, calls: int) -> None:
    """A handle in each of 16 threads."""

    def work() -> None:
        handle = easy(url)
        for _call in range(calls // AT_ONCE):
            answer = BytesIO()
            handle.setopt(pycurl.WRITEDATA, answer)
            handle.setopt(pycurl.POSTFIELDS, BODY)
            handle.perform()

    workers = [threading.Thread(target=work) for _worker in range(AT_ONCE)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def libcurl_all_looked_at(url: str, calls: int) -> None:
    """The multi interface by `perform`, which looks at every call each time; bare, without deadlines."""
    multi, started, answered = pycurl.CurlMulti(), 0, 0
    idle = [easy(url) for _handle in range(AT_ONCE)]
    while answered < calls:
        while idle and started < calls:
            handle = idle.pop()
            handle.setopt(pycurl.WRITEDATA, BytesIO())
            handle.setopt(pycurl.POSTFIELDS, BODY)
            multi.add_handle(handle)
            started += 1
        multi.perform()
        _left, good, _bad = multi.info_read()
        for handle in good:
            multi.remove_handle(handle)
        idle += good
        answered += len(good)
        if not good:
            multi.select(1.0)


def easy(url: str) -> Any:
    """A handle that is set up to post."""
    handle = pycurl.Curl()
    handle.setopt(pycurl.URL, url)
    handle.setopt(pycurl.NOSIGNAL, 1)
    handle.setopt(pycurl.HTTPHEADER, ["Content-Type: application/json", "Expect:"])
    return handle


WAYS: Final[dict[str, Callable[[str, int], None]]] = {
    way.__name__: way
    for way in (threads_of_requests, libcurl_in_threads, libcurl_all_looked_at, libcurl_in_one_thread)
}


def measure(name: str, url: str, calls: int) -> None:
    """One way, in this process."""
    began, before = time.perf_counter(), cpu_seconds()
    WAYS[name](url, calls)
    took, cpu = time.perf_counter() - began, (cpu_seconds() - before) / calls * 1e6
    print(f"{name.replace('_', ' '):<24}{calls / took:9,.0f} calls/s{cpu:7.0f} µs of CPU a call", flush=True)


def cpu_seconds() -> float:
    """What this process has used of the processor."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run all of them, or one in this process."""
    if len(sys.argv) == 4:
        measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))
        return
    number = sys.argv[1] if len(sys.argv) > 1 else "20000"
    with tempfile.TemporaryDirectory() as folder, Nginx(find_nginx(), Path(folder) / "nginx") as server:
        for name in WAYS:
            command = [sys.executable, "-m", "benchmarks.transports", name, server.url + PATH, number]
            subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
