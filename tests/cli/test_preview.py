"""`wxpush preview`: messages as a phone shows them, and the approval of just these."""

import re
import shlex
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.cli.command import Desk, Done, counts, openid, people
from wxpush.report.previewpage import Card, preview_page

BRANCHES = """
  thing1: "{{ product if amount | float < 100 else '贵重商品' }}"
  character_string2: "{{ order_no }}"
  amount4: "{{ amount }}元\""""
CODE = re.compile(r"--approved ([A-Z2-7]{4}-[A-Z2-7]{4})")


@pytest.fixture
def offline(tmp_path: Path) -> Desk:
    """A folder without a WeChat, with three people in its list."""
    desk = Desk(tmp_path)
    rows = people(4)
    rows[1] |= {"product": "茶", "order_no": "S1", "amount": "9"}
    rows[2] |= {"product": "云南保山小粒咖啡豆中度烘焙五百克装"}
    rows[3] |= {"amount": "980.00"}
    desk.campaign(data=BRANCHES, url='"https://shop.example.com/{{ order_no }}"')
    desk.list(rows)
    return desk


def shown(desk: Desk, *options: str) -> list[str]:
    """Whose messages are shown, in their order."""
    done = desk.run("preview", "campaign.yaml", "users.csv", *options)
    assert done.code == 0, done.err
    return re.findall(r"Line \d+, to (\S+)", done.out)


def test_the_extremes_and_each_branch_of_a_condition_are_shown(offline: Desk) -> None:
    assert shown(offline, "-n", "9") == [openid(3), openid(2), openid(1), openid(4)]
    done = offline.run("preview", "campaign.yaml", "users.csv", "-n", "2")
    assert f"Line 4, to {openid(3)} · the longest" in done.out
    assert f"Line 3, to {openid(2)} · the shortest" in done.out
    assert "2 more kinds of messages: -n 4" in done.err


def test_a_card_has_title_labels_values_and_the_way_that_a_tap_leads(offline: Desk) -> None:
    done = offline.run("preview", "campaign.yaml", "users.csv", "--row", "3")
    assert done.out.splitlines()[2:-1] == [
        "│ 订单发货通知                                   │",
        "│                                                │",
        "│ 商品名称  茶                                   │",
        "│ 订单编号  S1                                   │",
        "│ 订单金额  9元                                  │",
        "├────────────────────────────────────────────────┤",
        "│ 查看详情                                     > │",
        "╰────────────────────────────────────────────────╯",
        "  opens https://shop.example.com/S1",
    ]


def test_a_line_or_a_person_can_be_asked_for(offline: Desk) -> None:
    assert shown(offline, "--row", "5") == [openid(4)]
    assert shown(offline, "--openid", openid(2)) == [openid(2)]
    done = offline.run("preview", "campaign.yaml", "users.csv", "--row", "99")
    assert done.code == 2
    assert "users.csv has no row on line 99 that the campaign sends to." in done.err


@pytest.fixture
def spoilt(offline: Desk) -> Desk:
    """A folder whose list has a wrong row."""
    rows = people(3)
    rows[1]["amount"] = "很多"
    offline.campaign()
    offline.list(rows)
    return offline


def test_rows_that_cannot_be_sent_are_counted_and_one_that_is_asked_for_says_why(spoilt: Desk) -> None:
    done = spoilt.run("preview", "campaign.yaml", "users.csv")
    assert (done.code, "1 row can't be sent and must be mended first" in done.err) == (0, True)
    asked = spoilt.run("preview", "campaign.yaml", "users.csv", "--row", "3")
    assert asked.code == 2
    assert "users.csv:3:58: error WX519: data.amount4" in asked.err


def commands(done: Done) -> list[str]:
    return [text.strip() for text in done.err.splitlines() if text.startswith("  wxpush ")]


def test_a_list_with_wrong_rows_is_not_offered_to_be_sent_as_it_is(spoilt: Desk) -> None:
    options = ("--list-format", "csv", "--where", "name != ''")
    done = spoilt.run("preview", "campaign.yaml", "users.csv", *options)
    check, send = commands(done)
    assert check == "wxpush validate campaign.yaml --recipients users.csv " + shlex.join(options)
    assert "--skip-invalid" in send
    assert spoilt.run(*shlex.split(check)[1:]).code == 1
    assert spoilt.run(*shlex.split(send)[1:], "--dry-run").code == 1, "the wrong row counts as failed"
    without = [word for word in shlex.split(send)[1:] if word != "--skip-invalid"]
    assert spoilt.run(*without, "--dry-run").code == 2


