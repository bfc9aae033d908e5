"""Who a run is, and the ids and fingerprints that follow from it."""

import hashlib
import re
from dataclasses import dataclass

_SEPARATOR = "\x1f"
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [one + two for one in _BASE32 for two in _BASE32]


@dataclass(frozen=True, slots=True)
class RunId:
    """A run belongs to an API origin, an appid and a name (contract: "Whose")."""

    origin: str
    appid: str
    name: str

    @property
    def digest(self) -> str:
        """16 hex digits that tell this run from every other."""
        return hashlib.sha256(_SEPARATOR.join((self.origin, self.appid, self.name)).encode()).hexdigest()[:16]

    @property
    def folder(self) -> str:
        """A name for its folder that a person recognises and every file system takes."""
        readable = re.sub(r"[^\w.-]+", "-", self.name).strip("-.")[:48]
        return f"{readable}-{self.digest}" if readable else self.digest


class MessageIds:
    """Makes client_msg_ids: a pure function of origin, appid, run, key and epoch (design, rule 3).

    26 characters of base32 in lower case, 130 bits of a SHA-256. WeChat documents no length limit;
    32 ASCII characters are surely taken.
    """

    def __init__(self, run: RunId) -> None:
        self._prefix = hashlib.sha256(_SEPARATOR.join((run.origin, run.appid, run.name, "")).encode())

    def client_msg_id(self, key: str, epoch: int) -> str:
        """The id of the message `key` in its `epoch`."""
        state = self._prefix.copy()
        state.update(f"{key}{_SEPARATOR}{epoch}".encode())
        # The first 130 bits: base64.b32encode does the same, more slowly than the rest of a claim.
        bits = int.from_bytes(state.digest()[:17]) >> 6
        return "".join([_PAIRS[bits >> shift & 0x3FF] for shift in range(120, -1, -10)])


def hash64(text: str) -> int:
    """A 64-bit hash that is the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())
