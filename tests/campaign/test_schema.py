"""The campaign file: every key as the contract says it, and every fault with its place."""

from datetime import date, time
from pathlib import Path

import pytest

from tests.campaign.samples import DATA, HEAD, TODAY, campaign
from wxpush.campaign.schema import load_campaign, read_campaign
from wxpush.campaign.windows import Window
from wxpush.errors import ProblemsError
from wxpush.model import Problem

WHOLE = """
name: order-shipped-{{ today }}
channel: wechat
account: shop
template: ../templates/order_shipped.yaml
to: "{{ openid }}"
key: "{{ openid }}:{{ order_no }}"
when: status == 'paid'
url: "https://example.com/orders/{{ order_no }}"
miniprogram: {appid: wx0123456789abcdef, pagepath: "pages/order?id={{ order_no }}"}
data:
  thing1: "{{ product }}"
rate: 600/min
burst: 3
workers: 16
timeout: 2.5s
retry: {attempts: 5, base: 500ms, cap: 1min}
stop_when: {failure_rate: 2.5%, after: 100, outage: 2h}
checks: {thing: warn, amount: off}
keep_quota: 20%
on_quota: wait
send_window: "08:00-21:00"
tolerate: 5%
"""


def faults(folder: Path, text: str) -> list[Problem]:
    with pytest.raises(ProblemsError) as caught:
        campaign(folder, text)
    return list(caught.value.problems)


def test_every_key_of_the_contract_is_read(tmp_path: Path):
    read = campaign(tmp_path, WHOLE)
    assert (read.name, read.channel, read.account) == ("order-shipped-2026-11-23", "wechat", "shop")
    assert read.template == tmp_path / "../templates/order_shipped.yaml"
    assert (read.to, read.key) == ("{{ openid }}", "{{ openid }}:{{ order_no }}")
    assert read.when == "status == 'paid'"
    assert read.miniprogram is not None
    assert (read.miniprogram.appid, read.miniprogram.pagepath) == (
        "wx0123456789abcdef",
        "pages/order?id={{ order_no }}",
    )
    assert (read.rate, read.burst, read.workers, read.timeout) == (10.0, 3, 16, 2.5)
    assert (read.retry.attempts, read.retry.base, read.retry.cap) == (5, 0.5, 60.0)
    assert (read.stop_when.failure_rate, read.stop_when.after, read.stop_when.outage) == (0.025, 100, 7200.0)
    assert read.checks == {"thing": "warn", "amount": "off"}
    assert (read.keep_quota, read.on_quota, read.tolerate) == (0.2, "wait", 0.05)
    assert read.send_window == (Window(time(8), time(21)),)
    assert (read.source, read.today) == (tmp_path / "campaign.yaml", TODAY)


def test_the_defaults_are_those_of_the_contract(tmp_path: Path):
    read = campaign(tmp_path)
    assert (read.channel, read.account, read.to, read.key, read.when) == (
        "wechat",
        None,
        "{{ openid }}",
        None,
        None,
    )
    assert (read.rate, read.burst, read.workers, read.timeout) == (30.0, None, None, 10.0)
    assert (read.retry.attempts, read.retry.base, read.retry.cap) == (4, 0.5, 30.0)
    assert (read.stop_when.failure_rate, read.stop_when.after, read.stop_when.outage) == (0.1, 200, 600.0)
    assert (read.keep_quota, read.on_quota, read.send_window, read.tolerate) == (0.1, "stop", None, 0.0)
    assert read.checks == {}


def test_each_part_of_stop_when_may_stand_alone(tmp_path: Path):
    read = campaign(tmp_path, HEAD + DATA + "stop_when: {outage: 30s}\n")
    assert (read.stop_when.failure_rate, read.stop_when.after, read.stop_when.outage) == (0.1, 200, 30.0)