def test_rows_that_contradict_each_other_are_wrong_too(offline: Desk) -> None:
    offline.campaign()
    offline.list([*people(2), people(1)[0] | {"product": "茶"}])
    done = offline.run("preview", "campaign.yaml", "users.csv")
    assert "1 row can't be sent" in done.err
    assert len(commands(done)) == 2
    offline.list([*people(2), *people(1)])
    assert len(commands(offline.run("preview", "campaign.yaml", "users.csv"))) == 1


def test_a_page_over_wrong_rows_has_no_code_to_approve(spoilt: Desk) -> None:
    done = spoilt.run("preview", "campaign.yaml", "users.csv", "--html", "p.html")
    code = CODE.search(done.err)
    text = (spoilt.folder / "p.html").read_text("utf-8")
    assert code is None, "the terminal says the same as the page"
    assert "Not to be approved yet: rows of the list must be mended first." in text
    assert "1 row can&#x27;t be sent and must be mended first" in text


def test_an_encoding_without_frames_gets_plain_ones(offline: Desk) -> None:
    done = offline.run(
        "preview", "campaign.yaml", "users.csv", "--row", "3", env={"PYTHONIOENCODING": "gbk", "LC_ALL": "C"}
    )
    assert done.code == 0
    assert "+--------" in done.out


