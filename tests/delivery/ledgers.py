"""What the tests of the ledger share: claims and records that look real, and raw access to the database."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.delivery.world import MORNING, RUN
from wxpush.clock import Moment
from wxpush.delivery.identity import hash64
from wxpush.delivery.ledger import Ledger, Place
from wxpush.delivery.records import KEEPS_PAYLOAD, Claim, Mark, Record
from wxpush.model import CodeClass, Message

THEN = Moment(MORNING, 5000.0, "boot-1")


def message(number: int, text: str = "有机红富士苹果 5kg 礼盒装") -> Message:
    key = f"oQ7wK0tXbR3mZpV9cY{number:010d}"
    data = {"thing1": {"value": text}, "character_string2": {"value": f"SN20261123{number:05d}"}}
    payload = json.dumps({"touser": key, "data": data}, ensure_ascii=False)
    fields = json.dumps({"openid": key, "product": text}, ensure_ascii=False)
    return Message(key, key, payload, number, number + 2, fields)


def claim(number: int, made: Moment = THEN) -> Claim:
    return Claim(message(number), made)


def record(of: Message, mark: Mark = Mark.ACCEPTED, attempts: int = 1, epoch: int = 0) -> Record:
    code, cls = ("0", CodeClass.UNKNOWN) if mark is Mark.ACCEPTED else ("43004", CodeClass.RECIPIENT)
    keep = mark in KEEPS_PAYLOAD
    return Record(
        key=of.key,
        to=of.to,
        row=of.row,
        line=of.line,
        mark=mark,
        epoch=epoch,
        payload_hash=f"{hash64(of.payload):016x}",
        code=code,
        cls=cls,
        msgid=3_717_005_636_572_528_642 + of.row if mark is Mark.ACCEPTED else None,
        attempts=attempts,
        at=int(MORNING),
        payload=of.payload if keep else "",
        fields=of.fields if keep else "",
    )


def some_ledger(folder: Path, people: int = 9) -> Path:
    """A ledger with three record blocks, one block of open claims, and a failure with its payload."""
    ledger = Ledger(folder, RUN)
    for block in range(3):
        numbers = range(block * people // 3, (block + 1) * people // 3)
        ledger.commit([], [claim(number) for number in numbers])
        ledger.commit([record(message(number)) for number in numbers])
    ledger.commit([], [claim(900), claim(901)])
    ledger.commit([record(message(900), Mark.FAILED)])
    ledger.close()
    return folder


def database(folder: Path) -> Path:
    return folder / "cache.db"


def tamper(folder: Path, statement: str, *values: Any) -> None:
    with closing(sqlite3.connect(database(folder))) as connection, connection:
        assert connection.execute(statement, values).rowcount != 0, "the statement changed nothing"


def edit_block(folder: Path, key: str, edit: Callable[[Any], Any]) -> None:
    """Replace the JSON of one block; its seal, where it has one, is that of the new text."""
    seal = 0 if key == "meta" else 16
    with closing(sqlite3.connect(database(folder))) as connection:
        ((text,),) = connection.execute("SELECT substr(value, ?) FROM Cache WHERE key = ?", (seal + 1, key))
    rewrite_block(folder, key, json.dumps(edit(json.loads(text)), ensure_ascii=True))


def rewrite_block(folder: Path, key: str, text: str) -> None:
    """Replace the text of one block, sealed as whoever knows this program would."""
    seal = "" if key == "meta" else f"{hash64(key + text):016x}"
    tamper(folder, "UPDATE Cache SET value = ? WHERE key = ?", seal + text, key)


def noted(folder: Path, **options: Any) -> list[tuple[Place, Record]]:
    """Open the ledger as a writer and close it again; what it showed."""
    seen: list[tuple[Place, Record]] = []
    Ledger(folder, RUN, lambda place, found: seen.append((place, found)), **options).close()
    return seen


def everything_below(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.read_bytes()
