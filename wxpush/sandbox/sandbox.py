"""The sandbox itself: a local WeChat that is started, watched and disturbed from Python."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from wxpush.sandbox.calls import Call, CallLog
from wxpush.sandbox.desk import Desk, Moment, OnSend
from wxpush.sandbox.faults import Faults
from wxpush.sandbox.scenario import Scenario, faults_from_mapping
from wxpush.sandbox.server import LOOPBACK, Server
from wxpush.sandbox.settings import FollowerState
from wxpush.sandbox.shown import Shown, ShownLog
from wxpush.sandbox.world import World

if TYPE_CHECKING:
    from wxpush.sandbox.pushing import OnEvents, Pushed, Pusher


class Sandbox:
    """A WeChat on loopback with the account, people and faults of `scenario`.

    `port` 0 takes a free one; `shown` is a file that gets a JSON line for each message on a user's screen,
    written before its call is answered; `clock` is Unix time in seconds (see `ManualClock`). The state
    lives as long as the object, over stop and start. Watching and disturbing is safe from any thread.
    """

    def __init__(
        self,
        scenario: Scenario | None = None,
        *,
        port: int = 0,
        shown: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises StorageError where `shown` can't be opened."""
        self.scenario = Scenario() if scenario is None else scenario
        self._clock = clock
        self._lock = threading.RLock()
        self._display = ShownLog(shown, remember=self.scenario.remember_shown)
        self._pusher = self._make_pusher()
        tell = None if self._pusher is None else self._pusher.tell
        self._world = World(self.scenario, self._display, random.SystemRandom(), tell)
        self._calls = CallLog(self.scenario.remember_calls)
        self._desk = Desk(self._world, self._calls, clock, self._lock)
        self._server = Server(self._desk.serve, port, clock)

    def start(self) -> None:
        """Listen; returns when calls can come in. Raises InputError where the port can't be had."""
        self._server.start()
        if self._pusher is not None:
            self._pusher.start()

    def stop(self) -> None:
        """End it; what was shown and called can still be read."""
        self._server.stop()
        if self._pusher is not None:
            self._pusher.stop()
        self._display.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end; the port is known after `start`."""
        return f"http://{LOOPBACK}:{self._server.port}"

    @property
    def appid(self) -> str:
        """The account's appid."""
        return self.scenario.account.appid

    @property
    def secret(self) -> str:
        """The account's AppSecret; made up, so it may be shown."""
        return self.scenario.account.secret

    def shown(self) -> list[Shown]:
        """What users have been shown up to now, oldest first (empty with `remember_shown: false`)."""
        with self._lock:
            self._world.settle(self._clock())
            return self._display.kept()

    def calls(self, path: str | None = None) -> list[Call]:
        """The last calls (`remember_calls` of them), oldest first; of `path` only where it is given."""
        with self._lock:
            return self._calls.calls(path)

    @property
    def requests_by_path(self) -> dict[str, int]:
        """How many requests came in since the start; those for unknown paths together as `other`."""
        with self._lock:
            return self._calls.counts()

    @property
    def remembered_ids(self) -> int:
        """How many client_msg_ids are held for dedupe at the moment."""
        with self._lock:
            return len(self._world.repeats)

    def follow(self, openid: str) -> None:
        """This person follows the account from now on."""
        self.set_state(openid, FollowerState.FOLLOWING)

    def unfollow(self, openid: str) -> None:
        """This person doesn't follow any more."""
        self.set_state(openid, FollowerState.UNFOLLOWED)

    def set_state(self, openid: str, state: FollowerState | str) -> None:
        """This person is in `state` from now on; raises ValueError for a word that is no state."""
        with self._lock:
            self._world.set_state(openid, FollowerState(state))

    def replace_token(self, overlap: float = 0) -> None:
        """Another system got itself a token; the former one works for `overlap` seconds more."""
        with self._lock:
            self._world.tokens.replace_by_another(self._clock(), overlap)

    def set_faults(self, faults: Faults | Mapping[str, Any]) -> None:
        """These faults from now on, counted anew; a mapping is written as in a scenario's `faults:`.

        Raises ProblemsError for a mapping that is wrong.
        """
        wanted = faults if isinstance(faults, Faults) else faults_from_mapping(faults)
        with self._lock:
            self._desk.set_faults(wanted)

    def set_quota(
        self, *, daily: int | None = None, minute: int | None = None, used: int | None = None
    ) -> None:
        """Change template/send's limit a day or a minute (0: none), or what of the day is used."""
        with self._lock:
            self._world.quotas.set(daily=daily, minute=minute, used=used, now=self._clock())

    def allow_address(self, address: str) -> None:
        """Put an address on the allow-list, as the operator would in the console."""
        with self._lock:
            self._world.allowed.add(address)

    def deny_address(self, address: str) -> None:
        """Take an address off the allow-list."""
        with self._lock:
            self._world.allowed.discard(address)

    def go_down(self) -> None:
        """Refuse connections and reset those that are open, until `come_back`."""
        self._server.go_down()

    def come_back(self) -> None:
        """Listen again, on the same port."""
        self._server.come_back()

    def pushed(self) -> "list[Pushed]":
        """The events that were taken, or given up, oldest first; none where the scenario asks for none."""
        return [] if self._pusher is None else self._pusher.pushed()

    @property
    def events_left(self) -> int:
        """How many events wait or are on their way; one that was lost on purpose is none."""
        return 0 if self._pusher is None else self._pusher.left()

    def on_events(self, hook: "OnEvents") -> None:
        """Call `hook(bodies)` with events as they become due, as WeChat writes them in plain mode."""
        if self._pusher is None:
            raise ValueError("the scenario asks for no events")
        self._pusher.add_hook(hook)

    def on_send(self, hook: OnSend, moment: Moment = "received") -> None:
        """Call `hook(call)` for each send: `received`, before it is looked at, or `decided`, when it is
        accepted or refused and no byte of the answer has left. It runs on the server's thread: the whole
        sandbox waits for it."""
        with self._lock:
            self._desk.add_hook(moment, hook)

    def _make_pusher(self) -> "Pusher | None":
        events = self.scenario.events
        if not (events.enabled or events.url):
            return None
        from wxpush.sandbox.pushing import Pusher

        return Pusher(events, self.appid, self.scenario.seed, self._clock, self._let_time_pass)

    def _let_time_pass(self) -> None:
        with self._lock:
            self._world.settle(self._clock())


def environment(sandbox: Sandbox) -> dict[str, str]:
    """The variables that point wxpush at a started sandbox; WXPUSH_HOME is the caller's choice."""
    variables = {
        "WXPUSH_API_BASE": sandbox.url,
        "WXPUSH_APPID": sandbox.appid,
        "WXPUSH_SECRET": sandbox.secret,
    }
    events = sandbox.scenario.events
    if events.url:
        variables["WXPUSH_CALLBACK_TOKEN"] = events.token
        if events.aes_key:
            variables["WXPUSH_CALLBACK_AES_KEY"] = events.aes_key
    return variables


def serve(
    scenario: Scenario,
    *,
    on_ready: Callable[[Sandbox], object],
    stop: threading.Event,
    port: int = 0,
    shown: Path | None = None,
) -> None:
    """Run a sandbox until `stop` is set; `on_ready` is called once it listens.

    Ctrl-C passes through as KeyboardInterrupt, the sandbox ended. Raises InputError, StorageError.
    """
    with Sandbox(scenario, port=port, shown=shown) as sandbox:
        on_ready(sandbox)
        # In short waits, because an endless one can't be interrupted on Windows.
        while not stop.wait(0.5):
            pass
