"""Prints the table of costs in the README: `python infra/gcp/costs.py`.

List prices of europe-west1 in 2025, in USD, without the free tiers: https://cloud.google.com/run/pricing,
.../storage/pricing, .../pubsub/pricing, .../stackdriver/pricing.
"""

# ruff: noqa: INP001, T201 - a script, run by its path, that prints
from __future__ import annotations

from typing import Final

MILLION: Final = 1_000_000

# Of one call, one second, one GiB.
REQUEST: Final = 0.40 / MILLION
SERVICE_SECOND: Final = 0.000024 + 2 * 0.0000025  # One vCPU and two GiB, as functions.tf has them.
JOB_SECOND: Final = 0.000018 + 2 * 0.000002
STORAGE_WRITE_OR_LIST: Final = 0.005 / 1000
STORAGE_READ: Final = 0.0004 / 1000
PUBSUB_GIB: Final = 40 / 1024
LOG_GIB: Final = 0.50
GIB: Final = 2**30

# Assumed; calls are counted from the code. Seconds are those of one picture, where no two share an instance.
SECONDS: Final = {"https": 0.1, "uploads": 0.3, "backfill": 0.1}
EVENT_BYTES: Final = 6000

# Measured, of a picture that passes or is rejected: what its line always has, and what is in a sample of them beside.
LOG_BYTES: Final = {"https": (510, 660), "uploads": (560, 620)}
SAMPLE_RATE: Final = 0.1
# Assumed: Cloud Run's own line of each request, and what Cloud Logging adds to ours.
PLATFORM_BYTES: Final = 1200
ADDED_BYTES: Final = 300


def log_bytes(path: str) -> float:
    """What the request for one picture comes to in the log."""
    always, whole = LOG_BYTES[path]
    return always + SAMPLE_RATE * whole + PLATFORM_BYTES + ADDED_BYTES


def rows() -> dict[str, tuple[float, ...]]:
    """For one picture: over HTTP, as an upload, in a backfill."""
    seconds = SECONDS
    return {
        "instances, 1 vCPU and 2 GiB: 0.1 s, 0.3 s and 0.1 s a picture": (
            seconds["https"] * SERVICE_SECOND,
            seconds["uploads"] * SERVICE_SECOND,
            seconds["backfill"] * JOB_SECOND,
        ),
        "requests": (REQUEST, REQUEST, 0),
        # A notification counts as a read.
        "Cloud Storage: the upload, its notification, two reads, the result": (
            0,
            2 * STORAGE_WRITE_OR_LIST + 3 * STORAGE_READ,
            (1 + 1 / 1000) * STORAGE_WRITE_OR_LIST + 2 * STORAGE_READ,
        ),
        "Pub/Sub: the upload's event and the outcome, 6 kB": (0, EVENT_BYTES / GIB * PUBSUB_GIB, 0),
        "logs": (log_bytes("https") / GIB * LOG_GIB, log_bytes("uploads") / GIB * LOG_GIB, 0),
    }


def table() -> str:
    """The table, in Markdown."""
    found = rows()
    sums = tuple(sum(column) for column in zip(*found.values(), strict=True))
    lines = ["| | over HTTP | uploads | backfill |", "|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(map(_cell, costs))} |" for name, costs in found.items()]
    return "\n".join([*lines, f"| **sum** | {' | '.join(f'**{_cell(cost)}**' for cost in sums)} |"])


def _cell(cost: float) -> str:
    return f"{cost * MILLION:.2f}" if cost else ""


if __name__ == "__main__":
    print(table())
