"""Events on their way in: receipts to the account's log, what concerns a person to whoever keeps track."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from threading import Event as Flag
from typing import TYPE_CHECKING, Final, Protocol

from wxpush.app.people_news import SUBSCRIBE, UNSUBSCRIBE, News, PeopleNews
from wxpush.app.suppressing import folder_of
from wxpush.app.surroundings import Surroundings
from wxpush.config import Account, load_account, load_callback
from wxpush.config.account import url_fault
from wxpush.delivery.receipts import ReceiptLog, receipts
from wxpush.errors import InputError, LockedError, StateError
from wxpush.i18n import _
from wxpush.lock import locked
from wxpush.model import USER_BLOCK, Receipt
from wxpush.private import read_private, remove, write_private

if TYPE_CHECKING:
    from wxpush.app.settling_meanwhile import SettledRuns
    from wxpush.channels.wechat.events import Following
    from wxpush.web.receiver import Address, Counts

_LIBRARIES: Final = ("aiohttp", "cryptography", "defusedxml")
_PATIENCE_S: Final = 0.5
_MOST_PORT: Final = 65535
_TTL: Final = 600.0
_AN_HOUR_S: Final = 3600.0
_MOST_KNOWN: Final = 131_072


Listener = Callable[[Sequence[News]], object]
"""Whoever keeps track of who can be written to."""


class Known(Protocol):
    """By their marks, the receipts that needn't be stored again."""

    def __contains__(self, mark: bytes, /) -> bool: ...

    def add(self, mark: bytes, /) -> None:
        """It is stored."""


class Intake:
    """Takes the events of one account in; used by one thread, the one that opened it."""

    def __init__(self, log: Path, listener: Listener, known: Known) -> None:
        """`log` is the folder of the account's receipts. Raises StateError."""
        self._log = ReceiptLog(log)
        self._listener, self._known = listener, known

    def take_in(self, events: "Sequence[Receipt | Following]") -> int:
        """Keep them, durably; how many receipts were new. Raises StateError, and then none is kept."""
        fresh = {
            mark: receipt
            for receipt in (event for event in events if isinstance(event, Receipt))
            if (mark := mark_of(receipt)) not in self._known
        }
        self._log.append(list(fresh.values()))
        for mark in fresh:
            self._known.add(mark)
        if news := news_of(events):
            self._listener(news)
        return len(fresh)

    def close(self) -> None:
        """Let go of the log."""
        self._log.close()


class _Lately:
    """Those of the last ten minutes: WeChat repeats itself when an answer is late."""

    def __init__(self, clock: Callable[[], float]) -> None:
        from wxpush.channels.wechat.callback import Seen

        self._seen, self._clock = Seen(_TTL, _MOST_KNOWN), clock

    def __contains__(self, mark: bytes) -> bool:
        return self._seen.get(mark) is not None

    def add(self, mark: bytes) -> None:
        self._seen.note(mark, b"", self._clock())


