"""Prints the table of costs in the README: `python infra/aws/costs.py`.

List prices of us-east-1 in 2025, in USD, without the free tiers: https://aws.amazon.com/lambda/pricing,
.../api-gateway/pricing, .../s3/pricing, .../sqs/pricing, .../eventbridge/pricing, .../step-functions/pricing,
.../cloudwatch/pricing.
"""

# ruff: noqa: INP001, T201 - a script, run by its path, that prints
from __future__ import annotations

from typing import Final

MILLION: Final = 1_000_000
MEMORY_GB: Final = 1769 / 1024

# Of one call, one GB-second, one GB.
LAMBDA_REQUEST: Final = 0.20 / MILLION
LAMBDA_GB_SECOND: Final = 0.0000166667
HTTP_API_REQUEST: Final = 1.00 / MILLION
S3_PUT_OR_LIST: Final = 0.005 / 1000
S3_GET_OR_HEAD: Final = 0.0004 / 1000
SQS_REQUEST: Final = 0.40 / MILLION
EVENT: Final = 1.00 / MILLION
EXPRESS_REQUEST: Final = 1.00 / MILLION
EXPRESS_GB_SECOND: Final = 0.00001667
LOG_GB: Final = 0.50
SNAPSHOT_GB_SECOND: Final = 0.0000015046
ALARM_MONTH: Final = 0.10

# Assumed; everything else is counted from the code. Seconds are billed seconds for one picture.
SECONDS: Final = {"https": 0.1, "uploads": 0.3, "backfill": 0.1}
BATCH: Final = 50

# Measured, of a picture that passes or is rejected: the line of its metrics, and the line that is written of a sample.
LOG_BYTES: Final = {"https": (570, 660), "uploads": (630, 720)}
SAMPLE_RATE: Final = 0.1
# Assumed: START, END and REPORT of Lambda; the gateway's own line of the template's form; what CloudWatch adds to each.
PLATFORM_BYTES: Final = 270
GATEWAY_BYTES: Final = 420
ADDED_BYTES: Final = 26

MONTH_SECONDS: Final = 30 * 24 * 3600
# In template.yaml: one alarm on one metric each, and two by anomaly detection, which count as three.
PLAIN_ALARMS, ANOMALY_ALARMS = 15, 2


def compute(path: str) -> float:
    """Lambda's time for one picture."""
    return SECONDS[path] * MEMORY_GB * LAMBDA_GB_SECOND


def log_bytes(path: str) -> float:
    """What the function's call for one picture comes to in the log."""
    metrics, whole = LOG_BYTES[path]
    return metrics + SAMPLE_RATE * (whole + ADDED_BYTES) + PLATFORM_BYTES + 4 * ADDED_BYTES


def rows() -> dict[str, tuple[float, ...]]:
    """For one picture: over HTTPS, as an upload that is alone in its batch, in a backfill."""
    batch_seconds = BATCH * SECONDS["backfill"]
    # Of a batch, Step Functions bills the time of its workflow, at the least memory there is.
    workflow = (EXPRESS_REQUEST + batch_seconds * 0.0625 * EXPRESS_GB_SECOND) / BATCH
    https = log_bytes("https") + GATEWAY_BYTES + ADDED_BYTES
    # What a batch writes is no more than what an upload does.
    log = [size * LOG_GB / 1e9 for size in (https, log_bytes("uploads"), log_bytes("uploads") / BATCH)]
    return {
        f"Lambda, 1769 MB: {', '.join(f'{seconds} s' for seconds in SECONDS.values())} a picture": tuple(
            compute(path) for path in SECONDS
        ),
        "Lambda, requests": (LAMBDA_REQUEST, LAMBDA_REQUEST, LAMBDA_REQUEST / BATCH),
        "API Gateway": (HTTP_API_REQUEST, 0, 0),
        # The upload and its result; a look for a result, the picture. A backfill lists, and asks for the version.
        "S3": (0, 2 * S3_PUT_OR_LIST + 2 * S3_GET_OR_HEAD, (1 + 1 / 1000) * S3_PUT_OR_LIST + 3 * S3_GET_OR_HEAD),
        "EventBridge: the upload, the outcome": (0, 2 * EVENT, 0),
        "SQS: sent, received, deleted": (0, 3 * SQS_REQUEST, 0),
        "Step Functions": (0, 0, workflow),
        "logs": tuple(log),
    }


def table() -> str:
    """The table, in Markdown."""
    found = rows()
    sums = tuple(sum(column) for column in zip(*found.values(), strict=True))
    lines = ["| | over HTTPS | uploads | backfill |", "|---|---|---|---|"]
    lines += [f"| {name} | {' | '.join(map(_cell, costs))} |" for name, costs in found.items()]
    return "\n".join([*lines, f"| **sum** | {' | '.join(f'**{_cell(cost)}**' for cost in sums)} |"])


def _cell(cost: float) -> str:
    return f"{cost * MILLION:.2f}" if cost else ""


def idle() -> tuple[float, float]:
    """USD a month that nothing comes: the alarms, and the snapshot of the api function."""
    return (PLAIN_ALARMS + 3 * ANOMALY_ALARMS) * ALARM_MONTH, MEMORY_GB * MONTH_SECONDS * SNAPSHOT_GB_SECOND


if __name__ == "__main__":
    alarms, snapshot = idle()
    print(table(), f"\nA month, used or not: alarms {alarms:.2f}, snapshot {snapshot:.2f}")
