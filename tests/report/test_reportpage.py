"""The page of a report: complete, without a way for texts of others to become a part of it, and looked at."""

from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.report.chromium import CHROMIUM, title_of
from wxpush.i18n import speaking
from wxpush.report.markdown import markdown
from wxpush.report.paper import (
    Cause,
    Class,
    Distribution,
    Fact,
    Paper,
    Part,
    Slot,
    SlowTime,
    Timeline,
)
from wxpush.report.reportpage import report_page

#: Puts the page into frames of a phone's and a desk's width and says how wide and high what is in them is.
FRAMES = """<!DOCTYPE html><body><script>
const found = {}, widths = [320, 390, 641, 901, 1280];
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:800px;border:0`;
  frame.onload = () => {
    const page = frame.contentDocument, view = page.documentElement;
    const out = [...page.querySelectorAll("main *")].filter(e => e.getBoundingClientRect().right > width + 1);
    let touching = 0, labels = 0;
    for (const feet of page.querySelectorAll(".feet")) {
      const spans = [...feet.children].map(e => e.getBoundingClientRect()).filter(r => r.width);
      spans.sort((one, two) => one.left - two.left);
      spans.forEach((r, n) => { labels++; touching += n > 0 && r.left < spans[n - 1].right + 3; });
      touching += spans[0].left < feet.getBoundingClientRect().left - 1;
      touching += spans.at(-1).right > feet.getBoundingClientRect().right + 1;
    }
    found[width] = {touching: touching, labels: labels, out: out.length,
      wide: view.scrollWidth, high: view.scrollHeight,
      scripts: page.scripts.length, font: frame.contentWindow.getComputedStyle(page.body).fontSize,
      drawn: page.querySelectorAll("svg rect").length};
    if (Object.keys(found).length == widths.length) document.title = JSON.stringify(found);
  };
  frame.src = "page.html";
  document.body.append(frame);
}
</script></body>"""


class Page(HTMLParser):
    """Which elements, attributes and texts a page has."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def paper(text: str = "订单发货通知") -> Paper:
    """A report in which every text of others is `text`."""
    return Paper(
        run=text,
        state="finished",
        state_label="已完成",
        headline=text,
        subtitle=text,
        total="100",
        parts=[Part("accepted", text, 98, text), Part("failed", text, 2, text)],
        delivery=[Part("delivered", text, 90, text)],
        facts=[Fact(text, text, text)] * 7,
        timeline=Timeline(
            text,
            ["accepted"],
            [text],
            [Slot([n % 7], text, "11-26 10:20" if n % 6 == 0 else "") for n in range(121)],
            text,
        ),
        distributions=[
            Distribution(
                name, text, [Class(n, text, label.format(n)) for n in range(15)], [Fact(text, text)], names
            )
            for name, label, names in (("latency", "{} ms", False), ("delivery", "≤ {} 分钟", True))
        ],
        causes=[Cause("failed", text, "2", 1.0, text, text, text)],
        skips=[Fact(text, "12")],
        slow=[SlowTime("10:12 – 10:15", text, 0.5, text)],
        remarks=[text],
        details=[Fact(text, text)],
        made=text,
    )


def test_it_loads_nothing_and_runs_nothing() -> None:
    page = Page(report_page(paper()))
    assert not {"script", "link", "img", "iframe", "object", "base"} & {tag for tag, _ in page.elements}
    assert not any(name in attrs for _, attrs in page.elements for name in ("src", "href", "onload"))
    policy = next(attrs for _, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "url(" not in report_page(paper())


@pytest.mark.parametrize(("language", "tag"), [("zh", "zh-CN"), ("en", "en")])
def test_it_says_its_language(language: str, tag: str) -> None:
    with speaking("zh" if language == "zh" else "en"):
        page = Page(report_page(paper()))
    assert ("html", {"lang": tag}) in page.elements


def test_nothing_of_others_can_become_a_part_of_it() -> None:
    nasty = "</h1><script>alert(1)</script>\"'&amp;<img src=x onerror=1>"
    page = Page(report_page(paper(nasty)))
    assert not {"script", "img"} & {tag for tag, _ in page.elements}
    assert nasty in page.texts
    assert "onerror" not in {name for _, attrs in page.elements for name in attrs}


def test_what_would_hide_or_reorder_is_written_out() -> None:
    text = report_page(paper("a\u202egpj.exe\u200b\x1b[31m\x00"))
    assert "a\\u202egpj.exe\\u200b\\u001b[31m\\u0000" in text
    assert not {"\u202e", "\u200b", "\x1b", "\x00"} & set(text)


def test_what_is_typed_is_shown_as_such() -> None:
    page = report_page(paper("run `wxpush runs settle <x>`"))
    assert "run <code>wxpush runs settle &lt;x&gt;</code>" in page


def test_markdown_of_others_stays_text() -> None:
    nasty = "# a | b <script> [x](y) **z** `q`\n- \u202e"
    told = markdown(paper(nasty))
    assert "\\# a \\| b \\<script\\> \\[x\\](y) \\*\\*z\\*\\* \\`q\\`\\\\u000a- \\\\u202e" in told
    rows = [line for line in told.splitlines() if line.startswith("| ") and "---" not in line]
    assert {line.replace("\\|", "").count("|") for line in rows if "100" not in line} <= {3, 4, 6}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
def test_a_browser_shows_all_of_it_on_a_phone_and_on_a_desk(tmp_path: Path) -> None:
    long = "订单发货通知" * 8 + "o" * 80 + "/home/ops/" * 20
    for text in ("订单发货通知", long):
        (tmp_path / "page.html").write_text(report_page(paper(text)), encoding="utf-8")
        (tmp_path / "frames.html").write_text(FRAMES, encoding="utf-8")
        found = title_of(tmp_path / "frames.html")
        assert set(found) == {"320", "390", "641", "901", "1280"}
        for width, page in found.items():
            assert page["wide"] <= int(width), "nothing makes it scroll sideways"
            assert page["touching"] == 0, "labels stand apart, below their chart"
            assert page["labels"] >= (15 if int(width) > 900 else 6)
            assert page["scripts"] == 0
            assert page["drawn"] > 130
            assert page["font"] == "15px"
            assert page["high"] > 800
