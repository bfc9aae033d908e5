"""What the tests of the campaign room share: a campaign on disk, a row, and rules of a few lines."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from wxpush.campaign.checker import Checker
from wxpush.campaign.render import Renderer
from wxpush.campaign.schema import Campaign, load_campaign
from wxpush.model import Finding, Recipient

TODAY = date(2026, 11, 23)
OPENID = "oQ7wK0tXbR3mZpV9cYhJ2nLs4DfA"
ROW = {
    "openid": OPENID,
    "product": "有机红富士苹果 5kg 礼盒装",
    "order_no": "SN20261123001",
    "shipped_at": "2026-11-23 15:04",
    "amount": "199.00",
}
DATA = """data:
  thing1: "{{ product }}"
  character_string2: "{{ order_no }}"
  time3: "{{ shipped_at }}"
  amount4: "{{ amount }}元"
"""
HEAD = "name: order-shipped-{{ today }}\ntemplate: ../templates/order_shipped.yaml\n"


def campaign(folder: Path, text: str = HEAD + DATA) -> Campaign:
    file = folder / "campaign.yaml"
    file.write_text(text, encoding="utf-8")
    return load_campaign(file, today=TODAY)


def with_data(folder: Path, expression: str, **others: str) -> Campaign:
    """A campaign of one keyword, `thing1`, and further keys."""
    lines = [HEAD, *(f"{key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in others.items())]
    return campaign(
        folder, "".join([*lines, f"data:\n  thing1: {json.dumps(expression, ensure_ascii=False)}\n"])
    )


def recipient(**values: Any) -> Recipient:
    return Recipient(0, 2, {"openid": OPENID} | values)


class ShortRules:
    """A channel of a few lines: things have at most 20 characters."""

    def __init__(self, *keywords: str) -> None:
        self.keywords = keywords or ("thing1", "character_string2", "time3", "amount4")

    def check(
        self, data: Mapping[str, str], to: str, url: str | None, miniprogram: Mapping[str, str] | None
    ) -> list[Finding]:
        assert isinstance(to, str)
        assert url != ""
        assert miniprogram != {}
        return [
            Finding(f"data.{name}", "thing", "WX599", "longer than 20 characters.", "Shorten it.")
            for name, value in data.items()
            if name.startswith("thing") and not 0 < len(value) <= 20
        ]

    def check_fixed(self, pieces: Mapping[str, Sequence[str | None]]) -> list[Finding]:
        del pieces
        return []

    @property
    def names(self) -> frozenset[str]:
        return frozenset({"thing"})

    def advise(self, texts: Mapping[str, str]) -> list[Finding]:
        del texts
        return []

    def compose(
        self, to: str, data: Mapping[str, str], url: str | None, miniprogram: Mapping[str, str] | None
    ) -> str:
        return json.dumps({"touser": to, "data": dict(data), "url": url, "miniprogram": miniprogram})


def checker(sending: Campaign) -> Checker:
    return Checker(sending, Renderer(sending), ShortRules(*sending.data), "users.csv")
