"""The tests of the guarantee work at the same desk as those of the command line."""

from tests.cli.conftest import desk, open_wechat, wechat

__all__ = ["desk", "open_wechat", "wechat"]
