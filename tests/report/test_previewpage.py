"""The page of a preview as a browser shows it: a frame for the reader, and cards that are Chinese."""

from pathlib import Path

import pytest

from tests.report.chromium import CHROMIUM, title_of
from wxpush.i18n import Language, speaking
from wxpush.report.previewpage import Card, preview_page

#: Shows the page as wide as a phone and a desk, and says what of it is in which language and how wide it is.
FRAMES = """<!DOCTYPE html><body><script>
const found = {}, widths = [320, 390, 1280];
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:800px;border:0`;
  frame.onload = () => {
    const page = frame.contentDocument, all = where => [...page.querySelectorAll(where)];
    found[width] = {
      wide: page.documentElement.scrollWidth,
      out: all("main *").filter(e => e.getBoundingClientRect().right > width + 1).length,
      scripts: page.scripts.length,
      cards: all("article, article *").length,
      chinese: all("article:lang(zh-CN), article :lang(zh-CN)").length,
      frame: all(".about:lang(en), h1:lang(en), .approval:lang(en)").length,
      spoken: page.documentElement.lang,
      stop: all(".not-yet").map(e => frame.contentWindow.getComputedStyle(e).borderLeftColor),
    };
    if (Object.keys(found).length == widths.length) document.title = JSON.stringify(found);
  };
  frame.src = "page.html";
  document.body.append(frame);
}
</script></body>"""
PARTS = [("商品名称", "云南小粒咖啡豆" * 3), ("订单编号", "SO" + "1" * 60)]
CARD = Card("Line 2 · oW3k", "订单发货通知", PARTS, "https://shop.example.com/" + "x" * 90)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")
@pytest.mark.parametrize(("spoken", "tag"), [("en", "en"), ("zh", "zh-CN")])
@pytest.mark.parametrize("code", ["K7QF-3M2X", ""])
def test_the_frame_speaks_to_the_reader_and_the_cards_are_chinese(
    tmp_path: Path, spoken: Language, tag: str, code: str
) -> None:
    with speaking(spoken):
        page = preview_page("order-shipped", ["users.csv"], code, [CARD, CARD])
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    (tmp_path / "frames.html").write_text(FRAMES, encoding="utf-8")
    found = title_of(tmp_path / "frames.html")
    assert set(found) == {"320", "390", "1280"}
    for width, seen in found.items():
        assert seen["wide"] <= int(width), "nothing makes it scroll sideways"
        assert (seen["out"], seen["scripts"]) == (0, 0)
        assert seen["cards"] == seen["chinese"] > 10
        assert (seen["spoken"], seen["frame"]) == (tag, 4 if spoken == "en" else 0)
        assert seen["stop"] == ([] if code else ["rgb(250, 81, 81)"])
