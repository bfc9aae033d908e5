"""What people read: languages, pipes, odd encodings, questions on a terminal; and what nobody may read."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.command import Desk, Done, Running, at_call, checked, counts, openid, people, send_arguments
from wxpush.sandbox import Sandbox

CHINESE = re.compile("[\u4e00-\u9fff]")
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal or signals")
SEND = ("send", "campaign.yaml", "users.csv", "--yes", "--rate", "2000/s")


@pytest.fixture
def mixed(desk: Desk) -> Desk:
    """Three people; the second doesn't follow. Names in Chinese and a nickname full of traps."""
    desk.campaign(
        data='\n  thing1: "{{ name }}"\n  character_string2: "{{ order_no }}"\n  amount4: "{{ amount }}元"'
    )
    rows = people(3)
    rows[0]["name"] = "[/red]李[bold]晓"
    rows[1]["name"] = "🎉周建国"
    desk.list(rows)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    return desk


@pytest.mark.parametrize("how", ["--lang", "WXPUSH_LANG", "LC_ALL"])
def test_chinese_is_spoken_when_asked_for(mixed: Desk, how: str) -> None:
    mixed.variables["WXPUSH_LANG"] = {"WXPUSH_LANG": "zh", "LC_ALL": None}.get(how, "en")
    if how == "LC_ALL":
        mixed.variables["LC_ALL"] = "zh_CN.UTF-8"
    done = mixed.run(*(("--lang", "zh") if how == "--lang" else ()), *SEND)
    assert done.code == 1
    headline = done.out.splitlines()[0]
    assert CHINESE.search(headline)
    assert not re.search(r"\b(Finished|accepted|total|Next)\b", done.out)


def test_english_output_has_no_chinese_of_ours(mixed: Desk) -> None:
    done = mixed.run(*SEND)
    assert not CHINESE.search(done.out)
    assert "Finished: 2 of 3 accepted." in done.out


def test_json_is_the_same_in_both_languages(mixed: Desk) -> None:
    mixed.send()
    english, chinese = mixed.send().json, mixed.run("--lang", "zh", *send_arguments()).json
    varying = {"elapsed_s", "rate_per_s"}
    assert {k: v for k, v in english.items() if k not in varying} == {
        k: v for k, v in chinese.items() if k not in varying
    }


def test_a_pipe_gets_plain_lines(mixed: Desk) -> None:
    done = mixed.run(*SEND, env={"TERM": "xterm-256color", "FORCE_COLOR": None})
    assert "\x1b" not in done.out + done.err
    assert "\r" not in done.out + done.err
    assert "[/red]李[bold]晓" in done.err


def test_data_goes_to_standard_output_and_talk_to_standard_error(mixed: Desk) -> None:
    done = mixed.run(*SEND)
    assert "Finished" in done.out
    assert "A new run" in done.err
    assert "A new run" not in done.out


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "latin-1"])
def test_an_output_that_lacks_characters_never_crashes(mixed: Desk, encoding: str) -> None:
    mixed.variables |= {"PYTHONIOENCODING": encoding, "WXPUSH_LANG": "zh"}
    rows = people(2)
    rows[0]["name"] = "🎉\u1e9e𠮷"
    mixed.list(rows)
    assert mixed.run(*SEND).code == 1
    assert mixed.run("report").code == 0
    assert mixed.run("report", "--format", "csv").code == 0
    assert mixed.run("send", "--help").code == 0
    result = mixed.run("report", "--json")
    assert result.code == 0
    if encoding != "gbk":
        assert result.json["failed"] == 1


def test_a_refusal_on_a_gbk_output_never_crashes(desk: Desk) -> None:
    desk.campaign()
    desk.list([{**people(1)[0], "product": "🎉" * 30}])
    done = desk.run(*SEND, env={"PYTHONIOENCODING": "gbk", "WXPUSH_LANG": "zh"})
    assert done.code == 2


def test_control_characters_of_a_list_never_reach_the_terminal(desk: Desk) -> None:
    desk.campaign()
    desk.list(
        [
            {**people(1)[0], "product": "盖碗\x1b]0;pwned\x07\x1b[31m"},
            {**people(1, 2)[0], "openid": "\x1b[2Jx"},
        ]
    )
    done = desk.run(*SEND, "--skip-invalid")
    assert "\x1b" not in done.out + done.err
    assert "\x07" not in done.out + done.err


def test_a_reader_that_goes_away_is_no_fault(mixed: Desk) -> None:
    mixed.send()
    with mixed.start("report") as running:
        assert running.process.stdout is not None
        running.process.stdout.close()
        assert running.process.stderr is not None
        err = running.process.stderr.read()
        code = running.process.wait(30)
        running.process.stderr.close()
        running.process.stdout = running.process.stderr = None
    assert "Traceback" not in err
    assert code != 70


@contextmanager
def terminal() -> Iterator[tuple[int, int]]:
    """Two ends of a terminal: the person's and the program's."""
    import pty

    person, program = pty.openpty()
    try:
        yield person, program
    finally:
        os.close(person)
        os.close(program)


