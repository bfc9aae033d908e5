"""Rendering: one row and a campaign make a message's parts, or every fault of the row at once."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.campaign.samples import DATA, HEAD, OPENID, ROW, campaign, recipient, with_data
from wxpush.campaign.render import Rendered, Renderer, RowError
from wxpush.model import Finding, Recipient


def faults(renderer: Renderer, **values: object) -> tuple[Finding, ...]:
    with pytest.raises(RowError) as caught:
        renderer.render(recipient(**values))
    return caught.value.findings


def test_all_parts_of_a_message_are_rendered(tmp_path: Path):
    sending = campaign(
        tmp_path,
        HEAD
        + DATA
        + 'key: "{{ openid }}:{{ order_no }}"\nurl: "https://example.com/{{ order_no }}?d={{ today }}"\n'
        + 'miniprogram: {appid: wx0123456789abcdef, pagepath: "pages/order?id={{ order_no }}"}\n',
    )
    assert Renderer(sending).render(recipient(**ROW)) == Rendered(
        key=f"{OPENID}:SN20261123001",
        to=OPENID,
        data={
            "thing1": "有机红富士苹果 5kg 礼盒装",
            "character_string2": "SN20261123001",
            "time3": "2026-11-23 15:04",
            "amount4": "199.00元",
        },
        url="https://example.com/SN20261123001?d=2026-11-23",
        miniprogram={"appid": "wx0123456789abcdef", "pagepath": "pages/order?id=SN20261123001"},
    )


def test_the_key_is_the_person_by_default(tmp_path: Path):
    renderer = Renderer(campaign(tmp_path))
    assert renderer.render(recipient(**ROW)).key == OPENID
    assert renderer.key(recipient()) == OPENID


def test_blanks_at_the_ends_are_taken_off_everywhere(tmp_path: Path):
    renderer = Renderer(with_data(tmp_path, " {{ x }}\n", key="{{ openid }} ", url=" {{ x }}"))
    found = renderer.render(Recipient(0, 2, {"openid": f" {OPENID}\t", "x": "\u3000甲 乙 "}))
    assert (found.to, found.key, found.url, found.data) == (OPENID, OPENID, "甲 乙", {"thing1": "甲 乙"})
    assert renderer.key(Recipient(0, 2, {"openid": f" {OPENID}\t"})) == OPENID


def test_a_link_that_comes_out_empty_is_no_link(tmp_path: Path):
    sending = campaign(
        tmp_path, HEAD + DATA + 'url: "{{ link }}"\nminiprogram: {appid: "{{ link }}", pagepath: "x"}\n'
    )
    found = Renderer(sending).render(recipient(**ROW, link=""))
    assert (found.url, found.miniprogram) == (None, None)


def test_a_mini_program_needs_no_page(tmp_path: Path):
    sending = campaign(tmp_path, HEAD + DATA + "miniprogram: {appid: wx0123456789abcdef}\n")
    assert Renderer(sending).render(recipient(**ROW)).miniprogram == {"appid": "wx0123456789abcdef"}


def test_odd_columns_are_reached_through_row(tmp_path: Path):
    renderer = Renderer(with_data(tmp_path, '{{ row["订单号(必填)"] }}/{{ row["x"] }}'))
    assert renderer.render(recipient(**{"订单号(必填)": "SN1", "x": "2"})).data == {"thing1": "SN1/2"}


def test_a_column_named_like_ours_is_the_lists(tmp_path: Path):
    renderer = Renderer(with_data(tmp_path, '{{ today }} {{ row["row"] }}'))
    assert renderer.render(recipient(today="昨天", row="3")).data == {"thing1": "昨天 3"}


def test_values_with_quotes_breaks_and_braces_stay_as_they_are(tmp_path: Path):
    odd = "\"'\\{{ x }}{% x %}<b>&amp;\n第二行\x01"
    assert Renderer(with_data(tmp_path, "{{ x }}")).render(recipient(x=odd)).data == {"thing1": odd}


def test_a_lacking_value_is_an_error_and_never_an_empty_word(tmp_path: Path):
    (found,) = faults(Renderer(with_data(tmp_path, "亲爱的{{ name }}")))
    assert (found.where, found.code) == ("data.thing1", "WX401")
    assert found.message == 'no value for "name".'
    assert found.hint == "Fix the row, or leave it out with `send --skip-invalid`."


@pytest.mark.parametrize(
    ("columns", "hint"),
    [
        ({"order_nr": "1"}, "Did you mean {{ order_nr }}?"),
        ({"order no": "1"}, 'Did you mean {{ row["order no"] }}?'),
        ({"order_no(必填)": "1"}, 'Did you mean {{ row["order_no(必填)"] }}?'),
    ],
)
def test_a_lacking_value_is_told_with_the_column_that_was_meant(
    tmp_path: Path, columns: dict[str, str], hint: str
):
    (found,) = faults(Renderer(with_data(tmp_path, "{{ order_no }}")), **columns)
    assert found.hint == hint


def test_all_faults_of_a_row_are_told_and_each_lacking_column_once(tmp_path: Path):
    sending = campaign(
        tmp_path,
        HEAD
        + 'data: {a: "{{ x }}", b: "{{ x }}{{ y }}", c: "{{ n | money }}", d: "{{ z }}"}\nkey: "{{ x }}"\n',
    )
    found = faults(Renderer(sending), n="abc")
    assert [(one.where, one.code) for one in found] == [
        ("key", "WX401"),
        ("data.c", "WX402"),
        ("data.d", "WX401"),
    ]


@pytest.mark.parametrize(
    ("expression", "code", "words"),
    [
        ("{{ 1 / (zero | float) }}", "WX403", "division by zero"),
        ("{{ -(y | default(0)) }}", "WX403", "a text is used as a number"),
        ("{{ 'a' if x | int < (y | default(0)) else 'b' }}", "WX403", "a text is used as a number"),
        ("{{ y | default(0) * 3 }}", "WX403", "works on numbers"),
        ("{{ long }}", "WX404", "4096 is the most"),
        ("{{ half }}{{ half }}", "WX404", "2000 is the most"),
        ("{{ tags }}", "WX405", "a list or a group"),
        ("{{ user }}", "WX405", "a list or a group"),
        ("{{ nul }}", "WX404", "NUL"),
        ("{{ user.phone }}", "WX401", 'no value for "phone"'),
        ("{{ user.phone.home }}", "WX401", 'no value for "phone"'),
        ("{{ x.name }}", "WX401", 'no value for "name"'),
        ("{{ tags[9] }}", "WX401", 'no value for "9"'),
    ],
)
def test_a_fault_of_a_row_is_named_in_plain_words(tmp_path: Path, expression: str, code: str, words: str):
    values = {
        "x": "1",
        "zero": "0",
        "y": "两",
        "long": "x" * 5000,
        "half": "x" * 1500,
        "tags": ["a"],
        "nul": "a\0b",
    }
    (found,) = faults(Renderer(with_data(tmp_path, expression)), **values, user={"name": "x"})
    assert found.code == code
    assert words in found.message


def test_a_condition_chooses_rows(tmp_path: Path):
    renderer = Renderer(with_data(tmp_path, "x", when="status == 'paid' and not blocked"))
    assert renderer.wanted(recipient(status="paid", blocked="否"))
    assert not renderer.wanted(recipient(status="paid", blocked="是"))
    assert not renderer.wanted(recipient(status="open", blocked=""))
    with pytest.raises(RowError) as caught:
        renderer.wanted(recipient(status="paid"))
    assert caught.value.findings[0].message == 'no value for "blocked".'
    assert caught.value.findings[0].where == "when"


def test_without_a_condition_every_row_is_wanted(tmp_path: Path):
    assert Renderer(campaign(tmp_path)).wanted(recipient())


def test_a_row_is_not_changed_by_rendering(tmp_path: Path):
    row = recipient(**ROW)
    before = dict(row.values)
    Renderer(campaign(tmp_path)).render(row)
    assert row.values == before


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(list(ROW)), st.text(max_size=30) | st.lists(st.text(max_size=3), max_size=2)
    )
)
def test_any_row_is_rendered_or_refused_with_findings(tmp_path: Path, values: dict[str, object]):
    renderer = Renderer(campaign(tmp_path))
    try:
        found = renderer.render(Recipient(0, 2, dict(values)))
    except RowError as error:
        told = error.findings
        assert told
    else:
        product = values["product"]
        assert isinstance(product, str)
        assert found.data["thing1"] == product.strip()
