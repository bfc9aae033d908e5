"""The token in use: kept fresh by one background thread, replaced once per generation, never by force."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from wxpush.channels.wechat.token_call import NoTokenError, TokenSupply
from wxpush.channels.wechat.token_store import Grant
from wxpush.clock import SYSTEM, Moment
from wxpush.errors import LockedError, StateError
from wxpush.i18n import _
from wxpush.model import Arrival, CodeClass, Trouble, Verdict, VerdictKind

_BASE_PAUSE: Final = 5.0
_LONGEST_PAUSE: Final = 30.0
_LONGEST_UNREACHABLE_PAUSE: Final = 5.0
_SAME_TOKEN_SECONDS: Final = 120.0
_GENERATIONS: Final = 3


@dataclass(frozen=True, slots=True)
class Token:
    """A token to send with. `serial` names this handing-out of it, for `refuse` and `accepted`."""

    value: str = field(repr=False)
    serial: int


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What is known of the token in use: `life` in seconds, `fetched_at` in Unix time."""

    token: str = field(repr=False)
    generation: int
    fetched_at: float
    life: float


@dataclass(frozen=True, slots=True)
class Refusals:
    """What WeChat has refused since it last accepted a token; times in seconds of the boot clock."""

    token: str = field(default="", repr=False)
    since: float = 0.0
    times: int = 0
    generations: int = 0

    def and_again(self, token: str, at: float) -> "Refusals":
        """With one more refusal."""
        if token == self.token:
            return replace(self, times=self.times + 1)
        return Refusals(token, at, 1, self.generations + 1)

    def hopeless(self, at: float) -> bool:
        """Whether more attempts would be a loop (design, rule 9)."""
        return self.generations >= _GENERATIONS or at - self.since >= _SAME_TOKEN_SECONDS

    @property
    def pause(self) -> float:
        """Seconds before the refused token is tried again, where WeChat insists on it."""
        return float(min(_BASE_PAUSE * 2 ** (self.times - 1), _LONGEST_PAUSE))


_NONE_REFUSED: Final = Refusals()


