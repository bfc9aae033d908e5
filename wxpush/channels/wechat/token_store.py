"""The access_token on disk: one private file for all processes of this user, and the lock of its renewal."""

import hashlib
import json
import math
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from wxpush.clock import Moment
from wxpush.config import Account
from wxpush.errors import LockedError
from wxpush.i18n import _
from wxpush.lock import locked
from wxpush.private import read_private, refuse_unsafe_file, remove, remove_drafts, write_private

LONGEST_LIFE: Final = 7200.0
"""Seconds that a token lives at most (getStableAccessToken: "expires_in", a value within 7200)."""
FILE: Final = "token.json"
_LIMIT: Final = 16 * 1024
_TOKEN_CHARS: Final = 1024
_SKEW: Final = 5.0


@dataclass(frozen=True, slots=True)
class Grant:
    """A token as it was given: `lifetime` in seconds from `fetched`; `generation` counts them from 1."""

    token: str = field(repr=False)
    lifetime: float
    fetched: Moment
    generation: int = 1

    def life(self, at: Moment) -> float:
        """Seconds that it is good for, by the less favourable clock; 0 where a clock was set back."""
        ages = [at.wall - self.fetched.wall]
        if self.fetched.boot_id == at.boot_id:
            ages.append(at.boot - self.fetched.boot)
        if min(ages) < -_SKEW:
            return 0.0
        return max(0.0, self.lifetime - max(0.0, *ages))

    def is_younger_than(self, moment: Moment) -> bool:
        """Whether it was given after `moment`."""
        if self.fetched.boot_id == moment.boot_id:
            return self.fetched.boot > moment.boot
        return self.fetched.wall > moment.wall

    @property
    def reserve(self) -> float:
        """Seconds of life below which it is no longer used for a new call."""
        return min(30.0, self.lifetime / 10)


class TokenStore:
    """`token.json` and its lock in an account's private folder."""

    def __init__(self, folder: Path, account: Account) -> None:
        self._path = folder / FILE
        self._lock_path = folder / "token.lock"
        self._owner = _owner(account)

    def load(self) -> Grant | None:
        """The stored token of this appid and secret; None where there is none, or it isn't what we wrote.

        Raises UnsafeStateError where others could have read or changed the file.
        """
        raw = read_private(self._path, _LIMIT + 1)
        return None if raw is None else _parse(raw, self._owner)

    def save(self, grant: Grant) -> None:
        """Replace the stored token, in one step; under the lock. Raises StateError."""
        remove_drafts(self._path)
        refuse_unsafe_file(self._path)
        content = {"schema": 1, "owner": self._owner, **asdict(grant)}
        write_private(self._path, json.dumps(content).encode())

    def clear(self) -> bool:
        """Forget the stored token; False where there was none."""
        with self.locked(10.0):
            return remove(self._path)

    def locked(self, patience: float) -> AbstractContextManager[None]:
        """Alone among all processes of this machine; raises LockedError after `patience` seconds."""
        # A file of its own: a lock on token.json would be lost with each replacement.
        return locked(self._lock_path, patience, lambda: _busy(patience))


def look_over(folder: Path) -> bool:
    """Whether what is cached in an account's `folder` is a token as it was written, whoever's; or nothing is.

    Raises UnsafeStateError where others could have read or changed it, StorageError.
    """
    raw = read_private(folder / FILE, _LIMIT + 1)
    return raw is None or _parse(raw, None) is not None


def is_token(text: object) -> bool:
    """Whether it can be an access_token: visible ASCII, not longer than WeChat asks to allow for, twice."""
    return (
        isinstance(text, str)
        and 0 < len(text) <= _TOKEN_CHARS
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )


def _busy(patience: float) -> LockedError:
    text = _("Another process has been renewing the access_token for {seconds:.0f} seconds.")
    return LockedError(text.format(seconds=patience))


def successor(before: Grant | None, grant: Grant) -> Grant:
    """`grant` with its generation: the same token again, with what is left of its life, is no new one."""
    if before is None:
        return grant
    return replace(grant, generation=before.generation + (before.token != grant.token))


def _owner(account: Account) -> str:
    """What binds the file to this appid and secret, and tells nothing of them."""
    secret = account.secret.reveal() if account.secret else ""
    return hashlib.sha256(f"{account.appid}|{secret}".encode()).hexdigest()[:16]


def _parse(raw: bytes, owner: str | None) -> Grant | None:
    """The token that `raw` holds for `owner`, None for anybody; None where it isn't what we wrote."""
    try:
        found = json.loads(raw) if len(raw) <= _LIMIT else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("schema") != 1:
        return None
    if owner is not None and found.get("owner") != owner:
        return None
    fetched = found.get("fetched")
    if not isinstance(fetched, dict) or not isinstance(fetched.get("boot_id"), str):
        return None
    lifetime, generation = _number(found.get("lifetime")), _number(found.get("generation"))
    moment = Moment(_number(fetched.get("wall")), _number(fetched.get("boot")), fetched["boot_id"])
    sound = 0 < lifetime <= LONGEST_LIFE and 1 <= generation < 1e12
    if not (sound and is_token(found.get("token")) and math.isfinite(moment.wall + moment.boot)):
        return None
    return Grant(found["token"], lifetime, moment, int(generation))


def _number(value: Any) -> float:
    """A JSON number as a float; NaN, which no comparison accepts, for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.nan