def asked(desk: Desk, answer: str, *arguments: str) -> Done:
    """Run a command on a terminal, answer its question, and return what it said."""
    with terminal() as (person, program):
        process = subprocess.Popen(
            [sys.executable, "-m", "wxpush", *arguments],
            cwd=desk.folder,
            env=desk.environment(TERM="dumb"),
            stdin=program,
            stdout=subprocess.PIPE,
            stderr=program,
        )
        os.write(person, f"{answer}\n".encode())
        out, _none = process.communicate(timeout=60)
        os.set_blocking(person, False)
        said = b""
        while True:
            try:
                said += os.read(person, 65536)
            except OSError:  # nothing more has been said
                break
    return checked(Done(process.returncode, out.decode(), said.decode("utf-8", "replace")))


@posix
@pytest.mark.parametrize(("count", "answer", "code"), [(3, "y", 0), (3, "n", 130), (3, "", 130)])
def test_on_a_terminal_the_plan_is_asked_about(desk: Desk, count: int, answer: str, code: int) -> None:
    desk.prepare(count)
    done = asked(desk, answer, "send", "campaign.yaml", "users.csv", "--rate", "2000/s")
    assert (done.code, desk.sends()) == (code, count if code == 0 else 0)
    assert "error" not in done.err
    assert ("Not sent" in done.err) is (code == 130)


@posix
@pytest.mark.parametrize(("answer", "code"), [("y", 130), ("1000", 0)])
def test_from_a_thousand_on_the_number_is_asked_for(desk: Desk, answer: str, code: int) -> None:
    desk.prepare(1000)
    done = asked(desk, answer, "send", "campaign.yaml", "users.csv", "--rate", "2000/s")
    assert (done.code, desk.sends()) == (code, 1000 if code == 0 else 0)


@posix
def test_declined_in_json_is_interrupted(desk: Desk) -> None:
    desk.prepare(2)
    done = asked(desk, "n", "send", "campaign.yaml", "users.csv", "--json")
    assert (done.code, done.json["state"], desk.sends()) == (130, "interrupted", 0)


@posix
def test_nothing_anywhere_shows_the_secret_or_the_token(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    sandbox = open_wechat(account={"secret": "5ec2e75ec2e75ec2e75ec2e75ec2e75e"})
    desk = Desk(tmp_path, sandbox)
    desk.prepare(60, timeout="200ms", retry="{attempts: 2, base: 1ms, cap: 5ms}", stop_when="{outage: 1s}")
    sandbox.unfollow(openid(2))
    kinds = ["system_error", "bad_gateway", "redirect", "broken_json"]
    kinds += ["truncated", "cut_before", "silence_before", "token_refused"]
    faults = {kind: {"after": 3 * place, "every": 19, "times": 2} for place, kind in enumerate(kinds)}
    said = []
    sandbox.set_faults({"send": faults | {"token_replaced": {"every": 25}}})
    begun: list[Running] = []
    sandbox.on_send(at_call(40, lambda: begun[0].signal(signal.SIGINT)), "decided")
    with desk.start(*send_arguments()) as running:
        begun.append(running)
        said.append(running.done())
    sandbox.set_faults({})
    said.append(desk.send())
    sandbox.go_down()
    said += [
        desk.send("--run", "down"),
        desk.run("token", "refresh"),
        desk.run("--lang", "zh", "token", "refresh"),
    ]
    sandbox.come_back()
    sandbox.set_faults({"token": {"broken_json": {}}, "quota": {"redirect": {}}})
    said += [desk.run("token", "refresh"), desk.run("quota")]
    sandbox.set_faults({})
    said += [desk.run("report"), desk.run("runs", "show"), desk.run("token", "show"), desk.run("quota")]
    said += [desk.retry("--all"), desk.send("--account", "nobody")]
    said += [desk.send("--run", "wrong", env={"WXPUSH_APPID": "wxffffffffffffffff"})]
    secrets = {sandbox.secret, *(call.token for call in sandbox.calls() if call.token)}
    assert len(secrets) >= 3
    for done in said:
        assert not [word for word in secrets if word in done.out + done.err]
    holding = {
        path.name
        for path in [*desk.home.rglob("*"), *desk.folder.rglob("*")]
        if path.is_file() and any(word.encode() in path.read_bytes() for word in secrets)
    }
    assert holding <= {"token.json"}
    assert counts(desk.send().json)["accepted"] >= 59


@posix
def test_a_signal_after_the_last_answer_does_not_discard_the_result(desk: Desk) -> None:
    """The report goes to a pipe that nobody reads yet, so the command is met while it tells its result."""
    desk.prepare(3)
    pipe = desk.folder / "report.json"
    os.mkfifo(pipe)
    with desk.start(*send_arguments("--report", pipe)) as running:
        assert running.process.stdout is not None
        said = ""
        while not said.endswith("\n}\n"):
            said += running.process.stdout.readline()
        running.signal(signal.SIGINT)
        report = pipe.read_text("utf-8")
        done = running.done()
    assert (done.code, done.out) == (0, "")
    assert json.loads(report) == json.loads(said)
    assert counts(json.loads(report)) == {"accepted": 3}