class TokenKeeper:
    """Hands out the token without ever blocking, and renews it behind the scenes.

    All times are the boot clock's. Raises StateError at once where the stored token is not private.
    """

    def __init__(
        self,
        supply: TokenSupply,
        *,
        clock: Callable[[], Moment] = SYSTEM.moment,
        chance: random.Random | None = None,
    ) -> None:
        self._supply = supply
        self._clock = clock
        self._chance = chance or random.Random()
        self._changed = threading.Condition()
        self._listener: Callable[[Trouble | None], None] = lambda _trouble: None
        self._grant: Grant | None = None
        self._serial = 0
        self._refused = False
        self._refused_at: Moment = clock()
        self._refusals = _NONE_REFUSED
        self._renew_below = 0.0
        self._rests_until = self._retry_at = 0.0
        self._failures = 0
        self._renewing = False
        self._fault: Trouble | None = None
        self._last_trouble: Trouble | None = None
        self._crash: Exception | None = None
        stored = supply.peek()
        if stored is not None:
            self._take(stored)

    @property
    def fetches(self) -> int:
        """How many times this process has asked for a token."""
        return self._supply.fetches

    def listen(self, listener: Callable[[Trouble | None], None]) -> None:
        """Tell `listener`, from another thread, of each failure to get a token; None for each one got.

        It hears at once of a fault that has ended everything before it came; passing failures of that time
        are no reason to let it wait.
        """
        with self._changed:
            self._listener, fault = listener, self._fault
            if self._last_trouble is not None and _unreachable(self._last_trouble):
                self._failures, self._retry_at = 0, 0.0
        if fault is not None:
            listener(fault)

    def current(self) -> Token | None:
        """The token to use now, if there is one; starts its renewal when that is due. Never blocks."""
        with self._changed:
            return self._current()

    def refuse(self, serial: int) -> None:
        """WeChat refused the token handed out as `serial`; late refusals of earlier ones change nothing."""
        with self._changed:
            if serial != self._serial or self._refused or self._grant is None or self._fault is not None:
                return
            at = self._clock()
            self._refused, self._refused_at = True, at
            self._refusals = self._refusals.and_again(self._grant.token, at.boot)
            hopeless = self._refusals.hopeless(at.boot)
            if hopeless:
                self._fault = self._last_trouble = _hopeless(self._refusals)
                self._changed.notify_all()
            else:
                self._renew()
        if hopeless:
            self._listener(self._fault)

    def accepted(self, serial: int) -> None:
        """WeChat took the token handed out as `serial`."""
        if self._refusals is not _NONE_REFUSED and serial == self._serial:
            with self._changed:
                self._refusals = _NONE_REFUSED

    def next_chance(self) -> float:
        """Seconds until `current` may have something new by the passing of time alone; infinite if never."""
        with self._changed:
            return float("inf") if self._fault is not None else self._pause() or float("inf")

    def wait(self, patience: float) -> Token:
        """The token, waiting up to `patience` seconds for it. Raises NoTokenError, StateError."""
        end = self._clock().boot + patience
        with self._changed:
            while (token := self._current()) is None:
                left = end - self._clock().boot
                if self._fault is not None or left <= 0:
                    raise NoTokenError(self._fault or self._last_trouble or _no_answer())
                self._changed.wait(min(left, self._pause() or left))
            return token

    def show(self) -> TokenInfo | None:
        """What is known of the token without asking anybody; None where there is none."""
        with self._changed:
            grant = self._grant
        return None if grant is None else self._info(grant)

    def fetch_now(self, *, force: bool = False) -> TokenInfo:
        """Ask for the token now and wait for the answer. Raises NoTokenError, StateError, InputError.

        `force` is for the operator's own wish only: every other system's token stops working.
        """
        grant = self._supply.ask(force=force)
        with self._changed:
            self._take(grant)
        return self._info(grant)

    def clear(self) -> bool:
        """Forget the stored token; False where there was none."""
        with self._changed:
            self._grant = None
        return self._supply.clear()

    def _current(self) -> Token | None:
        if self._crash is not None:
            raise self._crash
        if self._fault is not None:
            return None
        at = self._clock()
        if at.boot < self._rests_until:
            return None
        life = 0.0 if self._grant is None or self._refused else self._grant.life(at)
        if (life == 0.0 or life < self._renew_below) and at.boot >= self._retry_at:
            self._renew()
        if self._grant is None or life <= self._grant.reserve:
            return None
        return Token(self._grant.token, self._serial)

    def _renew(self) -> None:
        """Start the one thread that gets a token, unless it runs; under the lock."""
        if not self._renewing:
            self._renewing = True
            stale = self._grant
            since = self._refused_at if self._refused or stale is None else stale.fetched
            threading.Thread(target=self._get, args=(stale, since), name="wxpush-token", daemon=True).start()

    def _get(self, stale: Grant | None, since: Moment) -> None:
        trouble = None
        try:
            grant = self._supply.obtain(stale, since)
        except NoTokenError as error:
            trouble = error.trouble
        except LockedError as error:
            trouble = _busy(str(error))
        except StateError as error:
            trouble = _unusable(error)
        except Exception as error:
            self._crash = error  # a fault of ours, which the owner hears of from `current`
        with self._changed:
            self._renewing = False
            if trouble is not None:
                self._put_off(trouble)
            elif self._crash is None:
                self._take(grant)
            self._changed.notify_all()
        self._listener(trouble)

    def _take(self, grant: Grant) -> None:
        """Use `grant` from now on; a token that was just refused gets a rest first."""
        at = self._clock()
        same = self._grant is not None and grant.token == self._grant.token
        insisted = same and self._refused
        if not same or insisted:
            self._serial += 1
        self._grant, self._refused = grant, False
        self._failures = 0
        self._retry_at = 0.0
        self._rests_until = at.boot + self._refusals.pause if insisted else 0.0
        # In WeChat's last 300 seconds the old token and its successor both work.
        self._renew_below = min(300.0 - self._chance.uniform(5.0, 120.0), grant.lifetime / 4)

    def _put_off(self, trouble: Trouble) -> None:
        """Try again later, or never."""
        self._last_trouble = trouble
        if trouble.verdict.kind is VerdictKind.STOP:
            self._fault = trouble
            return
        longest = _LONGEST_UNREACHABLE_PAUSE if _unreachable(trouble) else _LONGEST_PAUSE
        ceiling = min(longest, 0.5 * 2 ** min(self._failures, 10))
        self._failures += 1
        delay = max(self._chance.uniform(0.1, ceiling), trouble.verdict.wait or 0.0)
        self._retry_at = self._clock().boot + delay

    def _pause(self) -> float:
        """Seconds until the rest or the delay in force is over; 0 where there is none."""
        return max(0.0, max(self._rests_until, self._retry_at) - self._clock().boot)

    def _info(self, grant: Grant) -> TokenInfo:
        return TokenInfo(grant.token, grant.generation, grant.fetched.wall, grant.life(self._clock()))


def _unreachable(trouble: Trouble) -> bool:
    """Whether nobody was there to mind another call."""
    return trouble.verdict.code in {"network", "timeout"}


def _hopeless(refusals: Refusals) -> Trouble:
    judged = Verdict(VerdictKind.STOP, "40001", CodeClass.ACCOUNT, Arrival.ANSWERED, token_refused=True)
    if refusals.generations >= _GENERATIONS:
        message = _("WeChat refused {count} access_tokens in a row.").format(count=refusals.generations)
    else:
        message = _("WeChat has refused the same access_token for two minutes.")
    hint = _(
        "Another system with this AppSecret probably renews the token all the time (a test system, an old "
        "server, /cgi-bin/token): let all of them use one token or stable_token, then run the same command."
    )
    return Trouble(judged, message, hint)


def _busy(message: str) -> Trouble:
    judged = Verdict(VerdictKind.AGAIN, "timeout", CodeClass.TRANSIENT, Arrival.NEVER_LEFT)
    return Trouble(judged, message)


def _no_answer() -> Trouble:
    judged = Verdict(VerdictKind.AGAIN, "timeout", CodeClass.TRANSIENT, Arrival.SILENT)
    return Trouble(
        judged, _("No access_token came in time."), _("Check the network, then run the same command.")
    )


def _unusable(error: StateError) -> Trouble:
    judged = Verdict(VerdictKind.STOP, "storage", CodeClass.ACCOUNT, Arrival.NEVER_LEFT)
    return Trouble(judged, str(error), error.hint)
