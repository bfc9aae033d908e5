"""`wxpush receipts import`: events that another system wrote down, in whatever form it did."""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.command import Desk
from tests.cli.receiving import ENVIRONMENT, stored
from tests.pushes import AES_KEY, Console, as_json, fields, openid, xml
from wxpush.sandbox import Sandbox

AT = 1_764_000_000


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.variables |= ENVIRONMENT
    return desk


def event(number: int, **changes: object) -> dict[str, object]:
    return fields(number, **({"CreateTime": AT + number} | changes))


def lines(*bodies: bytes) -> bytes:
    return b"".join(body + b"\n" for body in bodies)


def wrapped(body: bytes) -> bytes:
    return as_json({"time": "2026-11-23T10:00:00", "request": {"body": body.decode()}})


def pretty(values: dict[str, object]) -> bytes:
    return xml(values).replace(b"><", b">\n  <").replace(b"<![\n  <", b"<![")


OTHERS = [xml(event(90, MsgType="text", Content="你好")), xml(event(91, Event="subscribe", Status=None))]
FORMS = {
    "json": lines(as_json(event(1)), as_json(event(2))),
    "xml a line": lines(xml(event(1)), xml(event(2))),
    "xml in a row": xml(event(1)) + xml(event(2)),
    "xml over lines": lines(pretty(event(1)), pretty(event(2))),
    "crlf and blanks": b"\xef\xbb\xbf\r\n \r\n" + xml(event(1)) + b"\r\n\r\n" + xml(event(2)) + b"\r\n",
    "with prologs": lines(b'<?xml version="1.0"?>', xml(event(1)), b"<?xml version='1.0'?>" + xml(event(2))),
    "a log": lines(b"10:00:01 INFO got " + xml(event(1)), b"10:00:02 INFO got " + xml(event(2))),
    "both": lines(as_json(event(1)), xml(event(2))),
    "gzip": gzip.compress(lines(xml(event(1)), as_json(event(2)))),
    "gzip of two": gzip.compress(lines(xml(event(1)))) + gzip.compress(xml(event(2))),
    "no end of line": as_json(event(1)) + b"\n" + as_json(event(2)),
}


@pytest.mark.parametrize("content", FORMS.values(), ids=FORMS)
def test_every_form_is_read(desk: Desk, content: bytes) -> None:
    desk.write("events.log", content)
    done = desk.run("receipts", "import", "events.log", "--json")
    assert done.code == 0, done.err
    assert done.json["new"] == 2
    assert [(receipt.to, receipt.at) for receipt in stored(desk)] == [
        (openid(1), AT + 1),
        (openid(2), AT + 2),
    ]


def test_standard_input_is_read(desk: Desk) -> None:
    done = desk.run("receipts", "import", "-", "--json", stdin=FORMS["json"])
    assert (done.code, done.json["new"]) == (0, 2)


def test_pushes_within_other_records(desk: Desk) -> None:
    records = lines(wrapped(xml(event(1))), wrapped(as_json(event(2))), b'{"request": {"method": "GET"}}')
    desk.write("events.jsonl", records + as_json({"request": {"body": event(3)}}))
    done = desk.run("receipts", "import", "events.jsonl", "--field", "request.body", "--json")
    assert (done.code, done.json["new"], done.json["others"]) == (0, 3, 1)
    done = desk.run("receipts", "import", "events.jsonl")
    assert (done.code, "--field" in done.err) == (1, True)


def test_our_own_form(desk: Desk) -> None:
    own = {"msgid": 5, "to": openid(1), "status": "failed: user block", "at": AT, "received": AT + 1.5}
    desk.write("receipts.jsonl", json.dumps(own))
    assert desk.run("receipts", "import", "receipts.jsonl").code == 0
    assert [tuple(receipt) for receipt in stored(desk)] == [(5, openid(1), "failed:user block", AT, AT + 1.5)]


def test_a_message_is_counted_once_however_often_it_is_told_of(desk: Desk) -> None:
    desk.write("events.jsonl", lines(*(as_json(event(number)) for number in (1, 1, 2, 1))))
    for new, repeats in ((2, 2), (0, 4)):
        told = desk.run("receipts", "import", "events.jsonl", "--json").json
        assert (told["receipts"], told["new"], told["repeats"]) == (4, new, repeats)
        assert (told["messages"], told["statuses"], told["unknown"]) == (2, {"success": 2}, 2)
    done = desk.run("receipts", "import", "events.jsonl")
    assert "4 receipts: 0 new, 4 repeated. Of 2 messages: delivered 2." in done.talk


