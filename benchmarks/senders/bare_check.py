"""A bare loop that reads a CSV and renders its expressions with Jinja2: bare_check.py CAMPAIGN LIST.

It looks at nothing: no openid, no keyword's rule, no row told from another, no problem placed.
"""

import csv
import json
import sys
from pathlib import Path

from jinja2 import Environment


def main() -> None:
    """Render every expression of every row."""
    campaign = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    environment = Environment(autoescape=False)
    texts = {"to": "{{ openid }}", **campaign["data"]}
    templates = [environment.from_string(text) for text in texts.values()]
    rows = 0
    with Path(sys.argv[2]).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows += 1
            for template in templates:
                template.render(row)
    print(json.dumps({"rows": rows}))


if __name__ == "__main__":
    main()