def test_a_template_may_be_written_into_the_campaign(tmp_path: Path):
    read = campaign(tmp_path, f"name: x\ntemplate: {{id: abc, content: 'x'}}\n{DATA}")
    assert read.template == {"id": "abc", "content": "x"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [("rate: 30/s", 30.0), ("rate: 0.5/s", 0.5), ("rate: 3600/h", 1.0), ("rate: 90 / min", 1.5)],
)
def test_a_rate_is_messages_per_second(tmp_path: Path, line: str, expected: float):
    assert campaign(tmp_path, HEAD + DATA + line).rate == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ("21:00-06:30", (time(21), time(6, 30))),
        ("8:00 - 24:00", (time(8), time(0))),
        ("00:00-12:00", (time(0), time(12))),
    ],
)
def test_a_send_window_may_go_over_midnight(tmp_path: Path, hours: str, expected: tuple[time, time]):
    assert campaign(tmp_path, f'{HEAD}{DATA}send_window: "{hours}"\n').send_window == (Window(*expected),)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("rate: 30", "not a rate. Write 30/s"),
        ("rate: 0/s", "not a rate"),
        ("rate: 999999/s", "fastest rate"),
        ("rate: -1/s", "not a rate"),
        ("rate:", "there is no value"),
        ("rate: [30/s]", "one value is expected"),
        ("timeout: 10", "not a duration. Write 500ms"),
        ("timeout: 0s", "not a duration"),
        ("timeout: 10min", "within 100ms – 60s"),
        ("retry: {attempts: 0}", "whole number from 1 to 20"),
        ("retry: {attempts: 2.5}", "whole number"),
        ("retry: {base: fast}", "not a duration"),
        ("retry: fast", "a group of `key: value` lines"),
        ("keep_quota: 10", "not a share"),
        ("keep_quota: 101%", "not a share"),
        ("tolerate: 0.05", "not a share"),
        ("on_quota: wiat", "not known here. Write one of: stop, wait."),
        ("channel: email", "not known here. Write one of: wechat."),
        ("send_window: all day", "not hours of a day"),
        ("send_window: 25:00-26:00", "not hours of a day"),
        ("send_window: 08:00-08:00", "not hours of a day"),
        ("workers: ９", "whole number"),
        ("checks: {thing: no}", "Write one of: error, warn, off."),
        ("checks: [thing]", "a group of `key: value` lines"),
        ("when:", "there is no value"),
        ("when: ''", "the condition is empty"),
        ("when: '{{ paid }}'", "Write it without {{ }}"),
        ("key: ''", "there is no value"),
        ("miniprogram: {pagepath: x}", "`miniprogram.appid` is lacking"),
        ("account: ''", "there is no value"),
    ],
)
def test_a_wrong_value_is_named_in_its_line_with_the_remedy(tmp_path: Path, line: str, words: str):
    (found,) = faults(tmp_path, HEAD + DATA + line + "\n")
    assert words in str(found).replace("are not", "not")
    assert found.file == str(tmp_path / "campaign.yaml")
    assert found.line == 8


def test_an_unknown_key_is_told_with_the_one_that_was_meant(tmp_path: Path):
    found = faults(tmp_path, HEAD + DATA + "rates: 30/s\nretry: {atempts: 3}\nxyzzy: 1\n")
    assert [(one.line, one.column, one.code) for one in found] == [
        (8, 1, "WX120"),
        (9, 9, "WX120"),
        (10, 1, "WX120"),
    ]
    assert "Did you mean `rate`?" in found[0].hint
    assert "Did you mean `attempts`?" in found[1].hint
    assert "Known keys: name, channel" in found[2].hint


def test_all_lacking_keys_are_told_at_once(tmp_path: Path):
    assert [one.message for one in faults(tmp_path, "rate: 30/s\n")] == [
        "the key `name` is lacking.",
        "the key `template` is lacking.",
        "the key `data` is lacking.",
    ]


