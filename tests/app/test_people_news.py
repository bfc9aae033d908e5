"""What events say of people comes onto the suppression list, however late they come."""

from contextlib import closing
from pathlib import Path

import pytest

from wxpush.app.people_news import MOST_WAITING, SUBSCRIBE, News, PeopleNews
from wxpush.delivery.identity import hash64
from wxpush.delivery.journal import blocks
from wxpush.delivery.suppressions import Entry, Suppressions, suppressed
from wxpush.errors import StateError
from wxpush.model import USER_BLOCK

NOW = 1_795_665_600
DAY = 86_400


def who(number: int) -> str:
    return f"oQ7wK0tXbR3mZpV9cY{number:010d}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tmp_path.chmod(0o700)
    return tmp_path / "suppressions"


def listed(folder: Path, people: range) -> list[int]:
    """Who of them is on the list."""
    known = suppressed(folder)
    return [number for number in people if known.until(hash64(who(number)))]


def tell(folder: Path, *news: News) -> None:
    with closing(PeopleNews(folder, 30 * DAY)) as people:
        people.hear(news)
        people.settle()


def put_on(folder: Path, people: range, source: str = "43004") -> None:
    with closing(Suppressions(folder)) as opened:
        opened.add(Entry(who(number), "", NOW, NOW + DAY, source) for number in people)


def test_who_followed_before_he_was_found_not_to_stays_on_the_list(folder: Path) -> None:
    put_on(folder, range(3))
    tell(folder, News(who(0), SUBSCRIBE, NOW - 90 * DAY), News(who(1), SUBSCRIBE, NOW + 60))
    assert listed(folder, range(3)) == [0, 2]


def test_who_refused_after_he_followed_stays_on_the_list(folder: Path) -> None:
    tell(folder, News(who(0), USER_BLOCK, NOW), News(who(1), USER_BLOCK, NOW))
    tell(folder, News(who(0), SUBSCRIBE, NOW - 1), News(who(1), SUBSCRIBE, NOW + 1))
    assert listed(folder, range(2)) == [0]
    # The same, told the other way round or once more, changes nothing and writes nothing.
    before = len(list(blocks(folder)))
    tell(folder, News(who(1), USER_BLOCK, NOW), News(who(0), USER_BLOCK, NOW), News(who(1), SUBSCRIBE, NOW))
    assert (listed(folder, range(2)), len(list(blocks(folder)))) == ([0], before)


def test_many_who_follow_again_come_off_at_once(folder: Path) -> None:
    put_on(folder, range(500))
    tell(folder, *[News(who(number), SUBSCRIBE, NOW + number) for number in range(499)])
    assert listed(folder, range(500)) == [499]
    assert len(list(blocks(folder))) == 2


def test_what_waits_for_a_list_that_cannot_be_written_is_bounded(folder: Path) -> None:
    put_on(folder, range(2))
    database = folder / "cache.db"
    good = database.read_bytes()
    database.write_bytes(b"x" * 4096)
    with closing(PeopleNews(folder, None)) as people:
        people.hear([News(who(0), SUBSCRIBE, NOW + 1), News(who(1), SUBSCRIBE, NOW + 1)])
        with pytest.raises(StateError):
            people.settle()
        people.hear([News(who(2 + number), SUBSCRIBE, NOW) for number in range(MOST_WAITING - 1)])
        database.write_bytes(good)
        people.settle()
    assert listed(folder, range(2)) == [0], "the oldest is given up, the next isn't"
