"""Formulas in a list: defused in the failures file, and sent again exactly as they were."""

import csv
import json
import re
import socket
from pathlib import Path

import pytest

from tests.channels.loopback import OK, Loopback, http
from tests.cli.command import SEND, Desk, openid, people
from tests.guarantees.plugin import Measured

FORMULAS = [
    "=1+1", "=cmd|'/c calc'!A0", "=HYPERLINK(\"http://evil\",\"x\")", "=DDE(\"cmd\",\"/c calc\",\"x\")",
    "+1+1", "+cmd|'/c calc'!A0", "-1+1", "-2+3+cmd|'/c calc'!A0", "@SUM(1+1)", "@A1",
    "\t=1+1", "\r=1+1", "\n=1+1", "\tcmd", "\rcmd", "\ncmd", "\r\n=1",
    "＝1+1", "＋1+1", "－1+1", "＠SUM(1)", " =1+1", "   +1", " ＝1+1",
    "'=1+1", "''=1+1", "' =1+1", "\"=1+1\"", "=\"a,b\"", "=1;2\t3",
]  # fmt: skip
_RUNS = re.compile("[=+\\-@\t\r\n＝＋－＠]")


def runs(cell: str) -> bool:
    """Whether a spreadsheet might calculate this cell, quotes of CSV taken off and blanks passed over."""
    return _RUNS.match(cell.lstrip(" ")) is not None


def dashed(number: int) -> str:
    """An openid that begins like a formula."""
    return "-" + openid(number)[1:]


class Till:
    """A WeChat that refuses everybody until it is `open`, and keeps every message as it came."""

    def __init__(self) -> None:
        self.open = False
        self.values: dict[str, list[dict[str, str]]] = {}

    def __call__(self, connection: socket.socket, request: bytes) -> bool:
        head, _blank, body = request.partition(b"\r\n\r\n")
        answer: dict[str, object] = {"access_token": "92_token", "expires_in": 7200}
        if SEND.encode() in head.split(b"\r\n")[0]:
            message = json.loads(body)
            values = {name: part["value"] for name, part in message["data"].items()}
            if self.open:
                self.values.setdefault(message["touser"], []).append(values)
            answer = OK if self.open else self._refusal(message["touser"])
        elif b"token" not in head.split(b"\r\n")[0]:
            answer = {"errcode": 48001, "errmsg": "api unauthorized"}
        connection.sendall(http(answer))
        return True

    def _refusal(self, person: str) -> dict[str, object]:
        """Two kinds, since one that meets everybody would end the run."""
        return {"errcode": 43004 if int(person[-1]) % 2 else 40003, "errmsg": "refused"}


@pytest.mark.guarantee("T32")
def test_t32_formulas_are_defused_and_come_back_as_they_were(tmp_path: Path, measured: Measured) -> None:
    assert len(set(FORMULAS)) == 30
    desk, till = Desk(tmp_path), Till()
    # In brackets, since blanks around a value are taken off before it is sent.
    data = '\n  thing1: "[{{ product }}]"\n  character_string2: "{{ order_no }}"\n  amount4: "{{ amount }}"'
    desk.campaign(data=data, checks="{thing: off, openid: off}")
    rows = [
        {**row, "openid": dashed(number), "product": formula, "name": formula}
        for number, (row, formula) in enumerate(zip(people(30), FORMULAS, strict=True), 1)
    ]
    desk.list(rows)
    exact = {row["openid"]: [f"[{row['product']}]"] for row in rows}
    with Loopback(till) as server:
        desk.variables |= {
            "WXPUSH_APPID": "wx0123456789abcdef",
            "WXPUSH_SECRET": "0123456789abcdef0123456789abcdef",
            "WXPUSH_API_BASE": server.url,
        }
        first = desk.send()
        assert first.json["failed"] == 30, first
        with (desk.folder / "users.failures.csv").open(encoding="utf-8-sig", newline="") as stream:
            table = list(csv.reader(stream))
        assert len(table) == 31
        assert [cell for line in table for cell in line if runs(cell)] == []
        desk.write("defused.csv", (desk.folder / "users.failures.csv").read_bytes())
        till.open = True
        retried = desk.retry("--all")
        assert (retried.code, retried.json["accepted"]) == (0, 30), retried
        assert products(till) == exact
        till.values.clear()
        again = desk.run(
            *("send", "campaign.yaml", "defused.csv", "--run", "again"),
            *("--yes", "--rate", "2000/s", "--json"),
        )
        assert (again.code, again.json["accepted"]) == (0, 30), again
        assert products(till) == exact
    measured("30 of 30 defused, sent again as they were: 30 from the record, 30 from the defused file")


def products(till: Till) -> dict[str, list[str]]:
    """What everybody was sent as the product."""
    return {person: [one["thing1"] for one in got] for person, got in till.values.items()}
