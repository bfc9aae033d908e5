"""Template files: what they say, and every fault with its place in one go."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush import i18n
from wxpush.channels.wechat.template import Template, load_template, read_template_mapping
from wxpush.errors import ProblemsError
from wxpush.model import Problem, Severity
from wxpush.yamlfile import Document, KeyPath, load_yaml

ID = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"
SHIPPED = f"""\
id: {ID}
title: 订单发货通知
content: |
  商品名称:{{{{thing1.DATA}}}}
  订单编号:{{{{character_string2.DATA}}}}
  状态:{{{{const5.DATA}}}}
allowed: {{const5: [已发货, 已签收]}}
"""
MINIMAL = {"id": ID, "content": "商品名称:{{thing1.DATA}}"}


@pytest.fixture(autouse=True, scope="module")
def english() -> Iterator[None]:
    before = i18n.language()
    i18n.set_language("en")
    yield
    i18n.set_language(before)


def from_mapping(value: object, document: Document, base: KeyPath = ()) -> Template:
    """The template that a mapping describes; raises ProblemsError with all its faults."""
    reading = read_template_mapping(value, document, base)
    if reading.template is None:
        raise ProblemsError(reading.problems)
    return reading.template


def load(folder: Path, text: str) -> Template:
    path = folder / "order_shipped.yaml"
    path.write_text(text, encoding="utf-8")
    return load_template(path)


def problems(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(ProblemsError) as caught:
        load(folder, text)
    return list(caught.value.problems)


def test_a_template_file_is_read_whole(tmp_path: Path) -> None:
    found = load(tmp_path, SHIPPED)
    assert (found.id, found.title) == (ID, "订单发货通知")
    assert found.content.startswith("商品名称:{{thing1.DATA}}\n")
    assert [keyword.name for keyword in found.keywords] == ["thing1", "character_string2", "const5"]
    assert found.allowed == {"const5": ("已发货", "已签收")}
    assert found.warnings == ()


def test_a_title_and_approved_values_may_be_lacking(tmp_path: Path) -> None:
    found = load(tmp_path, f'id: {ID}\ncontent: "{{{{thing1.DATA}}}}"\n')
    assert (found.title, found.allowed) == ("", {})


def test_an_id_may_begin_with_a_hyphen(tmp_path: Path) -> None:
    assert load(tmp_path, SHIPPED.replace(ID, "-" + ID[1:])).id.startswith("-")


def test_all_faults_are_told_in_one_go_with_their_places(tmp_path: Path) -> None:
    text = """\
id: TM00017
titel: 订单发货通知
content: |
  状态:{{const5.DATA}}
  商品:{{thing1.DATA}}