def mark_of(receipt: Receipt) -> bytes:
    """Equal for two receipts that say the same, whenever they came."""
    words = (receipt.msgid, receipt.status) if receipt.msgid else (receipt.to, receipt.at, receipt.status)
    return blake2b(repr(words).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def news_of(events: "Iterable[Receipt | Following]") -> list[News]:
    """What the events say of people, as distinct from messages."""
    news = []
    for event in events:
        if not isinstance(event, Receipt):
            news.append(News(event.openid, SUBSCRIBE if event.subscribed else UNSUBSCRIBE, event.at))
        elif event.status == USER_BLOCK:
            news.append(News(event.to, event.status, event.at))
    return news


def require_libraries() -> None:
    """See that what receiving needs is installed. Raises InputError that says how."""
    if any(find_spec(name) is None for name in _LIBRARIES):
        raise InputError(
            _("Receipts need libraries that are not installed."), _('Run: pip install "wxpush[receipts]"')
        )


def address_of(listen: str, path: str, forward: str | None) -> "Address":
    """Where to receive, as it is written on the command line. Raises InputError."""
    require_libraries()
    from wxpush.web.receiver import Address

    host, _colon, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > _MOST_PORT:
        raise InputError(_("--listen: write it as HOST:PORT, such as 127.0.0.1:8080."))
    if not path.startswith("/") or not path.isascii() or not path.isprintable() or set(path) & set(" ?#"):
        raise InputError(_("--path: a path begins with / and has no blank, ? or #."))
    if forward is not None and (fault := url_fault(forward)) is not None:
        raise InputError("--forward: " + fault.message, fault.hint)
    return Address(host, int(port), path, forward)


def receive(
    name: str | None,
    address: "Address",
    around: Surroundings,
    *,
    allow_plain: bool,
    suppress: float | None,
    on_ready: Callable[[str, Account], object],
    tell: "Callable[[Counts], object]",
    tell_settled: "Callable[[SettledRuns, Exception | None], object]",
    stop: Flag,
) -> "Counts":
    """Be the account's callback URL until `stop` is set, and settle what the receipts prove.

    Who refuses the messages is put on the suppression list for `suppress` seconds, or with None isn't.
    Raises InputError, LockedError, StateError.
    """
    require_libraries()
    from wxpush.app.settling_meanwhile import settling
    from wxpush.channels.wechat.callback import Callback
    from wxpush.web.receiver import serve

    account, keys = load_account(name, around.environ, need_secret=False), load_callback(name, around.environ)
    if keys.token is None:
        raise InputError(
            _("The account doesn't say by which Token it knows WeChat's pushes."),
            _("Add `callback: {token_env: NAME}` to it in config.yaml, or set WXPUSH_CALLBACK_TOKEN."),
        )
    aes_keys = [key for key in (keys.aes_key, keys.previous_aes_key) if key is not None]
    callback = Callback(keys.token, account.appid, aes_keys, allow_plain=allow_plain)
    folder, address = around.directories.account_dir(account), replace(address, ca_file=account.ca_file)
    people = PeopleNews(folder_of(around.directories, account), suppress)
    if suppress is not None:
        people.hear(_blocked_lately(around.directories.receipts_dir(account), around.clock.wall()))
    came = 0

    def counted(events: "Sequence[Receipt | Following]") -> None:
        nonlocal came
        came += keep(events)

    with (
        _only_one(folder),
        _intake(around.directories.receipts_dir(account), people.hear, around) as (keep, executor),
        settling(account, around, lambda: came, people, tell_settled),
    ):
        return serve(
            callback,
            counted,
            executor,
            address,
            wall=around.clock.wall,
            on_ready=lambda url: on_ready(url, account),
            tell=tell,
            stop=stop,
        )


def _blocked_lately(log: Path, now: float) -> list[News]:
    """Who refused messages in the last hour: a receiver that was killed may not have come to note it."""
    lately = (one for one in receipts(log) if one.received > now - _AN_HOUR_S and one.status == USER_BLOCK)
    return [News(one.to, one.status, one.at) for one in lately]


@contextmanager
def take_in_from(
    subscribe: Callable[[Callable[[Sequence[bytes]], object]], object], log: Path, around: Surroundings
) -> Iterator[None]:
    """Take in to `log` the pushes that a source in this process calls back with.

    Raises InputError, StateError.
    """
    require_libraries()
    from wxpush.channels.wechat.events import parse, read

    with _intake(log, lambda _news: None, around) as (keep, executor):

        def take_in(bodies: Sequence[bytes]) -> None:
            now = around.clock.wall()
            found = [event for event in (read(parse(body), now) for body in bodies) if event is not None]
            with suppress(RuntimeError, StateError):  # at the end, or on a full disk: lost, as in real life
                executor.submit(keep, found).result()

        subscribe(take_in)
        yield


@contextmanager
def _intake(
    log: Path, listener: Listener, around: Surroundings
) -> "Iterator[tuple[Callable[[Sequence[Receipt | Following]], int], ThreadPoolExecutor]]":
    """An intake on a thread of its own, since SQLite waits for the disk."""
    with ThreadPoolExecutor(1, thread_name_prefix="wxpush-receipts") as executor:
        intake = executor.submit(Intake, log, listener, _Lately(around.clock.monotonic)).result()
        try:
            yield intake.take_in, executor
        finally:
            executor.submit(intake.close).result()


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Be the only process that receives for this account. Raises LockedError, naming the other's pid."""
    pid = folder / "receiving.pid"

    def busy() -> LockedError:
        holder = (read_private(pid, 32) or b"?").decode("ascii", "replace").strip()
        return LockedError(
            _("Another wxpush receives for this account (process {pid}).").format(pid=holder),
            _("One is enough. Stop it first, or name another account with --account."),
        )

    with locked(folder / "receiving.lock", _PATIENCE_S, busy):
        try:
            write_private(pid, str(os.getpid()).encode())
            yield
        finally:
            with suppress(StateError):
                remove(pid)
