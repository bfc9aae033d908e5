"""`wxpush template`: the account's templates as files, kept in step without losing what people added."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.command import KNOWN_TEMPLATE, TEMPLATE_ID, Desk
from wxpush.channels.wechat.listed import Listed, as_file, differs, file_name, listed_templates, updated
from wxpush.channels.wechat.template import load_template
from wxpush.sandbox import Sandbox

STATE_ID = "B" * 43
STATE = {
    "template_id": STATE_ID,
    "title": "订单状态通知",
    "content": "商品名称:{{thing1.DATA}}\n当前状态:{{const2.DATA}}\n",
}


@pytest.fixture
def shop(tmp_path: Path, open_wechat: Callable[..., Sandbox]) -> Desk:
    """An account with two templates, in a folder without any."""
    desk = Desk(tmp_path, open_wechat(templates=[KNOWN_TEMPLATE, STATE]))
    (desk.folder / "template.yaml").unlink()
    return desk


def test_all_templates_become_files_that_validate_and_are_named_as_a_person_would(shop: Desk) -> None:
    done = shop.run("template", "pull")
    assert (done.code, done.err) == (0, "")
    assert done.out == "templates/订单发货通知.yaml: written\ntemplates/订单状态通知.yaml: written\n"
    found = load_template(shop.folder / "templates" / "订单发货通知.yaml")
    assert (found.id, found.title, found.content) == (
        TEMPLATE_ID, KNOWN_TEMPLATE["title"], KNOWN_TEMPLATE["content"]
    )  # fmt: skip
    assert shop.run("validate", "templates").code == 0
    again = shop.run("template", "pull")
    assert again.out.count(": unchanged\n") == 2


def test_what_was_added_to_a_file_survives_an_update(shop: Desk) -> None:
    shop.write(
        "templates/state.yaml",
        f"# our own words\nid: {STATE_ID}\ntitle: 旧标题\ncontent: |\n  旧内容:{{{{thing1.DATA}}}}\n"
        "  当前状态:{{const2.DATA}}\n\n# as approved in May\nallowed: {const2: [已发货, 已签收]}\n",
    )
    done = shop.run("template", "pull", "订单状态通知")
    assert done.out == "templates/state.yaml: brought up to date\n"
    assert (shop.folder / "templates" / "state.yaml").read_text("utf-8") == (
        f"# our own words\nid: {STATE_ID}\ntitle: 订单状态通知\ncontent: |\n  商品名称:{{{{thing1.DATA}}}}\n"
        "  当前状态:{{const2.DATA}}\n\n# as approved in May\nallowed: {const2: [已发货, 已签收]}\n"
    )
    assert shop.run("template", "diff").code == 0


FLOW = f'{{id: {STATE_ID}, title: x, content: "a:{{{{thing1.DATA}}}}"}}\n'
SPACED = f'id : {STATE_ID}\ntitle : x\ncontent : "a:{{{{thing1.DATA}}}}"\n'
QUOTED = f'"id": {STATE_ID}\n"title": x\n"content": "a:{{{{thing1.DATA}}}}"\n'
FOLDED = f'id: {STATE_ID}\ntitle: x\ncontent: "a:\n\nb:{{{{thing1.DATA}}}}"\n'


@pytest.mark.parametrize("text", [FLOW, SPACED, QUOTED, FOLDED], ids=["flow", "spaced", "quoted", "folded"])
def test_a_file_that_cannot_be_brought_up_to_date_is_left_as_it_is(shop: Desk, text: str) -> None:
    shop.write("templates/state.yaml", text)
    done = shop.run("template", "pull", "订单状态通知")
    now = (shop.folder / "templates" / "state.yaml").read_text("utf-8")
    if done.code == 0:
        assert load_template(shop.folder / "templates" / "state.yaml").title == "订单状态通知"
    else:
        assert (done.code, now) == (2, text)
        assert "can't be replaced" in done.err
    assert [path.name for path in (shop.folder / "templates").iterdir()] == ["state.yaml"]


def test_a_file_with_a_mistake_is_named_and_gets_no_double(shop: Desk) -> None:
    shop.run("template", "pull")
    path = shop.folder / "templates" / "订单状态通知.yaml"
    path.write_text(path.read_text("utf-8") + "mytag: x\n", encoding="utf-8")
    done = shop.run("template", "pull")
    assert done.code == 2
    assert "templates/订单状态通知.yaml:6:1: " in done.err
    assert len(list(path.parent.iterdir())) == 2


def test_the_list_says_which_file_describes_each_and_which_is_stale(shop: Desk) -> None:
    assert "wxpush template pull" in shop.run("template", "list").err
    shop.run("template", "pull", TEMPLATE_ID, "--into", "templates")
    path = shop.folder / "templates" / "订单发货通知.yaml"
    path.write_text(path.read_text("utf-8").replace("商品名称", "商品"), encoding="utf-8")
    done = shop.run("template", "list")
    assert f"订单发货通知  {TEMPLATE_ID}  templates/订单发货通知.yaml (differs)" in done.out
    assert f"订单状态通知  {STATE_ID}  –" in done.out
    found = shop.run("template", "list", "--json").json["templates"]
    assert [(one["id"], one["file"], one["differs"]) for one in found] == [
        (TEMPLATE_ID, "templates/订单发货通知.yaml", True),
        (STATE_ID, None, False),
    ]
    assert found[1]["keywords"] == ["thing1", "const2"]


def test_a_difference_is_shown_line_by_line_and_exits_1(shop: Desk) -> None:
    shop.run("template", "pull")
    path = shop.folder / "templates" / "订单发货通知.yaml"
    path.write_text(path.read_text("utf-8").replace("商品名称", "商品"), encoding="utf-8")
    done = shop.run("template", "diff")
    assert done.code == 1
    assert "\n-商品:{{thing1.DATA}}\n+商品名称:{{thing1.DATA}}\n" in done.out
    assert done.out.startswith("--- templates/订单发货通知.yaml\n+++ default (WeChat)\n")
    same = shop.run("template", "diff", "templates/订单状态通知.yaml")
    assert (same.code, same.out) == (0, "")
    assert "1 file says what the account says." in same.err


def test_a_file_whose_template_is_gone_is_told(shop: Desk) -> None:
    shop.write("templates/gone.yaml", f"id: {'C' * 43}\ntitle: t\ncontent: 'a:{{{{thing1.DATA}}}}'\n")
    done = shop.run("template", "diff")
    assert done.code == 1
    assert "templates/gone.yaml: the account has no template with this id." in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pull", "nothing"), 2, 'no template "nothing". It has: 订单发货通知, 订单状态通知'),
        (("diff", "nowhere"), 2, "nowhere: there is no such file or folder. Fetch the account's templates"),
        (("pull", "--into", "file"), 2, "can't be written"),
    ],
)
def test_what_cannot_be_done_says_why(shop: Desk, arguments: tuple[str, ...], code: int, words: str) -> None:
    shop.write("file", "")
    done = shop.run("template", *arguments)
    assert done.code == code
    assert words in done.talk.replace("error: ", "")


def test_an_account_that_cannot_be_asked_exits_3(shop: Desk) -> None:
    assert shop.sandbox is not None
    shop.sandbox.go_down()
    assert shop.run("template", "list", timeout=60).code == 3


LINES = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), max_size=4)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), LINES)
def test_any_template_survives_being_written_and_read(title: str, lines: list[str]) -> None:
    content = "\n".join([*lines, "商品:{{thing1.DATA}}", *lines])
    (listed,) = listed_templates([{"template_id": STATE_ID, "title": title, "content": content}])
    text = as_file(listed)
    from wxpush.channels.wechat.template import read_template_mapping
    from wxpush.yamlfile import parse_yaml

    for written in (text, updated(text, listed), updated(f"allowed: {{}}\n{text}# end\n", listed)):
        parsed = parse_yaml(Path("x.yaml"), text=written)
        if any(problem.code == "WX104" for problem in parsed.problems):
            return  # a character that no file of ours may hold, told with its place
        assert parsed.document is not None, written
        reading = read_template_mapping(parsed.document.value, parsed.document)
        assert reading.template is not None, reading.problems
        assert not differs(reading.template, listed)


@given(st.text(max_size=60), st.lists(st.text(max_size=10), max_size=5))
def test_a_files_name_is_fit_for_every_system_and_free(title: str, others: list[str]) -> None:
    taken = [f"{other}.yaml" for other in others] + [file_name(title, [])]
    name = file_name(title, taken)
    assert name.lower() not in {one.lower() for one in taken}
    assert not set(name) & set('<>:"/\\|?*\0\n')
    assert not name.startswith(".")
    assert len(name) < 60


def test_what_is_no_template_of_this_kind_is_left_out() -> None:
    answer = [{"template_id": "x" * 43, "title": "订阅模板消息", "content": ""}, {"title": None}, STATE]
    assert listed_templates(answer) == [Listed(STATE_ID, "订单状态通知", STATE["content"].strip())]
