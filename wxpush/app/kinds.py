"""What a YAML file is, going by its keys: a campaign, a template, or somebody else's."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from wxpush.campaign.schema import Campaign
from wxpush.channels.wechat.template import KEYS
from wxpush.yamlfile import MAX_BYTES, Parsed, misspelt

_OF_CAMPAIGN: Final = frozenset(Campaign.model_fields)
_OF_TEMPLATE: Final = frozenset(KEYS)
_MAKE_A_CAMPAIGN: Final = ("name", "template", "data")
_MAKE_A_TEMPLATE: Final = ("id", "title", "content")
_KEY: Final = re.compile(r"""^(["']?)([A-Za-z_.$][\w.$-]*)\1[ ]*:(?=\s|$)""", re.MULTILINE)
_ITEM: Final = re.compile(r"^- ", re.MULTILINE)
_USUAL: Final = re.compile(r"campaign|^template$", re.IGNORECASE)


def kind(parsed: Parsed) -> str | None:
    """What a file is; None where it can't be told."""
    keys: Collection[str] = () if parsed.document is None else parsed.document.value.keys()
    if "data" in keys or "template" in keys:
        return "campaign"
    if "content" in keys:
        return "template"
    as_campaign = len(_OF_CAMPAIGN & set(keys)) + len(_misspelt(keys, _MAKE_A_CAMPAIGN))
    as_template = len(_OF_TEMPLATE & set(keys)) + len(_misspelt(keys, _MAKE_A_TEMPLATE))
    if as_campaign == as_template:
        return None
    return "campaign" if as_campaign > as_template else "template"


def is_foreign(path: Path, parsed: Parsed) -> bool:
    """Whether a file is clearly neither, so that nobody wants it checked who only named its folder.

    One that can't be read is, where its keys are those of something else and its name isn't a usual one.
    """
    usual = _USUAL.search(path.stem) is not None
    if parsed.document is not None:
        return not _is_ours(parsed.document.value.keys()) and not (parsed.problems and usual)
    text = "" if usual else _beginning(path)
    keys = _keys_in(text)
    return bool(keys or _ITEM.search(text)) and not _is_ours(keys)


def is_of_chart(path: Path, parsed: Parsed) -> bool:
    """Whether a file is one of a Helm chart's templates, which lie in `templates/` beside `Chart.yaml`."""
    folders = (folder for folder in path.absolute().parents if folder.name == "templates")
    if not any((folder.parent / "Chart.yaml").is_file() for folder in folders):
        return False
    return not _is_ours(parsed.document.value.keys() if parsed.document else _keys_in(_beginning(path)))


def _is_ours(keys: Collection[str]) -> bool:
    """Whether most of the keys are those of a campaign or a template, or two of those that make one.

    These count where they are misspelt, too.
    """
    return _fits(keys, _OF_CAMPAIGN, _MAKE_A_CAMPAIGN) or _fits(keys, _OF_TEMPLATE, _MAKE_A_TEMPLATE)


def _fits(keys: Collection[str], own: Collection[str], making: Collection[str]) -> bool:
    meant = _misspelt(keys, making)
    made = sum(key in making or key in meant for key in keys)
    known = sum(key in own or key in meant for key in keys)
    return made >= 2 or 2 * known > len(keys)


def _misspelt(keys: Collection[str], making: Collection[str]) -> dict[str, str]:
    return misspelt(keys, making, making)


def _keys_in(text: str) -> Collection[str]:
    """The keys of the outermost level, going by the lines that begin with one."""
    return dict.fromkeys(found[2] for found in _KEY.finditer(text))


def _beginning(path: Path) -> str:
    """The text of a regular file as far as it can be read; a pipe would be waited for."""
    if not path.is_file():
        return ""
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            return stream.read(MAX_BYTES)
    except OSError:
        return ""
