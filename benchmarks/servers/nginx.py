"""nginx as a local WeChat that accepts every message at once."""

import socket
import subprocess
import time
from pathlib import Path
from typing import Final, Self

from benchmarks.measuring import BenchmarkError
from benchmarks.servers.latency import TOKEN

_PATIENCE_S: Final = 10.0
_FOLDERS: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_CONFIG: Final = """
daemon off;
worker_processes 1;
pcre_jit on;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 600;
  tcp_nodelay on;
{temporary}
  default_type "application/json; encoding=utf-8";
  # Connection and request make the msgid; the zeros keep 1 and 23 apart from 12 and 3.
  map $connection_requests $zeros {{
    "~^.$" 000000; "~^..$" 00000; "~^...$" 0000; "~^....$" 000; "~^.....$" 00; "~^......$" 0; default "";
  }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location = /cgi-bin/message/template/send {{
      return 200 '{{"errcode":0,"errmsg":"ok","msgid":$connection$zeros$connection_requests}}';
    }}
    location = /cgi-bin/stable_token {{ return 200 '{token}'; }}
    location = /cgi-bin/token {{ return 200 '{token}'; }}
    location / {{ return 200 '{{"errcode":48001,"errmsg":"api unauthorized"}}'; }}
  }}
}}
"""


class Nginx:
    """A running nginx of one worker process on a free port; `url` is its address."""

    def __init__(self, program: Path, folder: Path) -> None:
        """`folder` is for its configuration and is made."""
        self._program = program
        self._folder = folder
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Start it, and wait until it listens. Raises BenchmarkError."""
        self._folder.mkdir(exist_ok=True)
        config = self._folder / "nginx.conf"
        config.write_text(_config(self._folder, self.port), encoding="utf-8")
        command = [*map(str, (self._program, "-p", self._folder, "-e", "stderr", "-c", config))]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        try:
            self._wait_until_it_listens()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def _wait_until_it_listens(self) -> None:
        patience = time.monotonic() + _PATIENCE_S
        while self._process.poll() is None and time.monotonic() < patience:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise BenchmarkError(f"nginx ({self._program}) doesn't start; its words are above.")


def _config(folder: Path, port: int) -> str:
    temporary = "\n".join(f"  {name}_temp_path {folder}/{name};" for name in _FOLDERS)
    token = f'{{"access_token":"{TOKEN}","expires_in":7200}}'
    return _CONFIG.format(folder=folder, port=port, temporary=temporary, token=token)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
