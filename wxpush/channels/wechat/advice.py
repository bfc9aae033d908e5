"""What WeChat doesn't refuse but answers for: words of advertising, and a rate that no account bears.

Sources: the operating announcement on template messages of 2023, which names kinds of promotion that are
intercepted, and that accounts lose rights for; what users report of rates that hold for long.
"""

from collections.abc import Mapping
from typing import Final

from wxpush.i18n import _
from wxpush.model import Finding, Severity

MARKETING: Final = "marketing"
RATE: Final = "rate"
#: Messages a second; about as many are reported to hold for long.
SUSTAINED: Final = 100.0

WORDS: Final = (
    "优惠券",
    "代金券",
    "抵用券",
    "满减",
    "红包",
    "抽奖",
    "中奖",
    "秒杀",
    "拼团",
    "砍价",
    "特价",
    "促销",
    "大促",
    "打折",
    "限时抢",
    "免费领",
    "返现",
    "返利",
    "推广",
    "投票",
)
"""Words by which a message is taken for advertising."""


def marketing_findings(texts: Mapping[str, str]) -> list[Finding]:
    """A warning for each text, by its place, that holds one of the words."""
    findings = []
    for where, text in texts.items():
        found = [word for word in WORDS if word in text]
        if found:
            message = _('"{words}" reads as advertising, for which WeChat intercepts messages.').format(
                words=", ".join(found)
            )
            hint = _("Say what the user's own action led to. If it does: checks: {{{rule}: off}}").format(
                rule=MARKETING
            )
            findings.append(Finding(where, MARKETING, "WX506", message, hint, Severity.WARNING, advice=True))
    return findings


def rate_findings(rate: float) -> list[Finding]:
    """A warning for a rate, in messages a second, that is answered with -1 and 45011 sooner or later."""
    if rate <= SUSTAINED:
        return []
    message = _("{rate}/s; more than about {most}/s is answered with -1 and 45011 before long.").format(
        rate=f"{rate:g}", most=f"{SUSTAINED:g}"
    )
    hint = _("Take a lower rate. If the account bears it: checks: {{{rule}: off}}").format(rule=RATE)
    return [Finding("rate", RATE, "WX212", message, hint, Severity.WARNING, advice=True)]
