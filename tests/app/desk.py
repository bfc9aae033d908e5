"""What the tests of the app room share: a campaign with its list on disk, and a WeChat on loopback."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wxpush.app.material import Material, read_material
from wxpush.app.request import SendRequest
from wxpush.app.results import Plan, Summary, Survey
from wxpush.app.sending import opened
from wxpush.app.surroundings import Surroundings
from wxpush.delivery.ports import Notice, Progress, Waiting
from wxpush.sandbox import Sandbox
from wxpush.sandbox.sandbox import environment
from wxpush.sandbox.scenario import from_mapping

TEMPLATE_ID = "ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY"
CONTENT = "商品名称:{{thing1.DATA}}\n备注:{{thing2.DATA}}\n"
CAMPAIGN = """\
name: orders
template:
  id: ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY
  title: 订单发货通知
  content: |
    商品名称:{{thing1.DATA}}
    备注:{{thing2.DATA}}
when: status == 'paid'
data:
  thing1: "{{ product }}"
  thing2: "REMARK"
"""
APPLES, TEA = "有机红富士苹果", "龙井茶礼盒"


def openid(person: int) -> str:
    return f"oQ7wK0tXbR3mZpV9cY{person:010d}"


@dataclass(frozen=True)
class Row:
    """One row of the list; without a product it is wrong."""

    person: int
    product: str = APPLES
    status: str = "paid"

    @property
    def cells(self) -> list[str]:
        return [openid(self.person), self.product, self.status]


def once_where_it_is_odd(rows: Sequence[Row]) -> list[Row]:
    """Only rows that are in order may come several times for one person."""
    odd = {row.person for row in rows if row.status == "unpaid" or not row.product}
    seen: set[int] = set()
    kept = []
    for row in rows:
        if row.person not in odd or row.person not in seen:
            kept.append(row)
        seen.add(row.person)
    return kept


def write_list(path: Path, rows: Sequence[Row]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["openid", "product", "status"], *(row.cells for row in rows)])
    return path


def write_campaign(path: Path, remark: str = "顺丰包邮") -> Path:
    path.write_text(CAMPAIGN.replace("REMARK", remark), encoding="utf-8")
    return path


def material(folder: Path, rows: Sequence[Row], remark: str = "顺丰包邮") -> Material:
    users = write_list(folder / "users.csv", rows)
    campaign = write_campaign(folder / "campaign.yaml", remark)
    today = Surroundings().today()
    return read_material(campaign, users, list_name="users.csv", list_format=None, today=today)


class Silence:
    """A listener that says nothing."""

    def progress(self, progress: Progress) -> None:
        pass

    def waiting(self, waiting: Waiting | None) -> None:
        pass

    def notice(self, notice: Notice, detail: str) -> None:
        pass


@dataclass
class Sent:
    """What one call of `send` told."""

    survey: Survey | None
    plan: Plan
    summary: Summary


@dataclass
class Desk:
    """Somebody who sends from `folder` through `sandbox`."""

    folder: Path
    sandbox: Sandbox
    around: Surroundings = field(init=False)

    def __post_init__(self) -> None:
        variables = environment(self.sandbox) | {"WXPUSH_HOME": str(self.folder / "home")}
        variables["WXPUSH_CONFIG"] = str(self.folder / "config.yaml")
        (self.folder / "config.yaml").write_text("testers: {}\n")
        self.around = Surroundings(variables)

    def send(self, rows: Sequence[Row], remark: str = "顺丰包邮", **options: Any) -> Sent:
        request = SendRequest(
            write_campaign(self.folder / "campaign.yaml", remark),
            write_list(self.folder / "users.csv", rows),
            "users.csv",
            **{"rate": 2000.0, "workers": 4, "skip_invalid": True, "keep_first": True} | options,
        )
        with opened(request, self.around) as sending:
            survey = sending.preflight.survey(lambda _rows: None)
            plan = sending.plan()
            return Sent(survey, plan, sending.execute(Silence()))

    def shown_to(self) -> list[str]:
        """Whom messages were shown to, as often as they were."""
        return [shown.openid for shown in self.sandbox.shown()]


def new_sandbox() -> Sandbox:
    template = {"template_id": TEMPLATE_ID, "title": "订单发货通知", "content": CONTENT}
    return Sandbox(from_mapping({"version": 1, "templates": [template]}))