allowed: {const6: [已发货], thing1: [手机], const5: []}
"""
    found = problems(tmp_path, text)
    assert [(problem.line, problem.code) for problem in found] == [
        (1, "WX553"),
        (2, "WX552"),
        (6, "WX555"),
        (6, "WX555"),
        (6, "WX555"),
    ]
    assert "library" in found[0].hint
    assert found[1].hint == "Did you mean `title`?"
    assert found[2].hint == "Did you mean `const5`?"
    assert found[2].column < found[3].column < found[4].column
    assert all(problem.file.endswith("order_shipped.yaml") for problem in found)


def test_faults_of_yaml_and_of_the_template_come_together(tmp_path: Path) -> None:
    found = problems(tmp_path, SHIPPED.replace(ID, "short") + "title: noch einmal\n")
    assert [problem.code for problem in found] == ["WX553", "WX108"]


@pytest.mark.parametrize(
    ("id_", "said"),
    [
        ("ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEY", "41 characters"),
        (ID[:-1] + "订", "only letters"),
        (ID + "x", "44 characters"),
    ],
)
def test_an_id_of_another_shape_is_an_error(tmp_path: Path, id_: str, said: str) -> None:
    (found,) = problems(tmp_path, SHIPPED.replace(ID, id_))
    assert said in found.message
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize("key", ["id", "content"])
@pytest.mark.parametrize("value", ["", "null", '"  "'])
def test_id_and_content_are_required(key: str, value: str) -> None:
    document = load_yaml(Path("t.yaml"), text=f"{key}: {value}\n")
    with pytest.raises(ProblemsError) as caught:
        from_mapping(MINIMAL | document.value, document)
    (found,) = caught.value.problems
    assert (found.code, found.line) == ("WX551", 1)
    assert f"`{key}` is required" in found.message


@pytest.mark.parametrize(
    "content",
    [
        "商品名称:",
        "{{thing1}}",
        "a:{{thing1.DATA}} b:{{thing2}}",
        "a:{{thing1.DATA}} { {thing2.DATA} }",
        "{{thing1.DATA}}}}",
    ],
)
def test_content_without_whole_placeholders_is_an_error(tmp_path: Path, content: str) -> None:
    (found,) = problems(tmp_path, f"id: {ID}\ncontent: '{content}'\n")
    assert (found.line, found.code) == (2, "WX554")
    assert "{{thing1.DATA}}" in found.hint


@pytest.mark.parametrize(
    "allowed",
    ["const5", "[已发货]", "{const5: 已发货}", "{const5: [null]}", "{const5: [[a]]}", "{const5: ['']}"],
)
def test_approved_values_are_lists_of_texts(tmp_path: Path, allowed: str) -> None:
    found = problems(tmp_path, SHIPPED.replace("{const5: [已发货, 已签收]}", allowed))
    assert [problem.code for problem in found] == ["WX555"]
    assert found[0].line == 7


@pytest.mark.parametrize("key", ["id", "title", "content"])
@pytest.mark.parametrize("value", ["[a]", "{a: b}"])
def test_a_list_where_text_is_wanted_is_an_error(key: str, value: str) -> None:
    document = load_yaml(Path("t.yaml"), text=f"{key}: {value}\n")
    with pytest.raises(ProblemsError) as caught:
        from_mapping(MINIMAL | document.value, document)
    assert "must be text" in caught.value.problems[0].message


def test_a_template_inside_a_campaign_is_placed_in_the_campaign() -> None:
    text = f"name: a\ntemplate:\n  id: {ID}\n  contents: x\n  content: '{{{{thing1.DATA}}}}'\n"
    document = load_yaml(Path("campaign.yaml"), text=text)
    with pytest.raises(ProblemsError) as caught:
        from_mapping(document.value["template"], document, ("template",))
    (found,) = caught.value.problems
    assert (found.place, found.hint) == ("campaign.yaml:4:3", "Did you mean `content`?")
    del document.value["template"]["contents"]
    assert from_mapping(document.value["template"], document, ("template",)).id == ID


@pytest.mark.parametrize("value", [None, "order_shipped.yaml", ["a"]])
def test_anything_but_a_mapping_is_no_template(value: object) -> None:
    document = load_yaml(Path("campaign.yaml"), text="name: a\ntemplate: x\n")
    with pytest.raises(ProblemsError) as caught:
        from_mapping(value, document, ("template",))
    assert caught.value.problems[0].line == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match=r"gone\.yaml"):
        load_template(tmp_path / "gone.yaml")


def test_a_historic_template_is_warned_of_what_nobody_sees(tmp_path: Path) -> None:
    content = "{{first.DATA}}\\n订单号：{{keyword1.DATA}}\\n{{remark.DATA}}"
    (found,) = load(tmp_path, f'id: {ID}\ncontent: "{content}"\n').warnings
    assert (found.line, found.severity) == (2, Severity.WARNING)
    assert found.message.startswith("first, remark:")


def test_unlisted_approved_values_are_remarked_once_for_each_keyword(tmp_path: Path) -> None:
    content = "{{const1.DATA}}{{enum2.DATA}}{{thing3.DATA}}"
    found = load(tmp_path, f'id: {ID}\ncontent: "{content}"\nallowed: {{const1: [是]}}\n').warnings
    assert [problem.message.split("`")[1] for problem in found] == ["enum2"]
    assert "allowed: {enum2: [已发货, 已签收]}" in found[0].hint


def test_a_keyword_of_an_unknown_type_is_remarked(tmp_path: Path) -> None:
    (found,) = load(tmp_path, f'id: {ID}\ncontent: "{{{{remark7.DATA}}}}"\n').warnings
    assert "`remark7`" in found.message


yaml_values = st.recursive(
    st.one_of(st.none(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(min_size=1, max_size=5), inner)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["id", "title", "content", "allowed", "ids"]), yaml_values))
def test_no_mapping_breaks_the_reading(value: dict[str, object]) -> None:
    document = load_yaml(Path("t.yaml"), text="id: x\n")
    with pytest.raises(ProblemsError) as caught:
        from_mapping(value, document)
    assert caught.value.problems
