"""`wxpush runs settle`: the operator decides about messages in doubt, row by row, by options or by a file."""

import csv
import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
from rich.cells import cell_len

from tests.cli.command import (
    KNOWN_TEMPLATE,
    STATES,
    Desk,
    Done,
    Running,
    adds_up,
    at_call,
    counts,
    openid,
    people,
    send_arguments,
)
from tests.delivery.ledgers import edit_block
from wxpush.cli.base import interruptible, put_off
from wxpush.delivery.policy import DEDUPE_WINDOW_S
from wxpush.delivery.run import RunFolder
from wxpush.sandbox import Sandbox
from wxpush.sandbox.scenario import from_mapping

BURNT = {"answer": "40241", "burnt_by_failure": True}
"""An id that a -1 has used up is answered 40241: nobody can tell whether the person got it."""
KEYS = {
    "schema",
    "run",
    "account",
    "state",
    "delivered",
    "not_delivered",
    "rejected",
    "to_resend",
    "in_window",
}
KEYS |= {"passed_over", "total", *STATES, "failures_file"}
EIGHT, DOUBTFUL = 8, 3

if TYPE_CHECKING:
    from tests.cli.terminal import Terminal

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX terminal or signals")


def put_in_doubt(desk: Desk) -> list[dict[str, Any]]:
    """Send to eight people, three of whom may have got it; returns their rows of the report."""
    assert desk.sandbox is not None
    desk.prepare(EIGHT, retry="{attempts: 4, base: 1ms, cap: 1ms}")
    # Each call takes longer than a message waits for its second one, so that this is the next call.
    errors = {"every": 3, "times": DOUBTFUL, "accepted": False}
    desk.sandbox.set_faults({"send": {"latency_ms": 8, "system_error": errors}})
    done = desk.send("--workers", "1")
    desk.sandbox.set_faults({})
    assert (done.code, counts(done.json)) == (1, {"accepted": EIGHT - DOUBTFUL, "in_doubt": DOUBTFUL})
    return rows_of(desk)


def rows_of(desk: Desk) -> list[dict[str, Any]]:
    rows = desk.run("report", "--json").json["rows"]
    assert isinstance(rows, list)
    return rows


