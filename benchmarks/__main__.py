"""`make bench`: measures what is asked for, keeps the results, and writes the pages from them."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks import page, results
from benchmarks.machine import machine, versions
from benchmarks.measuring import BenchmarkError
from benchmarks.parts import check, latency, rate, report, scale, screening, start, throughput
from benchmarks.place import KEPT, RESULTS
from benchmarks.plan import QUICK, Plan
from benchmarks.show import say

_PARTS: Final[Mapping[str, Callable[[Plan, Path], dict[str, Any]]]] = {
    "throughput": throughput.measure,
    "latency": latency.measure,
    "scale": scale.measure,
    "rate": rate.measure,
    "start": start.measure,
    "check": check.measure,
    "screening": screening.measure,
    "report": report.measure,
}
_TRY_OUT: Final = KEPT / "try-out.json"


def main() -> None:
    """Parse, measure, keep, show."""
    options = _parse()
    plan = _plan(options)
    try:
        parts = _measure(options.parts or list(_PARTS), plan)
        conditions = results.Conditions(machine(), versions())
    except BenchmarkError as error:
        sys.exit(f"benchmark: {error}")
    except KeyboardInterrupt:
        sys.exit("benchmark: interrupted; nothing was kept.")
    found = _keep(conditions, parts, is_try_out=options.quick or options.rows is not None)
    print(page.tables(page.render(found, page.PAGES[0])))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", usage="make bench ARGS='[PART ...] [OPTION ...]'", description=__doc__
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(_PARTS)}; default: all of them")
    parser.add_argument("--rounds", type=_number, metavar="N", help="rounds of throughput and latency")
    parser.add_argument("--rows", type=_number, metavar="N", help="rows of throughput and latency: a try-out")
    parser.add_argument("--quick", action="store_true", help="small sizes: a try-out, which no page shows")
    options = parser.parse_args()
    if unknown := set(options.parts) - _PARTS.keys():
        parser.error(f"there is no part {', '.join(sorted(unknown))}: {', '.join(_PARTS)}")
    return options


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _plan(options: argparse.Namespace) -> Plan:
    plan = QUICK if options.quick else Plan()
    if options.rows is not None:
        plan = plan.with_rows(options.rows)
    return plan if options.rounds is None else plan.with_rounds(options.rounds)


def _measure(names: list[str], plan: Plan) -> dict[str, Any]:
    # On the disk of the checkout: the system's temporary files may be in memory, where flushing is free.
    with tempfile.TemporaryDirectory(dir=KEPT, prefix="run-") as folder:
        return {name: _dated(name, plan, Path(folder)) for name in _PARTS if name in names}


def _dated(name: str, plan: Plan, folder: Path) -> dict[str, Any]:
    (folder / name).mkdir()  # one part's runs are none of the next one's
    return results.dated(_PARTS[name](plan, folder / name))


def _keep(conditions: results.Conditions, parts: Mapping[str, Any], *, is_try_out: bool) -> dict[str, Any]:
    """A try-out is for this terminal; of all else the parts that were not measured stay as they were."""
    before = None if is_try_out else results.load(RESULTS)
    known = before["parts"] if before is not None and conditions.hold_for(before) else {}
    found = results.gathered(conditions, {**known, **parts})
    if is_try_out or len(found["parts"]) < len(_PARTS):
        results.save(found, _TRY_OUT)
        if not is_try_out:
            say(
                "The pages stay as they are: the other parts were not measured with this machine and these"
                f" versions. What was measured lies in {_TRY_OUT.relative_to(KEPT.parent)}."
            )
    else:
        results.save(found, RESULTS)
        page.write(found)
        say("Written: benchmarks/results.json, docs/performance.md, docs/performance.zh-CN.md")
    return found


if __name__ == "__main__":
    main()
