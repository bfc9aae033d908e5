"""`notify:` taken apart: whatever stands there is a target or a fault, and no fault shows a value."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wxpush.config.secret import Secret
from wxpush.config.target_reader import Kind, TargetReader
from wxpush.config.targets import DingtalkRobot, Program, SecretSource, Target, Webhook, WecomRobot
from wxpush.errors import InputError

FOLDER = Path("/srv/campaigns")


def read(value: Any) -> tuple[tuple[Target, ...], list[tuple[Kind, tuple[str | int, ...], str]]]:
    """The targets and the faults."""
    faults: list[tuple[Kind, tuple[str | int, ...], str]] = []

    def note(kind: Kind, at: tuple[str | int, ...], message: str, hint: str) -> None:
        faults.append((kind, at, f"{message} {hint}"))

    return TargetReader(FOLDER, note).targets(value), faults


@pytest.mark.parametrize(
    ("value", "to"),
    [
        ({"wecom": {"url_env": "A"}}, WecomRobot(SecretSource("A"))),
        (
            {"wecom": {"url_file": "robot.txt", "mentioned_mobile_list": ["138", "@all"]}},
            WecomRobot(SecretSource(file=FOLDER / "robot.txt"), ("138", "@all")),
        ),
        ({"wecom": {"url_env": "A", "format": "markdown"}}, WecomRobot(SecretSource("A"), markdown=True)),
        (
            {
                "dingtalk": {
                    "url_command": "pass show robot",
                    "secret_env": "S",
                    "keyword": "群发",
                    "at": {"atMobiles": ["138"], "atUserIds": ["u"], "isAtAll": "true"},
                }
            },
            DingtalkRobot(
                SecretSource(command="pass show robot"), SecretSource("S"), "群发", ("138",), ("u",), True
            ),
        ),
        ({"url": "https://x.cn/h?t=1", "hmac_env": "K"}, Webhook("https://x.cn/h?t=1", SecretSource("K"))),
        ({"url_env": "HOOK"}, Webhook(SecretSource("HOOK"))),
        ({"url": "http://127.0.0.1:9000/hook"}, Webhook("http://127.0.0.1:9000/hook")),
        ({"command": ["/usr/bin/tell", ""]}, Program(("/usr/bin/tell", ""))),
    ],
)
def test_a_target_is_read(value: dict[str, Any], to: object) -> None:
    assert read(value) == ((Target(to),), [])  # type: ignore[arg-type]
    assert read([{**value, "when": "trouble"}]) == ((Target(to, only_trouble=True),), [])  # type: ignore[arg-type]


def test_good_ones_stand_beside_bad_ones() -> None:
    targets, faults = read([{"wecom": {"url_env": "A"}}, {"wecom": {}}, None, {"command": ["tell"]}])
    assert [target.to.kind for target in targets] == ["wecom", "command"]
    assert [(kind, at) for kind, at, _message in faults] == [
        (Kind.LACKING, (1, "wecom")),
        (Kind.EMPTY, (2,)),
    ]


def test_nobody_is_an_empty_list() -> None:
    assert read([]) == ((), [])
    assert read([{"command": ["tell"]}] * 11)[1] != []


KEYS = st.sampled_from(
    ["wecom", "dingtalk", "url", "url_env", "url_file", "url_command", "secret_env", "hmac_env", "command",
     "when", "at", "atMobiles", "isAtAll", "keyword", "format", "mentioned_mobile_list", "urls"]
)  # fmt: skip
SECRETS = st.sampled_from(["SEC0123456789abcdef0123", "https://qyapi.weixin.qq.com/x?key=geheim", "f" * 64])
SCALARS = (
    st.none() | st.text(max_size=8) | SECRETS | st.sampled_from(["A", "trouble", "true", "https://x.cn"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
@example({"wecom": None, "when": "SEC0123456789abcdef0123"})
def test_anything_is_a_target_or_a_fault_and_no_fault_shows_a_secret(value: Any) -> None:
    targets, faults = read(value)
    assert targets or faults or value == []
    said = " ".join(message for _kind, _at, message in faults)
    assert not any(secret in said for secret in ("SEC0123", "geheim", "fff"))
    assert not any("SEC0123" in repr(target) or "geheim" in repr(target) for target in targets)


def test_a_secret_comes_from_where_it_is_kept(tmp_path: Path) -> None:
    kept = tmp_path / "robot.txt"
    kept.write_text("https://x.cn\n")
    kept.chmod(0o600)
    for source in (SecretSource("A"), SecretSource(file=kept), SecretSource(command="echo https://x.cn")):
        assert source.fetch({"A": " https://x.cn "}) == Secret("https://x.cn")
    with pytest.raises(InputError, match="A is not set"):
        SecretSource("A").fetch({})
    assert str(SecretSource(command="pass show wechat/robot")) == "pass …"
