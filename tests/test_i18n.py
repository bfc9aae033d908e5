"""The language that people read: asked for, else guessed, and the same everywhere in the process."""

import gettext
import pickle
from collections.abc import Iterator, Mapping, Sequence
from copy import copy, deepcopy

import pytest

from wxpush.i18n import (
    Bilingual,
    Language,
    _,
    choose_language,
    in_english,
    language,
    ngettext,
    set_language,
    speaking,
)


@pytest.fixture(autouse=True)
def the_language_before() -> Iterator[None]:
    before = language()
    yield
    set_language(before)


@pytest.mark.parametrize(
    ("arguments", "environ", "chosen"),
    [
        (["--lang", "zh"], {}, "zh"),
        (["--lang=zh"], {}, "zh"),
        (["send", "a.yaml", "--lang", "en"], {"WXPUSH_LANG": "zh"}, "en"),
        (["--lang=en"], {"LANG": "zh_CN.UTF-8"}, "en"),
        (["--lang", "zh_CN"], {}, "zh"),
        (["--lang", "ZH-Hans"], {}, "zh"),
        (["--lang", "fr"], {"WXPUSH_LANG": "zh"}, "en"),
        (["--", "--lang", "zh"], {"LANG": "C"}, "en"),
        (["--", "--lang=zh"], {"WXPUSH_LANG": "en"}, "en"),
        (["--lang"], {"WXPUSH_LANG": "zh"}, "zh"),
        ([], {"WXPUSH_LANG": "zh", "LC_ALL": "en_US.UTF-8"}, "zh"),
        ([], {"WXPUSH_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ([], {"WXPUSH_LANG": "", "LANG": "zh_CN.UTF-8"}, "zh"),
        ([], {"LC_ALL": "zh_CN.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ([], {"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "zh_CN.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
        ([], {"LC_MESSAGES": "zh_TW.UTF-8", "LANG": "en_US.UTF-8"}, "zh"),
        ([], {"LC_ALL": "", "LANG": "zh_CN.GB18030"}, "zh"),
        ([], {"LANG": "Chinese_China.936"}, "zh"),
        ([], {"LANG": "C.UTF-8"}, "en"),
        ([], {"LANG": "POSIX"}, "en"),
        ([], {"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_who_chooses_the_language(
    arguments: Sequence[str], environ: Mapping[str, str], chosen: Language
) -> None:
    assert choose_language(arguments, environ) == chosen


def test_without_any_word_the_systems_own_locale_decides() -> None:
    assert choose_language([], {}) in ("zh", "en")


def test_a_text_of_a_table_follows_the_language() -> None:
    text = Bilingual("system busy", "系统繁忙")
    set_language("en")
    assert str(text) == "system busy"
    set_language("zh")
    assert str(text) == "系统繁忙"


def test_another_language_is_spoken_only_for_a_while_also_after_an_error() -> None:
    set_language("zh")
    with speaking("en"):
        assert language() == "en"
    with pytest.raises(ZeroDivisionError), speaking("en"):
        _ = 1 / 0
    assert language() == "zh"


def test_messages_are_translated_and_unknown_ones_left_in_english() -> None:
    from wxpush.i18n import _ as translated

    set_language("zh")
    assert translated("There is no run yet.") != "There is no run yet."
    assert translated("Nobody has written this sentence.") == "Nobody has written this sentence."
    set_language("en")
    assert translated("There is no run yet.") == "There is no run yet."


def test_counted_messages_have_their_english_forms() -> None:
    set_language("en")
    assert ngettext("{n} row", "{n} rows", 1) == "{n} row"
    assert ngettext("{n} row", "{n} rows", 2) == "{n} rows"


def test_libraries_that_use_gettext_speak_it_too() -> None:
    set_language("zh")
    assert gettext.gettext("There is no run yet.") != "There is no run yet."


def test_a_text_that_knows_its_english_can_be_copied() -> None:
    with speaking("zh"):
        text = _("Interrupted.")
    copies = [copy(text), deepcopy(text), pickle.loads(pickle.dumps(text))]
    assert [str(one) for one in copies] == [str(text)] * 3
    assert [in_english(one) for one in copies] == ["Interrupted."] * 3
