"""How soon a command begins: what it imports, and how much is done before it says anything."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import KNOWN_TEMPLATE, Desk
from wxpush.sandbox import Sandbox
from wxpush.sandbox.scenario import from_mapping

BARE = Path(__file__).with_name("bare_typer.py")

# What takes long to import: libraries, some of Python's own, and our rooms that bring them or are large.
NETWORK = {"requests", "urllib3", "charset_normalizer", "ssl", "pycurl", "wxpush.channels.wechat.client"}
LEDGER = {"diskcache", "sqlite3", "orjson", "wxpush.delivery.ledger"}
CAMPAIGN = {"jinja2", "yaml", "pydantic", "wxpush.campaign.schema", "wxpush.campaign.recipients"}
SENDING = {"wxpush.app.sending", "wxpush.delivery.engine"}
REPORT = {"wxpush.report.failures"}
REHEARSAL = {"wxpush.sandbox", "asyncio"}
NOTIFY = {"wxpush.app.notifying", "wxpush.config.target_reader", "wxpush.channels.robots.answer"}
RECEIVING = {"aiohttp", "cryptography", "defusedxml", "wxpush.app.receiving", "wxpush.sandbox.pushing"}
HEAVY = NETWORK | LEDGER | CAMPAIGN | SENDING | REPORT | REHEARSAL | NOTIFY | RECEIVING | {"openpyxl"}

# Each command, and what of all this it may import. Typer imports pydantic to convert a number.
MAY_IMPORT: dict[str, set[str]] = {
    "--help": set(),
    "--lang zh --help": set(),
    "--version": set(),
    "send --help": set(),
    "runs settle --help": set(),
    "receipts serve --help": set(),
    "receipts import events.jsonl": LEDGER | REPORT | (RECEIVING - {"aiohttp", "wxpush.sandbox.pushing"}),
    "snd": set(),
    "init": set(),
    "explain 43004": set(),
    "explain 43004 --json": set(),
    "token show": set(),
    "token show --account default --json": set(),
    "token refresh": NETWORK,
    "quota": NETWORK,
    "runs": LEDGER | REPORT,
    "runs show order-shipped": LEDGER | REPORT,
    "report": LEDGER | REPORT,
    "runs settle": LEDGER | REPORT,
    "validate campaign.yaml": (CAMPAIGN | {"orjson"}) - {"wxpush.campaign.recipients"},
    "validate campaign.yaml --recipients users.csv": CAMPAIGN | {"orjson"},
    "preview campaign.yaml users.csv -n 2": CAMPAIGN | {"orjson"},
    "template list": CAMPAIGN | NETWORK,
    "users tags": NETWORK,
    "users pull": NETWORK,
    "doctor --offline": CAMPAIGN | NETWORK | LEDGER | REPORT,
    "schema campaign": set(),
    "suppress list": LEDGER,
    "suppress add oW3kTzuBGTNqeX76QEj000000009": LEDGER,
    "send campaign.yaml users.csv --dry-run": CAMPAIGN | LEDGER,
    "send campaign.yaml users.csv --yes": CAMPAIGN | LEDGER | REPORT | NETWORK | SENDING,
    "send campaign.yaml users.csv --yes --no-preflight": CAMPAIGN | LEDGER | REPORT | NETWORK | SENDING,
    "retry-failed --yes": CAMPAIGN | LEDGER | REPORT | NETWORK | SENDING,
}

RUN = """
import json, sys
report = sys.argv[1]
sys.argv[:2] = ["wxpush"]
from wxpush.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
with open(report, "w") as file:
    json.dump({"code": code, "modules": sorted(sys.modules)}, file)
"""

COUNT = """
import runpy, sys
calls = 0
def count(_frame, event, _argument):
    global calls
    calls += event in ("call", "c_call")
program = sys.argv[1]
del sys.argv[0]
sys.setprofile(count)
try:
    if program == "wxpush":
        from wxpush.cli import main
        main()
    else:
        runpy.run_path(program, run_name="__main__")
except SystemExit as end:
    sys.setprofile(None)
    assert not end.code
    print(calls, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A folder with a token and a run that is behind it."""
    with Sandbox(from_mapping({"version": 1, "templates": [KNOWN_TEMPLATE]})) as wechat:
        desk = Desk(tmp_path_factory.mktemp("start"), wechat)
        desk.prepare(3)
        assert desk.send().code == 0
        desk.write(
            "events.jsonl",
            '{"msgid": 1, "to": "oW3kTzuBGTNqeX76QEj000000001", "status": "success", "at": 1795600000}',
        )
        yield desk


def ended(desk: Desk, folder: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """A program of the above, run in `folder`."""
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=desk.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


def modules_of(desk: Desk, folder: Path, *arguments: str) -> tuple[Any, set[str]]:
    """The exit code of a command that is run in `folder`, and all modules imported when it ends."""
    report = desk.folder / "report.json"
    ended(desk, folder, RUN, str(report), *arguments)
    found = json.loads(report.read_text("utf-8"))
    return found["code"], set(found["modules"])


@pytest.mark.parametrize("line", MAY_IMPORT)
def test_a_command_imports_only_what_it_needs(desk: Desk, tmp_path: Path, line: str) -> None:
    folder = tmp_path if line == "init" else desk.folder
    code, modules = modules_of(desk, folder, *line.split())
    assert code == (2 if line == "snd" else 0)
    assert modules & HEAVY <= MAY_IMPORT[line]


def test_what_is_heavy_is_imported_where_it_is_needed(desk: Desk) -> None:
    """Else a wrong name in the table above would keep nothing out."""
    _code, modules = modules_of(desk, desk.folder, "send", "campaign.yaml", "users.csv", "--sandbox")
    unused = {"openpyxl", *NOTIFY, *RECEIVING}
    assert {name for name in HEAVY - modules if find_spec(name) is not None} == unused
    assert {"rich.cells", "typer"} <= modules


def calls_of(desk: Desk, *program: str) -> int:
    """How many functions are called until a program ends: what it does, however busy the machine is."""
    return int(ended(desk, desk.folder, COUNT, *program).stderr.split()[-1])


@pytest.mark.parametrize("line", ["--help", "token show"])
def test_a_command_does_at_most_a_third_more_than_a_bare_typer_app(desk: Desk, line: str) -> None:
    bare, ours = calls_of(desk, str(BARE), *line.split()), calls_of(desk, "wxpush", *line.split())
    assert bare > 50_000
    assert ours <= 1.3 * bare


GARBAGE = """
import gc, sys
sys.argv[0] = "wxpush"
from wxpush.cli import main
def looks():
    return sum(one["collections"] for one in gc.get_stats())
before = looks()
try:
    main()
except SystemExit as end:
    assert not end.code
looked, kept = looks() - before, gc.get_freeze_count()
garbage = [[] for _ in range(300_000)]
print(looked, kept > 50_000, gc.get_threshold()[0], file=sys.stderr)
"""


def test_a_start_looks_for_no_garbage_and_what_follows_does_as_usual(desk: Desk) -> None:
    """A collection goes through all that was imported: those of a start took a fifth of its time."""
    done = ended(desk, desk.folder, GARBAGE, "validate", "campaign.yaml")
    assert done.stderr.splitlines()[-1] == "0 True 10000"
