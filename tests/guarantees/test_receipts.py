"""The receiver of receipts: what isn't WeChat's is refused, what it has answered is on the disk."""

import asyncio
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
import pytest

from tests.cli.command import Desk
from tests.cli.receiving import Receiver, stored
from tests.guarantees.plugin import Measured, Scale
from tests.pushes import AES_KEY, ATTACKS, Console, Request, fields, openid, xml
from wxpush.channels.wechat.crypto import Cipher

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
PLAIN, SAFE = Console(), Console(mode="safe")
WITH_KEY: dict[str, str | None] = {"WXPUSH_CALLBACK_AES_KEY": AES_KEY}
RATE = 500


def hostile(number: int, chance: random.Random) -> Request:
    """A receipt of somebody else, by one of the ways to try it; none could be WeChat's."""
    good = PLAIN.receipt(number)
    match number % 8:
        case 0:
            return Console(token="guessed").receipt(number)
        case 1:
            place = chance.randrange(40)
            begin = good.query.index("signature=") + len("signature=") + place
            query = good.query[:begin] + "x" + good.query[begin + 1 :]
            return Request(query, good.body)
        case 2:
            return PLAIN.push(good.body, at=time.time() + chance.choice([-1, 1]) * chance.randint(301, 10**6))
        case 3 | 4:
            return PLAIN.push(chance.choice([*ATTACKS.values()]))
        case 5:
            return Request("", good.body)
        case 6:
            cipher = Cipher(AES_KEY, "wx" + f"{chance.getrandbits(64):016x}")
            return Request(good.query, xml({"Encrypt": cipher.encrypt(good.body, bytes(16))}))
        case _:
            return Request(good.query + "&nonce=" + "9" * chance.choice([1, 5000]), good.body)


def replayed(number: int) -> tuple[Request, Request]:
    """A push, and another body with its signature."""
    first = PLAIN.receipt(number)
    return first, Request(first.query, xml(fields(number, Status="failed:user block")))


async def answers(url: str, requests: Sequence[Request]) -> Counter[tuple[int, bytes]]:
    """What they are answered, eight at a time."""
    got: Counter[tuple[int, bytes]] = Counter()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=8)) as session:

        async def push(request: Request) -> None:
            async with session.post(_target(url, request), data=request.body) as answer:
                got[answer.status, await answer.read()] += 1

        await asyncio.gather(*map(push, requests))
    return got


def _target(url: str, request: Request) -> str:
    return f"{url}?{request.query}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture
def receiver(desk: Desk) -> Iterator[Receiver]:
    with Receiver(desk) as receiver:
        yield receiver


@pytest.mark.guarantee("T35")
def test_t35_what_is_not_of_wechat_is_refused_alike(
    desk: Desk, receiver: Receiver, measured: Measured
) -> None:
    chance = random.Random(35)
    bad = [hostile(number, chance) for number in range(900)]
    began = time.monotonic()
    got = asyncio.run(answers(receiver.url, bad))
    assert got == {(403, b""): 900}
    assert stored(desk) == []
    pairs = [replayed(number) for number in range(100)]
    assert asyncio.run(answers(receiver.url, [first for first, _second in pairs])) == {(200, b"success"): 100}
    assert asyncio.run(answers(receiver.url, [second for _first, second in pairs])) == {(403, b""): 100}
    assert {receipt.status for receipt in stored(desk)} == {"success"}
    assert len(stored(desk)) == 100
    measured(f"0 of 1,000 accepted, in {time.monotonic() - began:.1f} s")


@pytest.mark.guarantee("T35")
def test_t35_with_a_key_nothing_unencrypted_is_believed(desk: Desk) -> None:
    chance = random.Random(36)
    with Receiver(desk, env=WITH_KEY) as receiver:
        bad = [hostile(number, chance) for number in range(100)]
        bad += [PLAIN.receipt(number) for number in range(50)]
        bad += [_spoilt(SAFE.receipt(number), chance) for number in range(50)]
        assert asyncio.run(answers(receiver.url, bad)) == {(403, b""): 200}
        assert stored(desk) == []
        assert asyncio.run(answers(receiver.url, [SAFE.receipt(1)])) == {(200, b"success"): 1}
    assert [receipt.to for receipt in stored(desk)] == [openid(1)]