def test_five_different_mistakes_are_told_in_one_go_each_with_its_place(tmp_path: Path):
    text = f"""{HEAD}rate: 30
rate: 30/s
worker: 4
data:
  thing1: {{{{ product }}}}
  amount4: "{{{{ amount | mony }}}}"
"""
    assert [(one.line, one.column, one.code) for one in faults(tmp_path, text)] == [
        (3, 7, "WX122"),
        (4, 1, "WX108"),
        (5, 1, "WX120"),
        (7, 11, "WX113"),
        (8, 12, "WX207"),
    ]


def test_a_reading_with_faults_still_hands_over_template_and_data(tmp_path: Path):
    file = tmp_path / "campaign.yaml"
    file.write_text(HEAD + DATA + "rate: 30\n", encoding="utf-8")
    reading = read_campaign(file, today=TODAY)
    assert reading.campaign is None
    assert len(reading.problems) == 1
    assert reading.template == tmp_path / "../templates/order_shipped.yaml"
    assert reading.data is not None
    assert list(reading.data) == ["thing1", "character_string2", "time3", "amount4"]


@pytest.mark.parametrize("text", ["data:\n", "data: {}\n", "data: ''\n", "data: [a]\n", "data: {thing1: }\n"])
def test_data_without_values_is_refused(tmp_path: Path, text: str):
    assert {one.line for one in faults(tmp_path, HEAD + text)} == {3}


def test_the_name_takes_the_day_that_is_given(tmp_path: Path):
    file = tmp_path / "campaign.yaml"
    file.write_text(HEAD + DATA, encoding="utf-8")
    assert load_campaign(file, today=date(2027, 1, 1)).name == "order-shipped-2027-01-01"


@pytest.mark.parametrize(
    "name", ['"{{ openid }}"', '"a\\tb"', '"a\\u200bb"', "x" * 81, '"{{ today", x', '"  "', '"{{ now }}"', ""]
)
def test_a_name_that_can_not_name_a_run_is_refused(tmp_path: Path, name: str):
    text = HEAD.replace("order-shipped-{{ today }}", name) + DATA
    assert {one.line for one in faults(tmp_path, text)} == {1}


def test_a_chinese_name_of_eighty_characters_is_fine(tmp_path: Path):
    name = "发" * 80
    assert campaign(tmp_path, f"name: {name}\ntemplate: t.yaml\n{DATA}").name == name


def test_only_what_alters_messages_alters_the_content_fingerprint(tmp_path: Path):
    first = campaign(tmp_path, WHOLE)
    same = campaign(
        tmp_path,
        WHOLE.replace("600/min", "5/s")
        .replace("workers: 16", "# moved\nworkers: 2")
        .replace("  thing1", "    thing1"),
    )
    other = campaign(tmp_path, WHOLE.replace("{{ product }}", "{{ product }}!"))
    assert first.content_fingerprint() == same.content_fingerprint()
    assert first.content_fingerprint() != other.content_fingerprint()
    for line in ("status == 'paid'", "https://example.com/orders", "pages/order"):
        changed = campaign(tmp_path, WHOLE.replace(line, line[:-1] + "x" + line[-1]))
        assert first.content_fingerprint() != changed.content_fingerprint()
        assert first.identity_fingerprint() == changed.identity_fingerprint()


def test_to_and_key_make_the_identity_fingerprint(tmp_path: Path):
    plain = campaign(tmp_path)
    spelled = campaign(tmp_path, HEAD + DATA + 'to: "{{ openid }}"\nkey: "{{ openid }}"\n')
    other = campaign(tmp_path, HEAD + DATA + 'key: "{{ openid }}:{{ order_no }}"\n')
    assert plain.identity_fingerprint() == spelled.identity_fingerprint()
    assert plain.identity_fingerprint() != other.identity_fingerprint()
    assert len(plain.identity_fingerprint()) == 64


def test_a_campaign_can_not_be_changed(tmp_path: Path):
    with pytest.raises(ValueError, match="frozen"):
        campaign(tmp_path).rate = 100.0  # type: ignore[misc]
