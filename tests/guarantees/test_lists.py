"""T29, T36: lists as people keep them, with repeats, invisible characters and changes between two calls."""

import csv
import random
from collections import Counter

import pytest

from tests.cli.command import TEMPLATE_FILE, Desk, Row, adds_up, counts, openid, people
from tests.guarantees.plugin import Measured, Scale

BLANKS = (" ", "\t", "  ", "\u3000", "\u00a0")
INVISIBLE = ("\u200b", "\u200c", "\u200d", "\u2060", "\ufeff")


def everybody(count: int) -> list[Row]:
    """Rows of `count` people, a tenth of whom differ from another one in the case of a letter only."""
    rows = people(count)
    for number in range(0, count - 1, 10):
        rows[number + 1]["openid"] = rows[number]["openid"].replace("oW3k", "oW3K")
    return rows


def with_blanks(row: Row, chance: random.Random) -> Row:
    before, after = chance.choice(BLANKS), chance.choice(["", *BLANKS])
    return {**row, "openid": f"{before}{row['openid']}{after}"}


def with_invisible(row: Row, chance: random.Random) -> Row:
    place = chance.choice([0, 5, len(row["openid"])])
    return {**row, "openid": row["openid"][:place] + chance.choice(INVISIBLE) + row["openid"][place:]}


@pytest.mark.guarantee("T29")
def test_t29_a_repeated_person_gets_one_message_and_is_counted(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    chance = random.Random(20261126)
    total = scale(1_000, 10_000)
    once, again = everybody(total * 8 // 10), total * 2 // 10
    exact = chance.sample(once, again * 6 // 10)
    blanks = [with_blanks(row, chance) for row in chance.sample(once, again - len(exact))]
    rows = once + exact + blanks
    chance.shuffle(rows)
    desk.campaign()
    desk.list(rows)
    done = desk.send()
    assert (done.code, counts(done.json)) == (0, {"accepted": len(once), "skipped": again})
    assert done.json["skips"] == [{"reason": "duplicate", "count": again}]
    assert desk.shown() == {row["openid"]: 1 for row in once}
    measured(f"{total:,} rows: {len(once):,} sent once, {again:,} counted as repeats")


@pytest.mark.guarantee("T29")
def test_t29_an_openid_with_an_invisible_character_is_an_error_of_its_row(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    """WeChat knows nobody by such an openid, and whom it means is not ours to guess: its row is named."""
    chance = random.Random(20261126)
    good = everybody(scale(200, 2_000))
    spoilt = [with_invisible(row, chance) for row in chance.sample(good, scale(20, 200))]
    rows = good + spoilt
    chance.shuffle(rows)
    lines = {line for line, row in enumerate(rows, 2) if row in spoilt}
    desk.campaign()
    desk.list(rows)
    refused = desk.send()
    assert (refused.code, refused.json["state"], desk.sends()) == (2, "refused", 0)
    problems = refused.json["problems"]
    told = {problem["line"] for problem in problems if "U+" in problem["message"]}
    assert {problem["line"] for problem in problems} == told <= lines
    assert len(told) >= 10
    done = desk.send("--skip-invalid")
    assert (done.code, counts(done.json)) == (1, {"accepted": len(good), "failed": len(spoilt)})
    assert desk.shown() == {row["openid"]: 1 for row in good}
    with (desk.folder / done.json["failures_file"]).open(encoding="utf-8-sig", newline="") as stream:
        listed = {int(row["wxpush_line"]): row["openid"] for row in csv.DictReader(stream)}
    assert listed == {line: rows[line - 2]["openid"] for line in lines}
    measured(f"{len(spoilt)} with invisible characters sent nothing, and were listed by line")


@pytest.mark.guarantee("T36")
def test_t36_a_list_that_is_edited_between_calls_doubles_and_forgets_nobody(
    desk: Desk, scale: Scale, measured: Measured
) -> None:
    chance = random.Random(20261126)
    rows = people(200)
    desk.campaign()
    unused, expected = 10_000, Counter[str]()
    edits = scale(3, 20)
    for edit in range(edits + 1):
        desk.list(rows)
        pending = [row["openid"] for row in rows if row["openid"] not in expected]
        done = desk.send("--limit", "40")
        expected.update(pending[:40])
        assert desk.shown() == expected
        assert adds_up(done.json)
        assert done.json["accepted"] == len(expected)
        here = {row["openid"] for row in rows}
        assert done.json["total"] == len(rows) + len(expected.keys() - here)
        if edit < edits:
            gone = {row["openid"] for row in chance.sample(rows, chance.randrange(0, 20))}
            fresh = people(chance.randrange(10, 60), unused)
            unused += len(fresh)
            rows = [row for row in rows if row["openid"] not in gone] + fresh
            if chance.random() < 0.7:
                chance.shuffle(rows)
    done = desk.send()
    expected.update({row["openid"] for row in rows} - expected.keys())
    assert (done.code, counts(done.json)) == (0, {"accepted": len(expected)})
    assert desk.shown() == expected
    assert set(expected.values()) == {1}
    measured(f"{edits} edits (added, removed, reordered): nothing resent, {len(expected)} sent once")


@pytest.mark.guarantee("T36")
@pytest.mark.parametrize("order", ["reversed", "sorted", "shuffled"])
def test_t36_a_reordered_list_is_not_sent_again(desk: Desk, order: str) -> None:
    desk.prepare(50)
    desk.send()
    rows = people(50)
    if order == "reversed":
        rows.reverse()
    elif order == "sorted":
        rows.sort(key=lambda row: row["order_no"][::-1])
    else:
        random.Random(20261126).shuffle(rows)
    desk.list(rows)
    done = desk.send()
    assert (done.code, done.json["attempts"], counts(done.json)) == (0, 0, {"accepted": 50})
    assert desk.sends() == 50


@pytest.mark.guarantee("T36")
def test_t36_a_changed_template_is_refused_without_the_flag(desk: Desk, measured: Measured) -> None:
    desk.prepare(50)
    desk.send("--limit", "20")
    changes = {
        "another label": TEMPLATE_FILE.replace("商品名称", "商品"),
        "another keyword": TEMPLATE_FILE.replace("thing1", "thing7"),
        "another id": TEMPLATE_FILE.replace("mvfAq5sOBf4RH7", "xvfAq5sOBf4RH7"),
    }
    for name, content in changes.items():
        assert content != TEMPLATE_FILE
        desk.write("template.yaml", content)
        refused = desk.send()
        assert (refused.code, refused.json["state"], desk.sends()) == (2, "refused", 20), name
    desk.write("template.yaml", changes["another label"])
    assert "--accept-changes" in desk.send().err
    done = desk.send("--accept-changes")
    assert (done.code, counts(done.json), done.json["attempts"]) == (0, {"accepted": 50}, 30)
    assert desk.shown() == {openid(number): 1 for number in range(1, 51)}
    measured(f"{len(changes)} changed templates refused, taken with the flag")
