"""Pages as a browser shows them: headless Chromium, where there is one."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--allow-file-access-from-files"),
    "--virtual-time-budget=5000",
]


def title_of(page: Path) -> dict[str, Any]:
    """What the script of `page` found: the JSON that it leaves as the page's title."""
    shown = subprocess.run(
        [str(CHROMIUM), *FLAGS, f"--user-data-dir={page.parent / 'profile'}", "--dump-dom", page.as_uri()],
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    ).stdout
    (title,) = [line for line in shown.replace("<", "\n<").splitlines() if line.startswith("<title>")]
    found = json.loads(title.removeprefix("<title>"))
    assert isinstance(found, dict)
    return found