def _spoilt(request: Request, chance: random.Random) -> Request:
    """One letter of the encrypted text changed."""
    begin = request.body.index(b"<Encrypt><![CDATA[") + 18
    place = begin + chance.randrange(200)
    letter = b"A" if request.body[place : place + 1] != b"A" else b"B"
    return Request(request.query, request.body[:place] + letter + request.body[place + 1 :])


async def paced(url: str, requests: Sequence[Request], rate: float) -> list[float]:
    """How long each answer took, in order; every one must be `success`."""
    waits = [0.0] * len(requests)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100)) as session:

        async def push(number: int, request: Request) -> None:
            begun = time.perf_counter()
            async with session.post(_target(url, request), data=request.body) as answer:
                assert (answer.status, await answer.read()) == (200, b"success")
            waits[number] = time.perf_counter() - begun

        begun, tasks = time.perf_counter(), []
        for number, request in enumerate(requests):
            if (early := begun + number / rate - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            tasks.append(asyncio.create_task(push(number, request)))
        await asyncio.gather(*tasks)
    return waits


def resident(pid: int) -> int:
    """Memory of a process in KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.guarantee("T35")
@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("mode", ["plain", "safe"])
def test_t35_good_ones_are_answered_soon_and_none_is_lost(
    desk: Desk, scale: Scale, measured: Measured, mode: str
) -> None:
    count, limit = scale(1_000, 10_000), scale(0.25, 0.05)
    console = Console(mode=mode)
    with Receiver(desk, env={} if mode == "plain" else WITH_KEY) as receiver:
        asyncio.run(paced(receiver.url, [console.receipt(number) for number in range(200)], RATE))
        before = resident(receiver.pid)
        requests = [console.receipt(1_000 + number) for number in range(count)]
        waits = sorted(asyncio.run(paced(receiver.url, requests, RATE)))
        grown = resident(receiver.pid) - before
    kept = {receipt.to for receipt in stored(desk)}
    assert {openid(1_000 + number) for number in range(count)} <= kept
    p99 = waits[int(len(waits) * 0.99)]
    measured(f"{mode}: 0 of {count:,} lost at {RATE}/s, p99 {p99 * 1000:.1f} ms, {grown / 1024:+.1f} MB")
    assert p99 < limit
    assert grown < 10 * 1024


@pytest.mark.guarantee("T35")
def test_t35_what_was_answered_outlives_a_kill(desk: Desk, scale: Scale, measured: Measured) -> None:
    chance, answered = random.Random(37), set[str]()
    rounds, number = scale(3, 40), 0
    for _round in range(rounds):
        with Receiver(desk) as receiver:
            requests = [PLAIN.receipt(number + one) for one in range(1_000)]
            asyncio.run(_until_killed(receiver, requests, number, chance.uniform(0.05, 0.6), answered))
        number += 1_000
    kept = {receipt.to for receipt in stored(desk)}
    assert answered - kept == set()
    assert len(answered) > 10 * rounds
    measured(f"{rounds} kills: all of {len(answered):,} answered ones are there")


async def _until_killed(
    receiver: Receiver, requests: Sequence[Request], first: int, seconds: float, answered: set[str]
) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=20)) as session:

        async def push(number: int, request: Request) -> None:
            async with session.post(_target(receiver.url, request), data=request.body) as answer:
                if await answer.read() == b"success":
                    answered.add(openid(number))

        tasks = [asyncio.create_task(push(first + one, request)) for one, request in enumerate(requests)]
        await asyncio.sleep(seconds)
        receiver.running.process.kill()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(one is None or isinstance(one, aiohttp.ClientError | OSError) for one in ended)
