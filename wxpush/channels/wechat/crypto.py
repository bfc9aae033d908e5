"""The encryption and the signatures of WeChat's pushes."""

import base64
import binascii
import hashlib
import hmac
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher as _Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

_BLOCK: Final = 32
_IV: Final = 16
_RANDOM: Final = 16
_LENGTH: Final = 4


class UndecipheredError(ValueError):
    """Not encrypted with this key for this account; says no more, so that nobody learns how it failed."""


class Cipher:
    """What one EncodingAESKey encrypts, for one account; see `signature` for who wrote it."""

    def __init__(self, aes_key: str, appid: str) -> None:
        """`aes_key` is the 43 characters of the console, whose last two bits WeChat leaves to chance."""
        key = base64.b64decode(f"{aes_key}=")
        self._cipher = _Cipher(AES256(key), CBC(key[:_IV]))
        self._appid = appid.encode()

    def decrypt(self, encrypted: str) -> bytes:
        """The message in `encrypted`, base64 text. Raises UndecipheredError."""
        try:
            raw = base64.b64decode(encrypted, validate=True)
        except (binascii.Error, ValueError):
            raise UndecipheredError from None
        if not raw or len(raw) % _BLOCK:
            raise UndecipheredError
        decryptor = self._cipher.decryptor()
        plain = _unpadded(decryptor.update(raw) + decryptor.finalize())
        begin = _RANDOM + _LENGTH
        end = begin + int.from_bytes(plain[_RANDOM:begin], "big")
        if len(plain) < begin or not hmac.compare_digest(plain[end:], self._appid):
            raise UndecipheredError
        return plain[begin:end]

    def encrypt(self, message: bytes, random: bytes) -> str:
        """`message` as WeChat encrypts it, with 16 bytes of chance."""
        plain = random + len(message).to_bytes(_LENGTH, "big") + message + self._appid
        padding = _BLOCK - len(plain) % _BLOCK
        encryptor = self._cipher.encryptor()
        raw = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
        return base64.b64encode(raw).decode()


def _unpadded(plain: bytes) -> bytes:
    """Without PKCS#7's padding for blocks of 32, each byte of which must be right."""
    size = plain[-1]
    if not 1 <= size <= _BLOCK or plain[-size:] != bytes([size]) * size:
        raise UndecipheredError
    return plain[:-size]


def signature(*parts: str) -> str:
    """WeChat's signature over its token and whatever else, in any order."""
    joined = "".join(sorted(parts)).encode("utf-8", "surrogatepass")
    return hashlib.sha1(joined, usedforsecurity=False).hexdigest()


def is_signed(given: str, *parts: str) -> bool:
    """Whether `given` is the signature over `parts`, told in the same time whatever is wrong with it."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), signature(*parts).encode())
