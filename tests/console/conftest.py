"""Every test begins in English and leaves the language as it was."""

from collections.abc import Iterator

import pytest

from wxpush import i18n


@pytest.fixture(autouse=True)
def _english_first() -> Iterator[None]:
    before = i18n.language()
    i18n.set_language("en")
    yield
    i18n.set_language(before)
