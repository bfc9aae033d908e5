"""The figures that are to be reached, and whether they are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

Parts = Mapping[str, Any]
"""The results by part."""


@dataclass(frozen=True, slots=True)
class Target:
    """A figure to reach: at least `asked`, or at most; `measure` gives None where it wasn't measured."""

    asked: float
    measure: Callable[[Parts], float | None]
    at_most: bool = False

    def reached(self, parts: Parts) -> dict[str, Any]:
        """What is asked, what was measured, and whether it holds."""
        measured = self.measure(parts)
        if measured is None:
            return {"asked": self.asked, "measured": None, "held": None}
        held = measured <= self.asked if self.at_most else measured >= self.asked
        return {"asked": self.asked, "measured": measured, "held": held}


def figure(parts: Parts, *path: str) -> float | None:
    """A figure by its place in the results; None where it wasn't measured."""
    found: Any = parts
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, int | float) else None


def ratio(one: float | None, other: float | None) -> float | None:
    """None where one of them wasn't measured."""
    return None if one is None or not other else one / other


def rate_beside(part: str, one: str, other: str) -> Callable[[Parts], float | None]:
    """How many times as many messages a second one sender has as another."""
    return lambda parts: ratio(
        figure(parts, part, "senders", one, "rate"), figure(parts, part, "senders", other, "rate")
    )


def _cpu(parts: Parts) -> float | None:
    senders = ("throughput", "senders")
    return ratio(
        figure(parts, *senders, "wechatpy", "cpu_us"), figure(parts, *senders, "fast_no_preflight", "cpu_us")
    )


def _share_of_limit(parts: Parts) -> float | None:
    return ratio(figure(parts, "latency", "senders", "fast", "rate"), figure(parts, "latency", "limit"))


def _growth(parts: Parts) -> float | None:
    large, small = (figure(parts, "scale", size, "memory_mb") for size in ("large", "small"))
    return None if large is None or small is None else large - small


def _start(command: str) -> Callable[[Parts], float | None]:
    return lambda parts: ratio(
        figure(parts, "start", f"{command}_ms"), figure(parts, "start", f"app_{command}_ms")
    )


def _at(*path: str) -> Callable[[Parts], float | None]:
    return lambda parts: figure(parts, *path)


def _sendings(parts: Parts) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """What was allowed and what was seen, of each rate and each install."""
    rates = parts.get("rate", {}).get("rates", {}).values()
    return [(one, one[install]) for one in rates for install in ("fast", "base")]


def _lowest_rate(parts: Parts) -> float | None:
    shares: list[float] = [seen["achieved"] for _allowed, seen in _sendings(parts)]
    return min(shares, default=None)


def _too_many(parts: Parts) -> float | None:
    above = [
        bool(seen[f"most_in_{span}"] > allowed[f"allowed_in_{span}"])
        for allowed, seen in _sendings(parts)
        for span in ("1_s", "10_s")
    ]
    return sum(above) if above else None


def _check_growth(parts: Parts) -> float | None:
    large, small = (figure(parts, "check", size, "memory_mb") for size in ("large", "small"))
    return None if large is None or small is None else large - small


def _check_rate(parts: Parts) -> float | None:
    return ratio(figure(parts, "check", "middle", "rate"), figure(parts, "check", "middle", "bare_rate"))


def _check_start(parts: Parts) -> float | None:
    return ratio(figure(parts, "check", "validate_ms"), figure(parts, "check", "imports_ms"))


TARGETS: Final = {
    "wechatpy": Target(7.0, rate_beside("throughput", "fast", "wechatpy")),
    "wechatpy_no_preflight": Target(9.0, rate_beside("throughput", "fast_no_preflight", "wechatpy")),
    "co_wechat_api": Target(1.3, rate_beside("throughput", "fast", "co_wechat_api")),
    "co_wechat_api_no_preflight": Target(
        1.7, rate_beside("throughput", "fast_no_preflight", "co_wechat_api")
    ),
    "base": Target(1.3, rate_beside("throughput", "base", "wechatpy")),
    "cpu": Target(7.0, _cpu),
    "latency": Target(0.90, _share_of_limit),
    "memory": Target(30.0, _growth, at_most=True),
    "ledger": Target(300.0, _at("scale", "large", "ledger_bytes"), at_most=True),
    "resume": Target(15.0, _at("scale", "resume", "seconds"), at_most=True),
    "exponent": Target(1.05, _at("scale", "exponent"), at_most=True),
    "first": Target(1.5, _at("scale", "first", "seconds"), at_most=True),
    "rate": Target(0.985, _lowest_rate),
    "windows": Target(0, _too_many, at_most=True),
    "help": Target(1.3, _start("help"), at_most=True),
    "token": Target(1.3, _start("token"), at_most=True),
    "check": Target(0.5, _check_rate),
    "check_memory": Target(30.0, _check_growth, at_most=True),
    "screening": Target(0.85, rate_beside("screening", "screened", "bare")),
    "check_start": Target(1.6, _check_start, at_most=True),
    "report": Target(30.0, _at("report", "html", "seconds"), at_most=True),
    "report_size": Target(200.0, _at("report", "html", "kb"), at_most=True),
}


def reached(parts: Parts) -> dict[str, Any]:
    """All figures by their names."""
    return {name: target.reached(parts) for name, target in TARGETS.items()}
