"""The figures as ratios to the stand-in, beside this project's targets for such a processor; tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
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

# What int8 is computed with decides most of it, so results are kept, and judged, by that.
VNNI: Final = "VNNI"
AVX2: Final = "AVX2"
_WARM: Final = "warm call, one thread, 2 % of the pictures with a defect"
_COLD: Final = "cold start on Lambda"
_MEMORY: Final = "memory after 200 calls"
_PACKAGE: Final = "package, unzipped, with its model"
TARGETS: Final[dict[str, dict[str, float]]] = {
    VNNI: {
        _WARM: 0.40,
        "warm call, 1 vCPU, 90th percentile": 0.20,
        _COLD: 0.60,
        _MEMORY: 0.55,
        _PACKAGE: 0.50,
        "requests a second, 8 clients": 3.5,
    },
    AVX2: {
        _WARM: 0.52,
        "warm call, 1 vCPU, 90th percentile": 0.25,
        _COLD: 0.60,
        _MEMORY: 0.55,
        _PACKAGE: 0.50,
        "requests a second, 8 clients": 2.8,
    },
}


def kind(found: dict[str, Any]) -> str:
    """What the processor of a run computes int8 with."""
    text = found["machine"]["processor"]
    return VNNI if "vnni" in text else AVX2 if "avx2" in text else "another"


@dataclass(frozen=True)
class Ratio:
    """Ours over the stand-in's, with what it may be.

    Attributes:
        what: was measured.
        ours, seed: medians, with their unit.
        value: the median of the ratios of the rounds.
        low, high: the least and the largest of them.
        rate: whether larger is better.
        target: what it should be; None if nobody said.
    """

    what: str
    ours: str
    seed: str
    value: float
    low: float
    high: float
    rate: bool = False
    target: float | None = None

    @property
    def verdict(self) -> str:
        """Whether it holds its target."""
        if self.target is None:
            return ""
        return "held" if (self.value >= self.target if self.rate else self.value <= self.target) else "missed"


def ratios(found: dict[str, Any]) -> list[Ratio]:
    """All of them, in the order of the table."""
    rows = [
        _of_rounds(_WARM, found["warm_one_thread"], "ms", median),
        _of_rounds("the same, a line camera's page of 6400 x 256", found["pages"], "ms", median),
        *(
            _of_rounds(
                f"warm call, {share} vCPU, 90th percentile",
                both,
                "ms",
                lambda ms: float(np.percentile(ms, 90)),
            )
            for share, both in found["quota"].items()
        ),
        _of_starts(_COLD, found["cold_compiled"]),
        _of_starts("cold start on Lambda, without .pyc files", found["cold_not_compiled"]),
        _of_starts("start of the HTTP server to its first answer", found["server_start"]),
        _of_sizes(
            _MEMORY,
            {name: both["resident_mb"] for name, both in found["warm_one_thread"].items()},
        ),
        _of_sizes(_PACKAGE, found["package_mb"]),
    ]
    for clients, both in found["load"].items():
        plural = "s" if str(clients) != "1" else ""
        rows.append(_of_rates(f"requests a second, {clients} client{plural}", both))
        rows.append(
            _of_sizes(
                f"99th percentile of a request, {clients} client{plural}",
                {name: figures["p99_ms"] for name, figures in both.items()},
                unit="ms",
            )
        )
    if "1" in found["quota"]:
        rows += _costs(found)
    targets = TARGETS.get(kind(found), {})
    return [replace(row, target=targets.get(row.what)) for row in rows]


def usd_for_a_million(milliseconds: float, *, in_a_call: int = 1) -> float:
    """Of Lambda alone: its requests, and its time by the millisecond at one vCPU."""
    return 1e6 * (REQUEST_USD / in_a_call + milliseconds / 1e3 * MEMORY_GB * GB_SECOND_USD)


def table(rows: Sequence[Ratio]) -> str:
    """In Markdown."""
    lines = [f"| | {OURS} | {SEED} | ratio | target | |", "|---|---:|---:|---:|---:|---|"]
    for row in rows:
        sign = "≥" if row.rate else "≤"
        spread = f" ({row.low:.2f} to {row.high:.2f})" if row.low != row.high else ""
        target = "" if row.target is None else f"{sign} {row.target:.2f}"
        cells = (row.what, row.ours, row.seed, f"**{row.value:.2f}**{spread}", target, row.verdict)
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
    single = _ratio(what, alone["ours"], alone["seed"], "USD")
    sixteen = _ratio("the same, 16 a call (the service: one)", many, alone["seed"], "USD")
    return [single, sixteen]


def _of_rounds(
    what: str,
    both: dict[str, Any],
    unit: str,
    statistic: Callable[[Sequence[float]], float],
) -> Ratio:
    ours, seed = ([statistic(ms) for ms in both[name]["ms"]] for name in ("ours", "seed"))
    return _ratio(what, ours, seed, unit)


def _of_starts(what: str, both: dict[str, list[float]]) -> Ratio:
    return _ratio(what, both["ours"], both["seed"], "ms")


def _of_sizes(what: str, both: dict[str, float], unit: str = "MB") -> Ratio:
    return _ratio(what, [both["ours"]], [both["seed"]], unit)


def _of_rates(what: str, both: dict[str, Any]) -> Ratio:
    return _ratio(what, both["ours"]["per_second"], both["seed"]["per_second"], "/s", rate=True)


def _ratio(what: str, ours: Sequence[float], seed: Sequence[float], unit: str, *, rate: bool = False) -> Ratio:
    each = [one / other for one, other in zip(ours, seed, strict=True)]
    one, other = (_figure(median(values), unit) for values in (ours, seed))
    return Ratio(what, one, other, median(each), min(each), max(each), rate)


def _figure(value: float, unit: str) -> str:
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {unit}"
