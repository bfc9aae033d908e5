"""A folder with a WeChat that knows one template, and others where a test needs them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.cli.command import KNOWN_TEMPLATE, Desk
from tests.cli.receiving import Shop
from wxpush.sandbox import Sandbox
from wxpush.sandbox.scenario import from_mapping


@pytest.fixture
def open_wechat() -> Iterator[Callable[..., Sandbox]]:
    """open_wechat(account=…, followers=…) starts a WeChat with these parts of a scenario."""
    with ExitStack() as stack:

        def begin(**parts: Any) -> Sandbox:
            mapping = {"version": 1, "templates": [KNOWN_TEMPLATE], **parts}
            return stack.enter_context(Sandbox(from_mapping(mapping)))

        yield begin


@pytest.fixture
def wechat(open_wechat: Callable[..., Sandbox]) -> Sandbox:
    """A WeChat on a calm day."""
    return open_wechat()


@pytest.fixture
def desk(tmp_path: Path, wechat: Sandbox) -> Desk:
    """A folder whose `wxpush` speaks to `wechat`."""
    return Desk(tmp_path, wechat)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The shop's own system."""
    shop = Shop()
    thread = Thread(target=shop.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield shop
    shop.server.shutdown()
    thread.join()
    shop.server.server_close()
