"""Writes what is told of every problem code from tests/problems.yaml: docs/problems.md, its Chinese twin,
and wxpush/report/rules.json, which SARIF's readers are shown.

python .ci/problems.py          write them
python .ci/problems.py --check  fail where they are not what it would write
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent
SOURCE: Final = ROOT / "tests" / "problems.yaml"
PAGES: Final = {"en": ROOT / "docs" / "problems.md", "zh": ROOT / "docs" / "problems.zh-CN.md"}
RULES: Final = ROOT / "wxpush" / "report" / "rules.json"
GROUPS: Final = {
    "WX1": ("Files and their YAML", "文件与 YAML"),
    "WX2": ("Campaigns and their expressions", "群发任务与表达式"),
    "WX3": ("Lists and decisions", "名单与决定"),
    "WX4": ("Rows, as they are rendered", "逐行渲染的结果"),
    "WX5": ("WeChat's rules, and templates", "微信的规则与模板"),
    "WX6": ("Accounts", "公众号配置"),
    "WX7": ("Scenarios of the sandbox", "沙箱场景"),
    "WX8": ("Files of events", "事件文件"),
}
HEADS: Final = {"en": ROOT / ".ci" / "problems.head.md", "zh": ROOT / ".ci" / "problems.head.zh-CN.md"}
WORDS: Final = {"en": ("Wrong", "Right", "with"), "zh": ("不正确", "正确", "同时")}
LEVELS: Final = {
    "en": {"error": "an error", "warning": "a warning"},
    "zh": {"error": "错误", "warning": "警告"},
}
FENCES: Final = {"campaign": "yaml", "template": "yaml", "config": "yaml", "scenario": "yaml"}


def page(language: str) -> str:
    """The whole page in `en` or `zh`."""
    parts, group = [HEADS[language].read_text(encoding="utf-8")], ""
    for entry in yaml.safe_load(SOURCE.read_text(encoding="utf-8")):
        if entry["code"][:3] != group:
            group = entry["code"][:3]
            parts.append(f"\n## {GROUPS[group][language == 'zh']}\n")
        parts.append(_entry(entry, language))
    return "".join(parts)


def rules() -> str:
    """Of each code what it means, and its examples in Markdown; English, as all that machines read."""
    told = {}
    for entry in yaml.safe_load(SOURCE.read_text(encoding="utf-8")):
        told[entry["code"]] = {"means": entry["en"], "examples": _examples(entry, "en").strip()}
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def _entry(entry: dict[str, Any], language: str) -> str:
    return f"\n### {entry['code']}: {entry[language]}\n\n{_examples(entry, language)}"


def _examples(entry: dict[str, Any], language: str) -> str:
    wrong, right, _with = WORDS[language]
    level = LEVELS[language][entry.get("level", "error")]
    told = _example(entry, entry["wrong"], wrong, language, level)
    return told + _example(entry, entry["right"], right, language)


def _example(entry: dict[str, Any], example: Any, word: str, language: str, level: str = "") -> str:
    more = entry.get("with", "")
    if isinstance(example, dict) and "text" in example:
        more, example = example["with"], example["text"]
    if isinstance(example, dict):
        return f"{word}{_remarks(level)}: {example[language]}\n\n"
    if entry["in"] == "value":
        example = f"{entry['keyword']}: {_quoted(example)}"
    fence = FENCES.get(entry["in"], "yaml" if entry["in"] == "value" else entry.get("ending", ".csv")[1:])
    together = f"{WORDS[language][2]} `{more}`" if more and "\n" not in more.strip() else ""
    before = f"```yaml\n{more.strip()}\n```\n" if more and not together else ""
    return f"{word}{_remarks(level, together)}:\n\n{before}```{fence}\n{example.strip()}\n```\n\n"


def _remarks(*remarks: str) -> str:
    told = "; ".join(filter(None, remarks))
    return f" ({told})" if told else ""


def _quoted(text: Any) -> str:
    return f'"{text}"'


def main() -> int:
    """Write the files, or compare them."""
    files = {path: page(language) for language, path in PAGES.items()} | {RULES: rules()}
    stale = [path for path, text in files.items() if not _same(path, text)]
    if "--check" in sys.argv[1:]:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is stale: run python .ci/problems.py\n")
        return 1 if stale else 0
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    return 0


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
