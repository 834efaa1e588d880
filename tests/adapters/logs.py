"""What both runtimes print, read as CloudWatch and Cloud Logging read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator

import steel_defect
from steel_defect.metrics import DESCRIPTIONS, NAMESPACE, Metric

LINE: Final = Draft202012Validator(
    json.loads((Path(steel_defect.__file__).parent / "log.schema.json").read_text(encoding="utf-8"))
)
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
EMF: Final = Draft202012Validator(
    {
        "type": "object",
        "required": ["_aws"],
        "properties": {
            "_aws": {
                "type": "object",
                "required": ["Timestamp", "CloudWatchMetrics"],
                "properties": {
                    "Timestamp": {"type": "integer", "minimum": 1_600_000_000_000},
                    "CloudWatchMetrics": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["Namespace", "Dimensions", "Metrics"],
                            "properties": {
                                "Namespace": {"const": NAMESPACE},
                                "Dimensions": {"const": [["service"]]},
                                "Metrics": {
                                    "type": "array",
                                    "minItems": 1,
                                    "maxItems": 100,
                                    "items": {
                                        "type": "object",
                                        "required": ["Name", "Unit"],
                                        "properties": {"Name": {"enum": [metric.value for metric in Metric]}},
                                    },
                                },
                            },
                        },
                    },
                },
            },
            "service": {"type": "string", "minLength": 1},
        },
        "additionalProperties": {"type": "array", "maxItems": 100, "items": {"type": "number"}},
    }
)


def printed(output: str) -> list[dict[str, Any]]:
    """The JSON objects of an output; Lambda's emulator prints lines of its own between them."""
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def log_lines(output: str) -> list[dict[str, Any]]:
    """The whole lines of requests and uploads, each held to the schema."""
    lines = [line for line in printed(output) if "ms" in line]
    for line in lines:
        LINE.validate(line)
    return lines


def measured(output: str) -> list[dict[str, float]]:
    """The metrics of each call, by name, held to the list: of EMF lines on AWS, of the only lines on Google Cloud."""
    found = []
    for line in printed(output):
        if "_aws" in line:
            EMF.validate(line)
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
            assert units == {name: DESCRIPTIONS[Metric(name)].unit for name in units}
            assert {*units, "service", "_aws"} == set(line), "each member is a metric or a dimension"
            found.append({name: sum(line[name]) for name in units})
        elif "metrics" in line:
            assert set(line["metrics"]) <= {metric.value for metric in Metric}
            found.append(line["metrics"])
    return found
