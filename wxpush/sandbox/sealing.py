"""The encryption of pushes, as the documentation of WeChat has it; needs the library cryptography."""

import base64
import os

from wxpush.errors import InputError
from wxpush.i18n import _


def sealed(message: bytes, aes_key: str, appid: str) -> str:
    """`message` encrypted for this account, in base64. Raises InputError where the library is lacking."""
    try:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    except ImportError:
        raise InputError(
            _("Encrypted events need a library that is not installed."),
            _('Run: pip install "wxpush[receipts]"'),
        ) from None
    key = base64.b64decode(aes_key + "=")
    text = os.urandom(16) + len(message).to_bytes(4, "big") + message + appid.encode()
    lacking = 32 - len(text) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(
        encryptor.update(text + bytes([lacking] * lacking)) + encryptor.finalize()
    ).decode()