def test_a_packed_file_that_was_cut_off_is_told_as_such(desk: Desk) -> None:
    whole = gzip.compress(b"".join(as_json(event(number)) + b"\n" for number in range(50)))
    desk.write("events.gz", whole[: len(whole) // 2])
    done = desk.run("receipts", "import", "events.gz")
    assert (done.code, "EOFError" in done.talk) == (2, False)
    assert "events.gz ends too early" in done.talk


@pytest.mark.parametrize("content", [b"\0" * 200_000, b"\n\0\n"], ids=["much", "little"])
def test_a_file_of_nothing_but_nul_bytes_has_no_event(desk: Desk, content: bytes) -> None:
    desk.write("events.gz", gzip.compress(content))
    done = desk.run("receipts", "import", "events.gz")
    assert (done.code, "Not one event" in done.talk, "nothing but NUL bytes" in done.talk) == (1, True, True)
    desk.write("torn.log", content + as_json(event(1)) + b"\n" + content)
    assert desk.run("receipts", "import", "torn.log").code == 0


@pytest.mark.parametrize(
    "changes",
    [{"to": "bad"}, {"to": "-" * 28}, {"msgid": "abc"}, {"msgid": -1}, {"msgid": "-1"}, {"msgid": 2**63}],
)
def test_what_names_no_person_or_no_message_is_told_by_its_line(
    desk: Desk, changes: dict[str, object]
) -> None:
    own = {"msgid": 5, "to": openid(1), "status": "success", "at": AT}
    theirs = event(1, **{{"to": "FromUserName", "msgid": "MsgID"}[key]: one for key, one in changes.items()})
    desk.write("receipts.jsonl", lines(as_json(own), as_json(own | changes), as_json(theirs), xml(theirs)))
    done = desk.run("receipts", "import", "receipts.jsonl")
    assert done.code == 1
    assert all(f"receipts.jsonl:{line}: " in done.talk for line in (2, 3, 4))
    assert [receipt.to for receipt in stored(desk)] == [openid(1)]


@pytest.mark.parametrize("msgid", [None, 0, "", "0"])
def test_a_receipt_without_a_msgid_is_taken(desk: Desk, msgid: object) -> None:
    own = {"msgid": msgid, "to": openid(1), "status": "success", "at": AT}
    desk.write("receipts.jsonl", as_json(own))
    assert desk.run("receipts", "import", "receipts.jsonl").code == 0
    assert [receipt.msgid for receipt in stored(desk)] == [0]


def test_encrypted_pushes_need_the_key(desk: Desk) -> None:
    safe = Console(mode="safe")
    desk.write("events.log", lines(safe.push(xml(event(1))).body, safe.push(as_json(event(2))).body))
    done = desk.run("receipts", "import", "events.log")
    assert (done.code, "EncodingAESKey" in done.err, stored(desk)) == (1, True, [])
    done = desk.run("receipts", "import", "events.log", env={"WXPUSH_CALLBACK_AES_KEY": AES_KEY})
    assert (done.code, len(stored(desk))) == (0, 2)


def test_what_is_wrong_is_named_and_the_rest_taken(desk: Desk) -> None:
    content = lines(
        as_json(event(1)),
        b"no event at all",
        b'{"a": 1}',
        b"<xml><Half>",
        xml(event(2)),
        xml(event(3, CreateTime=5)),
        *OTHERS,
        b"<xml><Also>half",
    )
    desk.write("events.log", content)
    done = desk.run("receipts", "import", "events.log", "--json")
    assert done.code == 1
    assert {key: done.json[key] for key in ("receipts", "people", "others", "wrong")} == {
        "receipts": 2,
        "people": 1,
        "others": 1,
        "wrong": 5,
    }
    assert [line.split(":")[1] for line in done.err.splitlines() if line.startswith("events.log:")] == [
        *"23469"
    ]


def test_strict_takes_nothing_unless_all_is_right(desk: Desk) -> None:
    desk.write("events.log", FORMS["json"] + b"junk\n")
    done = desk.run("receipts", "import", "events.log", "--strict")
    assert (done.code, "events.log:3" in done.err, stored(desk)) == (2, True, [])
    desk.write("events.log", FORMS["json"])
    assert desk.run("receipts", "import", "events.log", "--strict").code == 0
    assert len(stored(desk)) == 2


def test_many_wrong_lines_are_counted(desk: Desk) -> None:
    desk.write("events.log", b"junk\n" * 500)
    done = desk.run("receipts", "import", "events.log")
    assert (done.code, done.err.count("events.log:")) == (1, 3)
    assert "497 more" in done.err
    assert "Not one event" in done.err
    desk.write("events.log", b"junk\n" * 500 + FORMS["json"])
    done = desk.run("receipts", "import", "events.log")
    assert (done.code, done.err.count("events.log:")) == (1, 20)
    assert "480 more" in done.err
    assert "2 receipts" in done.err


def test_ctrl_c_keeps_what_was_taken_in(desk: Desk) -> None:
    pushes = (as_json(event(number)) for number in range(3_000))
    os.mkfifo(desk.folder / "events.log")
    with (
        desk.start("receipts", "import", "events.log") as running,
        (desk.folder / "events.log").open("wb") as pipe,
    ):
        pipe.write(lines(*pushes))
        pipe.flush()
        deadline = time.monotonic() + 30
        while len(stored(desk)) < 1_000:
            assert time.monotonic() < deadline
        running.signal(signal.SIGINT)
        done = running.done()
    assert done.code == 130
    assert "Interrupted: what was taken in is kept" in done.err
    assert len(stored(desk)) >= 1_000


def test_a_second_import_changes_nothing(desk: Desk) -> None:
    desk.write("events.log", FORMS["both"])
    assert desk.run("receipts", "import", "events.log", "events.log", "--json").json["new"] == 2
    before = stored(desk)
    done = desk.run("receipts", "import", "events.log", "--json")
    assert (done.json["receipts"], done.json["new"]) == (2, 0)
    assert stored(desk) == before


@pytest.mark.parametrize("content", [None, gzip.compress(b"x" * 999)[:-5], b"\x1f\x8bnonsense"])
def test_a_file_that_cannot_be_read_is_told(desk: Desk, content: bytes | None) -> None:
    if content is not None:
        desk.write("events.log", content)
    done = desk.run("receipts", "import", "events.log")
    assert (done.code, "events.log" in done.err) == (2, True)


def test_it_is_told_of_which_runs_they_are(tmp_path: Path, wechat: Sandbox) -> None:
    desk = Desk(tmp_path, wechat)
    desk.prepare(3)
    assert desk.send().code == 0
    shown = wechat.shown()
    told = [event(9, MsgID=one.msgid, FromUserName=one.openid) for one in shown]
    told[0]["Status"] = "failed: system failed"
    desk.write("events.log", lines(*map(as_json, told), as_json(event(77))))
    done = desk.run("receipts", "import", "events.log")
    assert done.code == 0
    assert "4 receipts: 4 new, 0 repeated. Of 4 messages: delivered 3, failed:system failed 1." in done.talk
    assert "By run: order-shipped 3, of no run that is known here 1." in done.talk
    again = desk.run("receipts", "import", "events.log", "--json").json
    assert (again["runs"], again["unknown"]) == ([{"run": "order-shipped", "count": 3}], 1)


@pytest.mark.skipif(sys.platform != "linux", reason="needs ru_maxrss in KiB")
def test_memory_stays_flat(desk: Desk) -> None:
    def peak(count: int) -> int:
        with gzip.open(desk.folder / "many.gz", "wb", compresslevel=1) as file:
            for number in range(count):
                file.write(xml(event(number, CreateTime=AT)))
        watched = (
            "import resource, sys; from wxpush.cli import main\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        ended = subprocess.run(
            [sys.executable, "-c", watched, "receipts", "import", "many.gz", "--json"],
            cwd=desk.folder,
            env=desk.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        report, kib = ended.stdout.rsplit("\n", 2)[:2]
        assert json.loads(report)["receipts"] == count
        return int(kib)

    few, many = peak(1_000), peak(40_000)
    assert many - few < 8 * 1024
