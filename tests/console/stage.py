"""A console on streams that can be read, and things to show on it."""

import io
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from wxpush.app.results import FailureGroup, Plan, RunView, Sample, StoppedBy, Summary, Survey
from wxpush.clock import BEIJING
from wxpush.console import Console
from wxpush.model import CodeClass, Quota

NOON = datetime(2026, 11, 23, 12, 0, 0, tzinfo=BEIJING)
OPENID = "oAbCdEfGhIjKlMnOpQrStUvWxYz1"
MARKUP = ["[red]", "[/]", "[/red]", "[link=file:///etc/passwd]x[/link]", ":smile:"]
CONTROLS = [
    "\x1b[2J",
    "\x1b]8;;http://x\x07",
    "\x9b31m",
    "\u202eevil",
    "\u2066x\u2069",
    "a\rb",
    "a\nb",
    "\x00",
]
CORPUS = [*MARKUP, *CONTROLS, "\u200b", "\ue000", "\ud800", "\u2028"]


class Stream(io.TextIOWrapper):
    """An output in an encoding of its own, a terminal or not, sound or with a fault."""

    def __init__(
        self, encoding: str = "utf-8", *, terminal: bool = False, fault: OSError | None = None
    ) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="")
        self._terminal, self._fault = terminal, fault

    def write(self, text: str, /) -> int:
        if self._fault is not None:
            raise self._fault
        return super().write(text)

    def isatty(self) -> bool:
        return self._terminal

    def raw(self) -> bytes:
        self.flush()
        return self.buffer.getvalue()  # type: ignore[attr-defined]  # the buffer is a BytesIO

    def text(self) -> str:
        return self.raw().decode(self.encoding)

    def lines(self) -> list[str]:
        return self.text().splitlines()


class Input(io.StringIO):
    """What a person types."""

    def __init__(self, typed: str = "", *, terminal: bool = True, interrupted: bool = False) -> None:
        super().__init__(typed)
        self._terminal, self._interrupted = terminal, interrupted

    def isatty(self) -> bool:
        super().isatty()  # raises when it is closed
        return self._terminal

    def readline(self, size: int | None = -1, /) -> str:
        if self._interrupted:
            raise KeyboardInterrupt
        return super().readline(size)


class Hands:
    """Clocks that are set by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> float:
        return NOON.timestamp() + self.seconds - 1000.0


class Stage:
    """A console, and what was written to its two outputs."""

    def __init__(
        self, *, width: int | None = None, encoding: str = "utf-8", typed: str = "", **options: Any
    ) -> None:
        terminal = width is not None
        self.out = Stream(encoding, terminal=terminal)
        self.err = Stream(encoding, terminal=terminal)
        self.hands = Hands()
        environ = {"TERM": "xterm", "NO_COLOR": "1"} | ({"COLUMNS": str(width)} if width else {})
        environ |= options.pop("environ", {})
        self.console = Console(
            out=self.out,
            err=self.err,
            inp=options.pop("inp", None) or Input(typed),
            environ=environ,
            monotonic=self.hands.monotonic,
            wall=self.hands.wall,
            **options,
        )


def a_sample(value: str = "有机苹果礼盒 5kg 装") -> Sample:
    parts = [("商品名称", "thing1", value), ("订单编号", "character_string2", "SO20261123001")]
    return Sample(2, OPENID, "订单发货通知", parts, url="https://example.com/orders/SO20261123001")


def a_plan(**changes: Any) -> Plan:
    survey = Survey(10_003, 2, 9_878, 1, {"duplicate": 2, "condition": 5}, {"accepted": 120}, {})
    plan = Plan(
        run="order-shipped-2026-11-23",
        is_new=True,
        is_over=False,
        account="shop",
        appid="wx0123456789abcdef",
        api_base="https://api.weixin.qq.com",
        template_title="订单发货通知",
        template_id="ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY",
        campaign=Path("campaigns/order-shipped.yaml"),
        list_name="users.csv",
        people=9_878,
        recovered=0,
        done={},
        survey=survey,
        rate=30.0,
        workers=16,
        quota=Quota(100_000, 2_000, 98_000),
        quota_kept=10_000,
        quota_note="",
        begins=NOON,
        ends=NOON + timedelta(minutes=6),
        days=1,
        goes_on_alone=True,
        sample=a_sample(),
    )
    return replace(plan, **changes)


def a_group(state: str = "failed", code: str = "43004", count: int = 8, **changes: str) -> FailureGroup:
    meaning = changes.get("meaning", "require subscribe")
    advice = changes.get("advice", "This person does not follow the account.")
    return FailureGroup(state, code, count, CodeClass.RECIPIENT, meaning, meaning, advice)


def a_summary(**changes: Any) -> Summary:
    summary = Summary(
        run="order-shipped-2026-11-23",
        account="shop",
        state="finished",
        total=10_000,
        accepted=9_988,
        failed=8,
        skipped=2,
        held=1,
        in_doubt=1,
        pending=0,
        failures=[a_group(), a_group("held", "40252", 1), a_group("in_doubt", "timeout", 1)],
        skips={"duplicate": 2},
        attempts=10_057,
        token_fetches=1,
        elapsed_s=334.1,
        rate_per_s=29.9,
        stopped_by=None,
        failures_file=Path("/home/wang/users.failures.csv"),
    )
    return replace(summary, **changes)


def a_stop(**changes: Any) -> StoppedBy:
    stop = StoppedBy(
        "45009", "reach max api daily quota limit", "reach max", "Run the same command tomorrow.",
        NOON + timedelta(hours=12),
    )  # fmt: skip
    return replace(stop, **changes)


def a_view(**changes: Any) -> RunView:
    view = RunView(
        name="order-shipped-2026-11-23",
        account="shop",
        appid="wx0123456789abcdef",
        origin="https://api.weixin.qq.com",
        campaign=Path("campaigns/order-shipped.yaml"),
        list_name="users.csv",
        template_title="订单发货通知",
        template_id="ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY",
        folder=Path("campaigns/.wxpush/order-shipped"),
        created=NOON,
        updated=NOON + timedelta(hours=1),
        state="stopped",
        total=1_000_000,
        counts={"accepted": 5_000, "failed": 3, "pending": 994_997},
        failures=[a_group(count=3)],
    )
    return replace(view, **changes)
