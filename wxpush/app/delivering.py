"""Takes messages to WeChat for one command: the channel, the gate and the engine, and how to stop them."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from wxpush.app.pace import Pace
from wxpush.app.quota import QuotaFound, read_quota
from wxpush.campaign.schema import Campaign
from wxpush.channels.wechat.client import WeChatChannel, WeChatClient, make_keeper
from wxpush.channels.wechat.token import TokenKeeper
from wxpush.clock import Clock
from wxpush.config import Account, Directories
from wxpush.delivery.engine import Ending, Engine, RunLedger, Settings
from wxpush.delivery.gate import Gate, GateRules
from wxpush.delivery.identity import MessageIds, RunId
from wxpush.delivery.policy import RetryRules, StopRules
from wxpush.delivery.ports import Listener, Progress, Witness
from wxpush.delivery.records import Claim
from wxpush.model import Message


@dataclass(frozen=True, slots=True)
class Delivered:
    """How it ended, this process's counts, and how long it took in seconds, with all waits."""

    ending: Ending
    progress: Progress
    elapsed: float = 0.0


class Delivering:
    """One command's way to WeChat: `connect`, then `send`; `stop` at any time, from a signal handler too."""

    def __init__(self, account: Account, directories: Directories, clock: Clock) -> None:
        self._account, self._directories, self._clock = account, directories, clock
        self._keeper: TokenKeeper | None = None
        self._engine: Engine | None = None
        self._interrupted = self._at_once = False
        self.quota = QuotaFound(None)

    def connect(self) -> QuotaFound:
        """See that there is a token, and read the quota. Raises StoppedError for an unfit account."""
        self._keeper = make_keeper(self._account, self._directories, self._clock)
        self.quota = read_quota(self._account, self._keeper)
        return self.quota

    def look_again(self) -> None:
        """After a long wait: read the quota anew. Raises StoppedError for an account that is unfit by now."""
        if self._keeper is not None:
            self.quota = read_quota(self._account, self._keeper)

    @property
    def is_connected(self) -> bool:
        """Whether `connect` has succeeded."""
        return self._keeper is not None

    def client(self, workers: int) -> WeChatClient:
        """For calls beside the sending, up to `workers` at once; to be closed. Call `connect` before."""
        if self._keeper is None:
            raise RuntimeError("calls before connect")
        return WeChatClient(self._account, self._keeper, workers=workers)

    @property
    def token_fetches(self) -> int:
        """How many tokens this process has asked for."""
        return self._keeper.fetches if self._keeper else 0

    def stop(self) -> None:
        """First call: take the answers on their way and end. Second call: end at once."""
        self._at_once = self._interrupted
        self._interrupted = True
        if self._engine is not None:
            (self._engine.hurry if self._at_once else self._engine.stop)()

    def send(
        self,
        run: RunId,
        ledger: RunLedger,
        campaign: Campaign,
        pace: Pace,
        listener: Listener,
        *,
        messages: Iterator[Message | None],
        recovered: Iterable[Claim] = (),
        resend_in_doubt: bool = False,
        expected_codes: frozenset[str] = frozenset(),
        still_wanted: Callable[[Message], bool] | None = None,
        witnesses: Sequence[Witness] = (),
    ) -> Delivered:
        """Send `recovered` claims, then `messages`. Call `connect` before.

        `still_wanted` is asked again about messages that had to wait (Engine).
        """
        if self._keeper is None:
            raise RuntimeError("send before connect")
        channel = WeChatChannel(
            self._account, self._keeper, workers=pace.workers, timeout=campaign.timeout, clock=self._clock
        )
        burst = None if campaign.burst is None else float(campaign.burst)
        rules = GateRules(pace.rate, burst, pace.hours, campaign.keep_quota, pace.until)
        engine = Engine(
            channel,
            ledger,
            MessageIds(run).client_msg_id,
            Gate(rules, self._clock, self.quota.quota),
            replace(
                _settings(campaign, pace),
                resend_in_doubt=resend_in_doubt,
                expected_codes=expected_codes,
            ),
            listener,
            clock=self._clock,
            chance=random.Random(),
            still_wanted=still_wanted,
            witnesses=witnesses,
        )
        self._engine = engine
        if self._interrupted:
            engine.stop()
        started = self._clock.monotonic()
        try:
            ending = engine.run(recovered, messages)
        finally:
            channel.close()
        return Delivered(ending, engine.progress, self._clock.monotonic() - started)


def _settings(campaign: Campaign, pace: Pace) -> Settings:
    retry, stop = campaign.retry, campaign.stop_when
    return Settings(
        rate=pace.rate,
        workers=pace.workers,
        timeout=campaign.timeout,
        retry=RetryRules(retry.attempts, retry.base, retry.cap),
        stop=StopRules(stop.failure_rate, stop.after, stop.outage),
        wait_for_quota=campaign.on_quota == "wait",
    )
