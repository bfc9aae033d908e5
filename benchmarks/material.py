"""The campaign and the lists that wxpush sends, and the one message that the others send."""

import csv
import json
import random
import string
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

APPID: Final = "wx0123456789abcdef"
SECRET: Final = "0123456789abcdef0123456789abcdef"
TEMPLATE_ID: Final = "B" * 43
_BEIJING: Final = timezone(timedelta(hours=8))
OPENID: Final = "oABCDEFGHIJKLMNOPQRSTUVWXYZ1"
_CAMPAIGN: Final[dict[str, Any]] = {
    "name": "benchmark",
    "template": {
        "id": TEMPLATE_ID,
        "title": "订单发货通知",
        "content": "商品名称:{{thing1.DATA}}\n"
        "订单编号:{{character_string2.DATA}}\n"
        "订单金额:{{amount3.DATA}}\n",
    },
    "data": {"thing1": "{{ product }}", "character_string2": "{{ order_no }}", "amount3": "{{ amount }}元"},
}
MESSAGE: Final[dict[str, Any]] = {
    "touser": OPENID,
    "template_id": TEMPLATE_ID,
    "data": {
        "thing1": {"value": "云南小粒咖啡豆"},
        "character_string2": {"value": "SO0000000001"},
        "amount3": {"value": "68.00元"},
    },
}
"""A row's message as WeChat gets it."""


def body(**more: str) -> str:
    """The message as JSON, with further fields."""
    return json.dumps(MESSAGE | more, ensure_ascii=False, separators=(",", ":"))


class Material:
    """A folder with the campaign and, as they are asked for, lists of any length."""

    def __init__(
        self,
        folder: Path,
        name: str = "campaign",
        *,
        paid: bool = False,
        rules: Mapping[str, Any] | None = None,
    ) -> None:
        """`rules` are further keys of the campaign; `paid`: the lists say when each order was paid."""
        self._folder, self._paid = folder, paid
        self.campaign = folder / f"{name}.yaml"
        campaign = json.dumps(_CAMPAIGN | dict(rules or {}), ensure_ascii=False)
        self.campaign.write_text(campaign, encoding="utf-8")

    def people(self, rows: int) -> Path:
        """A list of `rows` people, the same ones each time."""
        path = self._folder / f"users-{rows}{'-paid' if self._paid else ''}.csv"
        if not path.exists():
            _write_people(path, rows, paid=self._paid)
        return path


def openid(chance: random.Random) -> str:
    """Somebody's openid."""
    return "o" + "".join(chance.choices(string.ascii_letters + string.digits, k=27))


def _write_people(path: Path, rows: int, *, paid: bool) -> None:
    chance, now = random.Random(1), datetime.now(_BEIJING)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["openid", "product", "order_no", "amount", *(["paid_at"] if paid else [])])
        for row in range(rows):
            cells = [openid(chance), "云南小粒咖啡豆", f"SO{row:010}", "68.00"]
            if paid:
                cells.append(f"{now - timedelta(seconds=row):%Y-%m-%d %H:%M:%S}")
            writer.writerow(cells)
