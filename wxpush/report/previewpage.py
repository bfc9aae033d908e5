"""A page that shows messages as WeChat does, to be sent to whoever has to agree with them.

One file with nothing loaded from elsewhere and no script: the colours follow the reader's light or dark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from wxpush.i18n import _, language
from wxpush.safe import is_unsafe, safe

GENERATOR: Final = '<meta name="generator" content="wxpush">'
"""By which a page is known as one of these."""
_STYLE = """
:root { color-scheme: light dark; --ground: #ededed; --card: #fff; --text: #191919; --soft: #7f7f7f;
  --line: #e5e5e5; --name: #576b95; --mark: #07c160; --stop: #fa5151; }
@media (prefers-color-scheme: dark) { :root { --ground: #111; --card: #2c2c2c; --text: #d5d5d5;
  --soft: #8a8a8a; --line: #3d3d3d; --name: #7d90a9; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 16px/1.5 -apple-system,
  "PingFang SC", "Hiragino Sans GB", "Microsoft YaHei", "Noto Sans CJK SC", "Source Han Sans SC",
  "WenQuanYi Micro Hei", sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 20px 12px 40px; }
h1 { font-size: 20px; margin: 0 0 2px; overflow-wrap: anywhere; }
p { margin: 2px 0; color: var(--soft); font-size: 14px; overflow-wrap: anywhere; }
code { font: 600 18px/1.4 ui-monospace, Menlo, Consolas, monospace; color: var(--text); letter-spacing: 1px; }
.approval { margin: 14px 0 20px; padding: 12px 14px; background: var(--card); border-radius: 8px;
  border-left: 4px solid var(--mark); }
.not-yet { border-left-color: var(--stop); }
.not-yet p { color: var(--text); font-weight: 600; }
.phones { display: grid; gap: 22px 18px;
  grid-template-columns: repeat(auto-fill, minmax(min(320px, 100%), 1fr)); }
.phone { min-width: 0; }
.about { padding: 0 4px 6px; }
article { background: var(--card); border-radius: 8px; overflow: hidden; }
article h2 { font-size: 17px; font-weight: 600; margin: 0; padding: 14px 16px 6px; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(4em, max-content) 1fr; gap: 6px 14px; margin: 0;
  padding: 6px 16px 16px; font-size: 15px; }
dt { color: var(--soft); overflow-wrap: anywhere; max-width: 9em; }
dd { margin: 0; overflow-wrap: anywhere; white-space: pre-wrap; }
.tap { display: flex; justify-content: space-between; border-top: 1px solid var(--line); margin: 0 16px;
  padding: 11px 0; font-size: 15px; color: var(--text); }
.tap span:last-child { color: var(--soft); }
.mark { background: var(--stop); color: #fff; border-radius: 3px; padding: 0 3px; font-size: 12px;
  direction: ltr; unicode-bidi: isolate; }
.opens { padding: 6px 4px 0; font-size: 13px; }
@media print { body { background: #fff; } article { border: 1px solid #ccc; break-inside: avoid; } }
"""


@dataclass(frozen=True, slots=True)
class Card:
    """One message: `about` says whose it is and why it is here, `parts` are (label, value)."""

    about: str
    title: str
    parts: Sequence[tuple[str, str]]
    opens: str = ""


def preview_page(campaign: str, facts: Sequence[str], code: str, cards: Sequence[Card]) -> str:
    """The whole page, in the language in force; every text in it is escaped.

    The cards are Chinese in every language, as what they show is: fonts and line breaks go by that. Without a
    `code` the page says that there is nothing to approve yet. What can't be seen and could turn the order of
    the text is shown by its number, as on a terminal.
    """
    lang = "zh-CN" if language() == "zh" else "en"
    approval = _without_code()
    if code:
        about = _("Approval code, over all that campaign, template, words and list say:")
        approval = f'<div class="approval">\n<p>{escape(about)}</p>\n<code>{escape(code)}</code>\n</div>'
    told = "".join(f"<p>{_shown(fact)}</p>\n" for fact in facts)
    return f"""<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{GENERATOR}
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(safe(campaign))}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{_shown(campaign)}</h1>
{told}{approval}
<div class="phones">
{"".join(map(_phone, cards))}</div>
</main>
</body>
</html>
"""


def _without_code() -> str:
    told = _("Not to be approved yet: rows of the list must be mended first. The next preview has the code.")
    return f'<div class="approval not-yet">\n<p>{escape(told)}</p>\n</div>'


def _phone(card: Card) -> str:
    pairs = "".join(f"<dt>{_shown(label)}</dt><dd>{_shown(value)}</dd>\n" for label, value in card.parts)
    tap = opens = ""
    if card.opens:
        tap = '<div class="tap"><span>查看详情</span><span>&rsaquo;</span></div>\n'
        target = _("opens {url}").format(url=card.opens)
        opens = f'<p class="opens">{_shown(target)}</p>\n'
    return f"""<section class="phone">
<p class="about">{_shown(card.about)}</p>
<article lang="zh-CN">
<h2>{_shown(card.title)}</h2>
<dl>
{pairs}</dl>
{tap}</article>
{opens}</section>
"""


def _shown(text: str) -> str:
    """`text` in HTML; a line break stays one."""
    return "".join(
        f'<span class="mark">{safe(char)}</span>' if is_unsafe(char) and char != "\n" else escape(char)
        for char in text
    )
