"""The keyword types: what they let through and what not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wxpush.sandbox.rules import first_fault, is_valid
from wxpush.sandbox.settings import Template

GOOD = {
    "thing1": ["字" * 20, "Order #1, 已发货!", "🎉"],
    "short_thing2": ["十个字以内的短事物"],
    "number3": ["12", "-1.50", "9" * 32],
    "letter4": ["ABC", "z" * 32],
    "symbol5": ["+-*/%", "。"],
    "character_string12": ["SF-20261123 #1", "~" * 32],
    "time6": ["15:01", "15:01:59", "2019年10月1日 15:01", "2019年10月1日15:01", "2026-01-02 15:04"],
    "time7": ["09:00~18:00", "2023年08月02日 09:06:04 ~ 2023年08月03日 09:06:04"],
    "date8": ["2019年10月1日", "2019年10月", "10月1日", "2018-01-01", "2018/01/01", "2018.01.01", "2018-01"],
    "date9": ["01-01", "2019年10月1日 15:01", "2018-01-01~2018-02-01"],
    "amount10": ["268.00元", "¥100", "￥1", "$9999999999", "0.5"],
    "phone_number11": ["+86-0766-66888866", "13800138000"],
    "car_number12": ["粤A8Z888", "粤A8Z88挂"],
    "name13": ["王小明", "张" * 10, "Alexander Hamilton"],
    "phrase14": ["已发货", "五个汉字好"],
    "const15": ["已签收"],
    "anything16": ["什么都行" * 50],
}
BAD = {
    "thing1": ["字" * 21, "两\n行", "\x00"],
    "short_thing2": ["字" * 11],
    "number3": ["1,000", "一", "1.", "9" * 33, "１"],
    "letter4": ["A1", "é", "z" * 33],
    "symbol5": ["a", "++++++", "加"],
    "character_string12": ["订单1", "~" * 33, "é"],
    "time6": ["25:00", "15:60", "15", "2019年10月1日", "2026-01-0215:04", "下午3点", "1~2~3"],
    "date8": ["2019年13月1日", "2019-02-30", "20190101", "2018-01/01", "15:01", "明天"],
    "amount10": ["1,000元", "12345678901", "¥¥1", "100块", "元"],
    "phone_number11": ["1" * 18, "电话1", "ext.1"],
    "car_number12": ["粤A8粤888", "123456789", "-"],
    "name13": ["张" * 11, "A" * 21],
    "phrase14": ["六个汉字不行", "ok"],
    "const15": ["字" * 21],
}
ROWS = [(k, v, True) for k, vs in GOOD.items() for v in vs] + [
    (k, v, False) for k, vs in BAD.items() for v in vs
]


@pytest.mark.parametrize(("keyword", "value", "fits"), ROWS)
def test_a_value_fits_its_type_or_not(keyword, value, fits):
    assert is_valid(keyword, value) is fits


def test_approved_values_are_the_only_ones():
    assert is_valid("const5", "已发货", ("已发货", "已签收"))
    assert not is_valid("const5", "退回", ("已发货", "已签收"))
    template = Template("A" * 43, content="{{const5.DATA}}", allowed={"const5": ("已发货",)})
    assert (
        first_fault(template, {"const5": {"value": "退回"}}) == "argument invalid! data.const5.value invalid"
    )


def test_a_remark_with_a_number_is_typed_and_must_not_be_empty():
    template = Template("A" * 43, content="{{remark7.DATA}}")
    assert first_fault(template, {}) == "argument invalid! data.remark7.value is empty"


@given(st.sampled_from(sorted(GOOD)), st.text(min_size=1))
def test_any_text_has_a_verdict(keyword, value):
    assert is_valid(keyword, value) in (True, False)


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_minute_of_the_day_is_a_time(hour, minute):
    assert is_valid("time1", f"{hour:02d}:{minute:02d}")


@given(st.dates())
def test_every_day_is_a_date(day):
    assert is_valid("date1", f"{day.year:04d}年{day.month}月{day.day}日")
    assert is_valid("date1", day.isoformat())
