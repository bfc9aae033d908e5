"""`wxpush retry-failed`: chooses what goes again, and sends nothing else."""

from collections.abc import Callable
from pathlib import Path

from tests.cli.command import Desk, adds_up, counts, openid, people
from wxpush.sandbox import Sandbox


def failed_twice(desk: Desk) -> None:
    """Six people: the second has unfollowed, the third gets a passing refusal (45011 until given up)."""
    assert desk.sandbox is not None
    desk.campaign(retry="{attempts: 1, base: 1ms, cap: 1ms}")
    desk.list(people(6))
    desk.sandbox.unfollow(openid(2))
    desk.sandbox.set_faults({"send": {"wrong_template": {"after": 2, "times": 1}}})
    done = desk.send("--workers", "1")
    assert done.json["failed"] == 2, done.json
    desk.sandbox.set_faults({})


def codes(desk: Desk) -> dict[str, str]:
    """Code and class of what has failed, as the report has it."""
    return {one["code"]: one["class"] for one in desk.run("report", "--json").json["failures"]}


def test_a_code_chooses_just_those_people(desk: Desk) -> None:
    failed_twice(desk)
    assert desk.sandbox is not None
    desk.sandbox.follow(openid(2))
    before = desk.sends()
    done = desk.retry("--code", "43004")
    assert desk.sends() == before + 1
    assert (done.code, counts(done.json)) == (1, {"accepted": 5, "failed": 1})
    assert adds_up(done.json)
    assert desk.shown()[openid(2)] == 1


def test_a_class_chooses_its_codes(desk: Desk) -> None:
    failed_twice(desk)
    done = desk.retry("--class", "recipient")
    assert (done.code, done.json["attempts"]) == (1, 1)
    assert counts(done.json) == {"accepted": 4, "failed": 2}


def test_all_chooses_everything_that_failed(desk: Desk) -> None:
    failed_twice(desk)
    assert desk.sandbox is not None
    desk.sandbox.follow(openid(2))
    done = desk.retry("--all")
    assert (done.code, counts(done.json)) == (0, {"accepted": 6})
    assert desk.shown() == {openid(number): 1 for number in range(1, 7)}


def test_without_a_choice_only_what_may_succeed_goes_again(desk: Desk) -> None:
    failed_twice(desk)
    classes = codes(desk)
    passing = [code for code, cls in classes.items() if cls in {"transient", "throttle"}]
    done = desk.retry()
    assert done.json["attempts"] == len(passing)
    assert "43004" in {one["code"] for one in done.json["failures"]}


def test_nothing_chosen_sends_nothing_and_says_so(desk: Desk) -> None:
    failed_twice(desk)
    before = desk.sends()
    done = desk.run("retry-failed", "--code", "40003", "--yes")
    assert (done.code, desk.sends()) == (1, before)
    assert "Nothing to send again" in done.talk


def test_a_mended_list_is_rendered_anew(desk: Desk) -> None:
    desk.campaign(checks="{thing: off}")
    desk.list(
        [{**people(1)[0], "product": "景德镇手绘青花缠枝莲纹三才盖碗茶具礼盒套装十二件"}, *people(2, 2)]
    )
    assert desk.send().json["failed"] == 1
    desk.list(people(3), "mended.csv")
    done = desk.retry("--all", "--recipients", "mended.csv")
    assert (done.code, done.json["attempts"], counts(done.json)) == (0, 1, {"accepted": 3})
    assert desk.sandbox is not None
    assert {message.data["thing1"] for message in desk.sandbox.shown()} == {"云南小粒咖啡豆"}


def test_a_mended_list_with_another_order_reaches_the_right_people(desk: Desk) -> None:
    desk.prepare(5)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(4))
    desk.send()
    desk.sandbox.follow(openid(4))
    desk.list(list(reversed(people(5))), "mended.csv")
    done = desk.retry("--all", "--recipients", "mended.csv")
    assert (done.json["attempts"], counts(done.json)) == (1, {"accepted": 5})
    assert desk.shown() == {openid(number): 1 for number in range(1, 6)}


