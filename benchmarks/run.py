"""Messages a second and peak memory of `wxpush send`, beside a bare loop of `requests`.

Both send the same list to a sandbox in a process of its own, which answers at once, so that the figures
are the senders' own cost. They don't do the same work: the loop keeps no record, checks nothing and stops
at the first error; wxpush checks every row beforehand, and writes each claim and outcome to disk. Memory
is the peak resident set of the sending process.
"""

import argparse
import csv
import json
import os
import platform
import random
import shutil
import statistics
import string
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TEMPLATE = {
    "id": "B" * 43,
    "title": "订单发货通知",
    "content": "商品名称:{{thing1.DATA}}\n订单编号:{{character_string2.DATA}}\n订单金额:{{amount3.DATA}}\n",
}
CAMPAIGN = {
    "name": "benchmark",
    "template": TEMPLATE,
    "data": {"thing1": "{{ product }}", "character_string2": "{{ order_no }}", "amount3": "{{ amount }}元"},
}


def write_inputs(folder: Path, rows: int) -> None:
    """A campaign, and a list of people who all follow."""
    chance = random.Random(1)
    (folder / "campaign.yaml").write_text(json.dumps(CAMPAIGN, ensure_ascii=False), encoding="utf-8")
    with (folder / "users.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["openid", "product", "order_no", "amount"])
        for row in range(rows):
            openid = "o" + "".join(chance.choices(string.ascii_letters + string.digits, k=27))
            writer.writerow([openid, "云南小粒咖啡豆", f"SO{row:010}", "68.00"])


def send_bare(folder: Path) -> None:
    """What somebody writes in ten minutes: one session, one message after the other."""
    import requests

    base, appid, secret = (os.environ[f"WXPUSH_{name}"] for name in ("API_BASE", "APPID", "SECRET"))
    session = requests.Session()
    question = {"grant_type": "client_credential", "appid": appid, "secret": secret}
    token = session.post(f"{base}/cgi-bin/stable_token", json=question, timeout=10).json()["access_token"]
    url = f"{base}/cgi-bin/message/template/send?access_token={token}"
    with (folder / "users.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            values = [row["product"], row["order_no"], f"{row['amount']}元"]
            data = {key: {"value": value} for key, value in zip(CAMPAIGN["data"], values, strict=True)}
            body = {"touser": row["openid"], "template_id": TEMPLATE["id"], "data": data}
            text = json.dumps(body, ensure_ascii=False).encode()
            assert session.post(url, data=text, timeout=10).json()["errcode"] == 0


def serve() -> None:
    """The sandbox: says where it is, and stays until its input is closed."""
    from wxpush.sandbox import Sandbox, Scenario, environment

    template = {"template_id": TEMPLATE["id"], "title": TEMPLATE["title"], "content": TEMPLATE["content"]}
    with Sandbox(Scenario().with_templates([template])) as sandbox:
        print(json.dumps(environment(sandbox)), flush=True)
        sys.stdin.read()


def measure(command: list[str], environ: dict[str, str]) -> tuple[float, float]:
    """Run a sender to its end: its seconds and its peak memory in MB. Ends the benchmark when it fails."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - began
        if status:
            said.seek(0)
            sys.exit(f"{command} failed:\n{said.read().decode(errors='replace')[-2000:]}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def against_sandbox(command: list[str], home: Path) -> tuple[float, float]:
    """Measure a sender against a sandbox of its own, with no state from before."""
    shutil.rmtree(home, ignore_errors=True)
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        where = json.loads(server.stdout.readline())
        return measure(command, {**os.environ, **where, "WXPUSH_HOME": str(home)})
    finally:
        server.communicate()


def compare(folder: Path, rows: int, repeat: int, workers: int) -> None:
    """Let both take turns, so that a busy moment of the machine hits both, and print the medians."""
    write_inputs(folder, rows)
    files = [str(folder / "campaign.yaml"), str(folder / "users.csv")]
    options = ["--yes", "--quiet", "--rate", "10000/s", "--workers", str(workers)]
    commands = {
        "requests loop": [sys.executable, __file__, "--bare", str(folder)],
        "wxpush send": [sys.executable, "-m", "wxpush", "send", *files, *options],
    }
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(repeat):
        for name, command in commands.items():
            measured[name].append(against_sandbox(command, folder / "home"))
    print(
        f"{rows} messages, median of {repeat}; {workers} workers; Python {platform.python_version()},",
        end=" ",
    )
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    for name, results in measured.items():
        seconds, megabytes = (statistics.median(column) for column in zip(*results, strict=True))
        print(f"{name:<14}{rows / seconds:8.0f} messages/s{megabytes:9.1f} MB")


def main() -> None:
    """Parse and run; `--serve` and `--bare` are the processes that the benchmark starts by itself."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bare", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    elif options.bare:
        send_bare(options.bare)
    else:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), options.rows, options.repeat, options.workers)


if __name__ == "__main__":
    main()
