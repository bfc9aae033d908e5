"""The configuration of nginx on the page about receipts does what the page says."""

import re
import shutil
import socket
import subprocess
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.cli.command import Desk
from tests.cli.receiving import PLAIN, Receiver, Shop, stored
from tests.pushes import Request, openid

PAGE = Path(__file__).parents[2] / "docs" / "receipts.md"
MIRROR, IN_FRONT = re.findall(r"```nginx\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin") or ""
pytestmark = pytest.mark.skipif(not NGINX, reason="needs nginx")

CONFIG = """\
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen unix:{folder}/socket;
        {locations}
    }}
}}
"""


class Nginx:
    """An nginx with these locations, behind a socket in its folder."""

    def __init__(self, folder: Path, locations: str) -> None:
        folder.mkdir()
        self.socket = folder / "socket"
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(folder=folder, locations=locations))
        self.command = [NGINX, "-e", str(folder / "error.log"), "-c", str(config)]
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Nginx":
        self.process = subprocess.Popen(self.command)
        deadline = time.monotonic() + 10
        while not self.socket.exists():
            assert self.process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process is not None
        self.process.terminate()
        self.process.wait()

    def push(self, request: Request) -> tuple[int, bytes]:
        connection = HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.socket))
        try:
            connection.request("POST", f"/wechat?{request.query}", request.body, {"Content-Type": "text/xml"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def address(url: str) -> str:
    return urlsplit(url).netloc


def test_a_mirror_hands_a_copy_over_and_the_shop_answers(desk: Desk, shop: Shop, tmp_path: Path) -> None:
    with Receiver(desk) as receiver:
        places = {"127.0.0.1:9000": address(shop.url), "127.0.0.1:8080": address(receiver.url)}
        locations = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], MIRROR)
        assert locations.count("127.0.0.1:") == 2
        with Nginx(tmp_path / "nginx", locations) as nginx:
            for number in range(5):
                assert nginx.push(PLAIN.receipt(number)) == (200, b"<xml>reply</xml>")
            deadline = time.monotonic() + 10
            while len(stored(desk)) < 5:
                assert time.monotonic() < deadline
                time.sleep(0.01)
    assert {receipt.to for receipt in stored(desk)} == {openid(number) for number in range(5)}
    assert len(shop.got) == 5


def test_a_mirror_that_is_down_costs_the_shop_nothing(shop: Shop, tmp_path: Path) -> None:
    locations = MIRROR.replace("127.0.0.1:9000", address(shop.url)).replace("127.0.0.1:8080", "127.0.0.1:9")
    with Nginx(tmp_path / "nginx", locations) as nginx:
        assert nginx.push(PLAIN.receipt(1)) == (200, b"<xml>reply</xml>")


def test_in_front_of_the_shop(desk: Desk, shop: Shop, tmp_path: Path) -> None:
    with Receiver(desk, "--forward", shop.url) as receiver:
        locations = IN_FRONT.replace("127.0.0.1:8080", address(receiver.url))
        with Nginx(tmp_path / "nginx", locations) as nginx:
            assert nginx.push(PLAIN.receipt(1)) == (200, b"<xml>reply</xml>")
            assert nginx.push(Request("", b"<xml>"))[0] == 403
            assert nginx.push(PLAIN.push(b"x" * 70_000))[0] == 413
    assert [receipt.to for receipt in stored(desk)] == [openid(1)]
    assert "X-Forwarded-For" in shop.got[0][2]