def test_without_yes_and_terminal_nothing_is_sent(desk: Desk) -> None:
    failed_twice(desk)
    before = desk.sends()
    done = desk.run("retry-failed", "--all", "--json")
    assert (done.code, done.json["state"], desk.sends()) == (2, "refused", before)
    assert "--yes" in done.err


def test_several_runs_must_be_told_apart(desk: Desk) -> None:
    desk.prepare(2)
    assert desk.sandbox is not None
    desk.sandbox.unfollow(openid(2))
    desk.send()
    desk.send("--run", "order-shipped-second")
    desk.sandbox.follow(openid(2))
    before = desk.sends()
    done = desk.retry("--all")
    assert (done.code, done.json["state"], desk.sends()) == (2, "refused", before)
    assert "order-shipped-second" in done.err
    named = desk.retry("order-shipped-second", "--all")
    assert (named.code, named.json["run"], counts(named.json)) == (0, "order-shipped-second", {"accepted": 2})


def test_an_unknown_run_lists_what_there_is(desk: Desk) -> None:
    desk.prepare(1)
    none = desk.retry()
    assert none.code == 2
    assert "no run" in none.err
    desk.send()
    done = desk.retry("christmas")
    assert done.code == 2
    assert "order-shipped" in done.err


def test_a_run_of_another_account_is_not_sent_with_this_one(
    desk: Desk, open_wechat: Callable[..., Sandbox]
) -> None:
    failed_twice(desk)
    other = open_wechat()
    desk.variables["WXPUSH_API_BASE"] = other.url
    done = desk.retry("--all")
    assert (done.code, other.requests_by_path) == (2, {})


def test_after_retrying_send_has_nothing_left(desk: Desk) -> None:
    failed_twice(desk)
    assert desk.sandbox is not None
    desk.sandbox.follow(openid(2))
    desk.retry("--all")
    done = desk.send()
    assert (done.code, done.json["attempts"], counts(done.json)) == (0, 0, {"accepted": 6})


def test_the_failures_file_shrinks_and_goes(desk: Desk) -> None:
    failed_twice(desk)
    assert desk.sandbox is not None
    file: Path = desk.folder / "users.failures.csv"
    assert len(file.read_text("utf-8-sig").splitlines()) == 3
    first = desk.retry(
        "--class", "transient", "--class", "throttle", "--class", "message", "--class", "account"
    )
    assert first.json["failures_file"] == "users.failures.csv"
    assert len(file.read_text("utf-8-sig").splitlines()) == 2
    desk.sandbox.follow(openid(2))
    last = desk.retry("--all")
    assert last.json["failures_file"] is None
    assert not file.exists()


def test_in_doubt_messages_are_left_alone_until_the_operator_says_resend(
    tmp_path: Path, open_wechat: Callable[..., Sandbox]
) -> None:
    """An id that a -1 has used up is answered 40241: nobody can tell whether the person got it."""
    desk = Desk(tmp_path, open_wechat(dedupe={"answer": "40241", "burnt_by_failure": True}))
    assert desk.sandbox is not None
    desk.prepare(4, retry="{attempts: 4, base: 1ms, cap: 1ms}")
    desk.sandbox.set_faults({"send": {"system_error": {"after": 2, "times": 1, "accepted": False}}})
    done = desk.send("--workers", "1")
    assert (done.code, counts(done.json)) == (1, {"accepted": 3, "in_doubt": 1})
    assert desk.retry("--all").json["attempts"] == 0
    left = desk.send("--in-doubt", "leave")
    assert (left.code, left.json["attempts"]) == (1, 0)
    assert "in_doubt" in (desk.folder / "users.failures.csv").read_text("utf-8-sig")
    last = desk.send("--in-doubt", "resend")
    assert (last.code, last.json["attempts"], counts(last.json)) == (0, 1, {"accepted": 4})
    assert desk.shown() == {openid(number): 1 for number in range(1, 5)}


def test_a_refused_start_still_tells_how_the_run_stands(desk: Desk) -> None:
    failed_twice(desk)
    desk.run("token", "clear")
    desk.variables["WXPUSH_SECRET"] = "0" * 32
    done = desk.retry("--all")
    assert (done.json["run"], done.json["state"]) == ("order-shipped", "stopped")
    assert counts(done.json) == {"accepted": 4, "failed": 2}
    assert adds_up(done.json)