@pytest.fixture
def desk(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> Desk:
    """A folder whose WeChat leaves messages in doubt."""
    return Desk(tmp_path, open_wechat(dedupe=BURNT))


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A run with three messages in doubt, to be copied."""
    scenario = from_mapping({"version": 1, "templates": [KNOWN_TEMPLATE], "dedupe": BURNT})
    with Sandbox(scenario) as sandbox:
        made = Desk(tmp_path_factory.mktemp("original"), sandbox)
        put_in_doubt(made)
        yield made


@pytest.fixture
def doubts(original: Desk, tmp_path: Path) -> Desk:
    """A copy of that run, for commands that send nothing."""
    copy = Desk(tmp_path, original.sandbox)
    shutil.copytree(original.folder, copy.folder, dirs_exist_ok=True)
    shutil.copytree(original.home, copy.home)
    (card,) = copy.home.rglob("run.json")
    card.write_text(card.read_text("utf-8").replace(str(original.folder), str(copy.folder)), "utf-8")
    return copy


def settle(desk: Desk, *options: str | Path) -> Done:
    return desk.run("runs", "settle", "order-shipped", "--yes", "--json", *options)


def lines_of(desk: Desk) -> list[int]:
    return [row["wxpush_line"] for row in rows_of(desk)]


def standing(desk: Desk) -> dict[str, int]:
    """How the run stands by its ledger; the list of runs says the same."""
    shown = desk.run("runs", "show", "--json").json
    (listed,) = desk.run("runs", "--json").json["runs"]
    assert [shown[state] for state in STATES] == [listed[state] for state in STATES]
    assert adds_up(shown)
    return counts(shown)


def decide(desk: Desk, *decisions: str, file: str = "decided.csv", **more: str) -> Path:
    """A copy of the failures file with our column: one decision a row."""
    with (desk.folder / "users.failures.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    path = desk.folder / file
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.DictWriter(stream, [*rows[0], *(more.keys() - rows[0].keys()), "wxpush_decision"])
        writer.writeheader()
        for row, decision in zip(rows, decisions, strict=True):
            writer.writerow({**row, **more, "wxpush_decision": decision})
    return path


# Options


def test_who_got_it_is_never_sent_again(desk: Desk) -> None:
    put_in_doubt(desk)
    before = desk.sends()
    done = settle(desk, "--delivered", "--all")
    assert set(done.json) == KEYS
    assert (done.code, done.json["state"], done.json["delivered"], done.json["to_resend"]) == (
        0, "finished", DOUBTFUL, 0
    )  # fmt: skip
    assert counts(done.json) == standing(desk) == {"accepted": EIGHT}
    assert done.json["failures_file"] is None
    assert not (desk.folder / "users.failures.csv").exists()
    again = desk.send("--in-doubt", "resend")
    assert (again.code, again.json["attempts"], desk.sends()) == (0, 0, before)


def test_who_is_to_get_it_again_is_sent_it_once_under_a_fresh_id(desk: Desk) -> None:
    doubtful = [row["openid"] for row in put_in_doubt(desk)]
    assert desk.sandbox is not None
    done = settle(desk, "--resend", "--all")
    assert (done.code, done.json["to_resend"]) == (0, DOUBTFUL)
    assert "get two" in done.err
    assert counts(done.json) == standing(desk) == {"accepted": EIGHT - DOUBTFUL, "pending": DOUBTFUL}
    sent = desk.run("send", "campaign.yaml", "users.csv", "--yes")
    assert sent.code == 0
    assert "To send 3 messages" in sent.talk
    assert desk.shown() == {openid(number): 1 for number in range(1, EIGHT + 1)}
    ids = [call.client_msg_id for call in desk.sandbox.calls() if call.openid in doubtful]
    assert len(set(ids)) == 2 * DOUBTFUL
    assert desk.send().json["attempts"] == 0


def test_chosen_lines_are_decided_about_and_the_others_stay_in_doubt(doubts: Desk) -> None:
    first, second, third = lines_of(doubts)
    done = settle(doubts, "--delivered", "--line", str(first), "--line", str(third))
    assert (done.code, done.json["delivered"]) == (1, 2)
    assert counts(done.json) == standing(doubts) == {"accepted": EIGHT - 1, "in_doubt": 1}
    assert lines_of(doubts) == [second]
    assert done.json["failures_file"] == "users.failures.csv"


def test_chosen_keys_are_decided_about(doubts: Desk) -> None:
    keys = [row["openid"] for row in rows_of(doubts)]
    done = settle(doubts, "--resend", "--key", keys[0], "--key", keys[0], "--key", keys[1])
    assert (done.code, done.json["to_resend"], done.json["in_doubt"]) == (1, 2, 1)


def test_every_choice_that_is_no_use_is_named_and_nothing_is_changed(doubts: Desk) -> None:
    before = standing(doubts)
    accepted = next(line for line in range(2, EIGHT + 2) if line not in lines_of(doubts))
    done = settle(
        doubts, "--delivered", "--line", str(lines_of(doubts)[0]), "--line", str(accepted), "--line", "999",
        "--key", "nobody",
    )  # fmt: skip
    assert (done.code, done.json["state"], done.json["delivered"]) == (2, "refused", 0)
    assert [problem["file"] for problem in done.json["problems"]] == [
        f"--line {accepted}", "--line 999", "--key nobody"
    ]  # fmt: skip
    assert "accepted" in done.json["problems"][0]["message"]
    assert counts(done.json) == standing(doubts) == before


def test_a_run_in_which_nothing_is_in_doubt_needs_no_decision(desk: Desk) -> None:
    desk.prepare(2)
    desk.send()
    done = desk.run("runs", "settle")
    assert done.code == 0
    assert "Nothing is in doubt" in done.out
    assert settle(desk, "--resend", "--all").code == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--delivered", "--resend", "--all"],
        ["--delivered"],
        ["--all"],
        ["--line", "2"],
        ["--delivered", "--all", "--line", "2"],
        ["--resend", "--all", "--key", "x"],
        ["--from", "users.failures.csv", "--delivered"],
        ["--from", "users.failures.csv", "--all"],
        [],
    ],
    ids=" ".join,
)
def test_options_that_contradict_or_say_nothing_are_refused(doubts: Desk, options: list[str]) -> None:
    before = standing(doubts)
    done = settle(doubts, *options)
    assert (done.code, done.json["state"], len(done.json["problems"])) == (2, "refused", 1)
    assert set(done.json) == {*KEYS, "problems"}
    assert standing(doubts) == before


@pytest.mark.parametrize(
    ("options", "hint"), [([], "--delivered or --resend"), (["--resend", "--all"], "--yes")]
)
def test_without_a_terminal_nothing_is_changed_unasked(doubts: Desk, options: list[str], hint: str) -> None:
    before = standing(doubts)
    done = doubts.run("runs", "settle", "--json", *options)
    assert (done.code, done.json["state"]) == (2, "refused")
    assert hint in done.err
    assert counts(done.json) == standing(doubts) == before


def test_an_unknown_run_lists_what_there_is(doubts: Desk) -> None:
    done = doubts.run("runs", "settle", "christmas", "--json")
    assert (done.code, done.json["run"], done.json["state"]) == (2, "christmas", "refused")
    assert "order-shipped" in done.err


# A file


@pytest.mark.parametrize("file", ["decided.csv", "users.failures.csv"])
def test_a_failures_file_with_decisions_is_obeyed_and_left_as_it_is(doubts: Desk, file: str) -> None:
    path = decide(doubts, "delivered", "", " Resend ", file=file, note="called her")
    written, left = path.read_bytes(), lines_of(doubts)[1]
    done = settle(doubts, "--from", file)
    assert (done.code, done.json["delivered"], done.json["to_resend"], done.json["in_doubt"]) == (1, 1, 1, 1)
    assert lines_of(doubts) == [left]
    assert path.read_bytes() == written
    again = settle(doubts, "--from", file)
    assert (again.code, again.json["passed_over"], again.json["delivered"]) == (1, 2, 0)
    assert "2 rows of the file were passed over" in again.err
    assert counts(again.json) == counts(done.json) == standing(doubts)


@pytest.mark.parametrize(
    ("encoding", "delimiter"), [("gbk", ","), ("utf-16", "\t"), ("utf-8-sig", ";")], ids=str
)
def test_the_file_may_come_as_a_spreadsheet_saves_it(doubts: Desk, encoding: str, delimiter: str) -> None:
    path = decide(doubts, "delivered", "delivered", "delivered")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.reader(stream))
    with path.open("w", encoding=encoding, newline="") as stream:
        csv.writer(stream, delimiter=delimiter).writerows(rows)
    assert settle(doubts, "--from", path).json["delivered"] == DOUBTFUL


def test_the_file_may_be_a_workbook(doubts: Desk) -> None:
    book = openpyxl.Workbook()
    with decide(doubts, "resend", "", "delivered").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.reader(stream):
            book.active.append(row)
    book.save(doubts.folder / "decided.xlsx")
    done = settle(doubts, "--from", "decided.xlsx")
    assert (done.json["delivered"], done.json["to_resend"], done.json["in_doubt"]) == (1, 1, 1)


def test_the_file_may_be_the_exact_record_in_the_runs_state(doubts: Desk) -> None:
    (exact,) = doubts.home.rglob("failures.jsonl")
    rows = [json.loads(line) for line in exact.read_text("utf-8").splitlines()]
    lines = [{**row, "wxpush_decision": "delivered"} for row in rows[:2]]
    path = doubts.write("decided.jsonl", "".join(json.dumps(line) + "\n" for line in [*lines, rows[2]]))
    done = settle(doubts, "--from", path)
    assert (done.code, done.json["delivered"], done.json["in_doubt"]) == (1, 2, 1)


def test_numbers_that_a_spreadsheet_changed_make_no_other_row_of_it(doubts: Desk) -> None:
    path = decide(doubts, "delivered", "resend", "", amount="68", order_no="2.02611E+15")
    done = settle(doubts, "--from", path)
    assert (done.json["delivered"], done.json["to_resend"]) == (1, 1)


def test_everything_wrong_in_the_file_is_named_with_its_place(doubts: Desk) -> None:
    path = decide(doubts, "deliverd", "delivered", "resend")
    with path.open(encoding="utf-8-sig", newline="") as stream:
        head, first, second, third = list(csv.reader(stream))
    line = head.index("wxpush_line")
    without_line, twice, other, ragged = list(second), list(third), list(second), list(second)
    without_line[line], twice[-1], other[0] = "", "delivered", openid(999)
    unknown, accepted = list(second), list(second)
    unknown[line] = "4711"
    accepted[line] = str(next(n for n in range(2, EIGHT + 2) if n not in lines_of(doubts)))
    before = standing(doubts)
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        csv.writer(stream).writerows(
            [head, first, second, third, without_line, twice, other, unknown, accepted, ragged[:-3]]
        )
    done = settle(doubts, "--from", path.name)
    assert (done.code, done.json["state"]) == (2, "refused")
    problems = [(problem["line"], problem["code"]) for problem in done.json["problems"]]
    assert problems == [
        (2, "WX341"), (5, "WX342"), (6, "WX346"), (7, "WX344"), (8, "WX343"), (10, "WX310")
    ]  # fmt: skip
    assert f"{path.name}:2: " in done.err
    assert "deliverd" in done.err
    assert standing(doubts) == before


def test_who_failed_is_not_settled_but_retried(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(1))
    desk.prepare(2)
    desk.send()
    done = settle(desk, "--from", decide(desk, "resend"))
    assert done.code == 2
    assert "wxpush retry-failed" in done.err


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ("openid,wxpush_state,wxpush_line\nx,in_doubt,2\n", "WX340"),
        ('{"openid": "x", "wxpush_state": "in_doubt", "wxpush_line": 2}\n', "WX340"),
        ("openid,wxpush_decision\nx,delivered\n", "WX342"),
        ("", "WX303"),
        (None, "WX301"),
    ],
    ids=["no column", "no column in JSON", "no failures file", "empty", "lacking"],
)
def test_a_file_that_is_no_failures_file_with_decisions_is_refused(
    doubts: Desk, content: str | None, code: str
) -> None:
    name = "decided.jsonl" if content and content.startswith("{") else "decided.csv"
    if content is not None:
        doubts.write(name, content)
    done = settle(doubts, "--from", name)
    assert (done.code, [problem["code"] for problem in done.json["problems"]]) == (2, [code])
    assert all(problem["file"] == name for problem in done.json["problems"])


# The run's state


@posix
def test_a_run_that_somebody_works_on_is_left_alone(doubts: Desk) -> None:
    (card,) = doubts.home.rglob("run.json")
    with RunFolder(card.parent).locked():
        done = settle(doubts, "--delivered", "--all")
    assert (done.code, done.json["state"]) == (4, "refused")
    assert str(os.getpid()) in done.err
    assert standing(doubts)["in_doubt"] == DOUBTFUL


def spoil(desk: Desk) -> None:
    (ledger,) = desk.home.rglob("cache.db")
    ledger.write_bytes(b"not a database.." + ledger.read_bytes()[16:])


def lose(desk: Desk) -> None:
    (ledger,) = desk.home.rglob("cache.db")
    shutil.rmtree(ledger.parent)


def swap(desk: Desk) -> None:
    """The ledger of another run in its place."""
    (ours,) = desk.home.rglob("cache.db")
    with closing(sqlite3.connect(ours)) as connection, connection:
        connection.execute(
            "UPDATE Cache SET value = replace(value, '\"run\": \"', '\"run\": \"x') WHERE key = 'meta'"
        )


@pytest.mark.parametrize("act", [spoil, lose, swap])
def test_a_ledger_that_cant_be_trusted_is_refused(doubts: Desk, act: Callable[[Desk], None]) -> None:
    act(doubts)
    done = settle(doubts, "--delivered", "--all")
    assert (done.code, done.json["state"]) == (4, "refused")
    assert done.json["problems"][0]["message"]


def kill_on_the_way(desk: Desk) -> int:
    """Kill a send while messages are on their way; returns how many are in doubt."""
    assert desk.sandbox is not None
    desk.prepare(EIGHT)
    begun: list[Running] = []
    desk.sandbox.set_faults({"send": {"silence_after": {"after": 2}}})
    desk.sandbox.on_send(at_call(4, lambda: begun[0].process.kill()), "decided")
    with desk.start(*send_arguments("--workers", "4")) as running:
        begun.append(running)
        running.process.wait(60)
    desk.sandbox.set_faults({})
    return int(desk.run("runs", "show", "--json").json["in_doubt"])


def let_pass(desk: Desk, seconds: float) -> None:
    """Make the claims of the killed process older."""
    (ledger,) = desk.home.rglob("cache.db")
    with closing(sqlite3.connect(ledger)) as connection:
        blocks = connection.execute("SELECT key FROM Cache WHERE key LIKE 'c0%'").fetchall()
    assert blocks
    for (key,) in blocks:
        edit_block(
            ledger.parent, key, lambda block: block | {"t": block["t"] - seconds, "b": block["b"] - seconds}
        )


def test_what_was_on_its_way_a_moment_ago_is_left_to_the_same_send(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    desk = Desk(tmp_path, open_wechat())
    doubtful = kill_on_the_way(desk)
    assert doubtful
    done = settle(desk, "--delivered", "--all")
    assert (done.code, done.json["delivered"], done.json["in_window"]) == (1, 0, doubtful)
    assert "within eight minutes" in done.err
    assert "wxpush send campaign.yaml users.csv --run order-shipped" in done.err
    last = desk.send()
    assert (last.code, counts(last.json)) == (0, {"accepted": EIGHT})
    assert desk.shown() == {openid(number): 1 for number in range(1, EIGHT + 1)}


@pytest.mark.parametrize("decision", ["--delivered", "--resend"])
def test_what_was_on_its_way_long_ago_can_be_decided_about(desk: Desk, decision: str) -> None:
    doubtful = kill_on_the_way(desk)
    let_pass(desk, DEDUPE_WINDOW_S + 1)
    before = desk.sends()
    done = settle(desk, decision, "--all")
    assert (done.code, done.json["delivered"] + done.json["to_resend"]) == (0, doubtful)
    assert standing(desk).get("in_doubt", 0) == 0
    last = desk.send()
    assert (last.code, counts(last.json)) == (0, {"accepted": EIGHT})
    assert desk.sends() - before == last.json["attempts"] == done.json["pending"]
    assert set(desk.shown().values()) == ({1} if decision == "--delivered" else {1, 2})


def test_the_plan_counts_what_is_too_old_as_in_doubt_and_not_as_sent_first(desk: Desk) -> None:
    doubtful = kill_on_the_way(desk)
    planned = desk.run("send", "campaign.yaml", "users.csv").talk
    assert "cut off on" in planned
    assert "are in doubt" not in planned
    let_pass(desk, DEDUPE_WINDOW_S + 1)
    planned = desk.run("send", "campaign.yaml", "users.csv").talk
    assert "cut off on" not in planned
    assert f"{doubtful} messages are in doubt" in planned
    desk.send()
    over = desk.run("send", "campaign.yaml", "users.csv")
    assert "Nothing is left to send in this run." in over.talk
    assert over.code == 1


@pytest.mark.parametrize(
    ("passed", "doubt"), [(0.0, "leave"), (DEDUPE_WINDOW_S + 1, "leave"), (DEDUPE_WINDOW_S + 1, "resend")]
)
def test_the_progress_after_a_kill_ends_with_the_numbers_of_the_summary(
    tmp_path: Path, open_wechat: Callable[..., Sandbox], passed: float, doubt: str
) -> None:
    desk = Desk(tmp_path, open_wechat())
    doubtful = kill_on_the_way(desk)
    assert doubtful
    let_pass(desk, passed)
    done = desk.send("--in-doubt", doubt)
    left = doubtful if passed and doubt == "leave" else 0
    assert (done.json["in_doubt"], done.json["accepted"]) == (left, EIGHT - left)
    last = [line for line in done.err.splitlines() if f"/{EIGHT} " in line][-1]
    assert f" {EIGHT}/{EIGHT} 100%," in last
    assert f"{EIGHT - left} accepted" in last
    assert (f"{left} in doubt" in last) is (left > 0)


# What names the command


def test_whoever_tells_of_messages_in_doubt_names_the_command(doubts: Desk) -> None:
    command = "wxpush runs settle order-shipped"
    for arguments in (
        ("send", "campaign.yaml", "users.csv", "--yes"),
        ("retry-failed", "--yes"),
        ("runs", "show"),
    ):
        assert command in doubts.run(*arguments).talk, arguments
    planned = doubts.run("send", "campaign.yaml", "users.csv", "--yes").err
    assert f"3 messages are in doubt and not sent again; decide about them: {command}" in planned
    settle(doubts, "--delivered", "--all")
    assert command not in doubts.run("runs", "show").talk


def test_its_help_says_what_its_exit_codes_mean(doubts: Desk) -> None:
    told = doubts.run("runs", "settle", "--help").talk
    assert "Exit code 0 when nothing is in doubt any more, 1 while something is." in told


# One by one


def on_terminal(desk: Desk, *options: str, width: int = 80, **env: str | None) -> "Terminal":
    from tests.cli.terminal import Terminal  # there is none on Windows

    return Terminal(desk, "runs", "settle", *options, width=width, **env)


@posix
def test_each_message_is_shown_and_asked_about(doubts: Desk) -> None:
    first, second, third = rows_of(doubts)
    with on_terminal(doubts, "--json") as terminal:
        begin = terminal.answer("d")
        terminal.answer("r")
        terminal.answer("l")
        done = terminal.done()
    assert "3 messages are in doubt" in begin
    assert f"1 of 3: line {first['wxpush_line']}" in begin
    shown = [
        first["openid"],
        f"云南小粒咖啡豆 · {first['order_no']} · 68.00元",
        "李晓雯",
        "(40241)",
        "+08:00",
    ]
    assert [text for text in shown if text not in begin] == []
    assert f"2 of 3: line {second['wxpush_line']}" in done.err
    assert (done.code, done.json["delivered"], done.json["to_resend"], done.json["in_doubt"]) == (1, 1, 1, 1)
    assert lines_of(doubts) == [third["wxpush_line"]]
    assert counts(done.json) == standing(doubts)


@posix
def test_what_a_killed_process_left_says_since_when(desk: Desk) -> None:
    kill_on_the_way(desk)
    let_pass(desk, DEDUPE_WINDOW_S + 1)
    with on_terminal(desk) as terminal:
        assert "cut off while it was on its way" in terminal.answer("q")
        assert terminal.done().code == 1


@posix
@pytest.mark.parametrize("typed", ["delivered", "D", "已收到", " d "])
def test_answers_are_understood_in_words_of_both_languages(doubts: Desk, typed: str) -> None:
    with on_terminal(doubts, "--json") as terminal:
        terminal.answer(typed)
        terminal.answer("退出")
        done = terminal.done()
    assert (done.code, done.json["delivered"], done.json["in_doubt"]) == (1, 1, 2)


@posix
def test_what_is_no_answer_is_explained_and_decides_nothing(doubts: Desk) -> None:
    with on_terminal(doubts, "--json") as terminal:
        for typed in ("?", "y", "la", "qa", "d r"):
            terminal.answer(typed)
        assert terminal.answer("q").count("never sent again") == 1
        done = terminal.done()
    assert (done.code, done.json["in_doubt"], done.json["state"]) == (1, DOUBTFUL, "finished")


@posix
def test_an_empty_answer_leaves_the_message_in_doubt(doubts: Desk) -> None:
    with on_terminal(doubts) as terminal:
        for _ in range(DOUBTFUL):
            terminal.answer("")
        assert terminal.done().code == 1
    assert standing(doubts)["in_doubt"] == DOUBTFUL


@posix
@pytest.mark.parametrize(("typed", "state"), [("da", "accepted"), ("ra", "pending"), ("重发全部", "pending")])
def test_all_the_rest_goes_the_same_way_once_that_is_confirmed(doubts: Desk, typed: str, state: str) -> None:
    before = standing(doubts).get(state, 0)
    with on_terminal(doubts) as terminal:
        terminal.answer("l")
        terminal.answer(typed)
        terminal.answer("n", asked="[y/N] ")
        terminal.answer(typed)
        terminal.answer("y", asked="[y/N] ")
        done = terminal.done()
    assert done.code == 1
    assert standing(doubts).get(state, 0) == before + 2


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_interrupted_it_keeps_what_was_decided(doubts: Desk, number: signal.Signals) -> None:
    with on_terminal(doubts, "--json") as terminal:
        terminal.answer("d")
        terminal.until("\n> ")
        terminal.process.send_signal(number)
        done = terminal.done()
    assert (done.code, done.json["state"], done.json["delivered"]) == (130, "interrupted", 1)
    assert counts(done.json) == standing(doubts) == {"accepted": EIGHT - 2, "in_doubt": 2}


@posix
def test_a_signal_waits_for_what_must_not_be_torn() -> None:
    done = []

    def commit() -> None:
        with put_off(signals):
            signal.raise_signal(signal.SIGTERM)
            done.append("the commit")

    with interruptible() as signals:
        with pytest.raises(KeyboardInterrupt):
            commit()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert done == ["the commit"]


@posix
def test_interrupted_at_the_second_question_it_decides_nothing(doubts: Desk) -> None:
    with on_terminal(doubts, "--json") as terminal:
        terminal.answer("da")
        terminal.until("[y/N] ")
        terminal.process.send_signal(signal.SIGTERM)
        done = terminal.done()
    assert (done.code, done.json["in_doubt"]) == (130, DOUBTFUL)


@posix
def test_at_the_end_of_input_it_keeps_what_was_decided(doubts: Desk) -> None:
    with on_terminal(doubts, "--json") as terminal:
        terminal.answer("d")
        terminal.press("\x04")
        done = terminal.done()
    assert (done.code, done.json["delivered"], done.json["in_doubt"]) == (130, 1, 2)


@posix
@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 130), ("", 130)])
def test_options_are_asked_about_on_a_terminal(doubts: Desk, typed: str, code: int) -> None:
    with on_terminal(doubts, "--resend", "--all") as terminal:
        assert "people whose first one arrived get two" in " ".join(
            terminal.answer(typed, asked="] ").split()
        )
        assert terminal.done().code == code
    assert standing(doubts).get("pending", 0) == (DOUBTFUL if code == 0 else 0)


@posix
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("width", [46, 80])
def test_it_reads_well_in_narrow_terminals(doubts: Desk, language: str, width: int) -> None:
    with on_terminal(doubts, width=width, WXPUSH_LANG=language) as terminal:
        terminal.answer("?")
        terminal.answer("da")
        terminal.answer("y", asked="[y/N] ")
        done = terminal.done()
    lines = [line for line in done.err.splitlines() if "[y/N]" not in line]
    assert max(cell_len(line) for line in lines) <= width
    assert ("已收到" in done.err) is (language == "zh")


@posix
def test_nothing_in_a_list_can_act_on_the_terminal(desk: Desk) -> None:
    assert desk.sandbox is not None
    desk.campaign(checks="{thing: off}", retry="{attempts: 4, base: 1ms, cap: 1ms}")
    traps = {"name": "[/red]李\x1b]0;晓\x07\u202e雯", "product": "[link=http://x]豆"}
    desk.list([{**person, **traps} for person in people(4)])
    desk.sandbox.set_faults({"send": {"system_error": {"times": 1, "accepted": False}}})
    assert desk.send("--workers", "1").json["in_doubt"] == 1
    with on_terminal(desk, NO_COLOR="1") as terminal:
        said = terminal.answer("q")
        terminal.done()
    assert "[/red]李\\u001b]0;晓\\u0007\\u202e雯" in said
    assert "[link=http://x]豆" in said
    assert not {"\x1b", "\x07", "\u202e"} & set(said)


def test_a_file_with_decisions_is_not_written_over(desk: Desk) -> None:
    """Somebody's work is in it: the next sending takes the next name."""
    file = doubtful_file(desk)
    decided = file.read_text("utf-8-sig").replace("openid,", "wxpush_decision,openid,", 1)
    file.write_text(decided, "utf-8")
    again = desk.send()
    assert file.read_text("utf-8") == decided
    assert again.json["failures_file"] != file.name


def test_the_plan_says_that_what_is_in_doubt_goes_again(desk: Desk) -> None:
    doubtful_file(desk)
    done = desk.run("send", "campaign.yaml", "users.csv", "--yes", "--in-doubt", "resend")
    assert "get two" in done.talk or "gets two" in done.talk
    assert "not sent again" not in done.talk


def doubtful_file(desk: Desk) -> Path:
    """A sending that leaves some in doubt; its failures file."""
    assert desk.sandbox is not None
    desk.prepare(EIGHT, retry="{attempts: 4, base: 50ms, cap: 100ms}")
    desk.sandbox.set_faults({"send": {"system_error": {"every": 3, "times": 2}}})
    done = desk.send()
    assert done.json["in_doubt"] > 0, done.err
    desk.sandbox.set_faults({})
    return desk.folder / str(done.json["failures_file"])


def test_a_run_that_was_cut_off_a_moment_ago_is_sent_first(desk: Desk) -> None:
    kill_on_the_way(desk)
    again, settling = (
        "wxpush send campaign.yaml users.csv --run order-shipped",
        "wxpush runs settle order-shipped",
    )
    shown = desk.run("runs", "show").talk
    assert 0 < shown.index(again) < shown.index(settling)
    assert "within eight minutes" in shown
    let_pass(desk, DEDUPE_WINDOW_S + 1)
    shown = desk.run("runs", "show").talk
    assert (again in shown, settling in shown) == (False, True)
