"""The account's access tokens: two families that don't touch each other, generations, and their overlap."""

import base64
import random
import re
from dataclasses import dataclass

from wxpush.sandbox.settings import TokenSettings

_FORM = re.compile(r"\d+_[0-9A-Za-z_-]{64,}", re.ASCII)
_REMEMBERED = 256
_DAY_S = 86_400.0
NEVER = float("inf")

GOOD, REPLACED, MALFORMED, EXPIRED = 0, 40001, 40014, 42001
"""Answers of `Tokens.judge`: an errcode, or 0."""


@dataclass(slots=True)
class Token:
    """One token: it works until it expires, or until it was replaced and its overlap is over."""

    text: str
    expires_at: float
    dead_at: float = NEVER


@dataclass(slots=True)
class _Family:
    current: Token | None = None
    previous: Token | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as it is handed out; `expires_in` in whole seconds."""

    token: str
    expires_in: int


class Tokens:
    """Hands out, replaces and judges tokens.

    Documented: a classic call issues a new token, a stable one returns the same until its last 5 minutes;
    the former token works on for 5 minutes. That a second replacement ends the last but one at once is
    inferred. Texts come from `chance`, not from the scenario's seed, so a token of an earlier sandbox is
    unknown to the next.
    """

    def __init__(self, settings: TokenSettings, chance: random.Random) -> None:
        self._settings = settings
        self._chance = chance
        self._classic = _Family()
        self._stable = _Family()
        self._forced: list[float] = []
        self._known: dict[str, Token] = {}

    def classic(self, now: float) -> Grant:
        """A new token of `/cgi-bin/token`."""
        return _grant(self._replace(self._classic, now, self._settings.renewal_s), now)

    def stable(self, now: float, *, force: bool) -> Grant | None:
        """The token of `/cgi-bin/stable_token`, a new one where it is time; None when forced too often a day.

        A forced call within `force_apart_s` of the last one refreshes nothing.
        """
        if force:
            return self._force(now)
        current = self._stable.current
        if current is None or current.expires_at - now < self._settings.renewal_s:
            current = self._replace(self._stable, now, self._settings.renewal_s)
        return _grant(current, now)

    def replace_by_another(self, now: float, overlap_s: float) -> None:
        """Another system got itself a token of each family in use; the former works for `overlap_s` more."""
        for family in (self._classic, self._stable):
            if family.current is not None:
                self._replace(family, now, overlap_s)

    def judge(self, text: str, now: float) -> int:
        """Whether a call with this token is let in: GOOD, REPLACED, MALFORMED or EXPIRED."""
        token = self._known.get(text)
        if token is None:
            return REPLACED if _FORM.fullmatch(text) else MALFORMED
        if token.dead_at <= now and token.dead_at < token.expires_at:
            return REPLACED
        return EXPIRED if token.expires_at <= now else GOOD

    def _force(self, now: float) -> Grant | None:
        settings, current = self._settings, self._stable.current
        self._forced = [at for at in self._forced if at > now - _DAY_S]
        last = self._forced[-1] if self._forced else -NEVER
        if current is not None and current.expires_at > now and now - last < settings.force_apart_s:
            return _grant(current, now)
        if len(self._forced) >= settings.force_per_day:
            return None
        self._forced.append(now)
        return _grant(self._replace(self._stable, now, settings.force_overlap_s), now)

    def _replace(self, family: _Family, now: float, overlap_s: float) -> Token:
        if family.previous is not None:
            family.previous.dead_at = min(family.previous.dead_at, now)
        if family.current is not None:
            family.current.dead_at = min(family.current.dead_at, now + overlap_s)
        family.previous = family.current
        family.current = Token(self._text(), now + self._settings.lifetime_s)
        self._known[family.current.text] = family.current
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        return family.current

    def _text(self) -> str:
        # As observed: digits, an underscore, then about 130 characters.
        return "92_" + base64.urlsafe_b64encode(self._chance.randbytes(99)).decode("ascii")


def _grant(token: Token, now: float) -> Grant:
    return Grant(token.text, int(token.expires_at - now))
