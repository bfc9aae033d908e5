"""WeChat's encryption and signatures, by the fixtures of public SDKs and strict about everything else."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher as RawCipher
from cryptography.hazmat.primitives.ciphers import algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from tests.pushes import AES_KEY, APPID
from wxpush.channels.wechat.crypto import Cipher, UndecipheredError, is_signed, signature

FIRST = Cipher("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wxb11529c136998cb6")
FIRST_TEXT = "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
SECOND = Cipher(AES_KEY, APPID)
SECOND_MESSAGE = (
    "<xml><ToUserName><![CDATA[gh_0123456789ab]]></ToUserName>"
    "<FromUserName><![CDATA[oSIM_openid-0000000000000001]]></FromUserName>"
    "<CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType>"
    "<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event><MsgID>3500000000000000001</MsgID>"
    "<Status><![CDATA[success]]></Status></xml>"
)
SECOND_TEXT = (
    "/8fYzh17yIvBz21O4BsxiswoDBN/XPpqCgiSmwyv2LiOmPYUjZeW+HUm2CvwtIRdHHyHUoUg2oXiBflB72XucYAdQ3lpASwEauGS"
    "qRqLyDIhUaN1DeK3ULlP2bhSjGN9CIz/4y9I+5jq+1/1plWFssqjSFNmK1oy7CkqCSPHTacLDnqB4iNL5X3fqUwiRQGd8Tu266Ln"
    "AO75GuuRRJhJszT0+Txh5xkFaIr/Itd4uNyqXc5vqaU/M28oqanqaiBmxt1HQiE051TdTHqwB+WR5dh7aCjTaKzJ495VsMxM6bkA"
    "+0wWvitrWP6/PwQlGBl4yLka9eAmYRBiZZQOxvW2sXqVZLZA4Un43FaRBZ12SiLzFgw72B4mmTz3gud8Ykp/4RQBmCKuwT6Likp6"
    "JrGT78NSeNp6iSXbsuKE2Cqddg5xziS0jjJLTKtIIvnG00fqD/HaoPE+YAy/YQU9koSuJTvyr9MnmXaeBUSnJUYVRyaOtBYByWhM"
    "bsoWyh3VLgp7"
)


def test_the_fixture_of_the_public_sdks() -> None:
    assert FIRST.decrypt(FIRST_TEXT).decode() == "我是中文abcd123"
    assert FIRST.encrypt("我是中文abcd123".encode(), b"aaaabbbbccccdddd") == FIRST_TEXT


def test_the_fixture_of_a_receipt() -> None:
    assert SECOND.decrypt(SECOND_TEXT).decode() == SECOND_MESSAGE
    assert SECOND.encrypt(SECOND_MESSAGE.encode(), b"0123456789abcdef") == SECOND_TEXT
    assert signature("simtoken", "1700000000", "987654321") == "3d0983082da934d362e12eebbe8a02586635cbfe"
    signed = signature("simtoken", "1700000000", "987654321", SECOND_TEXT)
    assert signed == "63bbbef34c36c22012c12e88108fefcd9ebd278f"


@pytest.mark.parametrize(
    ("stamp", "nonce", "signed"),
    [
        ("1714036504", "1514711492", "f464b24fc39322e44b38aa78f5edd27bd1441696"),
        ("1714037059", "486452656", "899cf89e464efb63f54ddac96b0a0a235f53aa78"),
    ],
)
def test_the_signatures_of_the_documentation(stamp: str, nonce: str, signed: str) -> None:
    assert is_signed(signed, "AAAAA", stamp, nonce)
    assert not is_signed(signed, "AAAAB", stamp, nonce)
    assert not is_signed(signed.upper(), "AAAAA", stamp, nonce)


@given(st.binary(max_size=200), st.binary(min_size=16, max_size=16))
def test_what_is_encrypted_comes_back(message: bytes, random: bytes) -> None:
    assert SECOND.decrypt(SECOND.encrypt(message, random)) == message


@pytest.mark.parametrize("last", "ABCDabcd0123")
def test_the_last_bits_of_a_key_may_be_anything(last: str) -> None:
    """Strict decoders of base64 refuse three of four keys that WeChat makes."""
    cipher = Cipher(AES_KEY[:-1] + last, APPID)
    assert cipher.decrypt(cipher.encrypt(b"hello", bytes(16))) == b"hello"


@given(st.text(max_size=200))
def test_any_text_is_a_message_or_undeciphered(text: str) -> None:
    with pytest.raises(UndecipheredError):
        SECOND.decrypt(text)


@given(st.integers(0, len(SECOND_TEXT) - 1), st.sampled_from("ABCxyz019+/="))
def test_a_changed_letter_is_never_a_message_of_ours(place: int, letter: str) -> None:
    changed = SECOND_TEXT[:place] + letter + SECOND_TEXT[place + 1 :]
    try:
        message = SECOND.decrypt(changed)
    except UndecipheredError:
        return
    # CBC lets a changed block through; the signature over the text is what tells.
    same = base64.b64decode(changed) == base64.b64decode(SECOND_TEXT)
    assert (message.decode("utf-8", "replace") == SECOND_MESSAGE) == same


def raw(plain: bytes) -> str:
    """`plain` encrypted as it is, without padding."""
    key = base64.b64decode(AES_KEY + "=")
    encryptor = RawCipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(encryptor.update(plain) + encryptor.finalize()).decode()


def padded(plain: bytes, padding: bytes | None = None) -> str:
    lacking = 32 - len(plain) % 32
    return raw(plain + (bytes([lacking]) * lacking if padding is None else padding))


GOOD = bytes(16) + (5).to_bytes(4, "big") + b"hello" + APPID.encode()


def test_the_right_form_is_read() -> None:
    assert SECOND.decrypt(padded(GOOD)) == b"hello"


@pytest.mark.parametrize(
    "text",
    [
        "",
        raw(GOOD[:32]),
        raw(bytes(32)),
        raw(bytes([33]) * 64),
        padded(GOOD, bytes([21] * 20 + [22])),
        padded(GOOD, bytes([20] + [21] * 20)),
        padded(GOOD[:-1] + b"0"),
        padded(GOOD + b"x"),
        padded(GOOD[:16] + (6).to_bytes(4, "big") + GOOD[20:]),
        padded(GOOD[:16] + (2**32 - 1).to_bytes(4, "big") + GOOD[20:]),
        padded(b"short"),
        padded(GOOD)[:-24],
        "\n".join(padded(GOOD)),
        padded(GOOD) + "é",
    ],
)
def test_anything_else_is_refused_alike(text: str) -> None:
    with pytest.raises(UndecipheredError) as refused:
        SECOND.decrypt(text)
    assert str(refused.value) == ""