class Page(HTMLParser):
    """Which elements, attributes and texts a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_has_the_same_messages_loads_nothing_and_runs_nothing(offline: Desk) -> None:
    done = offline.run("--lang", "zh", "preview", "campaign.yaml", "users.csv", "-n", "9", "--html", "p.html")
    assert (done.code, done.out) == (0, "")
    text = (offline.folder / "p.html").read_text("utf-8")
    page = Page(text)
    assert ("html", {"lang": "zh-CN"}) in page.elements
    assert [tag for tag, _ in page.elements].count("article") == 4
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.elements}
    assert not any(
        name in attributes for _, attributes in page.elements for name in ("src", "href", "onload")
    )
    code = CODE.search(done.err)
    assert code is not None
    assert code[1] in page.texts
    assert "云南保山小粒咖啡豆中度烘焙五百克装" in page.texts


def test_nothing_of_a_message_can_become_a_part_of_the_page() -> None:
    nasty = "</dd><script>alert(1)</script>\"'&amp;<img src=x onerror=1>"
    card = Card(nasty, nasty, [(nasty, nasty)], nasty)
    page = Page(preview_page(nasty, [nasty], nasty, [card]))
    assert "script" not in {tag for tag, _ in page.elements}
    assert "img" not in {tag for tag, _ in page.elements}
    assert "".join(page.texts).count(nasty) == 9


def test_what_turns_the_order_of_a_text_is_shown_by_its_number_in_the_page() -> None:
    turned = "付\u202e元001\u2066退\u200b\x07款\ue000\u2028"
    text = preview_page(turned, [turned], "K7QF-3M2X", [Card(turned, turned, [(turned, turned)], turned)])
    assert not set(turned) & set(text) - set("付元01退款")
    marks = [tag for tag, attributes in Page(text).elements if attributes.get("class") == "mark"]
    assert len(marks) == 7 * 6, "six marks in each of seven places; the page's title has no elements"
    assert "".join(Page(text).texts).count(r"付\u202e元001\u2066退\u200b\u0007款\ue000\u2028") == 8


def test_a_line_break_of_a_value_stays_one_in_the_page() -> None:
    text = preview_page("a", [], "K7QF-3M2X", [Card("b", "c", [("d", "eins\nzwei")])])
    assert "eins\nzwei</dd>" in text


def approval(desk: Desk) -> str:
    found = CODE.search(desk.run("preview", "campaign.yaml", "users.csv").err)
    assert found is not None
    return found[1]


def test_what_was_approved_is_sent_and_the_run_remembers_it(desk: Desk) -> None:
    desk.prepare(3)
    code = approval(desk)
    done = desk.send("--approved", code.lower().replace("-", " "))
    assert (done.code, counts(done.json)) == (0, {"accepted": 3})
    assert desk.run("runs", "show", "--json").json["approved"] == code
    assert f"Approved     {code}" in re.sub(" +", "     ", desk.run("runs", "show").out)


def test_a_dry_run_looks_at_the_approval_too(offline: Desk) -> None:
    done = offline.run("send", "campaign.yaml", "users.csv", "--approved", "AAAA-BBBB", "--dry-run")
    assert done.code == 2


def test_no_file_is_replaced_but_an_earlier_page(offline: Desk) -> None:
    for name in ("campaign.yaml", "users.csv", "template.yaml"):
        before = (offline.folder / name).read_bytes()
        done = offline.run("preview", "campaign.yaml", "users.csv", "--html", name)
        assert (done.code, (offline.folder / name).read_bytes()) == (2, before)
    for _time in range(2):
        assert offline.run("preview", "campaign.yaml", "users.csv", "--html", "page.html").code == 0


def test_the_command_to_type_next_is_quoted(offline: Desk) -> None:
    (offline.folder / "users.csv").rename(offline.folder / "my list; touch x")
    done = offline.run("preview", "campaign.yaml", "my list; touch x", "--list-format", "csv")
    assert "wxpush send campaign.yaml 'my list; touch x' --approved " in done.err
    assert "--list-format csv" in done.err


def test_a_list_without_a_good_row_says_why(offline: Desk) -> None:
    offline.list([people(1)[0] | {"product": ""}])
    done = offline.run("preview", "campaign.yaml", "users.csv")
    assert (done.code, "no value for" in done.err or "the value is empty" in done.err) == (2, True)


def test_anything_else_than_what_was_approved_is_refused(desk: Desk) -> None:
    desk.prepare(3)
    code = approval(desk)
    desk.list(people(4))
    done = desk.send("--approved", code)
    assert (done.code, desk.sends()) == (2, 0)
    assert "are not those that were approved" in done.err
    desk.list(people(3))
    desk.campaign(url="https://shop.example.com/")
    assert desk.send("--approved", code).code == 2
    desk.campaign()
    assert desk.send("--approved", code).code == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "again"),
        ("name", "order-{{ today }}"),
        ("account", "other"),
        ("rate", "20/s"),
        ("workers", "2"),
        ("limits", "{per_user_per_day: 1}"),
        ("expires", "{column: openid, after: 7d}"),
        ("send_window", '"00:00-24:00"'),
        ("check_followers", "true"),
        ("suppress", "{auto: 24h}"),
        ("notify", "{wecom: {url_env: TEAM_ROBOT}}"),
        ("checks", "{thing: warn}"),
        ("tolerate", "5%"),
        ("blocked_words", "words.txt"),
    ],
)
def test_the_code_is_over_all_that_the_campaign_says(desk: Desk, key: str, value: str) -> None:
    desk.prepare(3)
    desk.write("words.txt", "gambling\n")
    code = approval(desk)
    desk.campaign(**{key: value})
    done = desk.send("--approved", code)
    assert (done.code, desk.sends()) == (2, 0)
    assert "are not those that were approved" in done.talk


def test_the_code_is_over_the_words_and_the_whole_template(desk: Desk) -> None:
    desk.prepare(3)
    desk.write("words.txt", "gambling\n")
    desk.campaign(blocked_words="words.txt")
    codes = {approval(desk)}
    desk.write("words.txt", "lottery\n")
    codes.add(approval(desk))
    template = (desk.folder / "template.yaml").read_text()
    desk.write("template.yaml", re.sub("title: .*", "title: Another", template))
    codes.add(approval(desk))
    assert len(codes) == 3


def test_comments_and_layout_are_no_matter_of_the_code(offline: Desk) -> None:
    code = approval(offline)
    keys = (offline.folder / "campaign.yaml").read_text().split("\n", 2)
    offline.write(
        "campaign.yaml", "# a remark\n\n" + "\n\n".join([keys[1], keys[0] + "  # its name", keys[2]])
    )
    assert approval(offline) == code


@pytest.mark.parametrize(("option", "value"), [("--run", "again"), ("--account", "other")])
@pytest.mark.parametrize("rehearsal", [[], ["--dry-run"]])
def test_an_option_says_nothing_else_than_what_was_approved(
    desk: Desk, option: str, value: str, rehearsal: list[str]
) -> None:
    desk.prepare(3)
    done = desk.send("--approved", approval(desk), option, value, *rehearsal)
    assert (done.code, desk.sends()) == (2, 0)
    assert f"{option} {value}: that isn't what was approved" in done.talk


def test_an_option_may_repeat_what_was_approved(desk: Desk) -> None:
    desk.prepare(3)
    assert desk.send("--approved", approval(desk), "--run", "order-shipped").code == 0


def test_an_empty_cell_within_a_text_is_told_wherever_messages_are_looked_at(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    rows = people(3)
    rows[1] |= {"product": ""}
    desk.campaign(
        data=BRANCHES.replace(
            "{{ product if amount | float < 100 else '贵重商品' }}", "亲爱的{{ product }}您好"
        )
    )
    desk.list(rows)
    validated = desk.run("validate", "campaign.yaml", "--recipients", "users.csv")
    previewed = desk.run("preview", "campaign.yaml", "users.csv")
    planned = desk.run("send", "campaign.yaml", "users.csv", "--sandbox", "--dry-run")
    for done in (validated, previewed, planned):
        assert done.code == 0, done.err
        assert (done.out + done.err).count("the text goes out without it") == 1, done.out + done.err
    assert "1 row has a warning: users.csv:3:" in previewed.out + previewed.err
