"""The figures as ratios to the stand-in, against the lines that they must hold; a table, and a plot."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# https://aws.amazon.com/lambda/pricing, us-east-1, x86, in 2025: USD for a request and for a GB-second.
REQUEST_USD: Final = 0.20 / 1e6
GB_SECOND_USD: Final = 0.0000166667
MEMORY_GB: Final = 1769 / 1024
# As a reader of the README knows them.
OURS: Final = "this project"
SEED: Final = "FastAPI service"


@dataclass(frozen=True)
class Ratio:
    """Ours over the stand-in's, with what it may be.

    Attributes:
        what: was measured.
        ours, seed: medians, with their unit.
        value: the median of the ratios of the rounds.
        low, high: the least and the largest of them.
        firm, aim: what it must be, and what it should be; a rate has to be larger, all else smaller.
        rate: whether larger is better.
    """

    what: str
    ours: str
    seed: str
    value: float
    low: float
    high: float
    firm: float | None = None
    aim: float | None = None
    rate: bool = False

    @property
    def verdict(self) -> str:
        """Which line it holds."""
        if self.firm is None or self.aim is None:
            return ""
        sign = -1 if self.rate else 1
        for name, line in (("aim", self.aim), ("firm", self.firm)):
            if sign * self.value <= sign * line:
                return name
        return "missed"


def ratios(found: dict[str, Any]) -> list[Ratio]:
    """All of them, in the order of the table."""
    rows = [
        _of_rounds("warm call, one thread", found["warm_one_thread"], "ms", median, lines=(0.33, 0.25)),
        *(
            _of_rounds(
                f"warm call, {share} vCPU, 90th percentile",
                both,
                "ms",
                lambda ms: float(np.percentile(ms, 90)),
                lines=(0.35, 0.20) if share == "1" else None,
            )
            for share, both in found["quota"].items()
        ),
        _of_starts("cold start on Lambda", found["cold_compiled"], lines=(0.60, 0.50)),
        _of_starts("cold start on Lambda, without .pyc files", found["cold_not_compiled"]),
        _of_starts("start of the HTTP server to its first answer", found["server_start"]),
        _of_sizes(
            "memory after 200 calls",
            {name: both["resident_mb"] for name, both in found["warm_one_thread"].items()},
            lines=(0.60, 0.50),
        ),
        _of_sizes("package, unzipped, with its model", found["package_mb"], lines=(0.55, 0.50)),
    ]
    for clients, both in found["load"].items():
        lines = (2.5, 4.0) if str(clients) == "8" else None
        plural = "s" if str(clients) != "1" else ""
        rows.append(_of_rates(f"requests a second, {clients} client{plural}", both, lines=lines))
        rows.append(
            _of_sizes(
                f"99th percentile of a request, {clients} client{plural}",
                {name: figures["p99_ms"] for name, figures in both.items()},
                unit="ms",
            )
        )
    if "1" in found["quota"]:
        rows += _costs(found)
    return rows


def usd_for_a_million(milliseconds: float, *, in_a_call: int = 1) -> float:
    """Of Lambda alone: its requests, and its time by the millisecond at one vCPU."""
    return 1e6 * (REQUEST_USD / in_a_call + milliseconds / 1e3 * MEMORY_GB * GB_SECOND_USD)


def table(rows: Sequence[Ratio]) -> str:
    """In Markdown."""
    lines = [f"| | {OURS} | {SEED} | ratio | firm | aim | |", "|---|---:|---:|---:|---:|---:|---|"]
    for row in rows:
        sign = "≥" if row.rate else "≤"
        spread = f" ({row.low:.2f} to {row.high:.2f})" if row.low != row.high else ""
        bounds = ["" if line is None else f"{sign} {line:.2f}" for line in (row.firm, row.aim)]
        cells = (row.what, row.ours, row.seed, f"**{row.value:.2f}**{spread}", *bounds, row.verdict)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def stages_table(found: dict[str, Any]) -> str:
    """Milliseconds by stage, in Markdown."""
    lines = [f"| ms, one thread | {OURS} | {SEED} |", "|---|---:|---:|"]
    for stage in ("decode", "model", "rest"):
        cells = [f"{found['stages'][name][stage]:.2f}" for name in ("ours", "seed")]
        lines.append(f"| {stage} | {' | '.join(cells)} |")
    return "\n".join(lines)


def bulk_line(found: dict[str, Any]) -> str:
    """The rates of `score DIR`, and their ratio."""
    one, every = (sorted(found["bulk"][name]) for name in ("one", "all"))
    each = sorted(b / a for a, b in zip(found["bulk"]["one"], found["bulk"]["all"], strict=True))
    middle = len(one) // 2
    return (
        f"`steel-defect score DIR`: {one[middle]:.1f} pictures a second on one processor, {every[middle]:.1f} on "
        f"{found['bulk']['processors']}: {each[middle]:.2f} times ({each[0]:.2f} to {each[-1]:.2f})."
    )


def _costs(found: dict[str, Any]) -> list[Ratio]:
    both = found["quota"]["1"]
    alone = {name: [usd_for_a_million(median(ms)) for ms in figures["ms"]] for name, figures in both.items()}
    many = [usd_for_a_million(median(ms), in_a_call=16) for ms in found["batch"]["1"]]
    what = "USD for a million pictures on Lambda, one a call"
    single = _ratio(what, alone["ours"], alone["seed"], "USD", (0.45, 0.37))
    sixteen = _ratio("the same, 16 a call (the service: one)", many, alone["seed"], "USD", (0.25, 0.18))
    return [single, sixteen]


def _of_rounds(
    what: str,
    both: dict[str, Any],
    unit: str,
    statistic: Callable[[Sequence[float]], float],
    lines: tuple[float, float] | None = None,
) -> Ratio:
    ours, seed = ([statistic(ms) for ms in both[name]["ms"]] for name in ("ours", "seed"))
    return _ratio(what, ours, seed, unit, lines)


def _of_starts(what: str, both: dict[str, list[float]], lines: tuple[float, float] | None = None) -> Ratio:
    return _ratio(what, both["ours"], both["seed"], "ms", lines)


def _of_sizes(what: str, both: dict[str, float], unit: str = "MB", lines: tuple[float, float] | None = None) -> Ratio:
    return _ratio(what, [both["ours"]], [both["seed"]], unit, lines)


def _of_rates(what: str, both: dict[str, Any], lines: tuple[float, float] | None = None) -> Ratio:
    return _ratio(what, both["ours"]["per_second"], both["seed"]["per_second"], "/s", lines, rate=True)


def _ratio(  # noqa: PLR0913 - what one row has
    what: str,
    ours: Sequence[float],
    seed: Sequence[float],
    unit: str,
    lines: tuple[float, float] | None,
    *,
    rate: bool = False,
) -> Ratio:
    each = [one / other for one, other in zip(ours, seed, strict=True)]
    firm, aim = lines or (None, None)
    one, other = (_figure(median(values), unit) for values in (ours, seed))
    return Ratio(what, one, other, median(each), min(each), max(each), firm, aim, rate)


def _figure(value: float, unit: str) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"
