"""The benchmark's own parts: its servers count right, its figures are judged right, its pages are true."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from benchmarks import page, results
from benchmarks.material import MESSAGE, Material, body
from benchmarks.measuring import BenchmarkError, Watched, clean_environ, run
from benchmarks.parts.scale import exponent
from benchmarks.place import RESULTS, ROOT
from benchmarks.plan import QUICK, RATE, Plan
from benchmarks.reached import TARGETS, Target, reached
from benchmarks.servers.latency import take_request
from benchmarks.servers.nginx import Nginx
from benchmarks.servers.observer import Observer
from benchmarks.servers.windows import most_within
from benchmarks.tools import PLACES, find, find_wrk, node_with_package
from wxpush.campaign.units import UnitError, parse_rate

SEND = "/cgi-bin/message/template/send?access_token=T"


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    found = results.load(RESULTS)
    assert found is not None
    return found


@pytest.mark.parametrize("name", page.PAGES)
def test_the_pages_say_what_the_results_say(kept: dict[str, Any], name: str) -> None:
    assert (ROOT / "docs" / name).read_text("utf-8") == page.render(kept, name)


def test_the_results_are_of_all_parts_and_say_nothing_of_whose_machine_it_was(kept: dict[str, Any]) -> None:
    assert kept["parts"].keys() == {
        "throughput", "latency", "scale", "rate", "start", "check", "screening", "report",
    }  # fmt: skip
    assert kept["reached"].keys() == TARGETS.keys()
    text = json.dumps(kept)
    assert os.uname().nodename not in text
    assert "/home" not in text
    assert str(ROOT) not in text


def test_what_is_kept_as_reached_follows_from_the_figures(kept: dict[str, Any]) -> None:
    again = results.gathered(results.Conditions(kept["machine"], kept["versions"]), kept["parts"])
    for name, one in again["reached"].items():
        assert one["held"] == kept["reached"][name]["held"]
        assert one["measured"] == pytest.approx(kept["reached"][name]["measured"], rel=1e-3)


@pytest.mark.parametrize("name", page.PAGES)
def test_only_what_may_be_missing_is_a_dash_on_a_page(kept: dict[str, Any], name: str) -> None:
    dashed = [line for line in page.render(kept, name).splitlines() if "–" in line]
    assert [line for line in dashed if not re.search(r"^\| wrk|wrk –|co-wechat-api", line)] == []


@pytest.mark.parametrize("name", page.PAGES)
def test_every_figure_that_was_not_measured_is_a_dash(name: str) -> None:
    shown = page.render({"machine": {}, "versions": {}, "parts": {}}, name)
    assert len(re.findall(r"\| (?:at|至).*\d \| – \| – \|$", shown, re.MULTILINE)) == len(TARGETS)


def test_a_terminal_is_not_shown_what_was_not_measured(kept: dict[str, Any]) -> None:
    shown = page.tables(page.render(kept | {"parts": {"start": kept["parts"]["start"]}}, page.PAGES[0]))
    assert "token show" in shown
    assert "wechatpy, messages" not in shown
    assert "allowed in 1 s" not in shown


@pytest.mark.parametrize(
    ("measured", "at_most", "held"),
    [(7.0, False, True), (6.99, False, False), (7.0, True, True), (7.01, True, False), (None, True, None)],
)
def test_a_figure_is_held_at_the_asked_one(measured: float | None, at_most: bool, held: bool | None) -> None:
    assert Target(7.0, lambda _: measured, at_most).reached({})["held"] is held


def sender(rate: float, cpu: float = 1.0) -> dict[str, float]:
    return {"rate": rate, "cpu_us": cpu}


def test_the_ratios_are_of_the_right_senders() -> None:
    senders = {
        "fast": sender(700),
        "fast_no_preflight": sender(900, 10),
        "base": sender(130),
        "wechatpy": sender(100, 70),
        "co_wechat_api": sender(500),
    }
    found = reached({"throughput": {"senders": senders}})
    measured = {name: one["measured"] for name, one in found.items() if one["measured"] is not None}
    assert measured == pytest.approx(
        {
            "wechatpy": 7.0,
            "wechatpy_no_preflight": 9.0,
            "co_wechat_api": 1.4,
            "co_wechat_api_no_preflight": 1.8,
            "base": 1.3,
            "cpu": 7.0,
        }
    )


def seen(achieved: float, in_one: int) -> dict[str, Any]:
    return {"achieved": achieved, "most_in_1_s": in_one, "most_in_10_s": 100}


def test_the_worst_rate_of_both_installs_counts() -> None:
    allowed = {"allowed_in_1_s": 12.0, "allowed_in_10_s": 101.0}
    rates = {"10": allowed | {"fast": seen(0.999, 12), "base": seen(0.98, 13)}}
    found = reached({"rate": {"rates": rates}})
    assert found["rate"] == {"asked": 0.985, "measured": 0.98, "held": False}
    assert found["windows"] == {"asked": 0, "measured": 1, "held": False}


def test_the_busiest_stretch_is_found() -> None:
    assert most_within([0.0, 0.5, 0.9, 1.0, 1.4, 5.0], 1.0) == 4
    assert most_within([], 1.0) == 0


def test_the_exponent_is_that_of_the_growth() -> None:
    sizes = [10.0, 100.0, 1000.0]
    assert exponent(sizes, [3 * size for size in sizes]) == pytest.approx(1.0)
    assert exponent(sizes, [size**2 for size in sizes]) == pytest.approx(2.0)


def test_a_request_is_taken_once_it_is_whole() -> None:
    one = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\ncontent-length:  4\r\n\r\n{ab}"
    two = b"GET /d HTTP/1.1\r\n\r\n"
    assert [take_request(one[:end]) for end in range(len(one))] == [None] * len(one)
    assert take_request(one + two) == (b"/a", two)
    assert take_request(two) == (b"/d", b"")


def test_the_server_with_latency_counts_the_messages_and_waits_before_it_answers() -> None:
    with Observer(delay=0.1) as server, requests.Session() as session:
        granted = session.post(f"{server.url}/cgi-bin/stable_token", json={}, timeout=5)
        answers = [session.post(server.url + SEND, data=body(), timeout=5) for _ in range(2)]
        quota = session.post(f"{server.url}/cgi-bin/openapi/quota/get", json={}, timeout=5)
        found = server.seen()
    assert granted.json()["expires_in"] == 7200
    assert [answer.json() for answer in answers] == [
        {"errcode": 0, "errmsg": "ok", "msgid": number} for number in (1, 2)
    ]
    assert all(answer.elapsed.total_seconds() >= 0.1 for answer in answers)
    assert quota.json()["errcode"] == 48001
    assert (found.posts, found.most_in_10_s) == (2, 2)
    assert found.seconds >= 0.1


def test_the_first_message_is_told_as_it_comes() -> None:
    program = "import sys, urllib.request; urllib.request.urlopen(sys.argv[1], b'{}').read()"
    with Observer() as server:
        sender = Watched([sys.executable, "-c", program, server.url + SEND], clean_environ())
        at = server.first_post(sender)
        usage = sender.finish()
    assert sender.began < at < sender.began + usage.seconds


def test_a_sender_that_never_sends_is_no_figure() -> None:
    with Observer() as server:
        silent = Watched([sys.executable, "-c", ""], clean_environ())
        with pytest.raises(BenchmarkError, match="no message came"):
            server.first_post(silent)


def test_a_process_that_fails_is_no_figure_and_its_words_are_shown() -> None:
    with pytest.raises(BenchmarkError, match=r"ended with 3:\nout of paper"):
        run([sys.executable, "-c", "import sys; print('out of paper'); sys.exit(3)"], clean_environ())


def test_a_process_is_measured() -> None:
    program = (
        "import json; room = bytearray(200_000_000); print('a line'); print(json.dumps({'accepted': 1}))"
    )
    usage = run([sys.executable, "-c", program], clean_environ())
    assert usage.told() == {"accepted": 1}
    assert usage.seconds > 0
    assert usage.cpu_s > 0
    assert usage.memory_mb is None or usage.memory_mb > 200


def test_the_callers_proxies_do_not_reach_what_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert "HTTP_PROXY" not in clean_environ(WXPUSH_LANG="en")


def test_what_wxpush_sends_is_what_the_others_send(tmp_path: Path) -> None:
    material = Material(tmp_path)
    command = [sys.executable, "-m", "wxpush", "send", str(material.campaign), str(material.people(3))]
    answer = subprocess.run(
        [*command, "--dry-run", "--json"],
        cwd=ROOT,
        env=clean_environ(WXPUSH_HOME=str(tmp_path / "home"), WXPUSH_LANG="en"),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(answer.stdout)["total"] == 3
    for field in MESSAGE["data"].values():
        assert field["value"].removeprefix("SO0000000001") in answer.stderr


@pytest.mark.skipif(find("nginx") is None, reason="nginx is not installed")
def test_nginx_accepts_every_message_under_another_number(tmp_path: Path) -> None:
    program = find("nginx")
    assert program is not None
    with Nginx(program, tmp_path / "nginx") as nginx:
        answers = []
        for calls in (3, 12):
            with requests.Session() as session:
                answers += [
                    session.post(nginx.url + SEND, data=body(), timeout=5).json() for _ in range(calls)
                ]
        token = requests.get(f"{nginx.url}/cgi-bin/token", timeout=5).json()
        quota = requests.post(f"{nginx.url}/cgi-bin/openapi/quota/get", timeout=5).json()
    assert {answer["errcode"] for answer in answers} == {0}
    assert len({answer["msgid"] for answer in answers}) == 15
    assert token["expires_in"] == 7200
    assert quota["errcode"] == 48001


def test_wxpush_is_asked_for_the_highest_rate_that_it_takes() -> None:
    number, unit = RATE.split("/")
    assert parse_rate(RATE) == float(number)
    with pytest.raises(UnitError):
        parse_rate(f"{number}0/{unit}")


def test_the_sizes_can_be_chosen() -> None:
    assert Plan().with_rows(1_000).rival_rows == 1_000
    assert Plan().with_rows(100_000).rival_rows == Plan().rival_rows
    assert QUICK.with_rounds(4).waiting_rounds == 4


def test_a_program_that_is_missing_is_told_with_the_way_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if any(Path(folder, name).exists() for folder in PLACES for name in ("wrk", "node", "npm")):
        pytest.skip("they are where the benchmark looks beyond the PATH")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (find_wrk(), node_with_package()) == (None, None)
    said = capsys.readouterr().err
    assert "apt-get install wrk" in said
    assert "apt-get install nodejs npm" in said
